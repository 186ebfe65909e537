import type { Structure } from '@drnn/objectives';
import { copyMatrix, failure, type Host, matrix, type Matrix } from '@drnn/tensor';
import { type Acceleration, type Proposal, unaccelerated } from './acceleration.js';
import { anderson } from './anderson.js';
import { descend, factorCache, type FactorCache, workspace } from './coordinate-descent.js';
import { errorBoundWithin } from './error-bound-within.js';
import { residualOf, sum } from './fixed-point-map.js';
import { type Metric, metricOf } from './metric.js';
import { nesterov } from './nesterov.js';
import { type NuclearModel, nuclearTarget, type NuclearTarget } from './nuclear-model.js';
import { nuclearShares, proxNuclear, singularValues, weightRows } from './nuclear-norm.js';
import type { Problem } from './problem.js';
import { usefulCurvatureBound } from './shared-newton.js';
import type { Iterate, Solver } from './solver.js';
import { defaultStop } from './stopping.js';
import { penaltyChange, structureAt, type StructureAt } from './structure-at.js';
import { clipToBounds, isBounded, structureFor } from './structure-for.js';
import { blockNorms, isHeld, readColumn, unitStructures, writeColumn } from './unit-structure.js';

/** The state of the proximal iteration. */
export interface ProximalState extends Iterate {
  /** The gradient of the smooth part; `gradient` is the nearest subgradient of the whole. */
  readonly smoothGradient: Matrix;
  /** The value of the smooth part of each unit. */
  readonly smoothValue: Float64Array;
  /** The minimum of the model at theta: where the plain step leads. */
  readonly target: Matrix;
  /** The units' shares of the nuclear norm at theta; null without one. */
  readonly shares: Float64Array | null;
  /** W + dual / rho, where the next model with a nuclear norm starts; null before the first and without one. */
  readonly shifted: Matrix | null;
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
  /** How models with a nuclear norm are solved; null without one. */
  readonly nuclear: NuclearModel | null;
}

const patience = 3;

/**
 * Proximal Newton with one metric for all units: from theta to the minimum of
 *
 *     F_j(theta) + g . d + c d' (X'X + Lambda) d / 2 + penalty_j(theta + d),   c the bound on the curvature,
 *
 * inside the bounds: a majorant of the whole objective, so that its minimum, and any point on the way there from theta,
 * lowers every unit's objective (Boehning & Lindsay 1988; Lee, Sun & Saunders 2014). The minimum is found unit by
 * unit without another pass (`descend`). An acceleration, another one (`coupled`) with a nuclear norm, may propose points beyond it; coordinates that the minimum
 * puts on a bound or a kink stay there, and a unit whose objective rose goes back and takes the plain step next, so
 * that the whole objective of every unit is nonincreasing however inexact the inner solves are.
 *
 * The residual is the nearest subgradient, |g + xi| over |g at zero| in the metric's dual norm: 0 exactly at an optimum,
 * whether or not the model was solved. A nuclear norm couples the units: their model is solved by `nuclearTarget`,
 * their residual adds how far W is from the prox of itself plus the dual matrix, and rises are judged together.
 * Cost of a step: one pass, and 2 P^2 N flop a round of coordinate descent, |S|^3 / 3 a unit whose free set changed.
 */
export const proximalSharedNewtonWith = (
  acceleration: Acceleration,
  coupled: Acceleration = acceleration,
): Solver<ProximalState> => ({
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
    const majorant = await majorantOf(problem, Math.max(bound, Number.MIN_VALUE));
    const fixed: Fixed = {
      structure,
      metric: await problem.metric(),
      majorant,
      cache: factorCache(),
      scale: await problem.gradientScale(),
      nuclear: structure.nuclear > 0 ? await nuclearModelOf(problem, structure, majorant) : null,
    };
    clipToBounds(structure, theta);
    const evaluation = await problem.evaluate(theta);
    const { predictors, units } = problem.shape;
    return stateAt(problem, {
      step: 0,
      theta,
      smoothValue: evaluation.value,
      smoothGradient: evaluation.gradient,
      shifted: null,
      fixed,
      proposal:
        structure.nuclear > 0
          ? coupled.begin(problem.on.host, predictors * units, 1, 1)
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
      cautious,
      stuck,
      exhausted: stuck.every((count) => count >= patience),
    });
    const rejected = fixed.structure.nuclear > 0 ? Uint8Array.of(risen[0] ?? 0) : risen;
    state.proposal.learn(point, mapPoint(problem.on.host, next), rejected);
    return next;
  },
});

/**
 * Proximal shared-metric Newton with Anderson's acceleration for each unit; with Nesterov's where a nuclear norm couples
 * them, since mixing points of low rank gives one of higher rank, which is refused again and again.
 */
export const proximalSharedNewton: Solver<ProximalState> = proximalSharedNewtonWith(anderson(5), nesterov);

/** The same without acceleration: the plain majorisation. */
export const plainProximalSharedNewton: Solver<ProximalState> = proximalSharedNewtonWith(unaccelerated);

const majorantOf = async (problem: Problem, bound: number): Promise<Matrix> => {
  const a = copyMatrix(await problem.gram());
  problem.ridge.forEach((lambda, p) => (a.data[p * a.columns + p]! += lambda));
  for (let i = 0; i < a.data.length; i++) a.data[i]! *= bound;
  return a;
};

/** The coupling is the strength over the largest singular value of the fixed point. */
const nuclearModelOf = async (problem: Problem, structure: Structure, majorant: Matrix): Promise<NuclearModel> => {
  const { host } = problem.on;
  const { predictors, units } = problem.shape;
  const { values } = singularValues(host, weightRows(await problem.start(), units));
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  const coupling = structure.nuclear / (largest > 0 ? largest : 1);
  const added = new Float64Array(predictors).fill(coupling, 0, units);
  if (structure.each === null && structure.blocks.length === 0 && !isBounded(structure)) {
    const metric = metricOf(host, majorant, added, problem.free);
    return {
      strength: structure.nuclear,
      coupling,
      minimise: (theta0, gradient) => {
        const step = metric.solve(gradient);
        for (let i = 0; i < step.data.length; i++) step.data[i] = theta0.data[i]! - step.data[i]!;
        return step;
      },
    };
  }
  const model = copyMatrix(majorant);
  added.forEach((value, p) => (model.data[p * predictors + p]! += value));
  const cache = factorCache();
  return {
    strength: structure.nuclear,
    coupling,
    minimise: (theta0, gradient) => separableTarget(host, structure, model, cache, theta0, gradient),
  };
};

type Before = Pick<
  ProximalState,
  'step' | 'theta' | 'smoothValue' | 'smoothGradient' | 'shifted' | 'fixed' | 'proposal' | 'cautious' | 'stuck'
> & { readonly exhausted: boolean };

/** Value, model, nearest subgradient and residual at a point whose smooth part is known. */
const stateAt = async (problem: Problem, at: Before): Promise<ProximalState> => {
  const { host } = problem.on;
  const { theta, fixed, smoothGradient } = at;
  const { structure } = fixed;
  const { units } = problem.shape;
  const floor = await problem.noiseFloor();
  if (fixed.nuclear === null) {
    const here = structureAt(structure, theta, smoothGradient);
    const value = at.smoothValue.map((smooth, j) => smooth + here.penalty[j]!);
    const target = separableTarget(host, structure, fixed.majorant, fixed.cache, theta, smoothGradient);
    return {
      ...at,
      value,
      objective: sum(value),
      gradient: here.subgradient,
      target,
      shares: null,
      residual: residualOf(fixed.metric.dualNorm(here.subgradient), fixed.scale, floor),
      errorBound: () => errorBoundWithin(problem, theta, here),
    };
  }
  const weights = weightRows(theta, units);
  const shares = nuclearShares(singularValues(host, weights));
  const found = nuclearTarget(host, fixed.nuclear, theta, smoothGradient, at.shifted ?? weights);
  const { here, size } = nuclearResidual(problem, fixed, found, theta, smoothGradient);
  const value = at.smoothValue.map((smooth, j) => smooth + here.penalty[j]! + structure.nuclear * shares[j]!);
  const scale = Math.sqrt(fixed.scale.reduce((total, s) => total + s * s, 0));
  return {
    ...at,
    value,
    objective: sum(value),
    gradient: here.subgradient,
    target: found.target,
    shares,
    shifted: found.shifted,
    residual: residualOf(Float64Array.of(size), Float64Array.of(scale), floor),
    errorBound: () => errorBoundWithin(problem, theta, here),
  };
};

/** The minimum of every unit's model with matrix `model`, inside the bounds. */
const separableTarget = (
  host: Host,
  structure: Structure,
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

/**
 * The residual of a problem with a nuclear norm, as a size to be divided by the gradient at zero. With the
 * model's dual matrix Y, theta is optimal if g + Y + xi is 0 on the free coordinates and W is the prox of W + Y, which
 * together say that Y is a subgradient of the norm. Both parts in the metric.
 */
const nuclearResidual = (
  problem: Problem,
  { structure, metric, majorant }: Fixed,
  { dual }: NuclearTarget,
  theta: Matrix,
  smoothGradient: Matrix,
): { readonly here: StructureAt; readonly size: number } => {
  const { host } = problem.on;
  const { units } = problem.shape;
  const strength = structure.nuclear;
  const gradient = copyMatrix(smoothGradient);
  for (let i = 0; i < dual.data.length; i++) gradient.data[i]! += dual.data[i]!;
  const here = structureAt(structure, theta, gradient);
  let trace = 0;
  for (let p = 0; p < units; p++) trace += majorant.data[p * majorant.columns + p]!;
  const step = units / trace;
  const weights = weightRows(theta, units);
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
      trial.data[i] = size === 1 ? target.data[i]! : theta.data[i]! + size * (target.data[i]! - theta.data[i]!);
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
  const change = penaltyChange(structure, state.theta, trial);
  const difference = at.value.map((value, j) => value - state.smoothValue[j]!);
  const { shares } = state;
  if (shares !== null) {
    const norm = sum(singularValues(host, weightRows(trial, problem.shape.units)).values);
    const noise = sum(rounding) + 1e-14 * structure.nuclear * norm;
    const [smooth, slope] = [sum(difference), (sum(before) + sum(after)) / 2];
    const other = sum(change) + structure.nuclear * (norm - sum(shares));
    const rise = (Math.abs(smooth) > noise ? smooth : slope) + other;
    return new Uint8Array(problem.shape.units).fill(rise <= noise ? 0 : 1);
  }
  const rose = (smooth: number, first: number, last: number, penalty: number, noise: number): number => {
    if (Number.isNaN(smooth + penalty)) return 1;
    if (last + penalty <= 0) return 0;
    if (Math.abs(smooth) > noise) return smooth + penalty > 0 ? 1 : 0;
    return (first + last) / 2 + penalty > 0 ? 1 : 0;
  };
  return Uint8Array.from(difference, (smooth, j) => rose(smooth, before[j]!, after[j]!, change[j]!, rounding[j]!));
};

const copyColumn = (from: Matrix, to: Matrix, j: number): void => {
  for (let i = j; i < from.data.length; i += from.columns) to.data[i] = from.data[i]!;
};
