import {
  accelerate,
  anderson,
  type Evaluation,
  type MapState,
  type Problem,
  residualOf,
  sharedMetricMap,
  sharedNewton,
  sum,
} from '@drnn/solvers';
import type { Backend, Matrix } from '@drnn/tensor';
import type { Pace } from './online-pace.js';
import type { SlidingWindow, Snapshot } from './online-window.js';
import { type Resumable, resumable, type Turn } from './resumable.js';
import { copyEvaluation, type SumParts } from './sum-of-problems.js';

const memory = 5;

/** Shared-metric Newton, accelerated: what fits a window, a push at a time or to the end. */
export const windowSolver = accelerate(anderson(memory))(sharedNewton);

/** A pass over the window and what is made of it. */
interface Sweep {
  readonly snapshot: Snapshot;
  readonly work: Resumable;
  /** Not a comparison with the fixed point. */
  readonly isStep: boolean;
  /** Milliseconds that it has taken besides passes. */
  algebra: number;
}

/** When to make no more sweeps. */
export interface Enough {
  /** Steps of a push. */
  readonly sweeps: number;
  readonly residual: number;
}

/** Sweeps over a window, in the time that pushes have for them. */
export interface PacedSweeps {
  /** As last looked at; infinite before. */
  readonly residual: number;
  /** As many as fit; how many were ended. One that does not fit rests until the next time. */
  run(): Promise<number>;
  /** Others have changed the weights: a sweep that rests is given up, and the next one does not extrapolate from before. */
  startAgain(): Promise<void>;
}

/**
 * Sweeps that lead from the window's weights to its optimum. Each is exact: it sees all rows of the window, as it was when
 * it began, at the same weights; at its end it is brought to the rows that came and went since.
 */
export const pacedSweeps = (on: Backend, window: SlidingWindow, pace: Pace, enough: Enough): PacedSweeps => {
  /** Where the last step ended, and the version of the window that it belongs to. */
  let state: MapState | null = null;
  let version = -1;
  let residual = Infinity;
  /** One that has begun and goes on in the next push. */
  let resting: Sweep | null = null;

  /** The state from which steps go on, over the window as it is. */
  const prepare = async (task: Problem): Promise<MapState> => {
    const map = await sharedMetricMap.prepare(task);
    const scale = await task.gradientScale();
    const at = copyEvaluation(window.standing);
    const direction = map.direction(at.gradient);
    const { predictors, units } = task.shape;
    return {
      ...at,
      step: 0,
      theta: window.standing.theta,
      objective: sum(at.value),
      direction,
      residual: residualOf(map.size(at.gradient, direction), scale, await task.noiseFloor()),
      map,
      proposal: state?.proposal ?? anderson(memory).begin(on.host, predictors, units, map.safeStep),
      scale,
      cautious: new Uint8Array(units),
      stuck: new Uint8Array(units),
    };
  };

  /** A sweep over the window as it is: `work` is given its problem, whose rows wait for their turn. */
  const sweepBy = (isStep: boolean, work: (task: Problem, snapshot: Snapshot, turn: Turn) => Promise<void>): Sweep => {
    const snapshot = window.snapshot();
    let left = window.transitions;
    const paced =
      (turn: Turn): SumParts['turn'] =>
      (evaluate, rows) => {
        left -= rows;
        return pace.pass(turn, rows, left > 0 ? 0 : pace.cost('algebra'), evaluate);
      };
    return {
      snapshot,
      work: resumable((turn) => work(window.problem(paced(turn)), snapshot, turn)),
      isStep,
      algebra: 0,
    };
  };

  /** Brings what was evaluated over a snapshot to the present window. */
  const follow = async (snapshot: Snapshot, at: Matrix, there: Evaluation, turn: Turn): Promise<Evaluation> => {
    if (snapshot.rowsToFollow === null) return there;
    const result = copyEvaluation(there);
    for (let rows = snapshot.rowsToFollow; rows !== null; rows = snapshot.rowsToFollow)
      await pace.pass(turn, rows, 0, () => snapshot.follow(at, result));
    return result;
  };

  /**
   * The fixed point of the window in the place of weights that are worse: those fitted to few frames are, by far, once
   * there are more, and clipped slopes lead back from there slowly.
   */
  const comparison = (): Sweep =>
    sweepBy(false, async (task, snapshot, turn) => {
      const linear = window.fixedPoint();
      if (linear === null) return;
      const there = await follow(snapshot, linear, await task.evaluate(linear), turn);
      if (window.takeOver({ theta: linear, ...there }) > 0) state = null;
    });

  const stepFrom = (from: MapState): Sweep => {
    const begun = window.version;
    return sweepBy(true, async (task, snapshot, turn) => {
      const to = await windowSolver.step(task, from);
      window.moveTo({ theta: to.theta, ...(await follow(snapshot, to.theta, to, turn)) });
      residual = to.residual;
      state = to;
      version = begun;
    });
  };

  const letGo = async ({ snapshot, work }: Sweep): Promise<void> => {
    resting = null;
    try {
      await work.abandon();
    } finally {
      snapshot.release();
    }
  };

  /** The next sweep, if one is wanted and its beginning fits. */
  const nextSweep = async (mayStep: boolean): Promise<Sweep | null> => {
    const isComparison = window.isComparisonDue;
    if (!isComparison && !mayStep) return null;
    const first = pace.passCost(window.firstRows) + pace.cost('algebra');
    if (window.isInverseDue) {
      if (!pace.fits(pace.cost('inverse') + first)) return null;
      await pace.timed('inverse', () => window.problem());
    }
    if (isComparison) return pace.fits(first) ? comparison() : null;
    let at = version === window.version ? state : null;
    if (at === null) {
      if (!pace.fits(pace.cost('preparation') + first)) return null;
      at = await pace.timed('preparation', () => prepare(window.problem()));
      [state, version, residual] = [at, window.version, at.residual];
    }
    const isWanted = at.residual > enough.residual && at.exhausted !== true;
    return isWanted && pace.fits(first) ? stepFrom(at) : null;
  };

  /** Whether it has ended; else it rests. */
  const proceed = async (sweep: Sweep): Promise<boolean> => {
    resting = sweep;
    try {
      const { result, milliseconds } = await pace.besidesPasses(() => sweep.work.proceed());
      sweep.algebra += milliseconds;
      if (!result) return false;
    } catch (error) {
      resting = null;
      sweep.snapshot.release();
      throw error;
    }
    pace.note('algebra', sweep.algebra);
    await letGo(sweep);
    return true;
  };

  return {
    get residual() {
      return residual;
    },
    run: async () => {
      if (window.transitions === 0 || enough.sweeps === 0) return 0;
      let [ended, steps] = [0, 0];
      let next = resting ?? (await nextSweep(true));
      while (next !== null && (await proceed(next))) {
        ended++;
        if (next.isStep) steps++;
        next = await nextSweep(steps < enough.sweeps);
      }
      return ended;
    },
    startAgain: async () => {
      state = null;
      if (resting !== null) await letGo(resting);
    },
  };
};
