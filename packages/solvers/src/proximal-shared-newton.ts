import type { Structure } from '@drnn/objectives';
import { copyMatrix, failure, type Host, matrix, type Matrix } from '@drnn/tensor';
import { type Acceleration, type Proposal, unaccelerated } from './acceleration.js';
import { anderson } from './anderson.js';
import { descend, factorCache, type FactorCache, workspace } from './coordinate-descent.js';
import { errorBoundWithin } from './error-bound-within.js';
import { residualOf, sum } from './fixed-point-map.js';
import { type Metric, metricOf } from './metric.js';
import {
  mapSingularValues,
  proxNuclear,
  singularValues,
  type SmoothedNorm,
  smoothedNorm,
  weightsOf,
} from './nuclear-norm.js';
import type { Problem } from './problem.js';
import { usefulCurvatureBound } from './shared-newton.js';
import type { Iterate, Solver } from './solver.js';
import { defaultStop } from './stopping.js';
import { structureAt, type StructureAt } from './structure-at.js';
import { blockNorms, isHeld, readColumn, unitStructures, writeColumn } from './unit-structure.js';

/** The state of the proximal iteration. */
export interface ProximalState extends Iterate {
  /** The gradient of the smooth part; `gradient` is the nearest subgradient of the whole. */
  readonly smoothGradient: Matrix;
  /** The value of the smooth part of each unit. */
  readonly smoothValue: Float64Array;
  /** The minimum of the model at theta: where the plain step leads. */
  readonly target: Matrix;
  /** The nuclear norm at theta; null without one. */
  readonly norm: SmoothedNorm | null;
  /** How far the nuclear norm is smoothed. */
  readonly epsilon: number;
  readonly fixed: Fixed;
  readonly proposal: Proposal;
  readonly cautious: Uint8Array;
  readonly stuck: Uint8Array;
}

/** What stays the same in a run. */
interface Fixed {
  readonly structure: Structure;
  readonly metric: Metric;
  /** c (X'X + Lambda), c the bound on the curvature. */
  readonly majorant: Matrix;
  readonly cache: FactorCache;
  /** |g_j at zero|. */
  readonly scale: Float64Array;
  /** The least smoothing of the nuclear norm. */
  readonly leastEpsilon: number;
  /** Whether a unit has bounds, kinks or blocks of its own; else a step is one solve in the metric. */
  readonly separable: boolean;
}

const patience = 3;
/** Smoothing of the nuclear norm, relative to the largest singular value of the fixed point. */
const firstSmoothing = 0.1;
const lastSmoothing = 1e-10;
const smoothingFalls = 0.5;

/**
 * Proximal Newton with one metric for all units: from theta to the minimum of
 *
 *     F_j(theta) + g . d + c d' (X'X + Lambda) d / 2 + penalty_j(theta + d),   c the bound on the curvature,
 *
 * inside the bounds: a majorant of the whole objective, so that its minimum, and any point on the way there from theta,
 * lowers every unit's objective (Boehning & Lindsay 1988; Lee, Sun & Saunders 2014). The minimum is found unit by
 * unit without another pass (`descend`). An acceleration may propose points beyond it; coordinates that the minimum
 * puts on a bound or a kink stay there, and a unit whose objective rose goes back and takes the plain step next, so
 * that the whole objective of every unit is nonincreasing however inexact the inner solves are.
 *
 * The residual is the nearest subgradient, |g + xi| over |g at zero| in the metric's dual norm: 0 exactly at an optimum,
 * whether or not the model was solved. A nuclear norm couples the units: see `smoothedNorm`; its residual adds how far
 * W is from the prox of itself plus its dual matrix, both clipped exactly, and rises and falls are judged together.
 * Cost of a step: one pass, and 2 P^2 N flop a round of coordinate descent, |S|^3 / 3 a unit whose free set changed.
 */
export const proximalSharedNewtonWith = (acceleration: Acceleration): Solver<ProximalState> => ({
  name: acceleration.name === 'none' ? 'proximal-shared-newton' : `proximal-shared-newton + ${acceleration.name}`,
  stop: defaultStop,
  structured: true,
  init: async (problem, start) => {
    const structure = structureFor(problem);
    const bound = problem.curvatureBound;
    if (bound === null || bound > usefulCurvatureBound) {
      throw failure({
        path: 'solver',
        seen: `proximal-shared-newton with a curvature of ${bound === null ? 'no known bound' : `up to ${bound.toPrecision(3)}`}`,
        expected: `a curvature of at most ${usefulCurvatureBound} times that of the shared metric`,
        hint: 'clip the slope (clip 0.2), cap the weights, or use the solver proximal-newton',
      });
    }
    const theta = copyMatrix(start ?? (await problem.start()));
    const size = structure.nuclear > 0 ? await largestSingularValue(problem) : 0;
    const scale = await problem.gradientScale();
    const fixed: Fixed = {
      structure,
      metric: await problem.metric(),
      majorant: await majorantOf(problem, Math.max(bound, Number.MIN_VALUE)),
      cache: factorCache(),
      scale,
      leastEpsilon: lastSmoothing * size,
      separable: structure.each !== null || structure.blocks.length > 0 || isBounded(structure),
    };
    clip(structure, theta);
    const evaluation = await problem.evaluate(theta);
    const { predictors, units } = problem.shape;
    const coupled = structure.nuclear > 0;
    return stateAt(problem, {
      step: 0,
      theta,
      smoothValue: evaluation.value,
      smoothGradient: evaluation.gradient,
      epsilon: firstSmoothing * size,
      fixed,
      proposal: coupled
        ? acceleration.begin(problem.on.host, predictors * units, 1, 1)
        : acceleration.begin(problem.on.host, predictors, units, 1),
      cautious: new Uint8Array(units),
      stuck: new Uint8Array(units),
      exhausted: false,
    });
  },
  step: async (problem, state) => {
    const { fixed, theta, target } = state;
    const point = mapPoint(problem.on.host, state);
    const trial = likeTheta(theta, state.proposal.next(point));
    keepHeld(fixed.structure, target, trial);
    stepSafely(state, trial);
    const found = await problem.evaluate(trial);
    const rounding = await problem.rounding();
    const risen = raised(problem, rounding, state, trial, found);
    const cautious = new Uint8Array(risen.length);
    const stuck = state.stuck.slice();
    const { value: smoothValue, gradient: smoothGradient } = found;
    risen.forEach((rose, j) => {
      stuck[j] = rose === 1 && state.cautious[j] === 1 ? Math.min(255, stuck[j]! + 1) : rose === 1 ? stuck[j]! : 0;
      if (rose === 0) return;
      cautious[j] = 1;
      copyColumn(theta, trial, j);
      copyColumn(state.smoothGradient, smoothGradient, j);
      smoothValue[j] = state.smoothValue[j]!;
    });
    const next = await stateAt(problem, {
      ...state,
      step: state.step + 1,
      theta: trial,
      smoothValue,
      smoothGradient,
      epsilon: Math.max(fixed.leastEpsilon, smoothingFalls * state.epsilon),
      cautious,
      stuck,
      exhausted: stuck.every((count) => count >= patience),
    });
    const rejected = fixed.structure.nuclear > 0 ? Uint8Array.of(risen[0] ?? 0) : risen;
    state.proposal.learn(point, mapPoint(problem.on.host, next), rejected);
    return next;
  },
});

/** Proximal shared-metric Newton, each unit with Anderson's acceleration. */
export const proximalSharedNewton: Solver<ProximalState> = proximalSharedNewtonWith(anderson(5));

/** The same without acceleration: the plain majorisation. */
export const plainProximalSharedNewton: Solver<ProximalState> = proximalSharedNewtonWith(unaccelerated);

/** The structure of a problem; one that is all smooth has only its zeros. */
export const structureFor = (problem: Problem): Structure => {
  if (problem.structure !== null) return problem.structure;
  throw failure({
    path: 'solver',
    seen: 'a proximal solver for a smooth objective without bounds',
    expected: 'a penalty with a kink, or bounds',
    hint: 'use shared-newton or newton, which are faster there',
  });
};

export const isBounded = ({ low, high }: Structure): boolean =>
  low.data.some((value, i) => value !== high.data[i] && (value !== -Infinity || high.data[i] !== Infinity));

const majorantOf = async (problem: Problem, bound: number): Promise<Matrix> => {
  const a = copyMatrix(await problem.gram());
  problem.ridge.forEach((lambda, p) => (a.data[p * a.columns + p]! += lambda));
  for (let i = 0; i < a.data.length; i++) a.data[i]! *= bound;
  return a;
};

const largestSingularValue = async (problem: Problem): Promise<number> => {
  const { values } = singularValues(problem.on.host, weightsOf(await problem.start(), problem.shape.units));
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  return largest > 0 ? largest : 1;
};

/** Into the bounds, in place. */
export const clip = ({ low, high }: Structure, theta: Matrix): void => {
  for (let i = 0; i < theta.data.length; i++) {
    theta.data[i] = Math.min(high.data[i]!, Math.max(low.data[i]!, theta.data[i]!));
  }
};

type Before = Pick<
  ProximalState,
  | 'step'
  | 'theta'
  | 'smoothValue'
  | 'smoothGradient'
  | 'epsilon'
  | 'fixed'
  | 'proposal'
  | 'cautious'
  | 'stuck'
> & { readonly exhausted: boolean };

/** Value, model, nearest subgradient and residual at a point whose smooth part is known. */
const stateAt = async (problem: Problem, at: Before): Promise<ProximalState> => {
  const { host } = problem.on;
  const { theta, fixed, smoothGradient } = at;
  const { structure } = fixed;
  const { units } = problem.shape;
  const floor = await problem.noiseFloor();
  if (structure.nuclear === 0) {
    const here = structureAt(structure, theta, smoothGradient);
    const value = at.smoothValue.map((smooth, j) => smooth + here.penalty[j]!);
    const target = separableTarget(host, fixed, fixed.majorant, fixed.cache, theta, smoothGradient);
    return {
      ...at,
      value,
      objective: sum(value),
      gradient: here.subgradient,
      target,
      norm: null,
      residual: residualOf(fixed.metric.dualNorm(here.subgradient), fixed.scale, floor),
      errorBound: () => errorBoundWithin(problem, theta, here),
    };
  }
  const norm = smoothedNorm(host, weightsOf(theta, units), at.epsilon);
  const model = withRidge(fixed.majorant, norm.ridge, structure.nuclear);
  const gradient = copyMatrix(smoothGradient);
  addDual(host, norm.ridge, weightsOf(theta, units), structure.nuclear, gradient);
  const target = fixed.separable
    ? separableTarget(host, fixed, model, factorCache(), theta, gradient)
    : metricTarget(problem, model, theta, gradient);
  const { here, size } = nuclearResidual(problem, fixed, norm, theta, target, smoothGradient);
  const value = at.smoothValue.map(
    (smooth, j) => smooth + here.penalty[j]! + structure.nuclear * norm.shares[j]!,
  );
  const scale = Math.sqrt(fixed.scale.reduce((total, s) => total + s * s, 0));
  return {
    ...at,
    value,
    objective: sum(value),
    gradient: here.subgradient,
    target,
    norm,
    residual: residualOf(Float64Array.of(size), Float64Array.of(scale), floor),
    errorBound: () => errorBoundWithin(problem, theta, here),
  };
};

/** The minimum of every unit's model with matrix `model`, inside the bounds. */
const separableTarget = (
  host: Host,
  { structure }: Fixed,
  model: Matrix,
  cache: FactorCache,
  theta: Matrix,
  gradient: Matrix,
): Matrix => {
  const target = copyMatrix(theta);
  const work = workspace(theta.rows, structure.blocks.length);
  const unitStructure = unitStructures(structure);
  for (let j = 0; j < theta.columns; j++) {
    readColumn(theta, j, work.x);
    readColumn(gradient, j, work.slope);
    if (descend(host, model, unitStructure(j), work, j, cache)) writeColumn(work.x, target, j);
  }
  return target;
};

/** The same where nothing but zeros is constrained: theta - B_SS^-1 g_S. */
const metricTarget = (problem: Problem, model: Matrix, theta: Matrix, gradient: Matrix): Matrix => {
  const step = metricOf(problem.on.host, model, new Float64Array(theta.rows), problem.free).solve(gradient);
  for (let i = 0; i < step.data.length; i++) step.data[i] = theta.data[i]! - step.data[i]!;
  return step;
};

/** B + strength M^-1 on the rows and columns of W. */
const withRidge = (majorant: Matrix, ridge: Matrix, strength: number): Matrix => {
  const result = copyMatrix(majorant);
  for (let p = 0; p < ridge.rows; p++) {
    for (let q = 0; q < ridge.columns; q++) {
      result.data[p * result.columns + q]! += strength * ridge.data[p * ridge.columns + q]!;
    }
  }
  return result;
};

/** gradient + strength M^-1 Theta on the rows of W, in place. */
const addDual = (host: Host, ridge: Matrix, weights: Matrix, strength: number, gradient: Matrix): void => {
  const dual = host.matMul(ridge, weights, { alpha: strength });
  for (let i = 0; i < dual.data.length; i++) gradient.data[i]! += dual.data[i]!;
};

/**
 * The residual of a problem with a nuclear norm, as a size to be divided by the gradient at zero. The dual matrix is
 * Y = strength M^-1 W(target), which the model makes stationary, with singular values clipped at the strength; theta is
 * optimal if g + Y + xi is 0 on the free coordinates and W is the prox of W + Y. Both parts in the metric.
 */
const nuclearResidual = (
  problem: Problem,
  { structure, metric, majorant }: Fixed,
  norm: SmoothedNorm,
  theta: Matrix,
  target: Matrix,
  smoothGradient: Matrix,
): { readonly here: StructureAt; readonly size: number } => {
  const { host } = problem.on;
  const { units } = problem.shape;
  const strength = structure.nuclear;
  const raw = host.matMul(norm.ridge, weightsOf(target, units), { alpha: strength });
  const dual = mapSingularValues(host, singularValues(host, raw), (value) => Math.min(value, strength));
  const gradient = copyMatrix(smoothGradient);
  for (let i = 0; i < dual.data.length; i++) gradient.data[i]! += dual.data[i]!;
  const here = structureAt(structure, theta, gradient);
  let trace = 0;
  for (let p = 0; p < units; p++) trace += majorant.data[p * majorant.columns + p]!;
  const step = units / trace;
  const weights = weightsOf(theta, units);
  const moved = copyMatrix(weights);
  for (let i = 0; i < moved.data.length; i++) moved.data[i]! += step * dual.data[i]!;
  const proximal = proxNuclear(host, moved, step * strength);
  const difference = matrix(theta.rows, theta.columns);
  for (let i = 0; i < weights.data.length; i++) difference.data[i] = weights.data[i]! - proximal.data[i]!;
  const apart = host.columnDot(difference, host.matMul(majorant, difference));
  const dualNorms = metric.dualNorm(here.subgradient);
  let square = 0;
  for (let j = 0; j < units; j++) square += dualNorms[j]! ** 2 + Math.max(apart[j]!, 0);
  return { here, size: Math.sqrt(square) };
};

/** The step of the iteration as a map that an acceleration can mix: F = target - theta, and B F for its metric. */
const mapPoint = (host: Host, { theta, value, target, fixed }: ProximalState) => {
  const direction = matrix(theta.rows, theta.columns);
  for (let i = 0; i < direction.data.length; i++) direction.data[i] = target.data[i]! - theta.data[i]!;
  const gradient = host.matMul(fixed.majorant, direction, { alpha: -1 });
  if (fixed.structure.nuclear === 0) return { theta, value, direction, gradient };
  const whole = (a: Matrix): Matrix => ({ rows: a.data.length, columns: 1, data: a.data });
  return { theta: whole(theta), value, direction: whole(direction), gradient: whole(gradient) };
};

const likeTheta = ({ rows, columns }: Matrix, { data }: Matrix): Matrix => matrix(rows, columns, data);

/** Coordinates that the model holds at a bound, a kink or in a block of zeros stay there; the others keep the bounds. */
const keepHeld = (structure: Structure, target: Matrix, trial: Matrix): void => {
  const unitStructure = unitStructures(structure);
  const x = new Float64Array(target.rows);
  const norms = new Float64Array(structure.blocks.length);
  for (let j = 0; j < target.columns; j++) {
    const of = unitStructure(j);
    readColumn(target, j, x);
    blockNorms(of, x, norms);
    for (let p = 0; p < x.length; p++) {
      const i = p * target.columns + j;
      if (isHeld(of, x, norms, p)) trial.data[i] = x[p]!;
      else if (trial.data[i]! < of.low[p]!) trial.data[i] = of.low[p]!;
      else if (trial.data[i]! > of.high[p]!) trial.data[i] = of.high[p]!;
    }
  }
};

/** Replaces the proposals of cautious units by the plain step, halved again for each refusal in a row. */
const stepSafely = ({ theta, target, cautious, stuck }: ProximalState, trial: Matrix): void => {
  cautious.forEach((must, j) => {
    if (must === 0) return;
    const size = 1 / 2 ** stuck[j]!;
    for (let i = j; i < theta.data.length; i += theta.columns) {
      trial.data[i] =
        size === 1 ? target.data[i]! : theta.data[i]! + size * (target.data[i]! - theta.data[i]!);
    }
  });
};

/**
 * Which units' objectives rose, as `mapSolver` decides it: by convexity the smooth part changes by no more than the
 * slope along the step at its end, which with the exact change of the penalty settles a fall without looking at sums
 * over time; where their difference is lost in rounding, the mean of the slopes at both ends stands for it.
 */
const raised = (
  problem: Problem,
  rounding: Float64Array,
  state: ProximalState,
  trial: Matrix,
  at: { readonly value: Float64Array; readonly gradient: Matrix },
): Uint8Array => {
  const { host } = problem.on;
  const { structure } = state.fixed;
  const step = matrix(trial.rows, trial.columns);
  for (let i = 0; i < step.data.length; i++) step.data[i] = trial.data[i]! - state.theta.data[i]!;
  const before = host.columnDot(step, state.smoothGradient);
  const after = host.columnDot(step, at.gradient);
  const change = structureAt(structure, trial, null).penalty;
  const from = structureAt(structure, state.theta, null).penalty;
  for (let j = 0; j < change.length; j++) change[j]! -= from[j]!;
  const difference = at.value.map((value, j) => value - state.smoothValue[j]!);
  const rose = (smooth: number, first: number, last: number, penalty: number, noise: number): number => {
    if (Number.isNaN(smooth + penalty)) return 1;
    if (last + penalty <= 0) return 0;
    if (Math.abs(smooth) > noise) return smooth + penalty > 0 ? 1 : 0;
    return (first + last) / 2 + penalty > 0 ? 1 : 0;
  };
  if (state.norm === null) {
    return Uint8Array.from(difference, (smooth, j) => rose(smooth, before[j]!, after[j]!, change[j]!, rounding[j]!));
  }
  const { shares } = smoothedNorm(host, weightsOf(trial, problem.shape.units), state.epsilon);
  const norms = structure.nuclear * (sum(shares) - sum(state.norm.shares));
  const all = rose(sum(difference), sum(before), sum(after), sum(change) + norms, sum(rounding));
  return new Uint8Array(problem.shape.units).fill(all);
};

const copyColumn = (from: Matrix, to: Matrix, j: number): void => {
  for (let i = j; i < from.data.length; i += from.columns) to.data[i] = from.data[i]!;
};
