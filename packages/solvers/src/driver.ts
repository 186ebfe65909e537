import { type DrnnError, failure, isDeviceLost, type Matrix } from '@drnn/tensor';
import { thetaErrorBound } from './error-bound.js';
import type { Problem } from './problem.js';
import { isFiniteState, type Iterate, type Solver, snapshot, type Status } from './solver.js';
import { turn } from './turn.js';
import type { StopContext } from './stopping.js';

/** One line of a run's history. */
export interface TraceEntry {
  readonly step: number;
  readonly objective: number;
  readonly residual: number;
  /** Since the run began. */
  readonly seconds: number;
}

export interface Solution {
  /** Parameters [predictor, unit]. */
  readonly theta: Matrix;
  readonly status: Status;
  /** With the status `device-lost`: what the backend said of it. */
  readonly lost?: DrnnError;
  /** The largest over units of |g| / |g at zero| in the metric's dual norm. */
  readonly residual: number;
  /** The largest over units of |H^-1 g| / |theta|, estimated. */
  readonly thetaErrorBound: number;
  /** The sum over units, penalty included. */
  readonly objective: number;
  /** Each unit's objective. */
  readonly value: Float64Array;
  readonly steps: number;
  readonly trace: readonly TraceEntry[];
  /** Seconds: `init` holds what is done once (start, metric), `steps` the iteration, `certificate` the error bound. */
  readonly timing: { readonly init: number; readonly steps: number; readonly certificate: number };
}

export interface RunOptions {
  /** Where to start; default the problem's own. */
  readonly start?: Matrix;
  /** Ends the run as `aborted` at the next step, with the last good state. */
  readonly signal?: AbortSignal;
}

/**
 * The states of a solver, one at a time, for a loop of one's own. Ends only with the loop: no rule is asked. A state is
 * valid until the next is taken; `snapshot` keeps one.
 */
export async function* iterate<State extends Iterate>(
  solver: Solver<State>,
  problem: Problem,
  options: RunOptions = {},
): AsyncGenerator<State, void> {
  refuseStructure(solver, problem);
  let state = await solver.init(problem, options.start);
  yield state;
  for (;;) {
    await turn();
    if (options.signal?.aborted === true) return;
    state = await solver.step(problem, state);
    yield state;
  }
}

/** A smooth solver would find the optimum of another problem without a word. */
const refuseStructure = ({ name, structured }: Pick<Solver, 'name' | 'structured'>, { structure }: Problem): void => {
  if (structure === null || structured === true) return;
  throw failure({
    path: 'solver',
    seen: `${name} for a penalty with kinks, or with bounds on weights`,
    expected: 'a solver that heeds them',
    hint: 'use proximal-shared-newton, or proximal-newton where the curvature has no bound',
  });
};

const seconds = (since: number): number => (performance.now() - since) / 1000;

/**
 * Runs a solver until its rule stops it. Never throws for what happens in the iteration: a state that is not finite
 * ends the run as `non-finite` with the state before it; an abort as `aborted` with the last state; a backend that loses
 * its device as `device-lost` with the last state, from which `run(solver, await problem.movedTo(other), { start: theta })`
 * goes on. Without a state yet, that loss is an error.
 */
export const run = async <State extends Iterate>(
  solver: Solver<State>,
  problem: Problem,
  options: RunOptions = {},
): Promise<Solution> => {
  const began = performance.now();
  const trace: TraceEntry[] = [];
  const bounds = errorBounds(problem);
  const progress = { residual: Infinity, objective: Infinity, at: 0 };
  const halved = { residual: Infinity, at: 0 };
  let statesAtFloor = 0;
  let at = problem;
  let last: Iterate | null = null;
  let status: Status | undefined;
  let initSeconds = 0;

  const judge = async (state: State): Promise<Status | undefined> => {
    trace.push({ step: state.step, objective: state.objective, residual: state.residual, seconds: seconds(began) });
    if (state.problem !== undefined && state.problem !== at) {
      // Values of another precision are no measure of progress in this one.
      at = state.problem;
      progress.residual = progress.objective = halved.residual = Infinity;
    }
    if (state.residual < 0.99 * progress.residual) {
      progress.residual = state.residual;
      progress.at = state.step;
    }
    if (!(state.objective > progress.objective - 1e-10 * Math.abs(progress.objective))) {
      progress.objective = state.objective;
      progress.at = state.step;
    }
    if (state.residual <= halved.residual / 2) {
      halved.residual = state.residual;
      halved.at = state.step;
    }
    const noiseFloor = await at.noiseFloor();
    statesAtFloor = state.residual <= noiseFloor && noiseFloor > 0 ? statesAtFloor + 1 : 0;
    const context: StopContext = {
      thetaErrorBound: (target) => bounds.of(state, target),
      noiseFloor,
      statesAtFloor,
      stepsSinceHalved: state.step - halved.at,
      stepsWithoutProgress: state.step - progress.at,
    };
    return solver.stop(state, context);
  };

  let lost: DrnnError | null = null;
  let bound: number | null = null;
  try {
    for await (const state of iterate(solver, problem, options)) {
      if (last === null) initSeconds = seconds(began);
      if (!isFiniteState(state)) {
        status = 'non-finite';
        last ??= snapshot(state);
        break;
      }
      // First of all: the state is good, whatever becomes of the device.
      last = snapshot(state);
      status = await judge(state);
      if (status !== undefined) break;
    }
    if (last !== null && status !== undefined && status !== 'non-finite') bound = await bounds.of(last, Infinity);
  } catch (error) {
    if (last === null || !isDeviceLost(error)) throw error;
    lost = error;
  }
  if (last === null) throw new Error('a solver gave no state');
  const ended: Status = lost === null ? (status ?? 'aborted') : 'device-lost';
  return {
    theta: last.theta,
    status: ended === 'stalled' && at.on.precision === 'mixed' ? 'precision-floor' : ended,
    ...(lost === null ? {} : { lost }),
    residual: last.residual,
    thetaErrorBound: bound ?? bounds.known(last),
    objective: last.objective,
    value: last.value,
    steps: last.step,
    trace,
    timing: {
      init: initSeconds,
      steps: seconds(began) - initSeconds - bounds.seconds(),
      certificate: bounds.seconds(),
    },
  };
};

/** Error bounds on demand: a solver's own, else estimated, once more only when the last one, scaled, meets the target. */
const errorBounds = (problem: Problem) => {
  let spent = 0;
  let latest: { readonly step: number; readonly residual: number; readonly bound: number } | null = null;
  // At the floor of the arithmetic a bound jumps about; the largest since the residual last halved is the honest one.
  let own = { residual: Infinity, bound: 0 };
  const steady = (residual: number, bound: number): number => {
    own = residual <= own.residual / 2 ? { residual, bound } : { ...own, bound: Math.max(own.bound, bound) };
    return own.bound;
  };
  const of = async (state: Iterate, target: number): Promise<number> => {
    if (state.thetaErrorBound !== undefined) return steady(state.residual, state.thetaErrorBound);
    if (latest?.step === state.step) return latest.bound;
    if (latest !== null && state.residual > 0) {
      const expected = latest.bound * (state.residual / latest.residual);
      if (expected > target) return expected;
    }
    const began = performance.now();
    const bound = await (state.errorBound === undefined
      ? thetaErrorBound(state.problem ?? problem, state.theta, state.gradient)
      : state.errorBound());
    spent += seconds(began);
    latest = { step: state.step, residual: state.residual, bound };
    return bound;
  };
  return {
    of,
    known: (state: Iterate): number => state.thetaErrorBound ?? (latest?.step === state.step ? latest.bound : Infinity),
    seconds: () => spent,
  };
};
