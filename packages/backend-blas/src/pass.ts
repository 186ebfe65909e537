import {
  encodingOf,
  inBursts,
  type Machine,
  numbers,
  numbersAt,
  type Prepare,
  placeOwn,
  placeShared,
  putWords,
  type Stored,
  type Strip,
  takeNumbers,
  copyIn,
  writeOwn,
  writeShared,
} from '@drnn/backend-wasm/kernels';
import {
  addCompensated,
  backProjections,
  type EnginePass,
  type Expression,
  type Numbers,
  passExpressions,
  type PassRequest,
  type PassShape,
  type Precision,
  type Program,
  settleCompensated,
} from '@drnn/tensor';
import { newMatrix } from './huge-pages.js';
import type { Library } from './library.js';

/** What the passes of one backend share. */
export interface Workshop {
  readonly library: Library;
  readonly machine: Machine;
  readonly precision: Precision;
  readonly threads: number;
  /** For large arrays. */
  readonly prepare: Prepare;
  /** Compiles expressions, or finds what was compiled for the same ones. */
  readonly programOf: (expressions: readonly Expression[]) => Program;
}

/** Rows summed in float32 before their sum is added on in float64. */
const singleRows = 2048;
/** Numbers in a block of currents, 16 MiB in float32: half as many are 3% slower (2000 units, two threads). */
const blockNumbers = 2 ** 22;
/** Bytes of each input of the program that a thread is given at once: less than a second-level cache, worth a start. */
const shareBytes = 2 ** 19;
/** Operations of a burst: less than a second, after which others may run. */
const burstOperations = 1e11;

/**
 * Rows of a block: many enough for the library's full speed, few enough for a third-level cache, and a whole part of the
 * rows that float32 may sum.
 */
const blockRowsFor = (units: number): number =>
  [singleRows, 1024, 512].find((rows) => rows * units <= blockNumbers) ?? singleRows / 8;

/** Parts that wait to be added to their total: all come from beyond the caches, and so it is read and written less. */
const waitingParts = 4;
const mostPartNumbers = 2 ** 24;

/** Numbers of a total that are added to at once: they stay in a second-level cache. */
const foldedNumbers = 2 ** 15;

/**
 * The fused pass. For every block of rows the library forms the currents Z_b = X_b Theta from the rows where they are;
 * Z_b lies in the memory of the Wasm kernels, whose threads turn it into E_b in place by one program for all expressions,
 * some rows at a time, which is how much of the data is copied in at once; and the library adds X_b' E_b to its sum. In
 * mixed precision those sums are float32 over at most 2048 rows; everything beyond is added in float64 here. Arrays of
 * [time, unit] exist only for what is kept.
 */
export const passOf = async (
  { library, machine, precision, threads, prepare, programOf }: Workshop,
  design: Stored,
  data: Readonly<Record<string, Stored>>,
  request: PassRequest,
  shape: PassShape,
): Promise<EnginePass<Stored>> => {
  const { does } = library;
  const { time, predictors, units } = shape;
  const backCount = request.backProject?.length ?? 0;
  const sumCount = request.columnSums?.length ?? 0;
  const keepCount = request.keep?.length ?? 0;
  const encoded = encodingOf(programOf(passExpressions(request)));
  const sums = Array.from({ length: sumCount }, () => ({
    total: new Float64Array(units),
    error: new Float64Array(units),
  }));
  const kept = Array.from({ length: keepCount }, () => numbers(precision, time * units, prepare));

  const single = precision === 'mixed';
  // In mixed precision the first parts are put where nothing was.
  const backProject = backProjections(request, shape, { make: newMatrix(prepare), clear: !single });
  let isFresh = single && request.accumulate !== true;
  const currents = Object.entries(request.currents);
  const dataNames = Object.keys(data);
  const dataColumns = Object.values(data).map((rows) => rows.columns);
  const working = backCount + sumCount;
  const hasProgram = working + keepCount > 0;
  const blockRows = Math.min(Math.max(1, time), blockRowsFor(units));
  const shareRows = Math.max(1, Math.floor(shareBytes / ((single ? 4 : 8) * Math.max(1, units))));
  const roundRows = Math.min(blockRows, shareRows * threads);
  const slots = single
    ? Math.max(1, Math.min(waitingParts, Math.floor(mostPartNumbers / (predictors * units + 1))))
    : 0;

  const burst = (burstStart: number, length: number, strips: readonly Strip[]): void => {
    const x = strips[0]!;
    const layout = machine.layout();
    const room = (): number => takeNumbers(layout, precision, blockRows * units);
    const tables = placeShared(layout, encoded);
    const z = currents.map(room);
    const inputs = dataNames.map(() => takeNumbers(layout, precision, roundRows * units));
    // The program has read its currents before it writes, so that results may take their place.
    const results = Array.from({ length: working }, (_, k) => z[k] ?? room());
    const keep = kept.map(room);
    // What float32 needs of its own: parameters, and X' E of some rows.
    const parameters = (single ? currents : []).map(() => layout.singles(predictors * units));
    const parts = backProject.map(() => Array.from({ length: slots }, () => layout.singles(predictors * units)));
    const fold = layout.doubles(foldedNumbers);
    const seats = Array.from({ length: threads }, () => ({
      program: placeOwn(layout, encoded),
      sums: sums.map(() => layout.doubles(units)),
      block: layout.words(10 + 2 * sumCount),
    }));
    const views = machine.reserve(layout);
    const rowsView = numbersAt(views, precision);
    const { view, size } = rowsView;
    const variables = encoded.variables.map((name) => {
      const current = currents.findIndex(([known]) => known === name);
      return current >= 0
        ? { address: z[current]!, isBlock: true }
        : { address: inputs[dataNames.indexOf(name)] ?? 0, isBlock: false };
    });
    const outputs = [...results, ...keep];

    const singlesAt = (address: number): Float32Array =>
      views.singles.subarray(address / 4, address / 4 + predictors * units);
    const thetas: readonly Numbers[] = currents.map(([, { data: theta }], k) => {
      if (!single) return theta;
      const narrowed = singlesAt(parameters[k]!);
      narrowed.set(theta);
      return narrowed;
    });
    const partsOf = parts.map((places) => places.map(singlesAt));
    /** Parts that wait, and rows in the part that is being summed. */
    let waiting = 0;
    let summed = 0;
    const settle = (): void => {
      if (waiting === 0) return;
      backProject.forEach(({ data: total }, k) => addParts(total, parts[k]!.slice(0, waiting)));
      [waiting, isFresh] = [0, false];
    };
    /** Adds parts to their total, some numbers at a time; or puts them there, where nothing was. */
    const addParts = (total: Float64Array, places: readonly number[]): void => {
      for (let from = 0; from < total.length; from += foldedNumbers) {
        const some = total.subarray(from, from + foldedNumbers);
        const folded = views.doubles.subarray(fold / 8, fold / 8 + some.length);
        if (isFresh) folded.fill(0);
        else folded.set(some);
        for (const part of places) machine.kernels.fold32(fold, part + 4 * from, some.length);
        some.set(folded);
      }
    };
    const beginPart = (): void => {
      if (single && summed > 0) waiting++;
      if (waiting === slots) settle();
      summed = 0;
    };

    writeShared(views, tables, encoded);
    for (const seat of seats) for (const s of seat.sums) views.doubles.fill(0, s / 8, s / 8 + units);

    /** Runs the program on rows [from, from + count) of a block, shared out over the threads; its inputs are those rows alone. */
    const compute = (from: number, count: number): void => {
      const each = Math.ceil(count / threads);
      const blocks = seats.map(({ program, sums: own, block }, k) => {
        const first = Math.min(count, k * each);
        const rows = Math.min(each, count - first);
        const inRound = first * units * size;
        const inBlock = (from + first) * units * size;
        writeOwn(
          views,
          tables,
          program,
          encoded,
          variables.map(({ address, isBlock }) => address + (isBlock ? inBlock : inRound)),
          outputs.map((address) => address + inBlock),
        );
        putWords(
          views,
          block,
          [rows, 0, units, 0, 0, 0, 0, 0, sumCount, program.head],
          own.flatMap((s, j) => [results[backCount + j]! + inBlock, s]),
        );
        return rows === 0 ? 0 : block;
      });
      machine.run(single ? 'passBlock32' : 'passBlock64', blocks);
    };

    for (let start = 0; start < length; start += blockRows) {
      const rows = Math.min(blockRows, length - start);
      const from = x.offset + start * predictors;
      const xBlock = x.values.subarray(from, from + rows * predictors);
      const blockAt = (address: number): Numbers => view.subarray(address / size, address / size + rows * units);
      thetas.forEach((theta, k) => {
        const block = blockAt(z[k]!);
        if (predictors === 0) block.fill(0);
        else does.product(rows, units, predictors, xBlock, false, theta, false, block, 1, 0);
      });
      for (let done = 0; hasProgram && done < rows; done += roundRows) {
        const count = Math.min(roundRows, rows - done);
        inputs.forEach((address, k) => copyIn(rowsView, strips[k + 1]!, start + done, dataColumns[k]!, count, address));
        compute(done, count);
      }
      if (summed + rows > singleRows) beginPart();
      if (predictors > 0) {
        const beta = single && summed === 0 ? 0 : 1;
        backProject.forEach(({ data: total }, k) => {
          const sum = partsOf[k]![waiting] ?? total;
          does.product(predictors, units, rows, xBlock, true, blockAt(results[k]!), false, sum, 1, beta);
        });
      }
      summed += rows;
      const at = (burstStart + start) * units;
      kept.forEach((values, k) => values.set(blockAt(keep[k]!), at));
    }
    beginPart();
    settle();
    for (const seat of seats) {
      sums.forEach(({ total, error }, k) => {
        const from = seat.sums[k]! / 8;
        addCompensated(total, error, views.doubles.subarray(from, from + units));
      });
    }
  };

  if (units > 0 && time > 0) {
    const operations =
      2 * predictors * units * (currents.length + backCount) + 50 * units * encoded.instructions.length;
    const atOnce = singleRows * Math.max(1, Math.ceil(burstOperations / Math.max(1, operations * singleRows)));
    await inBursts([design, ...Object.values(data)], atOnce, precision, (start, length, strips) => {
      library.useThreads(threads);
      burst(start, length, strips);
    });
  }
  if (isFresh) for (const { data: total } of backProject) total.fill(0);
  sums.forEach(({ total, error }) => settleCompensated(total, error));
  return {
    backProject,
    columnSums: sums.map(({ total }) => total),
    kept: kept.map((values) => ({ kind: 'resident', rows: time, columns: units, values })),
  };
};
