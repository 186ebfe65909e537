import {
  type Backend,
  clamp,
  type CholeskyFactor,
  div,
  type Expression,
  log2cosh,
  matrix,
  type Matrix,
  mul,
  pointwise,
  type Precision,
  type Rows,
  square,
  sub,
  tanh,
  transferDifference,
  variable,
  variablesOf,
} from '@drnn/tensor';
import type { Operation, PointwiseName } from './operations.js';
import { type Recording, type Samples, samplesOf } from './recording.js';
import type { Act } from './timing.js';

/** The clip of the paper's slope. */
const clip = 0.2;

const slopes: Readonly<Record<Precision, Expression>> = {
  float64: pointwise(({ z, d }) => clamp(div(sub(tanh(z), d), sub(1, square(d))), -clip, clip)),
  mixed: pointwise(({ z, y, w }) => clamp(mul(w, transferDifference(z, y)), -clip, clip)),
};
/** What NumPy does: a factor that is known ahead, and a difference that loses digits where both saturate. */
const plainSlope = pointwise(({ z, d, w }) => clamp(mul(w, sub(tanh(z), d)), -clip, clip));
const value = pointwise(({ z, d }) => sub(log2cosh(z), mul(d, z)));
const e = variable('e');
const z = variable('z');

const expressionOf = (name: PointwiseName, precision: Precision): Expression =>
  ({ z, tanh: tanh(z), slope: slopes[precision], value })[name];

let state = 1;
/** Uniform in [-1, 1) by Lehmer's generator: the values do not matter, only that they are ordinary. */
export const random = (rows: number, columns: number): Matrix => {
  const result = matrix(rows, columns);
  for (let i = 0; i < result.data.length; i++) {
    state = (state * 48271) % 2147483647;
    result.data[i] = (2 * state) / 2147483647 - 1;
  }
  return result;
};

/** Symmetric and positive definite, as its diagonal outweighs its rows. */
export const positiveDefinite = (order: number): Matrix => {
  const a = random(order, order);
  for (let i = 0; i < order; i++) {
    for (let j = 0; j < i; j++) a.data[j * order + i] = a.data[i * order + j]!;
    a.data[i * order + i] = 2 * order;
  }
  return a;
};

const factorOf = ({ host }: Backend, a: Matrix): CholeskyFactor => {
  const result = host.cholesky(a);
  if (!result.ok) throw new Error(`not positive definite at pivot ${result.pivot}`);
  return result.factor;
};

const sampled = (samples: Samples | null, name: string): Matrix => {
  const values = new Map(Object.entries(samples ?? {})).get(name);
  if (values === undefined) throw new Error(`no samples ${name}`);
  return values;
};

/** The Euclidean norm of the gradient in the result of a pass, or of a gradient itself; null of anything else. */
export const gradientNormOf = (result: unknown): number | null => {
  const values =
    typeof result === 'object' && result !== null && 'backProject' in result && Array.isArray(result.backProject)
      ? result.backProject[0]?.data
      : result;
  return values instanceof Float64Array ? Math.sqrt(values.reduce((sum, each) => sum + each * each, 0)) : null;
};

/** Makes what is timed on one backend, and keeps the rows of the last recording there. */
export const preparer = (on: Backend) => {
  let cached: { readonly key: Recording; readonly rows: Map<string, Rows> } | null = null;

  /** Rows of the operation at hand alone. */
  let own: Rows[] = [];

  const ownRows = async (values: Matrix): Promise<Rows> => {
    const rows = await on.rows(values);
    own.push(rows);
    return rows;
  };
  const release = (): void => {
    for (const rows of own) rows.release();
    own = [];
  };
  const forget = (): void => {
    for (const rows of cached?.rows.values() ?? []) rows.release();
    cached = null;
  };

  /** Rows of the recording on the backend, by the names that expressions have for them. */
  const rowsOf = async (recording: Recording, names: readonly string[]): Promise<Record<string, Rows>> => {
    if (cached?.key !== recording) {
      forget();
      cached = { key: recording, rows: new Map() };
    }
    const { rows } = cached;
    // Not kept: beside the rows on the backend they would be most of the memory.
    const samples = names.every((name) => rows.has(name)) ? null : samplesOf(recording);
    const result: Record<string, Rows> = {};
    for (const name of names) {
      const known = rows.get(name) ?? (await on.rows(sampled(samples, name)));
      rows.set(name, known);
      result[name] = known;
    }
    return result;
  };

  const product = async (steps: number, units: number, transposed: boolean, byHost: boolean): Promise<Act> => {
    const [x, theta] = [random(steps, units), random(units, units)];
    if (byHost) {
      const other = transposed ? random(steps, units) : theta;
      const out = matrix(transposed ? units : steps, units);
      return () => on.host.matMul(x, other, { transposeA: transposed, out });
    }
    // The float32 products of a backend are in its passes alone.
    const design = await ownRows(x);
    if (transposed) {
      const data = { e: await ownRows(random(steps, units)) };
      return () => on.pass(design, { currents: {}, data, backProject: [e] });
    }
    return async () => {
      const { kept } = await on.pass(design, { currents: { z: theta }, data: {}, keep: [z] });
      for (const rows of kept) rows.release();
    };
  };

  const gradientOf = async (recording: Recording, withValue: boolean, slope = slopes[on.precision]) => {
    const names = variablesOf(slope, ...(withValue ? [value] : [])).filter((name) => name !== 'z');
    const { x, ...data } = await rowsOf(recording, ['x', ...names]);
    if (x === undefined) throw new Error('no design');
    const request = {
      currents: { z: recording.theta },
      data,
      backProject: [slope],
      // In place, as NumPy's are.
      out: [matrix(recording.units, recording.units)],
      ...(withValue ? { columnSums: [value] } : {}),
    };
    return () => on.pass(x, request);
  };

  const iteration = async (recording: Recording): Promise<Act> => {
    const pass = await gradientOf(recording, false);
    const factor = factorOf(on, positiveDefinite(recording.units));
    const out = matrix(recording.units, recording.units);
    return async () => {
      const { backProject } = await pass();
      for (const gradient of backProject) on.host.choleskySolve(factor, gradient, out);
    };
  };

  /** No products: rows come in, the expression is evaluated, its columns are added up. */
  const pointwiseSweep = async (recording: Recording, name: PointwiseName): Promise<Act> => {
    const expression = expressionOf(name, on.precision);
    const names = variablesOf(expression).filter((each) => each !== 'z');
    // Rates stand in for currents.
    const { x, ...data } = await rowsOf(recording, ['x', ...names]);
    const nothing = await ownRows(matrix(recording.steps, 0));
    if (x === undefined) throw new Error('no rows');
    return () => on.pass(nothing, { currents: {}, data: { ...data, z: x }, columnSums: [expression] });
  };

  /** `recording` holds the size that the operation asks for, where it is about one. */
  const prepare = async (operation: Operation, recording: Recording | null): Promise<Act> => {
    const recorded = (): Recording => {
      if (recording === null) throw new Error(`${operation.kind} without a recording`);
      return recording;
    };
    switch (operation.kind) {
      case 'product':
        return product(operation.steps, operation.units, operation.transposed, on.precision === 'float64');
      case 'largest':
        return product(operation.steps, operation.units, true, true);
      case 'gram': {
        const { x } = await rowsOf(recorded(), ['x']);
        if (x === undefined) throw new Error('no design');
        return () => on.gram(x);
      }
      case 'pass':
        return gradientOf(recorded(), operation.value, operation.plain ? plainSlope : slopes[on.precision]);
      case 'iteration':
        return iteration(recorded());
      case 'cholesky': {
        const [a, out] = [positiveDefinite(operation.units), matrix(operation.units, operation.units)];
        return () => on.host.cholesky(a, out);
      }
      case 'solve': {
        const { units } = operation;
        const [factor, b, out] = [factorOf(on, positiveDefinite(units)), random(units, units), matrix(units, units)];
        return () => on.host.choleskySolve(factor, b, out);
      }
      case 'pointwise':
        return pointwiseSweep(recorded(), operation.name);
      case 'peak':
        throw new Error('the peak is the engine’s, not a backend’s');
    }
  };
  return {
    prepare,
    /** Gives up what belongs to the last operation. The recording stays, as the next one may ask for it. */
    release,
  };
};
