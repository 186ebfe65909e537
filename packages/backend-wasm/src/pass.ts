import {
  addCompensated,
  type EnginePass,
  type Expression,
  matrix,
  passExpressions,
  type PassRequest,
  type PassShape,
  type Precision,
  type Program,
  settleCompensated,
} from '@drnn/tensor';
import { type Machine, putWords } from './machine.js';
import { type Encoded, encode, placeOwn, placeShared, writeOwn, writeShared } from './program-tables.js';
import { blockRowsFor, burstRowsFor, copyIn, numbersAt, shares, takeNumbers } from './rounds.js';
import { inBursts, numbers, type Stored, type Strip } from './rows.js';

/** What the passes of one backend share. */
export interface Workshop {
  readonly machine: Machine;
  readonly precision: Precision;
  /** Compiles expressions, or finds what was compiled for the same ones. */
  readonly programOf: (expressions: readonly Expression[]) => Program;
}

/** Rows summed in float32 before their sum is added on in float64. */
const singleRows = 2048;

const encodings = new WeakMap<Program, Encoded>();

const encodingOf = (program: Program): Encoded => {
  const known = encodings.get(program) ?? encode(program);
  encodings.set(program, known);
  return known;
};

/**
 * The fused pass. Every thread takes a block of rows, forms its currents Z_b = X_b Theta, runs one program for all
 * expressions, and adds X_b' E_b and the column sums to sums of its own. In mixed precision those are float32 over at
 * most 2048 rows; everything beyond is added in float64 here. Arrays of [time, unit] exist only for what is kept.
 */
export const passOf = async (
  { machine, precision, programOf }: Workshop,
  design: Stored,
  data: Readonly<Record<string, Stored>>,
  request: PassRequest,
  { time, predictors, units }: PassShape,
): Promise<EnginePass<Stored>> => {
  const backCount = request.backProject?.length ?? 0;
  const sumCount = request.columnSums?.length ?? 0;
  const keepCount = request.keep?.length ?? 0;
  const currents = Object.entries(request.currents);
  const encoded = encodingOf(programOf(passExpressions(request)));
  const backProject = Array.from({ length: backCount }, () => matrix(predictors, units));
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

  const burst = (burstStart: number, length: number, strips: readonly Strip[]): void => {
    const layout = machine.layout();
    const packedBytes = single ? kernels.packedBytes32 : kernels.packedBytes64;
    const theta = layout.doubles(predictors * units);
    const thetas = currents.map(() => layout.take(packedBytes(predictors, units)));
    const tables = placeShared(layout, encoded);
    const seats = Array.from({ length: threads }, () => {
      const blocks = columns.map((width) => takeNumbers(layout, precision, blockRows * width));
      const z = currents.map(() => takeNumbers(layout, precision, blockRows * units));
      // The program has read its currents before it writes, so that results may take their place.
      const results = Array.from(
        { length: working },
        (_, k) => z[k] ?? takeNumbers(layout, precision, blockRows * units),
      );
      const keep = kept.map(() => takeNumbers(layout, precision, blockRows * units));
      return {
        blocks,
        z,
        results,
        keep,
        gradients: backProject.map(() => takeNumbers(layout, precision, predictors * units)),
        sums: sums.map(() => layout.doubles(units)),
        scratch: layout.take(kernels.scratchBytes()),
        packed: layout.take(packedBytes(blockRows, units)),
        program: placeOwn(layout, encoded),
        block: layout.words(10 + 2 * (currents.length + working)),
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
    for (const seat of seats) {
      const inputs = encoded.variables.map((name) => {
        const current = currents.findIndex(([known]) => known === name);
        return (current >= 0 ? seat.z[current] : seat.blocks[1 + dataNames.indexOf(name)]) ?? 0;
      });
      writeOwn(views, tables, seat.program, encoded, inputs, [...seat.results, ...seat.keep]);
      putWords(
        views,
        seat.block,
        [0, predictors, units, seat.blocks[0]!, seat.scratch, seat.packed],
        [currents.length, backCount, sumCount, working + keepCount > 0 ? seat.program.head : 0],
        seat.z.flatMap((z, k) => [thetas[k]!, z]),
        seat.gradients.flatMap((g, k) => [seat.results[k]!, g]),
        seat.sums.flatMap((s, k) => [seat.results[backCount + k]!, s]),
      );
      for (const g of seat.gradients) view.fill(0, g / size, g / size + predictors * units);
      for (const s of seat.sums) views.doubles.fill(0, s / 8, s / 8 + units);
    }

    /** Takes what the threads have summed, and has them start again from 0. */
    const fold = (): void => {
      for (const seat of seats) {
        backProject.forEach(({ data: total }, k) => {
          const from = seat.gradients[k]! / size;
          for (let i = 0; i < total.length; i++) total[i] = total[i]! + view[from + i]!;
          view.fill(0, from, from + total.length);
        });
      }
    };

    let summed = 0;
    for (let start = 0; start < length;) {
      const rows = shares(start, length, blockRows, threads);
      if (single && summed + rows[0]! > singleRows) {
        fold();
        summed = 0;
      }
      let row = start;
      const blocks = seats.map((seat, k) => {
        const count = rows[k]!;
        strips.forEach((strip, j) => copyIn(rowsView, strip, row, columns[j]!, count, seat.blocks[j]!));
        views.words[seat.block / 4] = count;
        row += count;
        return count === 0 ? 0 : seat.block;
      });
      machine.run(single ? 'passBlock32' : 'passBlock64', blocks);
      let at = (burstStart + start) * units;
      seats.forEach((seat, k) => {
        const count = rows[k]! * units;
        kept.forEach((values, j) => {
          const from = seat.keep[j]! / size;
          values.set(view.subarray(from, from + count), at);
        });
        at += count;
      });
      summed += rows[0]!;
      start = row;
    }
    fold();
    for (const seat of seats) {
      sums.forEach(({ total, error }, k) => {
        const from = seat.sums[k]! / 8;
        addCompensated(total, error, views.doubles.subarray(from, from + units));
      });
    }
  };

  if (units > 0) {
    const operations =
      2 * predictors * units * (currents.length + backCount) + 50 * units * encoded.instructions.length;
    const atOnce = burstRowsFor(operations, blockRows * threads);
    await inBursts([design, ...Object.values(data)], atOnce, precision, burst);
  }
  sums.forEach(({ total, error }) => settleCompensated(total, error));
  return {
    backProject,
    columnSums: sums.map(({ total }) => total),
    kept: kept.map((values) => ({ kind: 'resident', rows: time, columns: units, values })),
  };
};
