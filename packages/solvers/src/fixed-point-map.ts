import { copyMatrix, matrix, type Matrix } from '@drnn/tensor';
import type { Acceleration, Proposal } from './acceleration.js';
import { copyColumn } from './columns.js';
import { projectOut } from './free.js';
import type { Problem } from './problem.js';
import type { Iterate, Solver } from './solver.js';
import { defaultStop } from './stopping.js';

/** What a map knows at a point: enough to step, to mix steps, and to judge them. */
export interface MapPoint {
  readonly theta: Matrix;
  readonly value: Float64Array;
  readonly gradient: Matrix;
  /** F = T(theta) - theta, [predictor, unit], inside the free coordinates. */
  readonly direction: Matrix;
}

/** An iteration theta -> theta + direction(theta), whose fixed points are optima: what an acceleration can mix. */
export interface FixedPointMap {
  readonly name: string;
  /** Readies the map for a problem; refuses one that it is no good for. */
  prepare(problem: Problem): Promise<PreparedMap>;
}

export interface PreparedMap {
  /** The fraction of `direction` that is sure to lower every unit's objective. */
  readonly safeStep: number;
  /** The step of the map for gradients [predictor, unit]. */
  direction(gradient: Matrix): Matrix;
  /** |g_j| in the metric's dual norm, from the gradient and its direction. */
  size(gradient: Matrix, direction: Matrix): Float64Array;
}

/** The state of a map iteration. */
export interface MapState extends Iterate, MapPoint {
  readonly map: PreparedMap;
  /** The acceleration's memory, its own. */
  readonly proposal: Proposal;
  /** |g_j at zero|, the scale of the residual. */
  readonly scale: Float64Array;
  /** 1 where a unit must take the safe step next, because its last proposal raised its objective. */
  readonly cautious: Uint8Array;
  /** How often in a row each unit found no descent even along the safe step. */
  readonly stuck: Uint8Array;
}

/** A solver made of a map and an acceleration. */
export interface MapSolver extends Solver<MapState> {
  readonly map: FixedPointMap;
}

/** Refusals in a row, of the safe step, after which a unit counts as exhausted. */
const patience = 3;

/**
 * Iterates a map. Each step asks the acceleration where to go, evaluates there in one pass, and keeps, unit by unit,
 * what lowered that unit's objective; a unit whose objective rose stays where it is, forgets its history, and takes
 * the safe step next. So every unit's objective is nonincreasing up to the rounding of its own sum.
 */
export const mapSolver = (map: FixedPointMap, acceleration: Acceleration): MapSolver => ({
  name: acceleration.name === 'none' ? map.name : `${map.name} + ${acceleration.name}`,
  map,
  stop: defaultStop,
  init: async (problem, start) => {
    const prepared = await map.prepare(problem);
    const theta = copyMatrix(start ?? (await problem.start()));
    projectOut(problem.free, theta);
    const { value, gradient } = await problem.evaluate(theta);
    const direction = prepared.direction(gradient);
    const scale = await problem.gradientScale();
    return {
      step: 0,
      theta,
      value,
      objective: sum(value),
      gradient,
      direction,
      residual: residualOf(prepared.size(gradient, direction), scale, await problem.noiseFloor()),
      map: prepared,
      proposal: acceleration.begin(problem.on.host, theta.rows, theta.columns, prepared.safeStep),
      scale,
      cautious: new Uint8Array(theta.columns),
      stuck: new Uint8Array(theta.columns),
    };
  },
  step: async (problem, state) => {
    const trial = state.proposal.next(state);
    stepSafely(state, trial);
    const { value, gradient } = await problem.evaluate(trial);
    const risen = raised(problem, await problem.rounding(), state, trial, { value, gradient });
    const cautious = new Uint8Array(risen.length);
    const stuck = state.stuck.slice();
    risen.forEach((rose, j) => {
      stuck[j] = rose === 1 && state.cautious[j] === 1 ? Math.min(255, stuck[j]! + 1) : rose === 1 ? stuck[j]! : 0;
      if (rose === 0) return;
      cautious[j] = 1;
      copyColumn(state.theta, trial, j);
      copyColumn(state.gradient, gradient, j);
      value[j] = state.value[j]!;
    });
    const direction = state.map.direction(gradient);
    state.proposal.learn(state, { theta: trial, value, gradient, direction }, risen);
    return {
      ...state,
      step: state.step + 1,
      theta: trial,
      value,
      objective: sum(value),
      gradient,
      direction,
      residual: residualOf(state.map.size(gradient, direction), state.scale, await problem.noiseFloor()),
      cautious,
      stuck,
      exhausted: stuck.every((count) => count >= patience),
    };
  },
});

/** Replaces the proposals of cautious units by theta + safeStep F. */
const stepSafely = (state: MapState, trial: Matrix): void => {
  const { rows, columns } = trial;
  state.cautious.forEach((must, j) => {
    if (must === 0) return;
    // Halved again for each refusal in a row: below the rounding of the objective the bound on curvature is no help.
    const size = state.map.safeStep / 2 ** state.stuck[j]!;
    for (let i = j; i < rows * columns; i += columns) {
      trial.data[i] = state.theta.data[i]! + size * state.direction.data[i]!;
    }
  });
};

/**
 * Which units' objectives rose from `state` to the trial. Convexity brackets the change by the slopes along the step at
 * its two ends, so that a slope that is still falling at the trial settles it; where the change is lost in the rounding
 * of the sums, the mean of the two slopes decides.
 */
const raised = (
  problem: Problem,
  rounding: Float64Array,
  state: MapState,
  trial: Matrix,
  at: { readonly value: Float64Array; readonly gradient: Matrix },
): Uint8Array => {
  const { host } = problem.on;
  const change = matrix(trial.rows, trial.columns);
  for (let i = 0; i < change.data.length; i++) change.data[i] = trial.data[i]! - state.theta.data[i]!;
  const before = host.columnDot(change, state.gradient);
  const after = host.columnDot(change, at.gradient);
  return Uint8Array.from(at.value, (value, j) => {
    const difference = value - state.value[j]!;
    if (Number.isNaN(difference)) return 1;
    if (after[j]! <= 0) return 0;
    if (Math.abs(difference) > rounding[j]!) return difference > 0 ? 1 : 0;
    return before[j]! + after[j]! > 0 ? 1 : 0;
  });
};

/** The largest of size / scale, at least `floor`; a unit whose gradient is 0 counts as solved whatever its scale. */
export const residualOf = (size: Float64Array, scale: Float64Array, floor: number): number => {
  let largest = floor;
  for (let j = 0; j < size.length; j++) {
    if (size[j] === 0) continue;
    const ratio = size[j]! / scale[j]!;
    if (!(ratio <= largest)) largest = ratio;
  }
  return largest;
};

export const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
