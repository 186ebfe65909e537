import type { Structure } from '@drnn/objectives';
import { copyMatrix, failure, matrix, type Matrix, refuse } from '@drnn/tensor';
import { descend, factorCache, workspace } from './coordinate-descent.js';
import { largestDamping, nextDamping } from './damping.js';
import { errorBoundWithin } from './error-bound-within.js';
import { residualOf, sum } from './fixed-point-map.js';
import { hessiansAtOnce, unitsAtOnceIssues } from './hessians-at-once.js';
import type { NewtonOptions } from './newton.js';
import type { Problem } from './problem.js';
import type { Iterate, Solver } from './solver.js';
import { defaultStop } from './stopping.js';
import { penaltyChange, structureAt } from './structure-at.js';
import { clipToBounds, structureFor } from './structure-for.js';
import { readColumn, unitStructures, writeColumn } from './unit-structure.js';

/** The state of proximal Newton for each unit. */
export interface ProximalNewtonState extends Iterate {
  readonly structure: Structure;
  /** The gradient of the smooth part; `gradient` is the nearest subgradient of the whole. */
  readonly smoothGradient: Matrix;
  readonly smoothValue: Float64Array;
  /** From theta to the minimum of each unit's model, [predictor, unit]. */
  readonly direction: Matrix;
  /** mu_j: how much of the shared metric is added to each unit's Hessian. */
  readonly damping: Float64Array;
  readonly scale: Float64Array;
}

/** Armijo's fraction of the decrease that the model without its curvature predicts. */
const sufficientDecrease = 1e-4;
const halvings = 40;

/**
 * Proximal Newton for each unit with its own Hessian (Lee, Sun & Saunders 2014): the model g . d + d' H_j d / 2 +
 * penalty_j(theta + d) is minimised inside the bounds by `descend`, and each unit halves its step until its whole
 * objective falls enough, so that every unit is monotone. Needs no bound on the curvature; a unit that had to shorten
 * its step adds mu (X'X + Lambda), as `newton` does. A nuclear norm, which couples the units, is refused. Cost
 * T P^2 N flop a step and what `descend` takes.
 */
export const proximalNewtonWith = (options: NewtonOptions = {}): Solver<ProximalNewtonState> => {
  refuse(unitsAtOnceIssues('proximal-newton unitsAtOnce', options.unitsAtOnce));
  return {
    name: 'proximal-newton',
    stop: defaultStop,
    structured: true,
    init: async (problem, start) => {
      const structure = structureFor(problem);
      if (structure.nuclear > 0) {
        throw failure({
          path: 'solver',
          seen: 'proximal-newton for a nuclear norm, which couples the units',
          expected: 'a penalty that leaves the units independent',
          hint: 'use proximal-shared-newton; where the curvature has no bound, clip the slope (clip 0.2) or cap the weights',
        });
      }
      const theta = copyMatrix(start ?? (await problem.start()));
      clipToBounds(structure, theta);
      return stateAt(problem, options, {
        step: 0,
        structure,
        theta,
        scale: await problem.gradientScale(),
        damping: new Float64Array(theta.columns),
        ...smoothOf(await problem.evaluate(theta)),
        exhausted: false,
      });
    },
    step: async (problem, state) => {
      const { length, ...found } = await search(problem, state);
      const damping = state.damping.map((mu, j) => nextDamping(mu, length[j]!));
      return stateAt(problem, options, { ...state, ...found, damping, step: state.step + 1 });
    },
  };
};

export const proximalNewton: Solver<ProximalNewtonState> = proximalNewtonWith();

const smoothOf = ({ value, gradient }: { readonly value: Float64Array; readonly gradient: Matrix }) => ({
  smoothValue: value,
  smoothGradient: gradient,
});

type At = Pick<
  ProximalNewtonState,
  'step' | 'structure' | 'theta' | 'smoothValue' | 'smoothGradient' | 'damping' | 'scale'
> & { readonly exhausted: boolean };

const stateAt = async (problem: Problem, options: NewtonOptions, at: At): Promise<ProximalNewtonState> => {
  const { theta, structure } = at;
  const here = structureAt(structure, theta, at.smoothGradient);
  const value = at.smoothValue.map((smooth, j) => smooth + here.penalty[j]!);
  const metric = await problem.metric();
  return {
    ...at,
    value,
    objective: sum(value),
    gradient: here.subgradient,
    direction: await directionOf(problem, at, options.unitsAtOnce ?? hessiansAtOnce(problem.shape.predictors)),
    residual: residualOf(metric.dualNorm(here.subgradient), at.scale, await problem.noiseFloor()),
    errorBound: () => errorBoundWithin(problem, theta, here),
  };
};

/** To the minimum of each unit's model, the Hessians made in blocks of units in one sweep each. */
const directionOf = async (
  problem: Problem,
  { structure, theta, smoothGradient, damping }: At,
  unitsAtOnce: number,
): Promise<Matrix> => {
  const { host } = problem.on;
  const { predictors, units } = problem.shape;
  const gram = await problem.gram();
  const direction = matrix(predictors, units);
  const unitStructure = unitStructures(structure);
  const work = workspace(predictors, structure.blocks.length);
  const curvatures = await problem.curvatures(theta);
  try {
    for (let from = 0; from < units; from += unitsAtOnce) {
      const to = Math.min(units, from + unitsAtOnce);
      const hessians = await problem.on.gramEach(problem.rows.design, curvatures, from, to);
      hessians.forEach((hessian, k) => {
        const j = from + k;
        const mu = damping[j]!;
        for (let i = 0; i < hessian.data.length; i++) hessian.data[i]! += mu * gram.data[i]!;
        for (let p = 0; p < predictors; p++) hessian.data[p * predictors + p]! += (1 + mu) * problem.ridge[p]!;
        readColumn(theta, j, work.x);
        readColumn(smoothGradient, j, work.slope);
        descend(host, hessian, unitStructure(j), work, j, factorCache());
        writeColumn(work.x, direction, j);
      });
    }
  } finally {
    curvatures.release();
  }
  for (let i = 0; i < direction.data.length; i++) direction.data[i]! -= theta.data[i]!;
  return direction;
};

interface Found extends Pick<ProximalNewtonState, 'theta' | 'smoothValue' | 'smoothGradient'> {
  readonly length: Float64Array;
  readonly exhausted: boolean;
}

/**
 * Backtracking for all units at once. By convexity the smooth part rises by no more than its slope at the trial along
 * the step, which with the exact change of the penalty proves a decrease without looking at sums over time; where their
 * change is lost in rounding, the mean of the slopes at both ends stands for it.
 */
const search = async (problem: Problem, state: ProximalNewtonState): Promise<Found> => {
  const { host } = problem.on;
  const { units } = problem.shape;
  const { structure, theta: from, direction, smoothGradient } = state;
  const rounding = await problem.rounding();
  const slope = host.columnDot(smoothGradient, direction);
  const whole = copyMatrix(from);
  for (let i = 0; i < whole.data.length; i++) whole.data[i]! += direction.data[i]!;
  const promised = penaltyChange(structure, from, whole);
  for (let j = 0; j < units; j++) promised[j]! += slope[j]!;
  const length = new Float64Array(units).fill(1);
  const settled = new Uint8Array(units);
  for (let k = 0; ; k++) {
    const theta = copyMatrix(from);
    host.columnScaleAdd(length, direction, theta);
    clipToBounds(structure, theta);
    const found = await problem.evaluate(theta);
    const slopeThere = host.columnDot(found.gradient, direction);
    const penalty = penaltyChange(structure, from, theta);
    for (let j = 0; j < units; j++) {
      if (settled[j] === 1) continue;
      const enough = sufficientDecrease * length[j]! * promised[j]!;
      const smooth = found.value[j]! - state.smoothValue[j]!;
      const mean = (length[j]! * (slope[j]! + slopeThere[j]!)) / 2;
      const falls =
        !Number.isNaN(smooth) &&
        (length[j]! * slopeThere[j]! + penalty[j]! <= enough ||
          (Math.abs(smooth) > rounding[j]!
            ? smooth + penalty[j]! <= enough
            : Math.abs(promised[j]!) <= rounding[j]! || mean + penalty[j]! <= 0));
      if (falls || length[j] === 0) settled[j] = 1;
      else length[j] = k + 1 < halvings ? length[j]! / 2 : 0;
    }
    if (settled.every((done) => done === 1)) {
      const exhausted = length.every((a, j) => a === 0 && state.damping[j]! >= largestDamping);
      return { theta, ...smoothOf(found), length, exhausted };
    }
  }
};
