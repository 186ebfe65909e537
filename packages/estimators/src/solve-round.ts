import { batchedPcg, type Metric, metricOf } from '@drnn/solvers';
import { copyMatrix, type Host, type Matrix } from '@drnn/tensor';
import type { FrozenLoss } from './calibrated-loss.js';
import { medianOf } from './median.js';
import { expectedRemainder } from './expected-remainder.js';
import { exactStep } from './exact-step.js';
import {
  curvatureTimes,
  freezeAt,
  type FrozenRound,
  moved,
  pointAt,
  releasePoint,
  type RoundPoint,
} from './round-point.js';
import type { RoundTask } from './round-task.js';

/** When a round ends. Decrements, g' H^-1 g, are given as fractions of P: 1 is a standard error in every direction. */
export interface RoundRule {
  /** What every unit may have left: .01 is a tenth of a standard error. */
  readonly perUnit: number;
  /** What the median unit may have left for the products of a Newton step to end; 0 to ask every unit. */
  readonly median: number;
  /** The most products of one Newton step. */
  readonly products: number;
  /** The most Newton steps. */
  readonly newtonSteps: number;
  /** Default: by `cheaperStep`. */
  readonly method?: StepMethod;
}

/** How the steps of a round are solved: each unit's Hessian factored, or conjugate gradients for all units at once. */
export type StepMethod = 'exact' | 'conjugate-gradients';

export interface RoundOptions {
  /** Frozen where the round starts. */
  readonly loss: FrozenLoss;
  /** lambda [predictor]. */
  readonly ridge: Float64Array;
  readonly rule: RoundRule;
  readonly signal?: AbortSignal;
}

export interface RoundResult {
  readonly theta: Matrix;
  /** Each unit's objective where its last Newton step began. */
  readonly value: Float64Array;
  /** What is left of a unit's decrement over P, estimated: the median over units, and the worst. */
  readonly remaining: { readonly median: number; readonly worst: number };
  readonly converged: boolean;
  readonly method: StepMethod;
  readonly newtonSteps: number;
  readonly products: number;
  /** |H^-1 g| / |theta| of the last step, the largest over units. */
  readonly lastStep: number;
  /** X'X + Lambda / `meanCurvature`, factored. */
  readonly metric: Metric;
  readonly meanCurvature: number;
}

/** Predictors up to which factoring each Hessian is the cheaper step: `bench/src/steps.ts` measures it. */
const exactUpTo = 400;

/**
 * The cheaper way of a Newton step: T P^2 N flop for the exact one, against 4 T P N for each of the K products of
 * conjugate gradients, which take some 100 of them to a tenth of a standard error.
 */
export const cheaperStep = (predictors: number): StepMethod =>
  predictors <= exactUpTo ? 'exact' : 'conjugate-gradients';

/** In every Newton step but the last, the quadratic model has no more than this fraction of its decrease left. */
const forcing = 0.02;

/**
 * One round: with the weights of the loss frozen at `start`, minimises for each unit the convex
 *
 *     sum over t of w (Phi(z) - d z) + (lambda / 2) |theta|^2
 *
 * by Newton's method, each step solved by conjugate gradients for all units at once, preconditioned by s_j times the
 * shared metric X'X + Lambda / s (s_j the unit's mean curvature, s their mean). Cost: a pass for each product and each
 * Newton step. Memory: three arrays [time, unit] at most, one where a single Newton step is asked for; where the task
 * recomputes, none, but one while Hessians are factored.
 */
export const solveRound = async (task: RoundTask, start: Matrix, options: RoundOptions): Promise<RoundResult> => {
  const { on, shape, free } = task;
  const { rule, ridge, loss, signal } = options;
  const method = rule.method ?? cheaperStep(shape.predictors);
  const frozen = await freezeAt(task, start, loss, ridge, rule.newtonSteps > 1);
  const { round } = frozen;
  let { point } = frozen;
  try {
    // Where every sample is trimmed only the ridge is left, in any units.
    const meanCurvature = meanOf(point.curvatureSums) / shape.transitions || 1;
    const metric = metricOf(
      on.host,
      task.gram,
      ridge.map((lambda) => lambda / meanCurvature),
      free,
    );
    let products = 0;
    for (let newtonSteps = 1; ; newtonSteps++) {
      const last = newtonSteps >= rule.newtonSteps;
      const step = await (method === 'exact'
        ? exactNewtonStep(round, point)
        : newtonStep(round, point, metric, meanCurvature, rule, last, signal));
      products += step.products;
      const atStart = step.decrement.map((decrement, j) => (decrement + step.remaining[j]!) / shape.predictors);
      const settled = newtonSteps > 1 && atStart.every((left) => left <= rule.perUnit);
      const theta = moved(task, point, step.solution, new Float64Array(shape.units).fill(1));
      if (settled || last || signal?.aborted === true) {
        // Of an exact step nothing of its model is left, and what it leaves of the objective is not looked at: its start is.
        const left = method === 'exact' ? atStart : step.remaining.map((remaining) => remaining / shape.predictors);
        const remaining = { median: medianOf(left), worst: left.reduce((a, b) => Math.max(a, b), 0) };
        const lastStep = largestRelative(on.host, step.solution, theta);
        const { median, worst } = remaining;
        const converged = settled || (rule.newtonSteps === 1 && (worst <= rule.perUnit || median <= rule.median));
        return {
          theta,
          value: point.value,
          remaining,
          converged,
          method,
          newtonSteps,
          products,
          lastStep,
          metric,
          meanCurvature,
        };
      }
      point = await advance(round, point, step.solution, theta);
    }
  } finally {
    releasePoint(point);
    round.release();
  }
};

const exactNewtonStep = async (round: FrozenRound, point: RoundPoint) => {
  const { solution, decrement } = await exactStep(round, point);
  return { solution, decrement, remaining: new Float64Array(decrement.length), products: 0 };
};

const newtonStep = async (
  round: FrozenRound,
  point: RoundPoint,
  metric: Metric,
  meanCurvature: number,
  rule: RoundRule,
  last: boolean,
  signal: AbortSignal | undefined,
) => {
  const { on, shape } = round.task;
  // A unit whose samples are all trimmed has no curvature; its preconditioner must not be infinite.
  const scale = point.curvatureSums.map((sum) => 1 / Math.max(sum / shape.transitions, 1e-6 * meanCurvature));
  const right = copyMatrix(point.gradient);
  for (let i = 0; i < right.data.length; i++) right.data[i] = -right.data[i]!;
  const expected = expectedRemainder(shape.units);
  const { direction, decrement, remaining, products } = await batchedPcg({
    host: on.host,
    right,
    hessianTimes: (v) => curvatureTimes(round, point, v),
    precondition: (r) => scaleColumns(metric.solve(r), scale),
    relative: last ? 0 : forcing,
    absolute: (rule.perUnit / 2) * shape.predictors,
    maxProducts: rule.products,
    stopWhen: (progress) =>
      signal?.aborted === true || medianOf(expected.after(progress)) <= rule.median * shape.predictors,
  });
  const estimate = expected.latest();
  return {
    solution: direction,
    decrement,
    remaining: remaining.map((bound, j) => Math.min(bound, estimate[j]!)),
    products,
  };
};

const halvings = 20;

/**
 * The point after a step. Where the slope along the step has turned to more than half of what it was, the step went
 * beyond the optimum, too far for weights that are frozen: it is halved until it does not.
 */
const advance = async (round: FrozenRound, point: RoundPoint, step: Matrix, trial: Matrix): Promise<RoundPoint> => {
  const { task } = round;
  const { host } = task.on;
  const slope = host.columnDot(point.gradient, step);
  const length = new Float64Array(step.columns).fill(1);
  let next = await pointAt(round, trial);
  for (let k = 0; k < halvings; k++) {
    const there = host.columnDot(next.gradient, step);
    let long = 0;
    for (let j = 0; j < length.length; j++) {
      if (there[j]! <= -0.5 * slope[j]! || slope[j] === 0) continue;
      length[j]! /= 2;
      long++;
    }
    if (long === 0) break;
    releasePoint(next);
    next = await pointAt(round, moved(task, point, step, length));
  }
  releasePoint(point);
  return next;
};

const scaleColumns = (a: Matrix, scale: Float64Array): Matrix => {
  const { columns, data } = a;
  for (let i = 0; i < data.length; i += columns) for (let j = 0; j < columns; j++) data[i + j]! *= scale[j]!;
  return a;
};

const meanOf = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

const largestRelative = (host: Host, step: Matrix, theta: Matrix): number => {
  const [size, of] = [host.columnDot(step, step), host.columnDot(theta, theta)];
  return size.reduce((largest, s, j) => Math.max(largest, s === 0 ? 0 : Math.sqrt(s / of[j]!)), 0);
};
