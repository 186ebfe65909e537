import { singularValues } from '@drnn/linalg';
import { firstNonFinite, matrix, type Matrix, refuse } from '@drnn/tensor';
import { type AttractorNetwork, holdInput } from './network.js';

export interface PopulationCurrentsOptions {
  /** The population of each unit `[unit]`: text or whole numbers. */
  readonly groups: ArrayLike<string | number>;
  /** u `[time, input]` beside the rates, in place of a held input. */
  readonly inputs?: Matrix;
}

/** The current that one source sends into one population. */
export interface PopulationCurrent {
  /** A population, `input k`, or `bias`. */
  readonly source: string;
  readonly target: string;
  /** `[time, unit of target]`. */
  readonly current: Matrix;
  /** Its parts by the sign of the weights; absent of the bias. */
  readonly excitatory?: Matrix;
  readonly inhibitory?: Matrix;
  /** sum over units of cov(I, z) over that of var(z): shares of all sources add up to 1, and one may be below 0. */
  readonly share: number;
  /** Root mean square over time and units. */
  readonly size: number;
  /** How many principal directions it has: (sum s^2)^2 / sum s^4 of its singular values about the mean. */
  readonly dimension: number;
}

export interface PopulationCurrents {
  /** The populations in the order in which they first appear, and the units of each. */
  readonly populations: readonly { readonly name: string; readonly units: readonly number[] }[];
  readonly currents: readonly PopulationCurrent[];
  /** z of each population `[time, unit of it]`, the sum of all currents into it. */
  readonly totals: readonly Matrix[];
  /** max |sum of currents - (W r + Win u + b)|: rounding. */
  readonly closure: number;
  /**
   * Mean weight from each population (column) to each (row), `[population, population]`, and the effective one, a D W
   * averaged over the recording: how much a rate moves a rate within a step, D = 1 - tanh^2 z (in the current form that of
   * the sender).
   */
  readonly meanWeights: Matrix;
  readonly effectiveWeights: Matrix;
  /**
   * The condition number of the populations' and inputs' activity side by side, columns of unit variance: where it is large
   * the weights of a fit, and so these currents, could be others that explain the recording as well.
   */
  readonly collinearity: number;
}

const centred = (a: Matrix): Matrix => {
  const result = matrix(a.rows, a.columns, a.data.slice());
  for (let k = 0; k < a.columns; k++) {
    let mean = 0;
    for (let t = 0; t < a.rows; t++) mean += a.data[t * a.columns + k]! / a.rows;
    for (let t = 0; t < a.rows; t++) result.data[t * a.columns + k]! -= mean;
  }
  return result;
};

/** Columns of unit variance; those that do not change are left out. */
const standardised = (parts: readonly Matrix[]): Matrix => {
  const rows = parts[0]?.rows ?? 0;
  const columns: Float64Array[] = [];
  for (const part of parts) {
    const c = centred(part);
    for (let k = 0; k < c.columns; k++) {
      const column = Float64Array.from({ length: rows }, (_, t) => c.data[t * c.columns + k]!);
      const length = Math.hypot(...column);
      if (length > 0) columns.push(column.map((value) => value / length));
    }
  }
  const all = matrix(rows, columns.length);
  columns.forEach((column, k) => column.forEach((value, t) => (all.data[t * columns.length + k] = value)));
  return all;
};

const inner = (a: Matrix, b: Matrix): number => a.data.reduce((sum, value, i) => sum + value * b.data[i]!, 0);

/** sum over the columns of A (from) of W[to, from]. */
const sent = (
  rates: Matrix,
  weights: Matrix,
  to: readonly number[],
  from: readonly number[],
  sign: -1 | 0 | 1,
): Matrix => {
  const result = matrix(rates.rows, to.length);
  to.forEach((i, k) => {
    for (const j of from) {
      const w = weights.data[i * weights.columns + j]!;
      if (sign !== 0 && w * sign <= 0) continue;
      for (let t = 0; t < rates.rows; t++) result.data[t * to.length + k]! += w * rates.data[t * rates.columns + j]!;
    }
  });
  return result;
};

/**
 * Who drives whom: the current z = W r + Win u + b into every population, taken apart by the population (and the input, and
 * the bias) that sends it, I_s->t = W[t, s] r_s, each split into what weights above and below 0 send. Rates `[time, unit]`
 * on the scale that W acts on. The parts add up to the whole to rounding. A current at frame t moves the state from t to t +
 * 1. Source: Perich et al. 2020 (CURBD), with inputs, shares and the collinearity that decides how far to trust them. Cost
 * 2 N^2 a frame. Errors: those of the network; shapes; rates that are not finite.
 */
export const populationCurrents = (
  network: AttractorNetwork,
  rates: Matrix,
  { groups, inputs }: PopulationCurrentsOptions,
): PopulationCurrents => {
  const held = holdInput(network);
  const { units: n, W, Win, alpha, form } = held;
  const m = Win.columns;
  const b = network.b ?? new Float64Array(n);
  refuse([
    ...(rates.columns === n && rates.rows >= 1 && firstNonFinite(rates.data) < 0
      ? []
      : [{ path: 'rates', seen: `[${rates.rows}, ${rates.columns}]`, expected: `[time, unit=${n}], finite numbers` }]),
    ...(groups.length === n ? [] : [{ path: 'groups', seen: `[${groups.length}]`, expected: `[unit=${n}]` }]),
    ...(inputs === undefined ||
    (inputs.columns === m && inputs.rows >= rates.rows - 1 && firstNonFinite(inputs.data) < 0)
      ? []
      : [
          {
            path: 'inputs',
            seen: `[${inputs.rows}, ${inputs.columns}]`,
            expected: `[time=${rates.rows}, input=${m}], finite numbers`,
          },
        ]),
    ...((network.inputLags?.length ?? 1) > 1 && inputs !== undefined
      ? [{ path: 'inputs', seen: 'a network whose inputs act at several lags', expected: 'one lag' }]
      : []),
  ]);
  const names = [...new Set(Array.from(groups, String))];
  const populations = names.map((name) => ({
    name,
    units: Array.from({ length: n }, (_, i) => i).filter((i) => String(groups[i]) === name),
  }));
  const u = matrix(rates.rows, inputs === undefined ? 0 : m);
  if (inputs !== undefined) u.data.set(inputs.data.subarray(0, u.data.length));

  const currents: PopulationCurrent[] = [];
  const totals: Matrix[] = [];
  let closure = 0;
  for (const { name: target, units: to } of populations) {
    const parts: Omit<PopulationCurrent, 'share' | 'size' | 'dimension'>[] = populations.map(
      ({ name, units: from }) => ({
        source: name,
        target,
        current: sent(rates, W, to, from, 0),
        excitatory: sent(rates, W, to, from, 1),
        inhibitory: sent(rates, W, to, from, -1),
      }),
    );
    for (let k = 0; k < u.columns; k++) {
      parts.push({
        source: `input ${k}`,
        target,
        current: sent(u, Win, to, [k], 0),
        excitatory: sent(u, Win, to, [k], 1),
        inhibitory: sent(u, Win, to, [k], -1),
      });
    }
    const bias = matrix(rates.rows, to.length);
    for (let i = 0; i < bias.data.length; i++) bias.data[i] = b[to[i % to.length]!]!;
    parts.push({ source: 'bias', target, current: bias });
    const total = matrix(rates.rows, to.length);
    for (const { current } of parts) for (let i = 0; i < total.data.length; i++) total.data[i]! += current.data[i]!;
    to.forEach((unit, k) => {
      for (let t = 0; t < rates.rows; t++) {
        let z = b[unit]!;
        for (let j = 0; j < n; j++) z += W.data[unit * n + j]! * rates.data[t * n + j]!;
        for (let c = 0; c < u.columns; c++) z += Win.data[unit * m + c]! * u.data[t * u.columns + c]!;
        closure = Math.max(closure, Math.abs(z - total.data[t * to.length + k]!));
      }
    });
    const z = centred(total);
    const variance = inner(z, z);
    for (const part of parts) {
      const c = centred(part.current);
      const squares = singularValues(c).map((value) => value * value);
      const sum = squares.reduce((all, value) => all + value, 0);
      currents.push({
        ...part,
        share: variance > 0 ? inner(c, z) / variance : 0,
        size: Math.sqrt(inner(part.current, part.current) / Math.max(1, part.current.data.length)),
        dimension: sum > 0 ? (sum * sum) / squares.reduce((all, value) => all + value * value, 0) : 0,
      });
    }
    totals.push(total);
  }
  const slope = meanSlopes(populations, totals, rates, form, n);
  const meanOver = (weight: (i: number, j: number) => number): Matrix => {
    const result = matrix(populations.length, populations.length);
    populations.forEach(({ units: to }, p) => {
      populations.forEach(({ units: from }, q) => {
        let sum = 0;
        for (const i of to) for (const j of from) sum += weight(i, j);
        result.data[p * populations.length + q] = sum / (to.length * from.length);
      });
    });
    return result;
  };
  const values = singularValues(standardised([rates, u]));
  return {
    populations,
    currents,
    totals,
    closure,
    meanWeights: meanOver((i, j) => W.data[i * n + j]!),
    effectiveWeights: meanOver((i, j) => alpha[i]! * slope[form === 'rate' ? i : j]! * W.data[i * n + j]!),
    collinearity: values.length === 0 ? 1 : values[0]! / (values.at(-1) ?? 0),
  };
};

/** The mean over time of D: of 1 - tanh^2 z in the rate form, of 1 - r^2 in the current form. */
const meanSlopes = (
  populations: PopulationCurrents['populations'],
  totals: readonly Matrix[],
  rates: Matrix,
  form: 'rate' | 'current',
  n: number,
): Float64Array => {
  const slope = new Float64Array(n);
  populations.forEach(({ units }, p) => {
    units.forEach((unit, k) => {
      for (let t = 0; t < rates.rows; t++) {
        const r = form === 'rate' ? Math.tanh(totals[p]!.data[t * units.length + k]!) : rates.data[t * n + unit]!;
        slope[unit]! += (1 - r * r) / rates.rows;
      }
    });
  });
  return slope;
};
