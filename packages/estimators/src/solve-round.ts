import { batchedPcg, type FactoredMetric, type Metric, metricOf, productWork, scatterColumns } from '@drnn/solvers';
import { columnsOf, type Host, type Matrix } from '@drnn/tensor';
import type { FrozenLoss } from './calibrated-loss.js';
import { medianOf } from './median.js';
import { coarsePreconditioner } from './coarse-preconditioner.js';
import { expectedRemainder } from './expected-remainder.js';
import { exactStep } from './exact-step.js';
import {
  freezeAt,
  type FrozenRound,
  moved,
  narrowingProducts,
  pointAt,
  releasePoint,
  type RoundPoint,
} from './round-point.js';
import { roundPreconditioner } from './round-preconditioner.js';
import type { RoundTask } from './round-task.js';
import type { SolvedRound } from './tempered-theta.js';

/** When a round ends. Decrements, g' H^-1 g, are given as fractions of P: 1 is a standard error in every direction. */
export interface RoundRule {
  /** What every unit may have left for the round to count as converged: .01 is a tenth of a standard error. */
  readonly perUnit: number;
  /**
   * The bounds on what a unit has left (`PcgProgress.remaining`) at which its own products end, falling: when all units
   * are within the first, those that are not go on to the second, and so on. In a single Newton step, being within the
   * first makes a unit converged. Default `perUnit` / 2.
   */
  readonly unitEnds?: readonly number[];
  /**
   * When a round ends at its first bound, as another one with new weights gains more than going deeper: where that took no
   * more than `work`, and its step explains more than `explained` of what the weights took for noise, in the median unit.
   * Default never.
   */
  readonly renews?: { readonly work: number; readonly explained: number };
  /**
   * Whether products are preconditioned by groups of transitions where those move slowly (`coarsePreconditioner`): worth its
   * making where weights differ much between units, and all units are fitted. Default false: by the shared metric.
   */
  readonly grouped?: boolean;
  /** The most work of one Newton step, in products with all units. */
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
  /** Called at the end, while the rows of the round are kept; not after an abort. */
  readonly onSolved?: (solved: SolvedRound, renewed: boolean) => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface RoundResult {
  readonly theta: Matrix;
  /** Each unit's objective where its last Newton step began. */
  readonly value: Float64Array;
  /** What is left of a unit's decrement over P, estimated: the median over units, and the worst. */
  readonly remaining: { readonly median: number; readonly worst: number };
  readonly converged: boolean;
  /** Whether it ended for another one's sake (`RoundRule.renews`). */
  readonly renewed: boolean;
  readonly method: StepMethod;
  readonly newtonSteps: number;
  /** In products with all units. */
  readonly products: number;
  /** |H^-1 g| / |theta| of the last step, the largest over units. */
  readonly lastStep: number;
  /** X'X + Lambda / `meanCurvature`, factored. */
  readonly metric: Metric;
  readonly meanCurvature: number;
}

/** Predictors up to which factoring each Hessian is the cheaper step: `bench/src/steps.ts` measures it. */
const exactUpTo = { grouped: 250, shared: 400 } as const;

/**
 * The cheaper way of a Newton step: T P^2 N flop for the exact one, against 4 T P N for each product of conjugate gradients,
 * which take some 100 of them to a tenth of a standard error by the metric that units share, some 20 by groups of
 * transitions. Of steps that cost about as much exact ones are the better: nothing of their model is left.
 */
export const cheaperStep = (predictors: number, by: keyof typeof exactUpTo = 'shared'): StepMethod =>
  predictors <= exactUpTo[by] ? 'exact' : 'conjugate-gradients';

/** In every Newton step but the last, the quadratic model has no more than this fraction of its decrease left. */
const forcing = 0.02;

/**
 * One round: with the weights of the loss frozen at `start`, minimises for each unit the convex
 *
 *     sum over t of w (Phi(z) - d z) + (lambda / 2) |theta|^2
 *
 * by Newton's method, each step solved by conjugate gradients for all units at once, preconditioned by s_j times the
 * shared metric X'X + Lambda / s (s_j the unit's mean curvature, s their mean). Units differ much in how many products they
 * need, so those that are done are left out of the next ones, as are those that a step found near enough out of further
 * steps. Cost: a pass for each Newton step, and the products. Memory:
 * three arrays [time, unit] at most, one where a single Newton step is asked for, and those columns of it that are still at
 * work; where the task recomputes, none, but one while Hessians are factored.
 */
export const solveRound = async (task: RoundTask, start: Matrix, options: RoundOptions): Promise<RoundResult> => {
  const { on, shape, free } = task;
  const { rule, ridge, loss, signal } = options;
  const mayGroup = rule.grouped === true && free.kind !== 'sets' && task.memory === 'keep';
  const method = rule.method ?? cheaperStep(shape.predictors, mayGroup ? 'grouped' : 'shared');
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
    let renewed = false;
    /** Units that no step has found within `perUnit` where it began: the others stay where they are. */
    let open: Int32Array = Int32Array.from({ length: start.columns }, (_, j) => j);
    const left = new Float64Array(start.columns);
    for (let newtonSteps = 1; ; newtonSteps++) {
      const last = newtonSteps >= rule.newtonSteps;
      const step = await (method === 'exact'
        ? exactNewtonStep(round, point, open)
        : newtonStep(round, point, open, metric, meanCurvature, rule, last, signal));
      products += step.products;
      renewed = step.renewed;
      const theta = moved(task, point, step.solution, new Float64Array(start.columns).fill(1));
      const far = new Array<number>();
      open.forEach((j, c) => {
        const rest = step.remaining[c]! / shape.predictors;
        const atStart = step.decrement[c]! / shape.predictors + rest;
        // Of an exact step nothing of its model is left, and what it leaves of the objective is not looked at: its start is.
        left[j] = method === 'exact' ? atStart : rest;
        if (!(atStart <= rule.perUnit)) far.push(j);
      });
      open = Int32Array.from(far);
      const settled = open.length === 0;
      if (settled || last || signal?.aborted === true) {
        const remaining = { median: medianOf(left), worst: left.reduce((a, b) => Math.max(a, b), 0) };
        const lastStep = largestRelative(on.host, step.solution, theta);
        const asked = Math.max(rule.perUnit, rule.unitEnds?.[0] ?? 0);
        const converged = settled || (rule.newtonSteps === 1 && remaining.worst <= asked);
        if (signal?.aborted !== true) await options.onSolved?.({ round, point, theta, metric, meanCurvature }, renewed);
        return {
          theta,
          value: point.value,
          remaining,
          converged,
          renewed,
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

const exactNewtonStep = async (round: FrozenRound, point: RoundPoint, open: Int32Array) => {
  const { solution, decrement } = await exactStep(round, point, open);
  return { solution, decrement, remaining: new Float64Array(decrement.length), products: 0, renewed: false };
};

/** Of some units: `decrement` and `remaining` are theirs, in that order, the solution has all columns. */
const newtonStep = async (
  round: FrozenRound,
  point: RoundPoint,
  open: Int32Array,
  metric: FactoredMetric,
  meanCurvature: number,
  rule: RoundRule,
  last: boolean,
  signal: AbortSignal | undefined,
) => {
  const { on, shape } = round.task;
  const { renews } = rule;
  const count = point.theta.columns;
  const of = (columns: Int32Array): Int32Array => columns.map((c) => open[c]!);
  const share = productWork(open.length, count);
  const right = open.length === count ? on.host.copy(point.gradient) : columnsOf(point.gradient, open);
  for (let i = 0; i < right.data.length; i++) right.data[i] = -right.data[i]!;
  const expected = expectedRemainder(right.columns);
  const [first = rule.perUnit / 2, ...deeper] = rule.unitEnds ?? [];
  const products = narrowingProducts(round, point);
  const shared = roundPreconditioner(metric, point, shape.transitions, meanCurvature);
  const isWorth = rule.grouped === true && open.length >= fewestForGroups * count;
  const coarse = isWorth ? await coarsePreconditioner(round, point, metric, meanCurvature) : null;
  const precondition = coarse?.precondition ?? shared;
  let [asked, renewed] = [false, false];
  try {
    const found = await batchedPcg({
      host: on.host,
      right,
      narrowing: true,
      hessianTimes: (v, columns) => products.times(v, of(columns)),
      precondition: (residual, columns) => precondition(residual, of(columns)),
      ...(coarse === null ? {} : { preconditioningWork: () => coarse.work() / share, excess: coarse.excess }),
      relative: last ? 0 : forcing,
      absolute: first * shape.predictors,
      deepen: ({ work, decrement }) => {
        if (!asked && renews !== undefined && work <= renews.work)
          renewed = medianOf(decrement) > renews.explained * shape.transitions;
        asked = true;
        if (renewed) return null;
        const next = deeper.shift();
        return next === undefined ? null : next * shape.predictors;
      },
      maxProducts: longest * rule.products,
      maxWork: rule.products / share,
      stopWhen: (progress) => {
        expected.after(progress);
        return signal?.aborted === true;
      },
    });
    const estimate = expected.after(found);
    return {
      solution: open.length === count ? found.direction : spread(on.host, found.direction, open, count),
      decrement: found.decrement,
      remaining: found.remaining.map((bound, c) => Math.min(bound, estimate[c]!)),
      products: found.work * share,
      renewed,
    };
  } finally {
    products.release();
    coarse?.release();
  }
};

/** These columns among `count`, the others 0. */
const spread = (host: Host, columns: Matrix, units: Int32Array, count: number): Matrix => {
  const whole = host.zeros(columns.rows, count);
  scatterColumns(columns, units, whole);
  return whole;
};

/** Of fewer units, groups of transitions cost more to make than they save. */
const fewestForGroups = 1 / 16;

/** Products of the unit that takes most, for each one that all may take. */
const longest = 5;

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

const meanOf = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

const largestRelative = (host: Host, step: Matrix, theta: Matrix): number => {
  const [size, of] = [host.columnDot(step, step), host.columnDot(theta, theta)];
  return size.reduce((largest, s, j) => Math.max(largest, s === 0 ? 0 : Math.sqrt(s / of[j]!)), 0);
};
