import { type Matrix, matrix } from '@drnn/tensor';
import { putWords } from './machine.js';
import type { Workshop } from './pass.js';
import { blockRowsFor, burstRowsFor, copyIn, leastRows, numbersAt, sharesOf, takeNumbers } from './rounds.js';
import { inBursts, type Stored, type Strip } from './rows.js';
import { partsOf, type Share, sweepRows } from './sweep.js';

/** Float64 numbers of the matrices of one sweep, over all threads: 256 MiB. */
const mostSums = 2 ** 25;

/** Copies the lower triangle to the upper one, in place. */
export const mirrorLower = ({ rows, data }: Matrix): void => {
  for (let i = 0; i < rows; i++) for (let j = i + 1; j < rows; j++) data[i * rows + j] = data[j * rows + i]!;
};

/**
 * X' diag(w_j) X in float64, also of float32 rows, for the columns j in [from, to) of the weights, or X'X alone; as many
 * of them in one sweep as the memory takes.
 */
export const gramsOf = async (
  { machine, precision }: Workshop,
  design: Stored,
  weights: Stored | null,
  from: number,
  to: number,
): Promise<readonly Matrix[]> => {
  const { rows: time, columns: predictors } = design;
  const { kernels, threads } = machine;
  const size = predictors * predictors;
  const grams = Array.from({ length: to - from }, () => matrix(predictors, predictors));
  const shares = sharesOf(threads, 8 * size * (to - from));
  const group = Math.max(1, Math.floor(mostSums / Math.max(1, size * (1 + threads * shares.sums))));
  const blockRows = blockRowsFor(predictors, time, threads);
  const columns = weights === null ? [predictors] : [predictors, weights.columns];

  const sweep = async (first: number, count: number): Promise<void> => {
    const burst = (burstStart: number, length: number, strips: readonly Strip[]): void => {
      const layout = machine.layout();
      const whole = layout.doubles(count * size);
      const seats = Array.from({ length: threads }, () => ({
        slots: Array.from({ length: shares.slots }, () => ({
          blocks: columns.map((width) => takeNumbers(layout, precision, blockRows * width)),
          block: layout.words(10),
        })),
        scratch: layout.take(kernels.scratchBytes()),
        packed: layout.take(kernels.packedBytes64(blockRows, predictors)),
        sums: Array.from({ length: shares.sums }, () => layout.doubles(count * size)),
        column: takeNumbers(layout, precision, blockRows),
      }));
      const views = machine.reserve(layout);
      const { doubles } = views;
      const rowsView = numbersAt(views, precision);
      const ready = new Set<number>();
      const clear = (sums: number): void => {
        doubles.fill(0, sums / 8, sums / 8 + count * size);
        ready.add(sums);
      };
      // Sums of earlier bursts are gone on with.
      const sumOf = (k: number): Float64Array => grams[first - from + k]!.data;
      if (burstStart === 0) clear(whole);
      else for (let k = 0; k < count; k++) doubles.set(sumOf(k), whole / 8 + k * size);
      const fill = ({ thread, slot, sums, start, count: rows }: Share): number => {
        const seat = seats[thread]!;
        const { blocks, block } = seat.slots[slot]!;
        if (!ready.has(seat.sums[sums]!)) clear(seat.sums[sums]!);
        strips.forEach((strip, k) => copyIn(rowsView, strip, start, columns[k]!, rows, blocks[k]!));
        putWords(
          views,
          block,
          [rows, predictors, blocks[0]!, seat.scratch, seat.packed, seat.sums[sums]!],
          [weights === null ? 0 : blocks[1]! + first * rowsView.size, weights?.columns ?? 0, count, seat.column],
        );
        return block;
      };
      sweepRows(machine, {
        kernel: precision === 'mixed' ? 'gramBlock32' : 'gramBlock64',
        parts: partsOf(length, threads, leastRows(size * count), length),
        blockRows,
        ...shares,
        fill,
        take: () => undefined,
        fold: (thread, sums) => kernels.fold64(whole, seats[thread]!.sums[sums]!, count * size),
      });
      for (let k = 0; k < count; k++) {
        const at = whole / 8 + k * size;
        sumOf(k).set(doubles.subarray(at, at + size));
      }
    };
    const atOnce = burstRowsFor(time, size * count, blockRows, threads);
    await inBursts(weights === null ? [design] : [design, weights], atOnce, precision, burst);
  };

  for (let first = from; first < to; first += group) await sweep(first, Math.min(group, to - first));
  grams.forEach(mirrorLower);
  return grams;
};
