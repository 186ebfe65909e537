import { type Objective, weightExpression } from '@drnn/objectives';
import type { TransitionSource } from '@drnn/simulator';
import {
  copyMatrix,
  evaluate,
  failure,
  firstNonFinite,
  mapMatrix,
  matrix,
  type Matrix,
  refuse,
  rowReader,
  type RowSource,
} from '@drnn/tensor';

/**
 * What the loss sees of a recording: targets in the range of the inverse, their inverse, and weights. They are made
 * anew, piece by piece, whenever they are read, so that they take memory only where a backend keeps them.
 */
export interface Samples {
  /** d [transition, unit], clipped where the objective says so. */
  readonly targets: RowSource;
  /** y = phi^-1(d) [transition, unit]; null where some entry has none. */
  readonly inverted: RowSource | null;
  /** w >= 0 [transition, unit], 0 for missing samples; null where all are 1. */
  readonly weights: RowSource | null;
  /** How many targets the clip moved. */
  readonly clipped: number;
  /** c with curvature <= c everywhere, for these samples; null where there is none. */
  readonly curvatureBound: number | null;
}

/** Some transitions as the loss sees them. */
interface Piece {
  readonly targets: Matrix;
  readonly weights: Matrix | null;
  readonly clipped: number;
}

/** Rows of a piece. */
const pieceRows = 1024;

/** Makes the samples of an objective, after one sweep. Errors: weights that are not finite or of another shape. */
export const samplesOf = async (from: TransitionSource, objective: Objective): Promise<Samples> => {
  checkWeights(from, objective);
  const pieces = piecesOf(from, objective);
  const whole = { clipped: 0, lowest: Infinity, highest: -Infinity, weight: 0, curvature: 0 };
  const variance = objective.transfer?.variance({ kind: 'variable', name: 'd' });
  const bounded = objective.clip !== null && variance !== undefined;
  for await (const { targets, weights, clipped } of pieces(pieceRows, true)) {
    whole.clipped += clipped;
    const d = targets.data;
    for (let i = 0; i < d.length; i++) {
      whole.lowest = Math.min(whole.lowest, d[i]!);
      whole.highest = Math.max(whole.highest, d[i]!);
    }
    if (weights !== null) for (const w of weights.data) whole.weight = Math.max(whole.weight, w);
    if (!bounded) continue;
    const q = mapMatrix(variance, { d: targets }).data;
    for (let i = 0; i < q.length; i++)
      whole.curvature = Math.max(whole.curvature, q[i]! * (weights === null ? 1 : weights.data[i]!));
  }
  const { rows, columns } = from.targets;
  const read = (what: (piece: Piece) => Matrix, weighted = false): RowSource => ({
    rows,
    columns,
    blocks: async function* (length) {
      for await (const piece of pieces(length, weighted)) yield what(piece);
    },
  });
  const { inverse } = objective;
  // An inverse is nondecreasing: finite at both ends, it is so between.
  const ends = matrix(1, 2, Float64Array.of(whole.lowest, whole.highest));
  const isInvertible = inverse !== null && firstNonFinite(mapMatrix(inverse, { d: ends }).data) < 0;
  const isWeighted = objective.weights.kind !== 'none' || from.weights !== null;
  return {
    targets: read(({ targets }) => targets),
    inverted: isInvertible ? read(({ targets }) => mapMatrix(inverse, { d: targets })) : null,
    weights: isWeighted ? read(({ weights }) => weights ?? ones(0, columns), true) : null,
    clipped: whole.clipped,
    curvatureBound: curvatureBoundOf(objective, isWeighted ? whole.weight : 1, whole.curvature),
  };
};

/** The transitions in pieces: targets clipped, and weights made where they are wanted. Reads the sources from their start. */
const piecesOf = (from: TransitionSource, objective: Objective) =>
  async function* (length: number, weighted: boolean): AsyncGenerator<Piece> {
    const { rows, columns } = from.targets;
    const targets = rowReader('targets', from.targets, length);
    const observed = from.weights === null ? null : rowReader('weights', from.weights, length);
    try {
      for (let row = 0; row < rows; row += length) {
        const count = Math.min(length, rows - row);
        const raw = matrix(count, columns);
        await targets.next(count, raw.data, 0);
        const seen = observed === null ? null : matrix(count, columns);
        if (seen !== null) await observed?.next(count, seen.data, 0);
        const clipped = clipTargets(raw, seen, objective);
        yield { targets: raw, weights: weighted ? weightsOf(from, objective, raw, seen, row) : null, clipped };
      }
      await targets.finish();
    } finally {
      await targets.close();
      await observed?.close();
    }
  };

/** Keeps targets inside the open range of the transfer function, in place; how many observed ones that moved. */
const clipTargets = (targets: Matrix, observed: Matrix | null, { transfer, targetClip }: Objective): number => {
  if (transfer === null || targetClip === null) return 0;
  const { low, high } = transfer.range;
  const margin = targetClip * (Number.isFinite(low) && Number.isFinite(high) ? (high - low) / 2 : 1);
  const [lowest, highest] = [low + margin, high - margin];
  // Where nothing was observed stands what the network does at rest, so that it has an inverse.
  const rest = Math.min(highest, Math.max(lowest, evaluate(transfer.transfer(0), {})));
  const { data } = targets;
  let clipped = 0;
  for (let i = 0; i < data.length; i++) {
    if (observed !== null && observed.data[i] === 0) {
      data[i] = rest;
      continue;
    }
    if (data[i]! > highest) data[i] = highest;
    else if (data[i]! < lowest) data[i] = lowest;
    else continue;
    clipped++;
  }
  return clipped;
};

/** The weights of some transitions, the first of which is row `start` of all. */
const weightsOf = (
  from: TransitionSource,
  objective: Objective,
  d: Matrix,
  observed: Matrix | null,
  start: number,
): Matrix | null => {
  const rule = objective.weights;
  if (rule.kind === 'none') return observed;
  const result =
    rule.kind === 'explicit' ? explicitWeights(from, rule.values, start, d.rows) : ruleWeights(objective, d);
  if (observed !== null) {
    // A missing sample has a target of no meaning, whose weight may be infinite: 0 replaces it.
    for (let i = 0; i < result.data.length; i++) if (observed.data[i] === 0) result.data[i] = 0;
  }
  const at = firstNonFinite(result.data);
  if (at >= 0) {
    throw failure({
      path: 'weights',
      seen: `the weight ${result.data[at]} at transition ${start + Math.floor(at / d.columns)}, unit ${at % d.columns}, where the target is ${d.data[at]}`,
      expected: 'finite weights',
      hint: 'use weights none or capped, or keep targets inside the range of the transfer function',
    });
  }
  return result;
};

const ruleWeights = (objective: Objective, d: Matrix): Matrix => {
  const expression = objective.transfer === null ? null : weightExpression(objective.weights, objective.transfer);
  if (expression === null) throw new Error('a weight rule needs a transfer function; `objective` checks it');
  // The weight 1 of an expression without d has no shape of its own.
  return expression.kind === 'constant' ? ones(d.rows, d.columns, expression.value) : mapMatrix(expression, { d });
};

const ones = (rows: number, columns: number, value = 1): Matrix =>
  matrix(rows, columns, new Float64Array(rows * columns).fill(value));

/** Explicit weights have a row for each transition, or for each frame (that of the transition's first frame counts). */
const checkWeights = ({ targets, frames }: TransitionSource, { weights }: Objective): void => {
  if (weights.kind !== 'explicit') return;
  const { rows, columns } = targets;
  const { values } = weights;
  const lastFrame = frames === null ? rows - 1 : frames.reduce((last, frame) => Math.max(last, frame), 0);
  if (values.columns === columns && (values.rows === rows || values.rows > lastFrame)) return;
  refuse([
    {
      path: 'weights',
      seen: `[${values.rows}, ${values.columns}]`,
      expected: `[transition=${rows}, unit=${columns}], or a row for every frame`,
    },
  ]);
};

const explicitWeights = (
  { targets, frames }: TransitionSource,
  values: Matrix,
  start: number,
  count: number,
): Matrix => {
  const { rows, columns } = targets;
  if (values.rows === rows || frames === null)
    return copyMatrix({ rows: count, columns, data: values.data.subarray(start * columns, (start + count) * columns) });
  const result = matrix(count, columns);
  for (let k = 0; k < count; k++) {
    const frame = frames[start + k]!;
    result.data.set(values.data.subarray(frame * columns, (frame + 1) * columns), k * columns);
  }
  return result;
};

/**
 * The smaller of two bounds on w phi'(z). Without a clip it is (max phi') (max w). With the weighted slope clipped at
 * tau, the curvature is 0 outside |w (phi(z) - d)| <= tau, and inside V(phi(z)) differs from V(d) by at most
 * Lip(V) tau / w, so that w phi' <= max(w V(d)) + Lip(V) tau: 1 + 2 tau for tanh with weight 1 / (1 - d^2).
 */
const curvatureBoundOf = (objective: Objective, largestWeight: number, relative: number): number | null => {
  const { transfer, clip, slopeBound } = objective;
  const plain = slopeBound === null ? Infinity : slopeBound * largestWeight;
  if (clip === null || transfer === null) return Number.isFinite(plain) ? plain : null;
  const bound = Math.min(plain, relative + transfer.varianceLipschitz * clip);
  return Number.isFinite(bound) ? bound : null;
};
