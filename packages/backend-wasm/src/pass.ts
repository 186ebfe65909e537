import {
  addCompensated,
  backProjections,
  type EnginePass,
  type Expression,
  passExpressions,
  type PassRequest,
  type PassShape,
  type Precision,
  type Program,
  settleCompensated,
} from '@drnn/tensor';
import { type Machine, putWords } from './machine.js';
import { type Encoded, encode, placeOwn, placeShared, writeOwn, writeShared } from './program-tables.js';
import { blockRowsFor, burstRowsFor, copyIn, leastRows, numbersAt, sharesOf, takeNumbers } from './rounds.js';
import { inBursts, numbers, type Stored, type Strip } from './rows.js';
import { partsOf, type Share, sweepRows } from './sweep.js';

/** What the passes of one backend share. */
export interface Workshop {
  readonly machine: Machine;
  readonly precision: Precision;
  /** Compiles expressions, or finds what was compiled for the same ones. */
  readonly programOf: (expressions: readonly Expression[]) => Program;
}

/** Rows of a part, at most: so many may be summed in float32. */
const summedRows = 2048;

const encodings = new WeakMap<Program, Encoded>();

const encodingOf = (program: Program): Encoded => {
  const known = encodings.get(program) ?? encode(program);
  encodings.set(program, known);
  return known;
};

/**
 * The fused pass. Every thread takes a block of rows, forms its currents Z_b = X_b Theta, runs one program for all
 * expressions, and adds X_b' E_b and the column sums to sums of its own. In mixed precision those are float32 over at
 * most 2048 rows; everything beyond is added in float64. Arrays of [time, unit] exist only for what is kept.
 */
export const passOf = async (
  { machine, precision, programOf }: Workshop,
  design: Stored,
  data: Readonly<Record<string, Stored>>,
  request: PassRequest,
  shape: PassShape,
): Promise<EnginePass<Stored>> => {
  const { time, predictors, units } = shape;
  const backCount = request.backProject?.length ?? 0;
  const sumCount = request.columnSums?.length ?? 0;
  const keepCount = request.keep?.length ?? 0;
  const currents = Object.entries(request.currents);
  const encoded = encodingOf(programOf(passExpressions(request)));
  const backProject = backProjections(request, shape);
  const isFresh = request.accumulate !== true;
  const sums = Array.from({ length: sumCount }, () => ({
    total: new Float64Array(units),
    error: new Float64Array(units),
  }));
  const kept = Array.from({ length: keepCount }, () => numbers(precision, time * units));

  const { kernels, threads } = machine;
  const blockRows = blockRowsFor(Math.max(units, predictors / 2), time, threads);
  const columns = [predictors, ...Object.values(data).map((rows) => rows.columns)];
  const dataNames = Object.keys(data);
  const working = backCount + sumCount;
  const single = precision === 'mixed';

  const operations = 2 * predictors * units * (currents.length + backCount) + 50 * units * encoded.instructions.length;
  const shares = sharesOf(threads, backCount * predictors * units * (single ? 4 : 8));

  const burst = (burstStart: number, length: number, strips: readonly Strip[]): void => {
    const layout = machine.layout();
    const packedBytes = single ? kernels.packedBytes32 : kernels.packedBytes64;
    const theta = layout.doubles(predictors * units);
    const thetas = currents.map(() => layout.take(packedBytes(predictors, units)));
    const tables = placeShared(layout, encoded);
    const whole = {
      gradients: backProject.map(() => layout.doubles(predictors * units)),
      sums: sums.map(() => layout.doubles(units)),
    };
    const seats = Array.from({ length: threads }, () => {
      const z = currents.map(() => takeNumbers(layout, precision, blockRows * units));
      return {
        z,
        // The program has read its currents before it writes, so that results may take their place.
        results: Array.from({ length: working }, (_, k) => z[k] ?? takeNumbers(layout, precision, blockRows * units)),
        scratch: layout.take(kernels.scratchBytes()),
        packed: layout.take(packedBytes(blockRows, units)),
        slots: Array.from({ length: shares.slots }, () => ({
          blocks: columns.map((width) => takeNumbers(layout, precision, blockRows * width)),
          keep: kept.map(() => takeNumbers(layout, precision, blockRows * units)),
          program: placeOwn(layout, encoded),
          block: layout.words(10 + 2 * (currents.length + working)),
        })),
        sums: Array.from({ length: shares.sums }, () => ({
          gradients: backProject.map(() => takeNumbers(layout, precision, predictors * units)),
          sums: sums.map(() => layout.doubles(units)),
        })),
      };
    });
    const views = machine.reserve(layout);
    const rowsView = numbersAt(views, precision);
    const { view, size } = rowsView;

    currents.forEach(([, parameters], k) => {
      views.doubles.set(parameters.data, theta / 8);
      const pack = single ? kernels.packParameters32 : kernels.packParameters64;
      pack(thetas[k]!, theta, predictors, units);
    });
    writeShared(views, tables, encoded);
    const clear = (address: number, count: number): void => {
      views.doubles.fill(0, address / 8, address / 8 + count);
    };
    // Sums of earlier bursts are gone on with: adding them up afterwards would take longer.
    const isFirst = isFresh && burstStart === 0;
    whole.gradients.forEach((g, k) => {
      if (isFirst) clear(g, predictors * units);
      else views.doubles.set(backProject[k]!.data, g / 8);
    });
    for (const s of whole.sums) clear(s, units);
    for (const seat of seats) {
      for (const { blocks, keep, program } of seat.slots) {
        const inputs = encoded.variables.map((name) => {
          const current = currents.findIndex(([known]) => known === name);
          return (current >= 0 ? seat.z[current] : blocks[1 + dataNames.indexOf(name)]) ?? 0;
        });
        writeOwn(views, tables, program, encoded, inputs, [...seat.results, ...keep]);
      }
    }

    // Sums are cleared when they are first used: while others work, or never.
    const ready = new Set<object>();
    const fill = ({ thread, slot, sums: number, start, count }: Share): number => {
      const seat = seats[thread]!;
      const { blocks, program, block } = seat.slots[slot]!;
      const own = seat.sums[number]!;
      if (!ready.has(own)) {
        for (const g of own.gradients) view.fill(0, g / size, g / size + predictors * units);
        for (const s of own.sums) clear(s, units);
        ready.add(own);
        // The pages of the results are fetched where the others are at work already.
        if (thread === 0 && isFirst) for (const { data: result } of backProject) result.fill(0);
      }
      strips.forEach((strip, k) => copyIn(rowsView, strip, start, columns[k]!, count, blocks[k]!));
      putWords(
        views,
        block,
        [count, predictors, units, blocks[0]!, seat.scratch, seat.packed],
        [currents.length, backCount, sumCount, working + keepCount > 0 ? program.head : 0],
        seat.z.flatMap((z, k) => [thetas[k]!, z]),
        own.gradients.flatMap((g, k) => [seat.results[k]!, g]),
        own.sums.flatMap((s, k) => [seat.results[backCount + k]!, s]),
      );
      return block;
    };
    const take = ({ thread, slot, start, count }: Share): void => {
      const { keep } = seats[thread]!.slots[slot]!;
      kept.forEach((values, k) => {
        const from = keep[k]! / size;
        values.set(view.subarray(from, from + count * units), (burstStart + start) * units);
      });
    };
    const fold = (thread: number, number: number): void => {
      const own = seats[thread]!.sums[number]!;
      const add = single ? kernels.fold32 : kernels.fold64;
      whole.gradients.forEach((g, k) => add(g, own.gradients[k]!, predictors * units));
      whole.sums.forEach((s, k) => kernels.fold64(s, own.sums[k]!, units));
    };
    sweepRows(machine, {
      kernel: single ? 'passBlock32' : 'passBlock64',
      parts: partsOf(length, threads, leastRows(operations), summedRows),
      blockRows,
      ...shares,
      fill,
      take,
      fold,
    });
    whole.gradients.forEach((g, k) => {
      backProject[k]!.data.set(views.doubles.subarray(g / 8, g / 8 + predictors * units));
    });
    sums.forEach(({ total, error }, k) => {
      const from = whole.sums[k]! / 8;
      addCompensated(total, error, views.doubles.subarray(from, from + units));
    });
  };

  if (units > 0) {
    const atOnce = burstRowsFor(time, operations, blockRows, threads);
    await inBursts([design, ...Object.values(data)], atOnce, precision, burst);
  }
  sums.forEach(({ total, error }) => settleCompensated(total, error));
  return {
    backProject,
    columnSums: sums.map(({ total }) => total),
    kept: kept.map((values) => ({ kind: 'resident', rows: time, columns: units, values })),
  };
};
