import {
  addCompensated,
  backProjections,
  type EnginePass,
  failure,
  type Matrix,
  narrow,
  type PassRequest,
  type PassShape,
  settleCompensated,
} from '@drnn/tensor';
import type { DeviceArray, TfjsEngine } from './engine.js';
import { type Chunk, checkFinite, checkPiece, chunksOf, type Stored } from './rows.js';

/** Chunks whose results may be on their way down while the next one is computed. */
const chunksInFlight = 2;

/** Parameters of one current on the device; null where they have no entries. */
const uploadParameters = (engine: TfjsEngine, name: string, theta: Matrix): DeviceArray | null => {
  if (theta.data.length === 0) return null;
  const path = `pass currents.${name}`;
  checkPiece(engine, path, `[predictor=${theta.rows}, unit=${theta.columns}]`, theta.data.length);
  const values = new Float32Array(theta.data.length);
  narrow(path, theta.data, 0, values.length, values, 0);
  checkFinite(engine, path, values, theta.columns, 0);
  return engine.burst(() => engine.upload(values, theta.rows, theta.columns));
};

const notFinite = (engine: TfjsEngine, path: string) =>
  failure({
    path,
    seen: 'a result that is not finite',
    expected: `finite numbers: on backend-${engine.name} NaN and infinity may be lost in silence`,
    hint: 'an expression left its domain or the range of float32; scale the data, or take @drnn/backend-wasm',
  });

/** What one chunk has given, on its way down. */
interface Launched {
  /** X_b' e, [predictor, unit]. */
  readonly products: readonly Promise<Float32Array>[];
  /** Sums of e over parts of the chunk, [part, unit]. */
  readonly sums: readonly Promise<Float32Array>[];
  /** Counts of numbers that are not finite among what is kept. */
  readonly faults: readonly Promise<Float32Array>[];
  readonly kept: readonly DeviceArray[];
  /** To be given up when all has come down. */
  readonly temporary: readonly DeviceArray[];
}

/** Enqueues, without a break, all that a chunk asks of the device. */
const launch = (
  engine: TfjsEngine,
  { length, arrays: [x = null, ...others] }: Chunk,
  names: readonly string[],
  parameters: readonly { readonly name: string; readonly array: DeviceArray | null }[],
  { backProject = [], columnSums = [], keep = [] }: PassRequest,
  { predictors, units }: PassShape,
): Launched => {
  const temporary: DeviceArray[] = [];
  let kept: readonly DeviceArray[] = [];
  try {
    return engine.burst(() => {
      const inputs: Record<string, DeviceArray> = Object.create(null);
      names.forEach((name, k) => {
        const array = others[k];
        if (array !== undefined && array !== null) inputs[name] = array;
      });
      for (const { name, array } of parameters) {
        const current =
          x === null || array === null
            ? engine.upload(new Float32Array(length * units), length, units)
            : engine.multiply(x, false, array);
        temporary.push(current);
        inputs[name] = current;
      }
      const wanted = { project: predictors === 0 ? [] : backProject, sums: columnSums, keep };
      const results = engine.evaluate(wanted, inputs, length, units);
      kept = results.keep;
      temporary.push(...results.project, ...results.sums, ...results.faults);
      const products = x === null ? [] : results.project.map((e) => engine.multiply(x, true, e));
      temporary.push(...products);
      const down = (array: DeviceArray): Promise<Float32Array> => engine.download(array);
      return {
        products: products.map(down),
        sums: results.sums.map(down),
        faults: results.faults.map(down),
        kept,
        temporary,
      };
    });
  } catch (error) {
    [...temporary, ...kept].forEach(engine.dispose);
    throw error;
  }
};

/**
 * The pass, chunk by chunk: currents, expressions and X_b' e on the device in float32; what comes down is
 * added up on the host in float64, always in time order. Arrays of [time, unit] stay on the device.
 */
export const devicePass = async (
  engine: TfjsEngine,
  design: Stored,
  data: Readonly<Record<string, Stored>>,
  request: PassRequest,
  shape: PassShape,
): Promise<EnginePass<Stored>> => {
  const { time, units } = shape;
  const backProject = backProjections(request, shape);
  const sums = (request.columnSums ?? []).map(() => ({
    total: new Float64Array(units),
    error: new Float64Array(units),
  }));
  const kept = (request.keep ?? []).map((): DeviceArray[] => []);
  const parameters: { readonly name: string; readonly array: DeviceArray | null }[] = [];

  const collect = async (launched: Launched, before: Promise<void>): Promise<void> => {
    const down = [launched.products, launched.sums, launched.faults] as const;
    try {
      const [products, parts, faults] = await Promise.all(down.map((some) => Promise.all(some)));
      await before;
      products?.forEach((part, k) => {
        if (!engine.accuracy.propagatesNaN && !part.every(Number.isFinite))
          throw notFinite(engine, `pass backProject[${k}]`);
        const total = backProject[k]?.data;
        if (total !== undefined) for (let i = 0; i < part.length; i++) total[i] = total[i]! + part[i]!;
      });
      parts?.forEach((part, k) => {
        if (!engine.accuracy.propagatesNaN && !part.every(Number.isFinite))
          throw notFinite(engine, `pass columnSums[${k}]`);
        const sum = sums[k];
        for (let at = 0; sum !== undefined && at < part.length; at += units)
          addCompensated(sum.total, sum.error, part.subarray(at, at + units));
      });
      faults?.forEach((counts, k) => {
        if (counts.some((count) => count !== 0)) throw notFinite(engine, `pass keep[${k}]`);
      });
    } finally {
      await Promise.allSettled(down.flat());
      launched.temporary.forEach(engine.dispose);
    }
  };

  const jobs: Promise<void>[] = [];
  let last: Promise<void> = Promise.resolve();
  let done = false;
  try {
    for (const [name, theta] of Object.entries(request.currents))
      parameters.push({ name, array: uploadParameters(engine, name, theta) });
    for await (const chunk of chunksOf(engine, [design, ...Object.values(data)])) {
      if (units === 0) continue;
      const launched = launch(engine, chunk, Object.keys(data), parameters, request, shape);
      launched.kept.forEach((array, k) => kept[k]?.push(array));
      last = collect(launched, last);
      // It is awaited below; until then a failure must not count as unhandled.
      last.catch(() => undefined);
      jobs.push(last);
      if (jobs.length > chunksInFlight) await jobs.shift();
    }
    for (const job of jobs) await job;
    done = true;
  } finally {
    await Promise.allSettled(jobs);
    for (const { array } of parameters) if (array !== null) engine.dispose(array);
    if (!done) kept.flat().forEach(engine.dispose);
  }
  sums.forEach(({ total, error }) => settleCompensated(total, error));
  return {
    backProject,
    columnSums: sums.map(({ total }) => total),
    kept: kept.map((chunks) => ({ kind: 'resident', rows: time, columns: units, chunks })),
  };
};
