import type { Choice } from '@drnn/estimators';
import type { Objective } from '@drnn/objectives';
import type { TransitionSource } from '@drnn/simulator';
import {
  firstOf,
  type Iterate,
  maxSteps,
  problem,
  type Problem,
  run,
  type Solution,
  stalled,
  tolerance,
  withPolish,
  withStopping,
  withTrace,
} from '@drnn/solvers';
import { type Backend, type DrnnError, isDeviceLost, type Matrix } from '@drnn/tensor';
import type { Hardware } from './backends/hardware.js';
import type { Polisher } from './backends/polisher.js';
import { calibratedFit, type Calibration } from './calibrated-fit.js';
import type { FitContext, FitProgress } from './fit-context.js';
import type { Settings } from './fit-options.js';
import { solverOf } from './solver-of.js';

/** A fit to some samples. */
export interface Solved {
  readonly solution: Solution;
  readonly calibration: Calibration | null;
  readonly solver: string;
  /** Null where the fit was not polished. */
  readonly polishSteps: number | null;
  readonly targetsClipped: number;
  /** X'X of the problem; null where the device was lost before it was made. */
  readonly gram: Matrix | null;
  readonly ridge: Float64Array;
  readonly notes: readonly string[];
}

/** Where a fit starts, and what of it was decided before. */
export interface SolveFrom {
  readonly start?: Matrix | undefined;
  readonly decided?: Choice;
}

/** A fit to some samples, which goes on elsewhere from its last state where its device is lost and that was asked for. */
export const solveSamples = async (
  hardware: Hardware,
  samples: TransitionSource,
  objective: Objective,
  context: FitContext,
  settings: Settings,
  stage: FitProgress['stage'],
  from: SolveFrom,
): Promise<Solved> => {
  const solveHere = (told: FitContext, start: SolveFrom): Promise<Solved> =>
    hardware.use(stage, (on) => solve(on, hardware.now().polisher, samples, objective, told, settings, stage, start));
  const first = await solveHere(context, from);
  const { lost, steps, theta } = first.solution;
  if (lost === undefined || !(await hardware.replace(lost, stage, steps))) return first;
  const { onProgress } = context;
  const told: FitContext =
    onProgress === undefined
      ? context
      : { ...context, onProgress: (now) => onProgress({ ...now, step: steps + now.step }) };
  const choice = first.calibration?.choice ?? null;
  const rest = await solveHere(told, { ...from, start: theta, ...(choice === null ? {} : { decided: choice }) });
  return {
    ...rest,
    solution: afterLoss(first.solution, rest.solution),
    calibration: rest.calibration === null ? null : { ...rest.calibration, choice: rest.calibration.choice ?? choice },
  };
};

/** A solution that goes on where another ended: steps, history and time are those of both. */
const afterLoss = (first: Solution, rest: Solution): Solution => {
  const spent = first.timing.init + first.timing.steps + first.timing.certificate;
  return {
    ...rest,
    steps: first.steps + rest.steps,
    trace: [
      ...first.trace,
      ...rest.trace.map((entry) => ({ ...entry, step: first.steps + entry.step, seconds: spent + entry.seconds })),
    ],
    timing: {
      init: first.timing.init + rest.timing.init,
      steps: first.timing.steps + rest.timing.steps,
      certificate: first.timing.certificate + rest.timing.certificate,
    },
  };
};

/** What was done before stands as the last state of a fit that lost its device before it had one of its own. */
export const orCut =
  (before: Solved) =>
  (error: unknown): Solved => {
    if (!isDeviceLost(error)) throw error;
    const lost: DrnnError = error;
    return { ...before, solution: { ...before.solution, status: 'device-lost', lost } };
  };

const solve = async (
  on: Backend,
  polisher: Polisher,
  samples: TransitionSource,
  objective: Objective,
  context: FitContext,
  settings: Settings,
  stage: FitProgress['stage'],
  { start, decided }: SolveFrom,
): Promise<Solved> => {
  if (settings.estimator === 'calibrated') {
    const { transfer, constraints } = objective;
    if (transfer === null) throw new Error('the calibrated estimator without a transfer function');
    const { name: backend, precision } = on;
    const fitted = await calibratedFit(on, samples, {
      transfer,
      constraints,
      settings,
      ...(start === undefined ? {} : { start }),
      ...(decided === undefined ? {} : { decided }),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
      onProgress: (residual, step, fraction) =>
        context.onProgress?.({ stage, step, residual, backend, precision, fraction }),
    });
    return { ...fitted, polishSteps: null, notes: [] };
  }
  const task = await problem(on, samples, objective, { bias: settings.bias });
  const { solver, notes } = solverOf(task, context.solver, settings.accelerate);
  let [first, fraction] = [0, 0];
  const polish: { problem: Problem | null; since: number } = { problem: null, since: 0 };
  const show = (state: Iterate): void => {
    if (state.step === 0) first = state.residual;
    const at = state.problem ?? task;
    if (at !== task && polish.problem === null) {
      polish.problem = at;
      polish.since = state.step;
    }
    const way = Math.log(first / state.residual) / Math.log(first / settings.tolerance);
    fraction = Math.max(fraction, Math.min(1, Number.isFinite(way) ? way : 0));
    const { name: backend, precision } = at.on;
    context.onProgress?.({ stage, step: state.step, residual: state.residual, backend, precision, fraction });
  };
  const rule = firstOf(tolerance(settings.tolerance), maxSteps(settings.maxSteps), stalled());
  const whole = settings.polish ? withPolish(polisher.open)(solver) : solver;
  try {
    const solution = await run(withStopping(rule)(withTrace(show)(whole)), task, {
      ...(start === undefined ? {} : { start }),
      ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
    const { targetsClipped, ridge } = task;
    const polishSteps = polish.problem === null ? null : solution.steps - polish.since;
    return {
      solution,
      calibration: null,
      solver: solver.name,
      polishSteps,
      targetsClipped,
      gram: await task.gram().catch((error: unknown) => {
        if (isDeviceLost(error)) return null;
        throw error;
      }),
      ridge,
      notes,
    };
  } finally {
    task.release();
    polish.problem?.release();
  }
};
