import { type Matrix, matrix } from '@drnn/tensor';
import { putWords } from './machine.js';
import type { Workshop } from './pass.js';
import { blockRowsFor, burstRowsFor, copyIn, numbersAt, shares, takeNumbers } from './rounds.js';
import { inBursts, type Stored, type Strip } from './rows.js';

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
  const group = Math.max(1, Math.floor(mostSums / Math.max(1, size * threads)));
  const blockRows = blockRowsFor(predictors, time, threads);
  const columns = weights === null ? [predictors] : [predictors, weights.columns];

  const sweep = async (first: number, count: number): Promise<void> => {
    const burst = (_: number, length: number, strips: readonly Strip[]): void => {
      const layout = machine.layout();
      const seats = Array.from({ length: threads }, () => ({
        blocks: columns.map((width) => takeNumbers(layout, precision, blockRows * width)),
        scratch: layout.take(kernels.scratchBytes()),
        packed: layout.take(kernels.packedBytes64(blockRows, predictors)),
        sums: layout.doubles(count * size),
        column: takeNumbers(layout, precision, blockRows),
        block: layout.words(10),
      }));
      const views = machine.reserve(layout);
      const rowsView = numbersAt(views, precision);
      for (const seat of seats) {
        const start = weights === null ? 0 : seat.blocks[1]! + first * rowsView.size;
        putWords(
          views,
          seat.block,
          [0, predictors, seat.blocks[0]!, seat.scratch, seat.packed, seat.sums],
          [start, weights?.columns ?? 0, count, seat.column],
        );
        views.doubles.fill(0, seat.sums / 8, seat.sums / 8 + count * size);
      }
      for (let start = 0; start < length;) {
        const rows = shares(start, length, blockRows, threads);
        let row = start;
        const blocks = seats.map((seat, k) => {
          strips.forEach((strip, j) => copyIn(rowsView, strip, row, columns[j]!, rows[k]!, seat.blocks[j]!));
          views.words[seat.block / 4] = rows[k]!;
          row += rows[k]!;
          return rows[k] === 0 ? 0 : seat.block;
        });
        machine.run(precision === 'mixed' ? 'gramBlock32' : 'gramBlock64', blocks);
        start = row;
      }
      for (const seat of seats) {
        for (let k = 0; k < count; k++) {
          const { data } = grams[first - from + k]!;
          const at = seat.sums / 8 + k * size;
          for (let i = 0; i < size; i++) data[i] = data[i]! + views.doubles[at + i]!;
        }
      }
    };
    const atOnce = burstRowsFor(size * count, blockRows * threads);
    await inBursts(weights === null ? [design] : [design, weights], atOnce, precision, burst);
  };

  for (let first = from; first < to; first += group) await sweep(first, Math.min(group, to - first));
  grams.forEach(mirrorLower);
  return grams;
};
