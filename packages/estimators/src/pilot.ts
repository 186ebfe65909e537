import { matching, type Transfer } from '@drnn/objectives';
import { type Acceleration, anderson, type Metric, metricOf, projectOut, turn } from '@drnn/solvers';
import {
  copyMatrix,
  div,
  type Expression,
  firstNonFinite,
  less,
  matrix,
  type Matrix,
  substitute,
  variable,
  where,
} from '@drnn/tensor';
import { insideRange } from './inside-range.js';
import { addRidge, isPartlyObserved, passOver, type RoundTask, sumOfParts } from './round-task.js';

export interface PilotOptions {
  /** The bound tau on the weighted slope. */
  readonly clip: number;
  /** Per transition. */
  readonly ridge: number;
  /** Ends when every unit's gradient is at most this fraction of what it is at zero, in the metric's dual norm. */
  readonly tolerance: number;
  readonly maxSteps: number;
  /** Default `anderson(5)`. */
  readonly acceleration?: Acceleration;
  /**
   * Whether the last of `maxSteps` is also evaluated, a pass. Default true; else `residual` is that before it, and a fraction
   * of X' phi^-1(d) in place of the gradient at zero, which takes half a pass, and steps are good to some digits.
   */
  readonly evaluateLast?: boolean;
  /** Where to start; default CORNN's fixed point. */
  readonly start?: Matrix;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number, residual: number, theta: Matrix) => void;
}

export interface Pilot {
  readonly theta: Matrix;
  readonly residual: number;
  readonly steps: number;
  /** X' phi^-1(d) of each part: what least squares on the inverted targets needs. */
  readonly inverted: readonly Matrix[];
}

/**
 * The convex fit that the rounds start from: the matching loss with weight 1 / V(d) and its slope clipped at tau,
 *
 *     slope = clamp((phi(z) - d) / V(d), -tau, tau),   d kept inside the range,
 *
 * by shared-metric Newton from CORNN's fixed point with Anderson acceleration. As many steps as a start needs: no value is
 * evaluated; a unit whose gradient grew by half takes the step that is sure to descend, 1 / (1 + Lip(V) tau), next.
 * Cost: one pass of gradients a step.
 */
export const pilot = async (task: RoundTask, options: PilotOptions): Promise<Pilot> => {
  const { on, shape, free, transfer } = task;
  const { host } = on;
  const ridge = new Float64Array(shape.predictors).fill(options.ridge * shape.transitions);
  if (shape.bias) ridge[shape.predictors - 1] = 0;
  const metric = metricOf(host, task.gram, ridge, free);
  const { evaluateLast: evaluatesLast = true } = options;
  const { slope, inverse } = pilotExpressions(transfer, options.clip);
  const partly = isPartlyObserved(task);
  const seen = (e: Expression): Expression => (partly ? where(less(0, variable('o')), e, 0) : e);
  const observedSlope = seen(slope);
  const dataOf = ({ targets, observed }: RoundTask['parts'][number]) => ({
    d: targets,
    ...(observed === null ? {} : { o: observed }),
  });
  const [inverted, gradientsAtZero]: readonly [Matrix[], Matrix[]] = [[], []];
  const atZero = evaluatesLast ? [seen(inverse), seen(substitute(slope, { z: 0 }))] : [seen(inverse)];
  for (const part of task.parts) {
    await turn();
    const { backProject } = await on.pass(part.design, { currents: {}, data: dataOf(part), backProject: atZero });
    inverted.push(...backProject.slice(0, 1));
    gradientsAtZero.push(...backProject.slice(1));
  }
  const right = sumOfParts(inverted);
  const gradientAtZero = evaluatesLast ? sumOfParts(gradientsAtZero) : right;
  const safeStep = 1 / (1 + transfer.varianceLipschitz * options.clip);

  const at = async (theta: Matrix) => {
    const { backProject } = await passOver(task, (part) => ({
      currents: { z: theta },
      data: dataOf(part),
      backProject: [observedSlope],
    }));
    const gradient = backProject[0] ?? matrix(theta.rows, theta.columns);
    addRidge(ridge, theta, gradient);
    projectOut(free, gradient);
    const direction = evaluatesLast ? metric.solve(gradient) : metric.approximateSolve(gradient);
    for (let i = 0; i < direction.data.length; i++) direction.data[i] = -direction.data[i]!;
    const size = host.columnDot(gradient, direction).map((s) => Math.sqrt(Math.max(-s, 0)));
    return { theta, gradient, direction, value: size, size };
  };

  const fixedPoint = startOf(evaluatesLast ? metric.solve : metric.approximateSolve, right);
  // (X' phi^-1(d))' A^-1 X' phi^-1(d) is at hand: it has just been solved for.
  const scale = evaluatesLast
    ? metric.dualNorm(gradientAtZero)
    : host.columnDot(right, fixedPoint).map((square) => Math.sqrt(Math.max(square, 0)));
  const start = options.start === undefined ? fixedPoint : copyMatrix(options.start);
  projectOut(free, start);
  let point = await at(start);
  const proposal = (options.acceleration ?? anderson(5)).begin(host, shape.predictors, shape.units, safeStep);
  const cautious = new Uint8Array(shape.units);
  for (let steps = 0; ; steps++) {
    const residual = largestRatio(point.size, scale);
    options.onStep?.(steps, residual, point.theta);
    if (residual <= options.tolerance || steps >= options.maxSteps || options.signal?.aborted === true) {
      return { theta: point.theta, residual, steps, inverted };
    }
    const trial = proposal.next(point);
    stepSafely(trial, point, cautious, safeStep);
    if (!evaluatesLast && steps + 1 >= options.maxSteps) {
      return { theta: trial, residual, steps: steps + 1, inverted };
    }
    const next = await at(trial);
    const worse = next.size.map((size, j) => (size <= 1.5 * point.size[j]! ? 0 : 1));
    proposal.learn(point, next, Uint8Array.from(worse));
    cautious.set(worse);
    point = next;
  }
};

/** CORNN's fixed point A^-1 X' phi^-1(d), or zero where an inverted target is infinite. */
const startOf = (solve: Metric['solve'], right: Matrix): Matrix =>
  firstNonFinite(right.data) < 0 ? solve(right) : matrix(right.rows, right.columns);

const stepSafely = (
  trial: Matrix,
  { theta, direction }: { readonly theta: Matrix; readonly direction: Matrix },
  cautious: Uint8Array,
  size: number,
): void => {
  const { columns } = trial;
  cautious.forEach((must, j) => {
    if (must === 0) return;
    for (let i = j; i < trial.data.length; i += columns) trial.data[i] = theta.data[i]! + size * direction.data[i]!;
  });
};

const largestRatio = (size: Float64Array, scale: Float64Array): number =>
  size.reduce((largest, s, j) => (s === 0 ? largest : Math.max(largest, s / scale[j]!)), 0);

/** What the pilot asks of each sample, in z and d, the target kept inside the range. */
const pilotExpressions = (transfer: Transfer, clip: number) => {
  const d = variable('d');
  const kept = insideRange(transfer, d);
  const slope = substitute(matching(transfer, { clip }).slope, { w: div(1, transfer.variance(d)) });
  return {
    slope: substitute(slope, { d: kept }),
    inverse: transfer.inverse(kept),
  };
};
