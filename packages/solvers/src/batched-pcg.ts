import { firstNonFinite, gatherColumns, type Host, type Matrix } from '@drnn/tensor';
import {
  columnRoom,
  copyColumn,
  sameUnits,
  scatterColumns,
  stepColumns,
  turnColumns,
  twoColumnDots,
} from './columns.js';

/** One linear system a unit, H_j x_j = b_j, H_j symmetric and positive semidefinite, all of them solved in step. */
export interface PcgRequest {
  readonly host: Pick<Host, 'columnDot' | 'zeros' | 'copy'>;
  /** b [predictor, unit]; left as it is. */
  readonly right: Matrix;
  /** H_j v_j for the units j whose columns these are. Argument and result are both free again for the next product. */
  hessianTimes(directions: Matrix, units: Int32Array): Promise<Matrix>;
  /**
   * M_j^-1 r_j for these units, M_j symmetric positive definite on the free coordinates; its matrix is free again for the
   * next call. It may be solved for by an iteration: M_j need not be quite the same every time.
   */
  precondition(residual: Matrix, units: Int32Array): Matrix | Promise<Matrix>;
  /** What preconditioning has cost so far, in products with all units: counts as work. Default nothing. */
  readonly preconditioningWork?: () => number;
  /** By how much k times the last gain is known to exceed what is left, with this preconditioner. Default 1. */
  readonly excess?: number;
  /** Sets fixed coordinates to 0, in place. Default: none are fixed. */
  readonly project?: (a: Matrix, units: Int32Array) => void;
  /** A unit is solved when what its decrement still lacks is at most this part of it. Default 0.01. */
  readonly relative?: number | Float64Array;
  /** Or at most this: 0.01 P is a tenth of a standard error. Default 0. */
  readonly absolute?: number | Float64Array;
  /** Default 100. */
  readonly maxProducts?: number;
  /** The most work, in products with all units (`PcgProgress.work`). Default no limit. */
  readonly maxWork?: number;
  /**
   * Whether units that have ended are left out of what follows, so that products grow cheaper: worth it where some take
   * much longer than most. Then the matrices have fewer columns, and `units` says whose they are. Default false: always all.
   */
  readonly narrowing?: boolean;
  /**
   * Asked when all but a twentieth of the units have ended: a smaller `absolute` for those that were solved to go on to from
   * where they are, or null to leave it. Default null. With it, work goes first to the units that are farthest off.
   */
  readonly deepen?: (progress: PcgProgress) => number | null;
  /** Ends all units, asked after each product: for a rule over the population. */
  readonly stopWhen?: (progress: PcgProgress) => boolean;
}

export interface PcgProgress {
  /** Products with H_j so far, those of restarts included. */
  readonly products: number;
  /** Their cost in products with all units: of w of N units (w + 16) / (N + 16), as few columns cost more than their share. */
  readonly work: number;
  /** 2 b'x - x'Hx [unit], from below b'H^-1 b: with b = -g the square of Newton's decrement. */
  readonly decrement: Float64Array;
  /**
   * Estimate of what `decrement` still lacks [unit]: k times the last gain, over `excess`, infinite before the first step. Mostly too
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

/** Columns are taken together anew when so few of them are still at work: each of them is moved a few times at most. */
const crowded = 0.75;

/** The part of the units for which the others do not wait. */
const few = 0.05;

/** Columns that a product costs beyond its own, by reading the rows: 10 to 90 with OpenBLAS, 10 with our Wasm kernels. */
const overhead = 16;
/** What a product with some of the units costs, in products with all. */
export const productWork = (width: number, count: number): number => (width + overhead) / (count + overhead);

/** Libraries multiply matrices of whole 32 columns up to twice as fast as of one less. */
const wholeWidth = 32;

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
  const { host, right, excess = 1, maxProducts = 100, maxWork = Infinity, project = () => undefined } = request;
  const { rows, columns: count } = right;
  const relative = perUnit(request.relative ?? 0.01, count);
  let absolute = perUnit(request.absolute ?? 0, count);

  const all = Int32Array.from({ length: count }, (_, j) => j);
  /** Whose columns the matrices below are; what is kept of a unit is found by its number. */
  let units: Int32Array = all;
  let solution = host.zeros(rows, count);
  let residual = host.copy(right);
  project(residual, units);
  const badRight = clearNonFinite(residual);
  const first = await request.precondition(residual, units);
  project(first, units);
  clearNonFinite(first);
  let preconditionings = 1;
  let direction = host.copy(first);
  const argumentRoom = columnRoom(host, rows);
  let argument = argumentRoom(count);
  /** Of all units: where columns lie whose units are not among the present ones. */
  const home = { solution, residual, direction };
  const away = {
    solution: columnRoom(host, rows),
    residual: columnRoom(host, rows),
    direction: columnRoom(host, rows),
  };

  const energy = host.columnDot(residual, first);
  /** p'Mp, by recursion. */
  const size = energy.slice();
  const largestQuotient = new Float64Array(count);
  const stepsSinceRestart = new Int32Array(count);
  const restarting = new Uint8Array(count);
  const refreshed = new Uint8Array(count);
  const decrement = new Float64Array(count);
  const decrementAtRestart = new Float64Array(count);
  const remaining = new Float64Array(count).fill(Infinity);
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

  /** Has all columns at home. */
  const settle = (): void => {
    if (solution === home.solution) return;
    scatterColumns(solution, units, home.solution);
    scatterColumns(residual, units, home.residual);
    scatterColumns(direction, units, home.direction);
  };
  const gather = (wanted: Int32Array): void => {
    if (sameUnits(wanted, units)) return;
    settle();
    units = wanted;
    argument = argumentRoom(units.length);
    if (units.length === count) ({ solution, residual, direction } = home);
    else {
      solution = gathered(home.solution, units, away.solution);
      residual = gathered(home.residual, units, away.residual);
      direction = gathered(home.direction, units, away.direction);
    }
  };
  /** Whom of these the next product is for. */
  const narrowed = (among: Int32Array): Int32Array => {
    const wanted = request.narrowing === true ? roomy(among) : among;
    return wanted.length > 0 && wanted.length <= crowded * among.length ? wanted : among;
  };
  /** Those of the units that are at work, and some more to fill the width. */
  const roomy = (among: Int32Array): Int32Array => {
    const atWork = among.reduce((sum, j) => (ending[j] === null ? sum + 1 : sum), 0);
    let spare = Math.ceil(atWork / wholeWidth) * wholeWidth - atWork;
    return atWork === 0 ? new Int32Array() : among.filter((j) => ending[j] === null || spare-- > 0);
  };
  /** Whether units go on to a smaller tolerance. */
  const deeper = (): boolean => {
    for (let last = Infinity; ;) {
      const next = request.deepen?.(progress()) ?? null;
      if (next === null || !(next < last)) return false;
      last = next;
      absolute = perUnit(next, count);
      const isOpen = (j: number): boolean =>
        ending[j] === 'solved' && remaining[j]! > Math.max(relative[j]! * decrement[j]!, absolute[j]!);
      const open = Int32Array.from(ending.keys()).filter(isOpen);
      if (open.length === 0) continue;
      for (const j of open) ending[j] = null;
      gather(narrowed(all));
      return true;
    }
  };

  let products = 0;
  let ownWork = 0;
  const work = (): number => ownWork + (request.preconditioningWork?.() ?? 0);
  /** What the last preconditioning cost, in products with the same units. */
  let directionCost = work();
  const isSpent = (width: number, before = 0): boolean =>
    products >= maxProducts || work() + before + productWork(width, count) > maxWork;
  const progress = (): PcgProgress => ({ products, work: work(), decrement, remaining });
  while (!(request.stopWhen?.(progress()) ?? false) && products < maxProducts) {
    const atWork = ending.reduce((sum, why) => (why === null ? sum + 1 : sum), 0);
    if (atWork <= few * count && !deeper() && atWork === 0) break;
    gather(narrowed(units));
    const width = units.length;
    if (isSpent(width)) break;
    argument.data.set(direction.data);
    for (let c = 0; c < width; c++) {
      const j = units[c]!;
      if (ending[j] !== null) clearColumn(argument, c);
      else if (restarting[j] === 1) copyColumn(solution, argument, c);
    }
    const product = await request.hessianTimes(argument, units);
    products++;
    ownWork += productWork(width, count);
    project(product, units);
    const bad = clearNonFinite(product);
    const [curvature, slope] = twoColumnDots(argument, product, direction, residual);

    const length = new Float64Array(width);
    for (let k = 0; k < width; k++) {
      const j = units[k]!;
      refreshed[j] = 0;
      if (ending[j] !== null) continue;
      if (restarting[j] === 1) {
        refreshed[j] = 1;
        restarting[j] = 0;
        if (bad[k] === 0) decrement[j] = trueResidual({ right, j }, product, solution, residual, k);
        // Only what has gained since the last restart is worth going on with.
        if (bad[k] === 1 || !(decrement[j]! > decrementAtRestart[j]!)) ending[j] = 'breakdown';
        decrementAtRestart[j] = decrement[j]!;
        continue;
      }
      const [c, s] = [curvature[k]!, slope[k]!];
      const gain = (s * s) / c;
      if (bad[k] === 1 || !Number.isFinite(c) || !(s > 0)) breakDown(j);
      else if (!(c > flatness * largestQuotient[j]! * size[j]!) || !Number.isFinite(gain)) ending[j] = 'flat';
      else {
        length[k] = s / c;
        largestQuotient[j] = Math.max(largestQuotient[j]!, c / size[j]!);
        decrement[j]! += gain;
        stepsSinceRestart[j]!++;
        remaining[j] = (stepsSinceRestart[j]! * gain) / excess;
        if (remaining[j]! <= Math.max(relative[j]! * decrement[j]!, absolute[j]!)) ending[j] = 'solved';
      }
    }
    stepColumns(length, direction, solution, product, residual);
    if (request.deepen === undefined && !ending.includes(null)) break;
    project(residual, units);

    // The next direction may be dear: none is made that no product is left for.
    const share = productWork(width, count);
    if (isSpent(narrowed(units).length, directionCost * share)) break;
    const spentBefore = work();
    const next = await request.precondition(residual, units);
    preconditionings++;
    directionCost = (work() - spentBefore) / share;
    project(next, units);
    const badNext = clearNonFinite(next);
    const [nextEnergy, along] = twoColumnDots(residual, next, product, next);
    const [taken, beta] = [new Float64Array(width), new Float64Array(width)];
    for (let k = 0; k < width; k++) {
      const j = units[k]!;
      // Of a unit that has ended the direction stays, but one that has just been solved may go on later from its next.
      if (ending[j] !== null && !(ending[j] === 'solved' && length[k]! > 0)) {
        beta[k] = 1;
        continue;
      }
      taken[k] = 1;
      const e = badNext[k] === 1 ? Number.NaN : nextEnergy[k]!;
      if (e === 0) [ending[j], remaining[j]] = ['solved', 0];
      else if (!(e > 0 && Number.isFinite(e))) breakDown(j);
      else if (length[k]! > 0) {
        const b = (-length[k]! * along[k]!) / energy[j]!;
        beta[k] = b > 0 && Number.isFinite(b) ? b : 0;
        size[j] = e + beta[k]! ** 2 * size[j]!;
      } else if (refreshed[j] === 1) size[j] = e;
      energy[j] = e;
    }
    turnColumns(taken, next, beta, direction);
  }

  settle();
  const { solution: whole } = home;
  const unmoved = all.filter((j) => !(decrement[j]! > 0) && squares[j] !== 0);
  if (unmoved.length > 0) {
    const again = preconditionings === 1 ? first : await request.precondition(home.residual, all);
    project(again, all);
    for (const j of unmoved) copyColumn(again, whole, j);
  }
  clearNonFinite(whole);
  return { ...progress(), direction: whole, ending: ending.map((why) => why ?? 'products') };
};

const gathered = (from: Matrix, units: Int32Array, room: (columns: number) => Matrix): Matrix => {
  const to = room(units.length);
  gatherColumns(from.data, from.columns, units, to.data);
  return to;
};

const perUnit = (value: number | Float64Array, units: number): Float64Array =>
  typeof value === 'number' ? new Float64Array(units).fill(value) : value;

const clearColumn = (a: Matrix, c: number): void => {
  for (let i = c; i < a.data.length; i += a.columns) a.data[i] = 0;
};

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

/** r = b - Hx of unit j, whose column is c; returns 2 b'x - x'Hx = x'(b + r). */
const trueResidual = (
  { right, j }: { readonly right: Matrix; readonly j: number },
  product: Matrix,
  solution: Matrix,
  residual: Matrix,
  c: number,
): number => {
  let result = 0;
  for (let p = 0; p < right.rows; p++) {
    const b = right.data[p * right.columns + j]!;
    const i = p * residual.columns + c;
    residual.data[i] = b - product.data[i]!;
    result += solution.data[i]! * (b + residual.data[i]!);
  }
  return result;
};
