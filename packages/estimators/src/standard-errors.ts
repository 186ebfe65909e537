import type { FreePattern } from '@drnn/objectives';
import { freeSet, hessiansAtOnce } from '@drnn/solvers';
import {
  type Backend,
  copyMatrix,
  failure,
  type Host,
  identity,
  type Issue,
  matrix,
  type Matrix,
  refuse,
  type Rows,
  square,
  transpose,
  variable,
} from '@drnn/tensor';
import { precisionFactor, precisionOn } from './precision.js';

/**
 * The Laplace approximation to the posterior of all weights (MacKay 1992): unit j's is Gaussian around its estimate, with
 * covariance (X' diag(h_j) X + Lambda)^-1 on its free coordinates.
 */
export interface Posterior {
  readonly on: Backend;
  /** X [transition, predictor]. */
  readonly design: Rows;
  /**
   * h_tj >= 0 [transition, unit]: the second derivative of each sample's loss at the estimate, in absolute units (the
   * weights are already one over the variance of a target). `Problem.curvatures` makes them.
   */
  readonly curvatures: Rows;
  /** Lambda [predictor], in the same units: one over the prior variance of a weight; 0 for a flat prior. */
  readonly ridge: Float64Array;
  readonly free: FreePattern;
}

/** How to make standard errors of a posterior. */
export interface StandardErrorsRequest extends Posterior {
  /** `exact`: every unit's own matrix. `shared`: one basis for all units, checked on some. */
  readonly method: 'exact' | 'shared';
  /** Units whose matrices are held at once: 8 P^2 bytes each. Default `hessiansAtOnce`. */
  readonly unitsAtOnce?: number;
  /** Multiplications above which `exact` is refused. Default 1e13, minutes of one core with a BLAS. */
  readonly mostOperations?: number;
  /** Units on which `shared` is compared with exact. Default 20. */
  readonly checkedUnits?: number;
}

/** How `shared` compared with `exact` over the free weights of the units checked. */
export interface SharedCheck {
  /** Spread over all units by the unevenness of their curvatures. */
  readonly units: readonly number[];
  /** The median of exact / shared before the correction. */
  readonly median: number;
  /** The power of a unit's unevenness by which its errors were multiplied, besides a factor common to all. */
  readonly power: number;
  /** The 2.5% and 97.5% quantiles of exact / shared after the correction; 1 at both ends were perfect. */
  readonly spread: readonly [number, number];
}

export interface StandardErrors {
  /** The posterior standard deviation of each weight, [predictor, unit]; 0 at fixed coordinates. */
  readonly errors: Matrix;
  /** Units with a weight that neither data nor prior determines: all their errors are infinite. */
  readonly undetermined: readonly number[];
  /** Of `shared`; null for `exact`. */
  readonly check: SharedCheck | null;
}

/**
 * Standard errors of weights: the square roots of the diagonal of the posterior covariance of unit j,
 *
 *     C_j = (X' diag(h_j) X + Lambda)^-1   on the free coordinates of j; fixed ones are eliminated exactly.
 *
 * `exact` forms and factors every matrix: T P^2 + P^3 multiplications a unit. `shared` puts the mean curvature
 * s_j = mean_t h_tj in the place of h_tj, so that one basis serves all units: with B' X'X B = diag(e) and
 * B' Lambda B = diag(l),
 *
 *     C_j ~ B diag(1 / (s_j e + l)) B',
 *
 * T P^2 + 10 P^3 + 4 P^2 N multiplications in all. The more a unit's curvature is concentrated on few samples, the
 * smaller these errors are in comparison with exact ones; so on `checkedUnits` exact units the logarithm of the ratio is
 * regressed on that of the unevenness mean(h^2) / mean(h)^2, and all errors are corrected by the line. What is left of
 * the ratio's spread is reported: single errors are off by some 10-30%, the coverage of all intervals taken together by
 * less than 1% of them (bench/src/coverage.ts). Under a general mask `shared` factors a matrix for each unit, P^3
 * each, but without T.
 *
 * Errors: shapes; a ridge that is negative; `exact` above `mostOperations`.
 */
export const standardErrors = async (request: StandardErrorsRequest): Promise<StandardErrors> => {
  check(request);
  const { units } = sizes(request);
  if (request.method === 'exact') {
    const all = Array.from({ length: units }, (_, j) => j);
    const { variances, undetermined } = await exactVariances(request, all);
    return { errors: rooted(variances), undetermined, check: null };
  }
  const { mean, unevenness } = await curvatureMoments(request);
  const checked = spreadOver(unevenness, request.checkedUnits ?? 20);
  const shared = await sharedVariances(request, mean);
  const exact = await exactVariances(request, checked);
  const errors = rooted(shared.variances);
  const undetermined = new Set([...shared.undetermined, ...exact.undetermined]);
  return {
    errors,
    undetermined: [...undetermined].sort((a, b) => a - b),
    check: correct(errors, rooted(exact.variances), unevenness, checked),
  };
};

const sizes = ({ design, curvatures }: Posterior) => ({
  transitions: design.rows,
  predictors: design.columns,
  units: curvatures.columns,
});

const check = (request: StandardErrorsRequest): void => {
  const { transitions, predictors, units } = sizes(request);
  const { curvatures, ridge, free, method, mostOperations = 1e13, checkedUnits = 20 } = request;
  const { unitsAtOnce = hessiansAtOnce(predictors) } = request;
  const issues: Issue[] = [];
  if (curvatures.rows !== transitions) {
    issues.push({
      path: 'curvatures',
      seen: `[transition=${curvatures.rows}, unit=${units}]`,
      expected: `transition=${transitions}, as the design`,
    });
  }
  if (ridge.length !== predictors)
    issues.push({ path: 'ridge', seen: `[predictor=${ridge.length}]`, expected: `[predictor=${predictors}]` });
  const bad = ridge.findIndex((lambda) => !(lambda >= 0 && Number.isFinite(lambda)));
  if (bad >= 0)
    issues.push({ path: 'ridge', seen: `${ridge[bad]} at predictor ${bad}`, expected: 'finite numbers of at least 0' });
  if (free.kind === 'sets' && free.sets.length !== units)
    issues.push({ path: 'free', seen: `sets of ${free.sets.length} units`, expected: `${units}` });
  for (const [path, value] of Object.entries({ unitsAtOnce, checkedUnits })) {
    if (Number.isInteger(value) && value >= 1) continue;
    issues.push({ path, seen: `${value}`, expected: 'a whole number of at least 1' });
  }
  const cost = units * (transitions * predictors ** 2 + predictors ** 3);
  if (method === 'exact' && cost > mostOperations) {
    issues.push({
      path: 'method',
      seen: `exact for ${units} units, ${predictors} predictors and ${transitions} transitions: ${cost.toExponential(1)} multiplications`,
      expected: `at most ${mostOperations.toExponential(1)}`,
      hint: 'use shared, which takes one basis for all units and is checked against exact on some; or raise mostOperations',
    });
  }
  refuse(issues);
};

/** The mean over time of each unit's curvature, and mean(h^2) / mean(h)^2, which is 1 where it is constant. */
const curvatureMoments = async ({ on, design, curvatures }: StandardErrorsRequest) => {
  const h = variable('h');
  const { columnSums } = await on.pass(design, { currents: {}, data: { h: curvatures }, columnSums: [h, square(h)] });
  const [sums, squares] = columnSums;
  if (sums === undefined || squares === undefined) throw new Error('a pass returned less than it was asked for');
  const time = design.rows;
  return {
    mean: sums.map((sum) => sum / time),
    unevenness: sums.map((sum, j) => (sum > 0 ? (squares[j]! * time) / sum ** 2 : 1)),
  };
};

/** `count` units with values from the smallest to the largest, ascending by unit. */
const spreadOver = (values: Float64Array, count: number): readonly number[] => {
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
  const taken = Math.min(order.length, count);
  const at = (k: number): number =>
    taken === 1 ? order.length >> 1 : Math.round((k * (order.length - 1)) / (taken - 1));
  return Array.from({ length: taken }, (_, k) => order[at(k)]!).sort((a, b) => a - b);
};

interface Variances {
  /** [predictor, unit]; of units that were not asked for 0. */
  readonly variances: Matrix;
  readonly undetermined: readonly number[];
}

/** The diagonals of (X' diag(h_j) X + Lambda)^-1 for the units in `chosen`, ascending. */
const exactVariances = async (request: StandardErrorsRequest, chosen: readonly number[]): Promise<Variances> => {
  const { on, design, curvatures, ridge, free } = request;
  const { predictors, units } = sizes(request);
  const { unitsAtOnce = hessiansAtOnce(predictors) } = request;
  const variances = matrix(predictors, units);
  const undetermined: number[] = [];
  for (const [from, to] of runsOf(chosen, unitsAtOnce)) {
    const grams = await on.gramEach(design, curvatures, from, to);
    grams.forEach((gram, k) => {
      const set = freeSet(free, predictors, from + k);
      const reduced = precisionOn(set, gram, ridge);
      if (!putVariances(on.host, reduced, set, variances, from + k)) undetermined.push(from + k);
    });
  }
  return { variances, undetermined };
};

/** Neighbours among `chosen`, at most `length` at a time, as ranges [from, to). */
const runsOf = (chosen: readonly number[], length: number): readonly (readonly [number, number])[] => {
  const runs: [number, number][] = [];
  for (const j of chosen) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === j && j - last[0] < length) last[1] = j + 1;
    else runs.push([j, j + 1]);
  }
  return runs;
};

/**
 * The diagonal of the inverse of `a`, which is overwritten, into the rows `set` of column j: with a = L L', the squared
 * columns of L^-1. False where it is not positive definite; the column is then infinite.
 */
const putVariances = (host: Host, a: Matrix, set: Int32Array, variances: Matrix, j: number): boolean => {
  const { columns: units } = variances;
  const factor = precisionFactor(host, a);
  if (factor === null) {
    set.forEach((p) => (variances.data[p * units + j] = Infinity));
    return false;
  }
  const inverse = identity(set.length);
  host.triangularSolve(factor.lower, inverse, { out: inverse });
  const sums = host.columnDot(inverse, inverse);
  set.forEach((p, k) => (variances.data[p * units + j] = sums[k]!));
  return true;
};

/** A basis in which X'X and the prior are both diagonal. */
interface SharedBasis {
  /** B, with B' X'X B = diag(data) and B' Lambda B = diag(prior). */
  readonly basis: Matrix;
  /** (B^-1)'. */
  readonly dual: Matrix;
  readonly data: Float64Array;
  readonly prior: Float64Array;
}

/** From L L' = s X'X + Lambda and the eigenvectors U of L^-1 Lambda L^-T: B = L^-T U, (B^-1)' = L U. */
const sharedBasis = async ({ on, design, ridge }: StandardErrorsRequest, scale: number): Promise<SharedBasis> => {
  const { host } = on;
  const a = await on.gram(design);
  const order = a.rows;
  for (let i = 0; i < a.data.length; i++) a.data[i]! *= scale;
  for (let p = 0; p < order; p++) a.data[p * order + p]! += ridge[p]!;
  const result = host.cholesky(a, a);
  if (!result.ok) {
    throw failure({
      path: 'ridge',
      seen: 'weights that neither the transitions nor the prior determines',
      expected: 'a ridge above 0, or more transitions than predictors',
    });
  }
  const { lower } = result.factor;
  const root = matrix(order, order);
  for (let p = 0; p < order; p++) root.data[p * order + p] = Math.sqrt(ridge[p]!);
  host.triangularSolve(lower, root, { out: root });
  const { values, vectors } = host.eigh(host.matMul(root, root, { transposeB: true }));
  const prior = values.map((value) => Math.min(1, Math.max(0, value)));
  return {
    basis: host.triangularSolve(lower, vectors, { transpose: true }),
    dual: host.matMul(lower, vectors),
    data: prior.map((l) => (1 - l) / scale),
    prior,
  };
};

/** The diagonals of B diag(1 / (s_j data + prior)) B' for all units. */
const sharedVariances = async (request: StandardErrorsRequest, mean: Float64Array): Promise<Variances> => {
  const { free, on } = request;
  const { predictors, units } = sizes(request);
  const scale = mean.reduce((sum, s) => sum + s, 0) / units;
  const shared = await sharedBasis(request, scale > 0 ? scale : 1);
  const precision = matrix(predictors, units);
  for (let k = 0; k < predictors; k++)
    for (let j = 0; j < units; j++) precision.data[k * units + j] = mean[j]! * shared.data[k]! + shared.prior[k]!;
  if (free.kind === 'sets') return maskedVariances(on.host, shared, precision, free.sets);
  const undetermined = mean.reduce<number[]>((found, _, j) => {
    for (let k = 0; k < predictors; k++) if (precision.data[k * units + j] === 0) return [...found, j];
    return found;
  }, []);
  const inverse = precision;
  for (let i = 0; i < inverse.data.length; i++) inverse.data[i] = inverse.data[i] === 0 ? 0 : 1 / inverse.data[i]!;
  const squared = copyMatrix(shared.basis);
  for (let i = 0; i < squared.data.length; i++) squared.data[i]! **= 2;
  const variances = on.host.matMul(squared, inverse);
  if (free.kind === 'one-fixed') eliminateFixed(on.host, shared.basis, inverse, variances, free.fixed);
  for (const j of undetermined) for (const p of freeSet(free, predictors, j)) variances.data[p * units + j] = Infinity;
  return { variances, undetermined };
};

/** C_pp - C_pf^2 / C_ff, in place: what is left of a unit's variances once its weight f is fixed. */
const eliminateFixed = (host: Host, basis: Matrix, inverse: Matrix, variances: Matrix, fixed: Int32Array): void => {
  const { rows: predictors, columns: units } = variances;
  const own = matrix(predictors, units);
  for (let k = 0; k < predictors; k++)
    for (let j = 0; j < units; j++)
      own.data[k * units + j] = inverse.data[k * units + j]! * basis.data[fixed[j]! * predictors + k]!;
  const covariances = host.matMul(basis, own);
  for (let j = 0; j < units; j++) {
    const variance = variances.data[fixed[j]! * units + j]!;
    for (let p = 0; p < predictors; p++) {
      const i = p * units + j;
      variances.data[i] = p === fixed[j] ? 0 : Math.max(0, variances.data[i]! - covariances.data[i]! ** 2 / variance);
    }
  }
};

/** The same under a mask: (B^-1)' (diag(d_j) + prior) B^-1 on the free set of each unit, factored. */
const maskedVariances = (
  host: Host,
  { dual }: SharedBasis,
  precision: Matrix,
  sets: readonly Int32Array[],
): Variances => {
  const { rows: predictors, columns: units } = precision;
  const variances = matrix(predictors, units);
  const undetermined: number[] = [];
  const weights = new Float64Array(predictors);
  sets.forEach((set, j) => {
    for (let k = 0; k < predictors; k++) weights[k] = precision.data[k * units + j]!;
    const reduced = host.gram(transpose(host.gather(dual, set)), weights);
    if (!putVariances(host, reduced, set, variances, j)) undetermined.push(j);
  });
  return { variances, undetermined };
};

const rooted = (variances: Matrix): Matrix => {
  for (let i = 0; i < variances.data.length; i++) variances.data[i] = Math.sqrt(variances.data[i]!);
  return variances;
};

/** exact / shared over the free weights of one unit, ascending. */
const ratiosOf = (exact: Matrix, shared: Matrix, j: number): Float64Array => {
  const ratios: number[] = [];
  for (let i = j; i < exact.data.length; i += exact.columns) {
    const ratio = exact.data[i]! / shared.data[i]!;
    if (Number.isFinite(ratio)) ratios.push(ratio);
  }
  return Float64Array.from(ratios).sort();
};

/** Multiplies all errors, in place, by the ratio that the checked units lead to expect at a unit's unevenness. */
const correct = (errors: Matrix, exact: Matrix, unevenness: Float64Array, checked: readonly number[]): SharedCheck => {
  const ratios = checked.map((j) => ratiosOf(exact, errors, j));
  const points = checked.flatMap((j, k) => {
    const own = ratios[k]!;
    return own.length === 0 ? [] : [{ x: Math.log(unevenness[j]!), y: Math.log(quantile(own, 0.5)) }];
  });
  const { power, constant } = lineThrough(points);
  for (let i = 0; i < errors.data.length; i++) errors.data[i]! *= constant * unevenness[i % errors.columns]! ** power;
  const before = Float64Array.from(ratios.flatMap((own) => [...own])).sort();
  const after = Float64Array.from(checked.flatMap((j) => [...ratiosOf(exact, errors, j)])).sort();
  return {
    units: checked,
    median: before.length === 0 ? 1 : quantile(before, 0.5),
    power,
    spread: after.length === 0 ? [1, 1] : [quantile(after, 0.025), quantile(after, 0.975)],
  };
};

/** Least squares of y = log constant + power x; level where the x say nothing. */
const lineThrough = (points: readonly { readonly x: number; readonly y: number }[]) => {
  const count = Math.max(1, points.length);
  const x = points.reduce((sum, point) => sum + point.x, 0) / count;
  const y = points.reduce((sum, point) => sum + point.y, 0) / count;
  let [xy, xx] = [0, 0];
  for (const point of points) {
    xy += (point.x - x) * (point.y - y);
    xx += (point.x - x) ** 2;
  }
  const power = points.length >= 3 && xx > 1e-12 * count ? xy / xx : 0;
  return { power, constant: Math.exp(y - power * x) };
};

const quantile = (sorted: Float64Array, at: number): number => {
  const place = at * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (place - below) * (high - low);
};
