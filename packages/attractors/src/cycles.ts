import { firstNonFinite, type Issue, matrix, type Matrix, refuse } from '@drnn/tensor';
import { defaultLimit, settling } from './asymptotics.js';
import { type Budget, budgetOf } from './budget.js';
import { highestRow, rolled } from './closed-curve.js';
import type { Cycle } from './cycle.js';
import { circleSearch } from './circle-search.js';
import { directEquations } from './equations.js';
import { type AttractorNetwork, type HeldNetwork, holdInput } from './network.js';
import { cappedNewton, CONVERGED, directSolve, newtonSpace } from './newton.js';
import { ratesOf, stateOf } from './network-dynamics.js';
import { startStates } from './start-states.js';

export interface FoundCycle extends Cycle {
  /**
   * Starts that ended on it; 0 where it is the mirror image of one that was found, and itself was not, and where Newton's
   * method found it.
   */
  readonly hits: number;
  /**
   * The index of the mirror image, -r at every phase, in a network without drive; its own where the cycle is its own
   * image. Null where the network has a drive. An image is made of the cycle that was found: its period, exponents and
   * multipliers are the same numbers.
   */
  readonly mirror: number | null;
}

/**
 * Why a search ended: all starts were made; several runs in a row did not settle; or its work, or its time, was spent.
 */
export type CyclesStoppedBecause = 'starts' | 'unsettled' | 'work' | 'time';

/** Root mean square distance of two states within which they stand for the same root: both were come near to 1e-9. */
const SAME_ROOT = 1e-6;

/** Whether two states `[unit]`, rates at rest, are the same fixed point: |a - b| <= 1e-6 sqrt N. */
export const areNear = (a: Float64Array, b: Float64Array): boolean =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) <= SAME_ROOT ** 2 * a.length;

export interface CycleSet {
  /** The cycles, as they were found, those that runs ended on first, each image after its cycle. */
  readonly cycles: readonly FoundCycle[];
  readonly starts: number;
  /** Where starts ended that are on no cycle: at fixed points, or not within the steps, in chaos, on tori, on their way. */
  readonly atFixedPoints: number;
  readonly unsettled: number;
  /** The fixed points at which runs ended, rates, each once, `[point, unit]`. */
  readonly rests: Matrix;
  /** Places where circles were sought that no run had come to, and those of them where nothing can be said. */
  readonly circleGuesses: number;
  readonly unresolvedCircles: number;
  readonly stoppedBecause: CyclesStoppedBecause;
}

export interface CyclesOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Random starts. Default 32. */
  readonly seeds?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Rates to start from as well, `[start, unit]`: unstable fixed points with a little noise are good ones. */
  readonly starts?: Matrix;
  /**
   * Most steps of a run. Default 40 000 and 2000 time constants, whichever is more, and no more than take an eighth of
   * `work`, so that a large network is still run from several starts.
   */
  readonly limit?: number;
  /** Most work of the whole search, in products of two numbers, N^2 a step. Default 3e10: half a minute to one, mostly. */
  readonly work?: number;
  /**
   * Most work of Newton's method for circles that runs do not end on, of `work`. Default 2e8, a fifth of a second,
   * and a fifth of what the runs took where that is more: enough for eight units always, for more after long runs. It is
   * taken only where there is a place at which a circle may be.
   */
  readonly circleWork?: number;
  /** Seconds of the whole search; the run that they end in counts as unsettled. Default none. */
  readonly timeLimit?: number;
}

/** Runs that do not settle cost most: after so many of them in a row the rest is left. */
const HOPELESS = 4;
const WORK = 3e10;
const FEWEST_STEPS = 5000;
const CIRCLE_WORK = 2e8;
const CIRCLE_PART = 0.2;
/** Fixed points round which circles are sought. */
const MOST_POINTS = 8;
/** Nodes that are near a cycle that was found are this near, as a part of its size. */
const NEARBY = 0.3;
/** Points of a curve that is known as a polygon are told to be on it by this part of its size. */
const ON = 3e-3;
/** Periods of one cycle agree to this. */
const SAME_PERIOD = 1e-6;

/** The distance of x from closed polygons of rows, `pieces` of equal length, or from the rows alone. */
const distanceToCurve = ({ orbit, pieces, class: kind }: Cycle, x: ArrayLike<number>): number => {
  const { rows, columns, data } = orbit;
  const each = rows / pieces;
  let nearest = Infinity;
  for (let p = 0; p < rows; p++) {
    const a = p * columns;
    const b = ((p + 1) % each === 0 ? p + 1 - each : p + 1) * columns;
    let along = 0;
    let length = 0;
    for (let i = 0; i < columns; i++) {
      const side = data[b + i]! - data[a + i]!;
      along += side * (x[i]! - data[a + i]!);
      length += side * side;
    }
    const part = kind === 'circle' && length > 0 ? Math.max(0, Math.min(1, along / length)) : 0;
    let sum = 0;
    for (let i = 0; i < columns; i++) {
      sum += (x[i]! - data[a + i]! - part * (data[b + i]! - data[a + i]!)) ** 2;
    }
    nearest = Math.min(nearest, sum);
  }
  return Math.sqrt(nearest);
};

const isOn = (cycle: Cycle, x: ArrayLike<number>, sign: number): boolean => {
  const point = sign === 1 ? x : Float64Array.from(x, (value) => -value);
  return distanceToCurve(cycle, point) < ON * Math.hypot(...cycle.amplitude);
};

/** Whether two cycles are one, by their periods and by points of the one on the other; with -1 for `sign` its mirror image. */
const areSame = (one: Cycle, other: Cycle, sign: number): boolean => {
  if (one.class !== other.class || one.pieces !== other.pieces) return false;
  if (!(Math.abs(one.period / other.period - 1) < SAME_PERIOD)) return false;
  const { rows, columns, data } = other.orbit;
  return Array.from({ length: 8 }, (_, k) => Math.floor((k * rows) / 8)).every((p) =>
    isOn(one, data.subarray(p * columns, (p + 1) * columns), sign),
  );
};

const negated = ({ rows, columns, data }: Matrix): Matrix => ({ rows, columns, data: data.map((value) => -value) });

/** The cycle at -r of a network without drive; phases are counted from where the widest variable is highest, as ever. */
const mirrored = (cycle: Cycle): Cycle => {
  const orbit = negated(cycle.orbit);
  const { flow } = cycle;
  const turned = flow === null ? null : negated(flow.orbit);
  const first = flow === null || turned === null ? 0 : highestRow(turned, flow.amplitude);
  return {
    ...cycle,
    orbit: cycle.pieces > 1 ? orbit : rolled(orbit, highestRow(orbit, cycle.amplitude)),
    flow:
      flow === null || turned === null
        ? null
        : {
            ...flow,
            orbit: rolled(turned, first),
            phaseResponse: flow.phaseResponse === null ? null : rolled(negated(flow.phaseResponse), first),
          },
  };
};

const checkOptions = (
  units: number,
  { seeds, seed, starts, limit, work, circleWork, timeLimit }: CyclesOptions,
): void => {
  const whole = (path: string, value: number | undefined, least: number): readonly Issue[] =>
    value === undefined || (Number.isSafeInteger(value) && value >= least)
      ? []
      : [{ path, seen: `${value}`, expected: `a whole number, ${least} or more` }];
  const positive = (path: string, value: number | undefined): readonly Issue[] =>
    value === undefined || value > 0 ? [] : [{ path, seen: `${value}`, expected: 'above 0' }];
  refuse([
    ...whole('seeds', seeds, 0),
    ...whole('seed', seed, 0),
    ...(starts === undefined || (starts.columns === units && firstNonFinite(starts.data) < 0)
      ? []
      : [
          {
            path: 'starts',
            seen: `[${starts.rows}, ${starts.columns}]`,
            expected: `[start, unit=${units}], finite numbers`,
          },
        ]),
    ...whole('limit', limit, 1),
    ...positive('work', work),
    ...positive('circleWork', circleWork),
    ...positive('timeLimit', timeLimit),
  ]);
};

/** |x| of all states that a network comes to. */
const boundOf = ({ units: n, W, drive, form }: HeldNetwork): number => {
  if (form === 'rate') return 1;
  let most = 0;
  for (let i = 0; i < n; i++) {
    let sum = Math.abs(drive[i]!);
    for (let j = 0; j < n; j++) sum += Math.abs(W.data[i * n + j]!);
    most = Math.max(most, sum);
  }
  return most;
};

const rowsOf = ({ rows, columns, data }: Matrix): readonly Float64Array[] =>
  Array.from({ length: rows }, (_, k) => data.slice(k * columns, (k + 1) * columns));

const middleOf = ({ rows, columns, data }: Matrix): Float64Array => {
  const mean = new Float64Array(columns);
  for (let p = 0; p < rows; p++) for (let i = 0; i < columns; i++) mean[i]! += data[p * columns + i]! / rows;
  return mean;
};

/** The fixed point, in rates, that Newton's method leads to; null where it leads to none. */
const rootNear = (held: HeldNetwork, rates: Float64Array): Float64Array | null => {
  const n = held.units;
  const equations = directEquations({ ...held, form: 'rate' }, 0);
  const space = newtonSpace(n);
  const root = rates.slice();
  const end = cappedNewton(equations, root, space, {
    limit: 20,
    cap: 0.3 * Math.sqrt(n),
    tolerance: 1e-12 * Math.sqrt(n),
    linearSolve: directSolve(space),
    attraction: () => -1,
  });
  return end === CONVERGED ? root : null;
};

/**
 * The limit cycles of a network whose input is held, from random states: each run of the network itself
 * until it is at a fixed point or on a cycle. A cycle is an exact periodic orbit, by Newton's method, or, as a rule, an
 * invariant circle, on which the network turns by no whole part of a turn; it is returned when the map takes it into
 * itself to 1e-7 of its size. The cycle of the flow near it, by shooting, comes with its Floquet multipliers and phase
 * response. A network without drive has with every cycle its mirror image, found or not.
 *
 * Circles that no run ends on, since they repel or are saddles, are sought by Newton's method on the curve itself: round
 * fixed points about which the network turns, at which runs ended or which are inside a cycle or near a start; two units
 * are also run backward. So are those near which a run went round without coming to rest. This is no complete search: of
 * cycles that repel only circles are found, of one piece, and in large networks only with more `circleWork`.
 *
 * The set depends on the network and the options alone, `timeLimit` aside. Cost: 2 N^2 a step of each run, mostly 1000
 * steps where it ends at a fixed point; some seconds for each new cycle of 100 units. Errors: those of the network; options
 * out of range; starts of other units.
 */
export const cycles = (network: AttractorNetwork, options: CyclesOptions = {}): CycleSet => {
  const held = holdInput(network, options.input);
  const n = held.units;
  checkOptions(n, options);
  const given = options.starts;
  const work = options.work ?? WORK;
  const whole = budgetOf({ seconds: options.timeLimit, work });
  let spent = 0;
  const budget: Budget = {
    over: whole.over,
    spend: (more) => {
      spent += more;
      whole.spend(more);
    },
  };
  const { settle, map } = settling(held, budget);
  const limit = options.limit ?? Math.min(defaultLimit(held), Math.max(FEWEST_STEPS, Math.floor(work / (8 * n * n))));
  const randomStart = startStates({ ...held, form: 'rate' }, options.seed ?? 1, undefined);
  const found: { readonly cycle: Cycle; hits: number; readonly mirror: number | null }[] = [];
  let starts = 0;
  let atFixedPoints = 0;
  const rests: Float64Array[] = [];
  let unsettled = 0;
  let hopeless = 0;
  const rates = new Float64Array(n);
  const total = (given?.rows ?? 0) + (options.seeds ?? 32);
  const take = (cycle: Cycle, hits: number): void => {
    // It may have been found, or its image, while the run was still too far from the curve to be known.
    const known = found.find((other) => areSame(other.cycle, cycle, 1));
    if (known !== undefined) {
      known.hits += hits;
      return;
    }
    const index = found.length;
    if (!held.isOdd) found.push({ cycle, hits, mirror: null });
    else if (areSame(cycle, cycle, -1)) found.push({ cycle, hits, mirror: index });
    else {
      found.push({ cycle, hits, mirror: index + 1 });
      found.push({ cycle: mirrored(cycle), hits: 0, mirror: index });
    }
  };
  const circles = circleSearch(held, map, {
    work: () => options.circleWork ?? Math.max(CIRCLE_WORK, CIRCLE_PART * spent),
    bound: boundOf(held),
    budget: whole,
  });
  const isNearFound = ({ rows, columns, data }: Matrix): boolean =>
    found.some(({ cycle }) => {
      const size = Math.hypot(...cycle.amplitude);
      for (let p = 0; p < rows; p++) {
        const at = ratesOf(held, data.subarray(p * columns, (p + 1) * columns));
        if (!(distanceToCurve(cycle, at) < NEARBY * size)) return false;
      }
      return true;
    });
  const seekCircles = (): void => {
    const inside = found.map(({ cycle: { orbit } }) => middleOf(orbit));
    const starting = given === undefined ? [] : rowsOf(given);
    const origin = held.isOdd ? [new Float64Array(n)] : [];
    const points: Float64Array[] = [];
    for (const guess of [...origin, ...rests, ...inside, ...starting]) {
      if (points.length >= MOST_POINTS) break;
      const point = rootNear(held, guess);
      if (point === null || points.some((other) => areNear(other, point))) continue;
      // What is round its image is the image of what is round it.
      if (
        held.isOdd &&
        points.some((other) =>
          areNear(
            other,
            point.map((value) => -value),
          ),
        )
      )
        continue;
      points.push(point);
    }
    for (const point of points) circles.round(stateOf(held, point), isNearFound, (cycle) => take(cycle, 0));
  };
  for (let k = 0; k < total && hopeless < HOPELESS && budget.over() === null; k++) {
    if (given !== undefined && k < given.rows) rates.set(given.data.subarray(k * n, (k + 1) * n));
    else randomStart(k - (given?.rows ?? 0), rates);
    starts += 1;
    let known = -1;
    const x = stateOf(held, rates);
    const settled = settle(x, limit, (at) => {
      known = found.findIndex(({ cycle }) => isOn(cycle, at, 1));
      return known >= 0;
    });
    // It may have been on its way for long, or near a resonance.
    const around = settled === null && budget.over() === null ? circles.along(x) : null;
    if (around !== null) take(around, around.isStable ? 1 : 0);
    if (around?.isStable === true) {
      hopeless = 0;
      continue;
    }
    if (settled === null) {
      unsettled += 1;
      hopeless += 1;
      continue;
    }
    hopeless = 0;
    if (settled === 'known') found[known]!.hits += 1;
    else if (settled.kind === 'fixed-point') {
      atFixedPoints += 1;
      if (!rests.some((other) => areNear(other, settled.state))) rests.push(settled.state);
    } else take(settled.cycle, 1);
  }
  if (budget.over() === null) seekCircles();
  const isAll = starts === total;
  return {
    cycles: found.map(({ cycle, hits, mirror }) => ({ ...cycle, hits, mirror })),
    starts,
    atFixedPoints,
    unsettled,
    circleGuesses: circles.guesses,
    unresolvedCircles: circles.unresolved,
    rests: matrix(rests.length, n, Float64Array.from(rests.flatMap((state) => [...state]))),
    stoppedBecause: budget.over() ?? (isAll ? 'starts' : 'unsettled'),
  };
};
