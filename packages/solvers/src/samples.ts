import { type Objective, weightExpression } from '@drnn/objectives';
import type { Transitions } from '@drnn/simulator';
import { copyMatrix, evaluate, failure, firstNonFinite, mapMatrix, matrix, type Matrix, refuse } from '@drnn/tensor';

/** What the loss sees of a recording: targets in the range of the inverse, their inverse, and weights. */
export interface Samples {
  /** d [transition, unit], clipped where the objective says so. */
  readonly targets: Matrix;
  /** y = phi^-1(d) [transition, unit]; null where some entry has none. */
  readonly inverted: Matrix | null;
  /** w >= 0 [transition, unit], 0 for missing samples; null where all are 1. */
  readonly weights: Matrix | null;
  /** How many targets the clip moved. */
  readonly clipped: number;
  /** c with curvature <= c everywhere, for these samples; null where there is none. */
  readonly curvatureBound: number | null;
}

/** Makes the samples of an objective. Errors: weights that are not finite, explicit weights of another shape. */
export const samplesOf = (from: Transitions, objective: Objective): Samples => {
  const { targets, clipped } = clipTargets(from, objective);
  const weights = weightsOf(from, objective, targets);
  const inverse = objective.inverse === null ? null : mapMatrix(objective.inverse, { d: targets });
  return {
    targets,
    inverted: inverse !== null && firstNonFinite(inverse.data) < 0 ? inverse : null,
    weights,
    clipped,
    curvatureBound: curvatureBoundOf(objective, targets, weights),
  };
};

/** Targets kept inside the open range of the transfer function, and how many observed ones that moved. */
const clipTargets = (
  { targets, weights }: Transitions,
  { transfer, targetClip }: Objective,
): { readonly targets: Matrix; readonly clipped: number } => {
  if (transfer === null || targetClip === null) return { targets, clipped: 0 };
  const { low, high } = transfer.range;
  const margin = targetClip * (Number.isFinite(low) && Number.isFinite(high) ? (high - low) / 2 : 1);
  const [lowest, highest] = [low + margin, high - margin];
  // Where nothing was observed stands what the network does at rest, so that it has an inverse.
  const rest = Math.min(highest, Math.max(lowest, evaluate(transfer.transfer(0), {})));
  const result = copyMatrix(targets);
  let clipped = 0;
  for (let i = 0; i < result.data.length; i++) {
    const value = result.data[i]!;
    if (weights !== null && weights.data[i] === 0) {
      result.data[i] = rest;
      continue;
    }
    if (value > highest) result.data[i] = highest;
    else if (value < lowest) result.data[i] = lowest;
    else continue;
    clipped++;
  }
  return { targets: result, clipped };
};

const weightsOf = (from: Transitions, objective: Objective, d: Matrix): Matrix | null => {
  const rule = objective.weights;
  if (rule.kind === 'none') return from.weights;
  const byRule = rule.kind === 'explicit' ? explicitWeights(from, rule.values) : ruleWeights(objective, d);
  const result = from.weights === null ? byRule : copyMatrix(byRule);
  if (from.weights !== null) {
    // A missing sample has a target of no meaning, whose weight may be infinite: 0 replaces it.
    for (let i = 0; i < result.data.length; i++) if (from.weights.data[i] === 0) result.data[i] = 0;
  }
  const at = firstNonFinite(result.data);
  if (at >= 0) {
    throw failure({
      path: 'weights',
      seen: `the weight ${result.data[at]} at transition ${Math.floor(at / d.columns)}, unit ${at % d.columns}, where the target is ${d.data[at]}`,
      expected: 'finite weights',
      hint: 'use weights none or capped, or keep targets inside the range of the transfer function',
    });
  }
  return result;
};

const ruleWeights = (objective: Objective, d: Matrix): Matrix => {
  const expression = objective.transfer === null ? null : weightExpression(objective.weights, objective.transfer);
  if (expression === null) throw new Error('a weight rule needs a transfer function; `objective` checks it');
  return mapMatrix(expression, { d });
};

/** Explicit weights have a row for each transition, or for each frame (that of the transition's first frame counts). */
const explicitWeights = (from: Transitions, values: Matrix): Matrix => {
  const { rows, columns } = from.targets;
  if (values.columns === columns && values.rows === rows) return values;
  const lastFrame = from.frames.reduce((last, frame) => Math.max(last, frame), 0);
  if (values.columns !== columns || values.rows <= lastFrame) {
    refuse([
      {
        path: 'weights',
        seen: `[${values.rows}, ${values.columns}]`,
        expected: `[transition=${rows}, unit=${columns}], or a row for every frame`,
      },
    ]);
  }
  const result = matrix(rows, columns);
  from.frames.forEach((frame, row) => {
    result.data.set(values.data.subarray(frame * columns, (frame + 1) * columns), row * columns);
  });
  return result;
};

/**
 * The smaller of two bounds on w phi'(z). Without a clip it is (max phi') (max w). With the weighted slope clipped at
 * tau, the curvature is 0 outside |w (phi(z) - d)| <= tau, and inside V(phi(z)) differs from V(d) by at most
 * Lip(V) tau / w, so that w phi' <= max(w V(d)) + Lip(V) tau: 1 + 2 tau for tanh with weight 1 / (1 - d^2).
 */
const curvatureBoundOf = (objective: Objective, d: Matrix, w: Matrix | null): number | null => {
  const { transfer, clip, slopeBound } = objective;
  const plain = slopeBound === null ? Infinity : slopeBound * (w === null ? 1 : largest(w.data));
  if (clip === null || transfer === null) return Number.isFinite(plain) ? plain : null;
  const q = mapMatrix(transfer.variance({ kind: 'variable', name: 'd' }), { d });
  let relative = 0;
  for (let i = 0; i < q.data.length; i++) relative = Math.max(relative, q.data[i]! * (w === null ? 1 : w.data[i]!));
  const bound = Math.min(plain, relative + transfer.varianceLipschitz * clip);
  return Number.isFinite(bound) ? bound : null;
};

const largest = (values: Float64Array): number => values.reduce((a, b) => Math.max(a, b), 0);
