import { failure, firstNonFinite, type Issue, type Matrix, refuse } from '@drnn/tensor';
import { certify } from './certificate.js';
import { degenerateRoots } from './degenerate-roots.js';
import { descend, descentSpace } from './descent.js';
import { directEquations, type Equations } from './equations.js';
import { foundRoots } from './found-roots.js';
import { levenbergMarquardt, type LevenbergOptions, levenbergSpace, STATIONARY } from './levenberg-marquardt.js';
import { lowRankOf, reducedEquations } from './low-rank.js';
import { type AttractorNetwork, type HeldNetwork, holdInput } from './network.js';
import { cappedNewton, CONVERGED, newtonSpace } from './newton.js';
import { newtonSolve } from './newton-solve.js';
import { relax } from './relax.js';
import { spectralNormBound } from './spectral-norm.js';
import { spread, startStates } from './start-states.js';
import { structuralStarts } from './structural-starts.js';

/**
 * `fixed`: a root of G(r) = r - tanh(W r + c) proven to exist (h <= 1/2). `degenerate`: |G| is 0 to rounding where I - D W
 * is singular, at a bifurcation or on a continuum. `slow`: a local minimum of |G| that is no root and so low that the
 * network passes slowly.
 */
export type PointClass = 'fixed' | 'degenerate' | 'slow';

export interface FixedPoint {
  /** Rates r `[unit]`, in both forms; the current form is at x = W r + c. */
  readonly state: Float64Array;
  /** |G| / sqrt N: how far a unit moves in a time constant. */
  readonly speed: number;
  readonly class: PointClass;
  /** A root is proven to lie within this distance of `state`; Infinity where nothing is proven. */
  readonly certificateRadius: number;
  /** No other root is within this distance; 0 where nothing is proven. */
  readonly uniqueRadius: number;
  /** beta L eta of Kantorovich's theorem; a certificate holds up to 1/2. */
  readonly h: number;
  /** Of I - D W, or of its reduction to the rank of W. */
  readonly smallestSingularValue: number;
  /** sign det(I - D W); 0 for a point that is not `fixed`. */
  readonly indexSign: number;
  /** How many starts ended here; 0 for a point that is known as the mirror image of another. */
  readonly hits: number;
  /** The index of the point at -r, of a network without drive; its own for the origin; null otherwise. */
  readonly mirror: number | null;
  /** Of a degenerate point: the largest distance between states of it that were found, far above 0 on a continuum. */
  readonly extent: number;
}

/**
 * Why the search ended. `contraction`: |W|_2 < 1, there is exactly one fixed point (Banach). `complete`: the index sum is
 * 1, the last 256 starts found nothing new and fewer than 1 in 100 ended at a point that no other did: no proof that
 * nothing is missing. `seeds` and `time`: the budget was spent before that.
 */
export type StoppedBecause = 'contraction' | 'complete' | 'seeds' | 'time';

/** How far a search had come. */
export interface SearchStage {
  /** Starts that were made by then, your own and the origin among them. */
  readonly starts: number;
  /** Distinct points that were known, of every class. Fewer than before where degenerate ones turn out to hang together. */
  readonly points: number;
  /** Of these points, as of the whole set. */
  readonly indexSum: number | null;
}

export interface FixedPointSet {
  /** Fixed ones first, as found, then degenerate, then slow ones by speed. */
  readonly points: readonly FixedPoint[];
  /**
   * The sum of `indexSign`, which is 1 for all fixed points of any network together: another value proves that some are
   * missing. Null where a point is degenerate, when it proves nothing.
   */
  readonly indexSum: number | null;
  /** Good and Turing's estimate of how likely the next start finds a new point; null where none converged. */
  readonly unseen: number | null;
  readonly starts: number;
  /** Starts that ended at a point of the set. The others ended nowhere and are not returned. */
  readonly converged: number;
  /** After every start that changed how many points were known, and at the end: a discovery curve. */
  readonly trace: readonly SearchStage[];
  readonly stoppedBecause: StoppedBecause;
  /** Unknowns of the search: N, or the rank of W where that is far lower. */
  readonly unknowns: number;
  readonly seconds: number;
}

export interface FixedPointOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /**
   * Most random starts; starts between known points come on top, a quarter of them, or as many where the index sum is not
   * 1. Default 1024, or 0 where `starts` are given.
   */
  readonly seeds?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Starts of your own `[start, unit]`, taken first. */
  readonly starts?: Matrix;
  /** Rates `[time, unit]` that the network visits; most starts are then on and near them. */
  readonly trajectories?: Matrix;
  /**
   * Time constants of a trial, default 50. A local minimum of |G| is `slow` when the network moves there by less than a
   * tenth of the spread of the trajectories (of 1 without) in a trial.
   */
  readonly trial?: number;
  /** Seconds after which the search ends; a start that is then under way is given up. Default none. */
  readonly timeLimit?: number;
  /** Go on to the last of the seeds even where the set looks complete. Default false. */
  readonly exhaustive?: boolean;
  /** Called after every 32 random starts, with the part of them that is done. */
  readonly onProgress?: (progress: {
    readonly fraction: number;
    readonly starts: number;
    readonly points: number;
  }) => void;
}

const BLOCK = 32;
/** Starts without a new point after which a set may be complete. */
const QUIET = 256;
/** |G| / sqrt N at and below which a state may be a root. */
const ROOT_SPEED = 1e-10;
/** Below this a root is degenerate, unless it has a certificate. */
const SINGULAR = 1e-6;
/** Longest step of Newton's method for each sqrt N: a quarter of the cube's half diagonal leads to most roots. */
const LONGEST_STEP = 0.25;
const DESCENT_STEPS = 300;
/** Newton's steps after a descent, which ends near a root or nowhere. */
const STEPS_AFTER_DESCENT = 30;
/** Up to here every start that Newton's method fails from is tried in both other ways; above, by turns. */
const SMALL = 16;
/** A network below this size is searched in its rates, whatever its rank. */
const REDUCED_FROM = 16;

const checkOptions = ({ units }: HeldNetwork, options: FixedPointOptions): void => {
  const whole = (path: string, value: number | undefined, least: number): readonly Issue[] =>
    value === undefined || (Number.isSafeInteger(value) && value >= least)
      ? []
      : [{ path, seen: `${value}`, expected: `a whole number, ${least} or more` }];
  const states = (path: string, value: Matrix | undefined): readonly Issue[] => [
    ...(value === undefined || (value.columns === units && value.rows >= 1)
      ? []
      : [{ path, seen: `[${value.rows}, ${value.columns}]`, expected: `[time, unit=${units}]` }]),
    ...(value === undefined || firstNonFinite(value.data) < 0
      ? []
      : [{ path, seen: 'NaN or infinity', expected: 'finite numbers' }]),
  ];
  const positive = (path: string, value: number | undefined): readonly Issue[] =>
    value === undefined || value > 0 ? [] : [{ path, seen: `${value}`, expected: 'above 0' }];
  refuse([
    ...whole('seeds', options.seeds, 0),
    ...whole('seed', options.seed, 0),
    ...states('starts', options.starts),
    ...states('trajectories', options.trajectories),
    ...positive('trial', options.trial),
    ...positive('timeLimit', options.timeLimit),
  ]);
};

const equationsOf = (held: HeldNetwork, norm: number): Equations => {
  const most = held.units >= REDUCED_FROM ? Math.min(64, Math.floor(held.units / 4)) : 0;
  const lowRank = most === 0 ? null : lowRankOf(held.W, most);
  return lowRank === null || lowRank.rank === 0 ? directEquations(held, norm) : reducedEquations(held, lowRank);
};

/**
 * Fixed and slow points of a network whose input is held. They solve r = tanh(W r + c), c = Win u + b, whatever a and in
 * either form. From every start: Newton's method with capped steps; where that fails, by turns, Levenberg and Marquardt's,
 * or descent and Newton's method from its end. What converges must have a certificate
 * (Kantorovich), by which duplicates are told from neighbours too; a start that comes within the proven reach of a known
 * root counts as a hit and ends. In a network without drive mirror images and the origin come with the rest. Nothing that
 * did not converge is returned. A network of low rank is searched in as many unknowns as it has rank. The result depends
 * on the network, the options and nothing else, `timeLimit` aside.
 *
 * Cost: some five LU factors, 2/3 N^3 each, for a start that ends well, up to 60 and 200 steps of 4/3 N^3 for one that
 * does not. Errors: what is wrong with the network or the options.
 */
export const fixedPoints = (network: AttractorNetwork, options: FixedPointOptions = {}): FixedPointSet => {
  const held = holdInput(network, options.input);
  checkOptions(held, options);
  return search(held, options);
};

const search = (held: HeldNetwork, options: FixedPointOptions): FixedPointSet => {
  const began = performance.now();
  const isLate = (): boolean => performance.now() - began > 1000 * (options.timeLimit ?? Infinity);
  const { units } = held;
  const norm = spectralNormBound(held.W);
  const equations = equationsOf(held, norm);
  const n = equations.order;
  const direct = n === units ? equations : directEquations(held, norm);
  const newton = newtonSpace(n);
  const found = foundRoots(equations, newton, held.isOdd);
  const { attraction } = found;
  const rootSize = (ROOT_SPEED * Math.sqrt(units)) / Math.max(1, equations.stretch);
  const newtonOptions = {
    cap: LONGEST_STEP * Math.sqrt(units),
    tolerance: rootSize,
    linearSolve: newtonSolve(newton, equations),
    attraction,
    isLate,
  };
  const never = (): number => -1;

  let levenberg: ReturnType<typeof levenbergSpace> | null = null;
  const marquardt = (x: Float64Array, how: Pick<LevenbergOptions, 'attraction' | 'limit' | 'floor'>): number => {
    levenberg ??= levenbergSpace(n);
    return levenbergMarquardt(equations, x, levenberg, { tolerance: rootSize, isLate, ...how });
  };
  const isDegenerate = (x: Float64Array): boolean =>
    equations.residual(x, newton.g) <= rootSize && certify(equations, x, newton).smallestSingularValue < SINGULAR;
  const degenerate = degenerateRoots(1e-9 * Math.sqrt(units), (middle) => {
    marquardt(middle, { attraction: never, limit: 50 });
    return isDegenerate(middle) ? middle : null;
  });

  const slow: { readonly x: Float64Array; readonly size: number; hits: number }[] = [];
  const slowSpeed =
    (0.1 * (options.trajectories === undefined ? 1 : spread(options.trajectories))) / (options.trial ?? 50);
  const slowest = (slowSpeed * Math.sqrt(units)) / equations.stretch;
  const takeMinimum = (x: Float64Array): boolean => {
    const size = equations.residual(x, newton.g);
    if (size > slowest) return false;
    const known = slow.find(({ x: y }) => x.every((value, i) => Math.abs(value - y[i]!) <= 1e-4));
    if (known === undefined) slow.push({ x: x.slice(), size, hits: 1 });
    else known.hits += 1;
    return true;
  };

  let starts = 0;
  let converged = 0;
  /** Starts when the last new point was found. */
  let lastNew = 0;

  const takeRoot = (x: Float64Array): boolean => {
    const before = found.roots.length;
    const index = found.take(x);
    if (index >= 0) {
      if (found.roots.length > before) lastNew = starts;
      return true;
    }
    if (!isDegenerate(x)) return false;
    if (degenerate.take(x, equations.residual(x, newton.g))) lastNew = starts;
    return true;
  };
  const hit = (index: number): boolean => {
    found.roots[index]!.hits += 1;
    return true;
  };
  const byNewton = (x: Float64Array, limit: number): boolean => {
    const end = cappedNewton(equations, x, newton, { ...newtonOptions, limit });
    return end >= 0 ? hit(end) : end === CONVERGED && takeRoot(x);
  };
  const byMarquardt = (x: Float64Array): boolean => {
    const end = marquardt(x, { attraction, floor: slowest });
    if (end >= 0) return hit(end);
    if (end === CONVERGED) return byNewton(x, 20);
    return end === STATIONARY && (isDegenerate(x) ? takeRoot(x) : takeMinimum(x));
  };
  let descent: ReturnType<typeof descentSpace> | null = null;
  const byDescent = (x: Float64Array): boolean => {
    descent ??= descentSpace(n);
    const end = descend(equations, x, descent, DESCENT_STEPS, attraction, isLate);
    return end >= 0 ? hit(end) : byNewton(x, STEPS_AFTER_DESCENT);
  };
  const indexSum = (): number | null =>
    degenerate.count() > 0 ? null : found.roots.reduce((sum, { certificate }) => sum + certificate.indexSign, 0);
  const trace: SearchStage[] = [];
  const stage = (): SearchStage => ({
    starts,
    points: found.roots.length + degenerate.count() + slow.length,
    indexSum: indexSum(),
  });
  const x = new Float64Array(n);
  /** Of the starts that Newton's method failed from, how many there were. */
  let failures = 0;
  const startFrom = (rates: Float64Array, isGiven: boolean): void => {
    starts += 1;
    equations.restrict(rates, x);
    let isDone = byNewton(x, 60);
    if (!isDone) {
      // They lead to roots that Newton's method does not, at several times its cost: where there are many starts, by turns.
      const turn = failures % 4;
      failures += 1;
      const isSmall = n <= SMALL;
      if (isSmall || isGiven || turn === 2) {
        equations.restrict(rates, x);
        isDone = byDescent(x);
      }
      if (!isDone && (isSmall || turn === 0 || (isGiven && turn === 2))) {
        equations.restrict(rates, x);
        isDone = byMarquardt(x);
      }
    }
    if (isDone) converged += 1;
    const now = stage();
    if (now.points !== (trace.at(-1)?.points ?? 0)) trace.push(now);
  };

  const unseen = (): number | null => {
    let total = 0;
    let singletons = 0;
    found.roots.forEach(({ hits, mirror }, index) => {
      total += hits;
      // A point and its mirror image are one find.
      const both = mirror < 0 || mirror === index ? hits : hits + found.roots[mirror]!.hits;
      if (both === 1 && hits === 1) singletons += 1;
    });
    for (const { hits } of degenerate.roots()) {
      total += hits;
      if (hits === 1) singletons += 1;
    }
    return total === 0 ? null : singletons / total;
  };
  const isComplete = (): boolean => {
    const sum = indexSum();
    return starts - lastNew >= QUIET && sum === 1 && (unseen() ?? 1) < 0.01;
  };

  const isContraction = norm < 1;
  if (isContraction) {
    const r = new Float64Array(units);
    relax(held, r, new Float64Array(units), 100);
    startFrom(r, true);
  } else if (held.isOdd) {
    // The origin is a fixed point without any search.
    if (takeRoot(new Float64Array(n))) converged += 1;
    starts += 1;
    trace.push(stage());
  }

  const rates = new Float64Array(units);
  let stoppedBecause: StoppedBecause = isContraction && found.roots.length === 1 ? 'contraction' : 'seeds';
  if (stoppedBecause === 'seeds') {
    const { rows, data } = options.starts ?? { rows: 0, data: rates };
    for (let k = 0; k < rows && !isLate(); k++) {
      rates.set(data.subarray(k * units, (k + 1) * units));
      startFrom(rates, true);
    }
  }
  if (stoppedBecause === 'seeds' && isLate()) stoppedBecause = 'time';
  const budget = options.seeds ?? (options.starts === undefined ? 1024 : 0);
  const randomStart = startStates(held, options.seed ?? 1, options.trajectories);
  const structural = structuralStarts(found, n);
  const proposed = new Float64Array(n);
  let drawn = 0;
  while (stoppedBecause === 'seeds' && drawn < budget) {
    const block = Math.min(BLOCK, budget - drawn);
    for (let k = 0; k < block && !isLate(); k++, drawn++) {
      randomStart(drawn, rates);
      startFrom(rates, false);
    }
    // Saddles lie between points that are known. More are tried where some are proven to be missing.
    const between = indexSum() === 1 ? block >> 2 : block;
    for (let k = 0; k < between && !isLate() && structural(proposed); k++) {
      equations.residual(proposed, newton.g);
      equations.lift(proposed, rates);
      startFrom(rates, false);
    }
    options.onProgress?.({ fraction: drawn / budget, starts, points: found.roots.length });
    if (options.exhaustive !== true && isComplete()) stoppedBecause = 'complete';
    else if (isLate()) stoppedBecause = 'time';
  }
  if (trace.at(-1)?.starts !== starts) trace.push(stage());

  const g = new Float64Array(units);
  const pointOf = (at: Float64Array): { readonly state: Float64Array; readonly speed: number } => {
    const state = new Float64Array(units);
    equations.lift(at, state);
    return { state, speed: direct.residual(state, g) / Math.sqrt(units) };
  };
  const points: FixedPoint[] = found.roots.map(({ x: at, certificate, hits, mirror }) => ({
    ...pointOf(at),
    class: 'fixed',
    certificateRadius: certificate.radius,
    uniqueRadius: certificate.uniqueRadius,
    h: certificate.h,
    smallestSingularValue: certificate.smallestSingularValue,
    indexSign: certificate.indexSign,
    hits,
    mirror: mirror < 0 ? null : mirror,
    extent: 0,
  }));
  const unproven = (at: Float64Array, kind: 'degenerate' | 'slow', hits: number, extent: number): FixedPoint => {
    const { h, smallestSingularValue } = certify(equations, at, newton);
    return {
      ...pointOf(at),
      class: kind,
      certificateRadius: Infinity,
      uniqueRadius: 0,
      h,
      smallestSingularValue,
      indexSign: 0,
      hits,
      mirror: null,
      extent,
    };
  };
  for (const { x: at, hits, extent } of degenerate.roots()) points.push(unproven(at, 'degenerate', hits, extent));
  points.push(...slow.map(({ x: at, hits }) => unproven(at, 'slow', hits, 0)).sort((p, q) => p.speed - q.speed));
  const wrong = points.findIndex(({ speed }) => !Number.isFinite(speed));
  if (wrong >= 0) throw failure({ path: 'points', seen: `a speed that is not finite`, expected: 'finite numbers' });
  return {
    points,
    indexSum: indexSum(),
    unseen: unseen(),
    starts,
    converged,
    trace,
    stoppedBecause,
    unknowns: n,
    seconds: (performance.now() - began) / 1000,
  };
};
