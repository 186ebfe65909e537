import { type Transitions } from '@drnn/simulator';
import { type Backend, firstNonFinite, matrix, type Matrix } from '@drnn/tensor';
import { type LawOptions, lawParameters, type MakeBackend } from '@drnn/tensor/laws';
import fc from 'fast-check';
import { iterate, run, type Solution } from '../driver.js';
import { residualOf } from '../fixed-point-map.js';
import { newton } from '../newton.js';
import type { Problem } from '../problem.js';
import { type Iterate, type Solver, snapshot } from '../solver.js';
import { firstOf, maxSteps, never, stalled, tolerance } from '../stopping.js';
import { withStopping } from '../with-stopping.js';
import { withTrace } from '../with-trace.js';
import { type DrawnFit, drawnFit, drawnStart, inside, relativeDistance, samplesOfFit, withFit } from './drawn-fit.js';

/** What a solver says of itself, and is held to. */
export interface SolverPromises {
  /** Whose objective never rises by more than rounding: `each` unit's, their `sum`, or `none`. Default `each`. */
  readonly monotone?: 'each' | 'sum' | 'none';
  /**
   * How near the one optimum it ends, from any start: the largest difference of a weight, relative to the largest weight.
   * On a backend of mixed precision what rounding leaves is allowed besides. Default 1e-6.
   */
  readonly optimum?: number;
  /** The steps it may take to get there. Default 500. */
  readonly maxSteps?: number;
}

export interface SolverLawOptions extends LawOptions {
  /** Makes a backend; the laws close it. */
  readonly on: MakeBackend;
  readonly promises?: SolverPromises;
}

interface Context {
  readonly solver: Solver;
  readonly on: Backend;
  readonly promises: Required<SolverPromises>;
  readonly parameters: fc.Parameters<unknown>;
}

export interface SolverLaw {
  readonly name: string;
  check(context: Context): Promise<void>;
}

const fail = (what: string): never => {
  throw new Error(what);
};

/** Steps that are looked at one by one. */
const watched = 6;

/** The first states, copied, from `start`. */
const firstStates = async (solver: Solver, task: Problem, start: Matrix, count = watched): Promise<Iterate[]> => {
  const states: Iterate[] = [];
  for await (const state of iterate(solver, task, { start })) {
    states.push(snapshot(state));
    if (state.step >= count || state.exhausted === true) break;
  }
  return states;
};

/** Two runs of the same arithmetic; threads may sum in another order. */
const rounding = async (task: Problem): Promise<number> => 1e-9 + 1e3 * (await task.noiseFloor());

/** Runs to the optimum as the promises have it. */
const solve = ({ solver, promises }: Context, task: Problem, start?: Matrix): Promise<Solution> =>
  run(
    withStopping(firstOf(tolerance(promises.optimum / 100), maxSteps(promises.maxSteps), stalled(promises.maxSteps)))(
      solver,
    ),
    task,
    start === undefined ? {} : { start },
  );

const exactly = firstOf(tolerance(1e-11), maxSteps(100), stalled(10));
/** The optimum by Newton's method with every unit's own Hessian. */
const optimumOf = async (task: Problem): Promise<Matrix> => (await run(withStopping(exactly)(newton), task)).theta;

const expectOptimum = async (
  what: string,
  { promises }: Context,
  task: Problem,
  theta: Matrix,
  optimum: Matrix,
): Promise<void> => {
  const far = relativeDistance(theta, optimum);
  const allowed = promises.optimum + 1e4 * (await task.noiseFloor());
  if (!(far <= allowed))
    fail(`${what}: ${far.toExponential(2)} from the optimum, promised ${allowed.toExponential(2)}`);
};

const property = (
  context: Context,
  fits: fc.Arbitrary<DrawnFit>,
  body: (fit: DrawnFit, task: Problem) => Promise<void>,
): Promise<void> =>
  fc.assert(
    fc.asyncProperty(fits, (fit) => withFit(context.on, fit, (task) => body(fit, task))),
    context.parameters,
  );

/** The same recording under other names and signs: unit k is unit order[k], times sign[k]. */
const renamed = (samples: Transitions, order: readonly number[], sign: readonly number[]): Transitions => {
  const moved = (a: Matrix, units: number): Matrix => {
    const result = matrix(a.rows, a.columns, a.data.slice());
    for (let t = 0; t < a.rows; t++) {
      for (let k = 0; k < units; k++) {
        result.data[t * a.columns + k] = sign[k]! * a.data[t * a.columns + order[k]!]!;
      }
    }
    return result;
  };
  const { units } = samples;
  return { ...samples, predictors: moved(samples.predictors, units), targets: moved(samples.targets, units) };
};

/** What that does to the weights [predictor, unit]. */
const renamedWeights = (theta: Matrix, order: readonly number[], sign: readonly number[]): Matrix => {
  const units = theta.columns;
  const result = matrix(theta.rows, units);
  for (let p = 0; p < theta.rows; p++) {
    for (let j = 0; j < units; j++) {
      const [from, flip] = p < units ? [order[p]!, sign[p]!] : [p, 1];
      result.data[p * units + j] = flip * sign[j]! * theta.data[from * units + order[j]!]!;
    }
  }
  return result;
};

/** What every solver obeys. */
export const solverLaws: readonly SolverLaw[] = [
  {
    name: 'the start is where it begins, inside the constraints',
    check: (context) =>
      property(context, drawnFit(), async (fit, task) => {
        const start = drawnStart(task, fit.seed);
        const before = start.data.slice();
        const state = await context.solver.init(task, start);
        if (state.step !== 0) fail(`the first state has step ${state.step}`);
        if (relativeDistance(state.theta, inside(task, start)) !== 0) fail('the first state is not at the start');
        if (state.theta.data === start.data) fail('the start is not copied');
        if (start.data.some((x, i) => x !== before[i])) fail('the start was changed');
      }),
  },
  {
    name: 'every state is finite, counted, inside the constraints, and tells the truth of its point',
    check: (context) =>
      property(context, drawnFit(), async (fit, task) => {
        const states = await firstStates(context.solver, task, drawnStart(task, fit.seed));
        for (const [k, state] of states.entries()) {
          const at = `state ${k}`;
          const of = state.problem ?? task;
          if (state.step !== k) fail(`${at} says step ${state.step}`);
          for (const numbers of [state.theta.data, state.value, state.gradient.data, [state.residual]]) {
            if (firstNonFinite(numbers) >= 0) fail(`${at} is not finite`);
          }
          if (inside(of, state.theta).data.some((x, i) => x !== state.theta.data[i])) fail(`${at} breaks a constraint`);
          await expectTruth(at, of, state);
        }
      }),
  },
  {
    name: 'objectives fall as promised',
    check: (context) =>
      property(context, drawnFit(), async (fit, task) => {
        if (context.promises.monotone === 'none') return;
        const states = await firstStates(context.solver, task, drawnStart(task, fit.seed, 2), 20);
        const allowed = (await task.rounding()).map((size) => 2 * size);
        const allowedSum = allowed.reduce((a, b) => a + b, 0);
        for (const [k, state] of states.entries()) {
          const before = states[k - 1];
          if (before === undefined) continue;
          const rise = state.objective - before.objective;
          if (!(rise <= allowedSum)) fail(`step ${k} raises the sum of the objectives by ${rise}`);
          if (context.promises.monotone !== 'each') continue;
          state.value.forEach((value, j) => {
            const own = value - before.value[j]!;
            if (!(own <= allowed[j]!)) fail(`step ${k} raises the objective of unit ${j} by ${own}`);
          });
        }
      }),
  },
  {
    name: 'from any start it ends at the optimum, that of newton',
    check: (context) =>
      property(context, drawnFit(), async (fit, task) => {
        const optimum = await optimumOf(task);
        const starts = [undefined, matrix(task.shape.predictors, task.shape.units), drawnStart(task, fit.seed, 2)];
        for (const [k, start] of starts.entries()) {
          const found = await solve(context, task, start);
          const what = `from ${['its own start', 'zero', 'a random start'][k] ?? ''}, ${found.status} after ${found.steps} steps`;
          await expectOptimum(what, context, task, found.theta, optimum);
          if (
            found.status === 'converged' &&
            !(Math.max(found.residual, found.thetaErrorBound) <= context.promises.optimum)
          ) {
            fail(`${what}, but with a residual of ${found.residual} and an error of ${found.thetaErrorBound}`);
          }
        }
      }),
  },
  {
    name: 'run is the end of iterate',
    check: (context) =>
      property(context, drawnFit(), async (fit, task) => {
        const start = drawnStart(task, fit.seed);
        const states = await firstStates(context.solver, task, start);
        const last = states.at(-1) ?? fail('no state');
        const solution = await run(withStopping(maxSteps(last.step))(context.solver), task, { start });
        if (solution.steps !== last.step) fail(`${solution.steps} steps, not ${last.step}`);
        const far = relativeDistance(solution.theta, last.theta);
        if (!(far <= (await rounding(task)))) fail(`the same steps end ${far.toExponential(2)} apart`);
      }),
  },
  {
    name: 'a run changes nothing that was given, and leaves nothing on the backend',
    check: (context) =>
      property(context, drawnFit(), async (fit, task) => {
        const start = drawnStart(task, fit.seed);
        const [before, at] = [start.data.slice(), inside(task, start)];
        await run(withStopping(maxSteps(1))(context.solver), task, { start });
        const [evaluated, scale] = [await task.evaluate(at), (await task.gradientScale()).slice()];
        const memory = context.on.memory();
        await run(withStopping(maxSteps(watched))(context.solver), task, { start });
        const after = context.on.memory();
        if (after.handles !== memory.handles) fail(`${after.handles - memory.handles} handles are left`);
        if (start.data.some((x, i) => x !== before[i])) fail('the start was changed');
        const again = await task.evaluate(at);
        const far = relativeDistance(again.gradient, evaluated.gradient);
        if (!(far <= (await rounding(task)))) fail('the problem was changed');
        if ((await task.gradientScale()).some((x, j) => x !== scale[j])) fail('what the problem keeps was changed');
      }),
  },
  {
    name: 'an abort leaves a state that can be gone on from',
    check: (context) =>
      property(context, drawnFit(), async (fit, task) => {
        const controller = new AbortController();
        const abortsAt = 1 + (fit.seed % 3);
        const aborting = withTrace((state) => {
          if (state.step === abortsAt) controller.abort();
        })(withStopping(never)(context.solver));
        const start = drawnStart(task, fit.seed);
        const stopped = await run(aborting, task, { start, signal: controller.signal });
        if (stopped.status !== 'aborted') fail(`ended as ${stopped.status}, not aborted`);
        if (stopped.steps !== abortsAt) fail(`aborted at step ${abortsAt}, ended at ${stopped.steps}`);
        if (firstNonFinite(stopped.theta.data) >= 0) fail('the last state is not finite');
        const resumed = await solve(context, task, stopped.theta);
        await expectOptimum('resumed', context, task, resumed.theta, await optimumOf(task));
        const early = await run(withStopping(never)(context.solver), task, { start, signal: AbortSignal.abort() });
        if (early.status !== 'aborted' || early.steps !== 0) fail('a run aborted before it began took steps');
      }),
  },
  {
    name: 'two runs at once do not see each other',
    check: (context) =>
      property(context, drawnFit(), async (fit, task) => {
        const short = withStopping(maxSteps(watched))(context.solver);
        await withFit(context.on, { ...fit, seed: fit.seed + 1, steps: fit.steps + 3 }, async (other) => {
          const alone = [await run(short, task), await run(short, other)];
          const together = await Promise.all([run(short, task), run(short, other)]);
          for (const [k, { theta }] of together.entries()) {
            const far = relativeDistance(theta, alone[k]?.theta ?? fail('no run'));
            if (!(far <= (await rounding(task)))) fail(`the runs differ by ${far.toExponential(2)}`);
          }
        });
      }),
  },
  {
    name: 'units by other names, and with other signs, get the same weights by those names and signs',
    check: (context) =>
      property(context, drawnFit(['none', 'diagonal']), async (fit, task) => {
        const { units } = fit;
        const order = Array.from({ length: units }, (_, k) => k).sort(
          (a, b) => Math.sin(fit.seed + 3 * a) - Math.sin(fit.seed + 3 * b),
        );
        const sign = order.map((k) => (Math.sin(fit.seed * (k + 2)) < 0 ? -1 : 1));
        const { theta } = await solve(context, task);
        const samples = renamed(samplesOfFit(fit), order, sign);
        await withFit(
          context.on,
          fit,
          async (other) => {
            const found = await solve(context, other);
            await expectOptimum('renamed', context, other, found.theta, renamedWeights(theta, order, sign));
          },
          samples,
        );
      }),
  },
];

/** Value, gradient and residual of a state against an evaluation of its own point. */
const expectTruth = async (at: string, task: Problem, state: Iterate): Promise<void> => {
  const { value, gradient } = await task.evaluate(state.theta);
  const allowed = await task.rounding();
  value.forEach((exact, j) => {
    const wrong = Math.abs(state.value[j]! - exact);
    if (!(wrong <= 2 * allowed[j]! + 1e-12 * Math.abs(exact))) fail(`${at}: the value of unit ${j} is ${wrong} off`);
  });
  const sum = state.value.reduce((a, b) => a + b, 0);
  if (!(Math.abs(sum - state.objective) <= 1e-12 * Math.abs(sum))) fail(`${at}: the objective is not the sum`);
  const metric = await task.metric();
  const scale = await task.gradientScale();
  const floor = 1e-10 + 10 * (await task.noiseFloor());
  const difference = matrix(gradient.rows, gradient.columns);
  difference.data.forEach((_unused, i) => (difference.data[i] = state.gradient.data[i]! - gradient.data[i]!));
  const wrong = residualOf(metric.dualNorm(difference), scale, 0);
  const size = residualOf(metric.dualNorm(gradient), scale, 0);
  if (!(wrong <= floor * (1 + size))) fail(`${at}: the gradient is ${wrong.toExponential(2)} off`);
  if (!(Math.abs(state.residual - size) <= floor * (1 + size)))
    fail(`${at}: the residual is ${state.residual}, not ${size}`);
};

/**
 * Holds a solver to the laws and to its promises, on small random fits whose curvature is bounded (plain, clipped, capped
 * and calibrated cross-entropy; no zeros, a zero diagonal, a mask), on backends that `on` makes; throws the first failure with
 * the law's name, the case and the seed. Default 5 cases a law. Cost: some 50 short runs.
 */
export const assertSolver = async <State extends Iterate>(
  solver: Solver<State>,
  options: SolverLawOptions,
): Promise<void> => {
  const { monotone = 'each', optimum = 1e-6, maxSteps: steps = 500 } = options.promises ?? {};
  const on = await options.on();
  try {
    const context: Context = {
      solver,
      on,
      promises: { monotone, optimum, maxSteps: steps },
      parameters: { ...lawParameters({ runs: 5, ...options }), includeErrorInReport: true },
    };
    for (const law of solverLaws) {
      try {
        await law.check(context);
      } catch (error) {
        throw new Error(`${solver.name}, law ${law.name}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
  } finally {
    await on.close();
  }
};
