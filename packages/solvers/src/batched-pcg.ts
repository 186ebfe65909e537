import { copyMatrix, firstNonFinite, type Host, matrix, type Matrix } from '@drnn/tensor';
import { copyColumn, scaleColumns } from './columns.js';

/** One linear system a unit, H_j x_j = b_j, H_j symmetric and positive semidefinite, all of them solved in step. */
export interface PcgRequest {
  readonly host: Pick<Host, 'columnDot' | 'columnScaleAdd'>;
  /** b [predictor, unit]; left as it is. */
  readonly right: Matrix;
  /** H_j v_j for every unit. Its argument is reused for the next product. */
  hessianTimes(directions: Matrix): Promise<Matrix>;
  /** M_j^-1 r_j for every unit, M_j symmetric positive definite on the free coordinates; a new matrix. */
  precondition(residual: Matrix): Matrix;
  /** Sets fixed coordinates to 0, in place. Default: none are fixed. */
  readonly project?: (a: Matrix) => void;
  /** A unit is solved when what its decrement still lacks is at most this part of it. Default 0.01. */
  readonly relative?: number | Float64Array;
  /** Or at most this: 0.01 P is a tenth of a standard error. Default 0. */
  readonly absolute?: number | Float64Array;
  /** Default 100. */
  readonly maxProducts?: number;
  /** Ends all units, asked after each product: for a rule over the population. */
  readonly stopWhen?: (progress: PcgProgress) => boolean;
}

export interface PcgProgress {
  /** Products with all H_j so far, those of restarts included. */
  readonly products: number;
  /** 2 b'x - x'Hx [unit], from below b'H^-1 b: with b = -g the square of Newton's decrement. */
  readonly decrement: Float64Array;
  /**
   * Estimate of what `decrement` still lacks [unit]: k times the last gain, infinite before the first step. Mostly too
   * large (in calibrated fits, by a factor of 1.5 to 9 in the median and seldom below a half), where r'M^-1 r is too small by 5.
   */
  readonly remaining: Float64Array;
}

/**
 * Why a unit ended: its decrement was met; products ran out (or `stopWhen` said so); a direction without curvature; or
 * arithmetic that even a restart could not mend.
 */
export type PcgEnding = 'solved' | 'products' | 'flat' | 'breakdown';

export interface PcgResult extends PcgProgress {
  /** x [predictor, unit], finite: where b is not 0, b'x > 0, unless the unit's b or M^-1 b is not finite (x is 0 then). */
  readonly direction: Matrix;
  readonly ending: readonly PcgEnding[];
}

/** A Rayleigh quotient p'Hp / p'Mp so far below the largest seen is rounding, not curvature. */
const flatness = 1e-15;

/**
 * Preconditioned conjugate gradients (Hestenes & Stiefel 1952) on one system a unit, each with its own lengths, stop and
 * restart; a product serves all units. Every step adds (p'r)^2 / p'Hp to the decrement; the test k gain_k <= tolerance is
 * Nash & Sofer's (1990), which is free of the scale of M. The length is exact for the direction there is and beta is that
 * of Polak & Ribiere, so that a direction which is no longer conjugate still gains. A unit whose numbers break down
 * (NaN, no descent) spends its next product on its true residual b - Hx and starts again from there, the others
 * undisturbed; when nothing was gained since its last restart it ends. Cost a product, a preconditioning and about
 * 20 P N flop each.
 */
export const batchedPcg = async (request: PcgRequest): Promise<PcgResult> => {
  const { host, right, maxProducts = 100, project = () => undefined } = request;
  const { rows, columns: units } = right;
  const relative = perUnit(request.relative ?? 0.01, units);
  const absolute = perUnit(request.absolute ?? 0, units);

  const solution = matrix(rows, units);
  const residual = copyMatrix(right);
  project(residual);
  const badRight = clearNonFinite(residual);
  const first = request.precondition(residual);
  project(first);
  clearNonFinite(first);
  const direction = copyMatrix(first);
  const energy = host.columnDot(residual, first);
  /** p'Mp, by recursion. */
  const size = energy.slice();
  const largestQuotient = new Float64Array(units);
  const stepsSinceRestart = new Int32Array(units);
  const restarting = new Uint8Array(units);
  const refreshed = new Uint8Array(units);
  const decrement = new Float64Array(units);
  const decrementAtRestart = new Float64Array(units);
  const remaining = new Float64Array(units).fill(Infinity);
  const squares = host.columnDot(residual, residual);
  const ending: (PcgEnding | null)[] = Array.from(energy, (e, j) => {
    if (badRight[j] === 0 && squares[j] === 0) remaining[j] = 0;
    return remaining[j] === 0 ? 'solved' : e > 0 && Number.isFinite(e) ? null : 'breakdown';
  });
  const breakDown = (j: number): void => {
    if (stepsSinceRestart[j] === 0) ending[j] = 'breakdown';
    restarting[j] = 1;
    stepsSinceRestart[j] = 0;
  };

  const length = new Float64Array(units);
  const minusLength = new Float64Array(units);
  const beta = new Float64Array(units);
  const argument = matrix(rows, units);
  let products = 0;
  const progress = (): PcgProgress => ({ products, decrement, remaining });
  while (products < maxProducts && ending.includes(null) && !(request.stopWhen?.(progress()) ?? false)) {
    argument.data.fill(0);
    for (let j = 0; j < units; j++) {
      if (ending[j] === null) copyColumn(restarting[j] === 1 ? solution : direction, argument, j);
    }
    const product = await request.hessianTimes(argument);
    products++;
    project(product);
    const bad = clearNonFinite(product);
    const curvature = host.columnDot(argument, product);
    const slope = host.columnDot(direction, residual);

    for (let j = 0; j < units; j++) {
      length[j] = refreshed[j] = 0;
      if (ending[j] !== null) continue;
      if (restarting[j] === 1) {
        refreshed[j] = 1;
        restarting[j] = 0;
        if (bad[j] === 0) decrement[j] = trueResidual(right, product, solution, residual, j);
        // Only what has gained since the last restart is worth going on with.
        if (bad[j] === 1 || !(decrement[j]! > decrementAtRestart[j]!)) ending[j] = 'breakdown';
        decrementAtRestart[j] = decrement[j]!;
        continue;
      }
      const [c, s] = [curvature[j]!, slope[j]!];
      const gain = (s * s) / c;
      if (bad[j] === 1 || !Number.isFinite(c) || !(s > 0)) breakDown(j);
      else if (!(c > flatness * largestQuotient[j]! * size[j]!) || !Number.isFinite(gain)) ending[j] = 'flat';
      else {
        length[j] = s / c;
        largestQuotient[j] = Math.max(largestQuotient[j]!, c / size[j]!);
        decrement[j]! += gain;
        stepsSinceRestart[j]!++;
        remaining[j] = stepsSinceRestart[j]! * gain;
        if (remaining[j]! <= Math.max(relative[j]! * decrement[j]!, absolute[j]!)) ending[j] = 'solved';
      }
    }
    for (let j = 0; j < units; j++) minusLength[j] = -length[j]!;
    host.columnScaleAdd(length, direction, solution);
    host.columnScaleAdd(minusLength, product, residual);
    if (!ending.includes(null)) break;
    project(residual);

    const next = request.precondition(residual);
    project(next);
    const badNext = clearNonFinite(next);
    const nextEnergy = host.columnDot(residual, next);
    const along = host.columnDot(product, next);
    for (let j = 0; j < units; j++) {
      beta[j] = 0;
      if (ending[j] !== null) continue;
      const e = badNext[j] === 1 ? Number.NaN : nextEnergy[j]!;
      if (e === 0) [ending[j], remaining[j]] = ['solved', 0];
      else if (!(e > 0 && Number.isFinite(e))) breakDown(j);
      else if (length[j]! > 0) {
        const b = (-length[j]! * along[j]!) / energy[j]!;
        beta[j] = b > 0 && Number.isFinite(b) ? b : 0;
        size[j] = e + beta[j]! ** 2 * size[j]!;
      } else if (refreshed[j] === 1) size[j] = e;
      energy[j] = e;
    }
    scaleColumns(direction, beta);
    for (let i = 0; i < direction.data.length; i++) direction.data[i]! += next.data[i]!;
  }

  for (let j = 0; j < units; j++) if (!(decrement[j]! > 0)) copyColumn(first, solution, j);
  clearNonFinite(solution);
  return { ...progress(), direction: solution, ending: ending.map((why) => why ?? 'products') };
};

const perUnit = (value: number | Float64Array, units: number): Float64Array =>
  typeof value === 'number' ? new Float64Array(units).fill(value) : value;

/** Sets columns with an entry that is not finite to 0, in place, and says which. */
const clearNonFinite = (a: Matrix): Uint8Array => {
  const found = new Uint8Array(a.columns);
  if (firstNonFinite(a.data) < 0) return found;
  for (let p = 0; p < a.rows; p++) {
    for (let j = 0; j < a.columns; j++) if (!Number.isFinite(a.data[p * a.columns + j]!)) found[j] = 1;
  }
  found.forEach((is, j) => {
    if (is === 1) for (let i = j; i < a.data.length; i += a.columns) a.data[i] = 0;
  });
  return found;
};

/** r = b - Hx of unit j; returns 2 b'x - x'Hx = x'(b + r). */
const trueResidual = (right: Matrix, product: Matrix, solution: Matrix, residual: Matrix, j: number): number => {
  let result = 0;
  for (let i = j; i < right.data.length; i += right.columns) {
    residual.data[i] = right.data[i]! - product.data[i]!;
    result += solution.data[i]! * (right.data[i]! + residual.data[i]!);
  }
  return result;
};
