import { type Objective, weightExpression } from '@drnn/objectives';
import type { TransitionSource } from '@drnn/simulator';
import {
  copyMatrix,
  evaluate,
  type Expression,
  failure,
  firstNonFinite,
  type Host,
  matrix,
  type Matrix,
  mul,
  refuse,
  rowRange,
  rowReader,
  type RowSource,
  variable,
} from '@drnn/tensor';

/**
 * What the loss sees of a recording: targets in the range of the inverse, their inverse, and weights. Those of a large
 * recording are made anew, piece by piece, whenever they are read, so that they take memory only where a backend keeps
 * them; those of a small one (2^20 targets) are remembered.
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
}

/** Rows of a piece. */
const pieceRows = 1024;
/** Numbers of the targets of a recording that is so small that its samples are remembered: 8 MiB each. */
const mostRemembered = 2 ** 20;

/** Makes the samples of an objective, after one sweep. Errors: weights that are not finite or of another shape. */
export const samplesOf = async (from: TransitionSource, objective: Objective, host: Host): Promise<Samples> => {
  checkWeights(from, objective);
  const { transfer, clip, inverse } = objective;
  const { rows, columns } = from.targets;
  const range = rangeOf(objective);
  const pieces = piecesOf(from, objective, range, host);
  const whole = { clipped: 0, weight: 0, curvature: 0 };
  const variance = clip === null || transfer === null ? null : transfer.variance(variable('d'));
  const weighted = variance === null ? null : mul(variable('w'), variance);
  // An inverse is nondecreasing: finite at both ends of a range, it is so between.
  const isBounded = range !== null && Number.isFinite(range.lowest) && Number.isFinite(range.highest);
  const ends = isBounded ? matrix(1, 2, Float64Array.of(range.lowest, range.highest)) : null;
  let isInvertible = inverse !== null && (ends === null || hasInverse(host, inverse, ends));
  const remembered: Piece[] = [];
  for await (const { piece, clipped } of pieces(pieceRows, true)) {
    const { targets: d, weights: w } = piece;
    if (rows * columns <= mostRemembered) remembered.push(piece);
    whole.clipped += clipped;
    if (w !== null) whole.weight = Math.max(whole.weight, largest(w));
    if (inverse !== null && ends === null && isInvertible) isInvertible = hasInverse(host, inverse, d);
    if (variance === null || weighted === null) continue;
    const relative = w === null ? map(host, variance, { d }) : map(host, weighted, { d, w });
    whole.curvature = Math.max(whole.curvature, largest(relative));
  }
  const read = (what: (piece: Piece) => Matrix, isWeighted = false): RowSource => {
    if (remembered.length > 0) return sourceOfPieces(rows, columns, remembered, what);
    return {
      rows,
      columns,
      blocks: async function* (length) {
        for await (const { piece } of pieces(length, isWeighted)) yield what(piece);
      },
    };
  };
  const isWeighted = objective.weights.kind !== 'none' || from.weights !== null;
  return {
    targets: read(({ targets }) => targets),
    inverted: isInvertible && inverse !== null ? read(({ targets }) => map(host, inverse, { d: targets })) : null,
    weights: isWeighted ? read(({ weights }) => weights ?? ones(0, columns), true) : null,
    clipped: whole.clipped,
    curvatureBound: curvatureBoundOf(objective, isWeighted ? whole.weight : 1, whole.curvature),
  };
};

const map = (host: Host, expression: Expression, inputs: Readonly<Record<string, Matrix>>): Matrix => {
  const [result] = host.pointwise([expression], inputs);
  if (result === undefined) throw new Error('a host gave less than it was asked for');
  return result;
};

const hasInverse = (host: Host, inverse: Expression, d: Matrix): boolean =>
  firstNonFinite(map(host, inverse, { d }).data) < 0;

/** NaN where there is one. */
const largest = ({ data }: Matrix): number => {
  let result = -Infinity;
  for (let i = 0; i < data.length; i++) result = Math.max(result, data[i]!);
  return result;
};

/** What is made of each piece, made at the first reading and kept. */
const sourceOfPieces = (
  rows: number,
  columns: number,
  pieces: readonly Piece[],
  make: (piece: Piece) => Matrix,
): RowSource => {
  let made: readonly Matrix[] | null = null;
  return {
    rows,
    columns,
    blocks: function* (length) {
      made ??= pieces.map(make);
      for (const values of made) {
        for (let row = 0; row < values.rows; row += length)
          yield rowRange(values, row, Math.min(values.rows, row + length));
      }
    },
  };
};

/** The transitions in pieces: targets clipped, and weights made where they are wanted. Reads the sources from their start. */
const piecesOf = (from: TransitionSource, objective: Objective, range: TargetRange | null, host: Host) => {
  const ruled = objective.transfer === null ? null : weightExpression(objective.weights, objective.transfer);
  return async function* (
    length: number,
    weighted: boolean,
  ): AsyncGenerator<{ readonly piece: Piece; readonly clipped: number }> {
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
        const clipped = range === null ? 0 : clipTargets(raw.data, seen?.data ?? null, range);
        const weights = weighted ? weightsOf(from, objective, ruled, host, raw, seen, row) : null;
        yield { piece: { targets: raw, weights }, clipped };
      }
      await targets.finish();
    } finally {
      await targets.close();
      await observed?.close();
    }
  };
};

/** Where targets must lie, and what stands for those that were not observed. */
interface TargetRange {
  readonly lowest: number;
  readonly highest: number;
  readonly rest: number;
}

/** The open range of the transfer function less the margin; null where targets are left as they are. */
const rangeOf = ({ transfer, targetClip }: Objective): TargetRange | null => {
  if (transfer === null || targetClip === null) return null;
  const { low, high } = transfer.range;
  const margin = targetClip * (Number.isFinite(low) && Number.isFinite(high) ? (high - low) / 2 : 1);
  const [lowest, highest] = [low + margin, high - margin];
  // What the network does at rest, so that it has an inverse.
  return { lowest, highest, rest: Math.min(highest, Math.max(lowest, evaluate(transfer.transfer(0), {}))) };
};

/** Keeps targets inside a range, in place; how many observed ones that moved. */
const clipTargets = (
  targets: Float64Array,
  observed: Float64Array | null,
  { lowest, highest, rest }: TargetRange,
): number => {
  let clipped = 0;
  for (let i = 0; i < targets.length; i++) {
    if (observed !== null && observed[i] === 0) {
      targets[i] = rest;
      continue;
    }
    if (targets[i]! > highest) targets[i] = highest;
    else if (targets[i]! < lowest) targets[i] = lowest;
    else continue;
    clipped++;
  }
  return clipped;
};

/** The weights of some transitions, the first of which is row `start` of all; `ruled` gives them from d where a rule does. */
const weightsOf = (
  from: TransitionSource,
  { weights: rule }: Objective,
  ruled: Expression | null,
  host: Host,
  d: Matrix,
  observed: Matrix | null,
  start: number,
): Matrix | null => {
  if (rule.kind === 'none') return observed;
  const result =
    rule.kind === 'explicit' ? explicitWeights(from, rule.values, start, d.rows) : ruleWeights(ruled, host, d);
  if (observed !== null) {
    // A missing sample has a target of no meaning, whose weight may be infinite: 0 replaces it.
    for (let i = 0; i < result.data.length; i++) if (observed.data[i] === 0) result.data[i] = 0;
  }
  // They are not negative.
  const at = Number.isFinite(largest(result)) ? -1 : firstNonFinite(result.data);
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

const ruleWeights = (ruled: Expression | null, host: Host, d: Matrix): Matrix => {
  if (ruled === null) throw new Error('a weight rule needs a transfer function; `objective` checks it');
  // The weight 1 of an expression without d has no shape of its own.
  return ruled.kind === 'constant' ? ones(d.rows, d.columns, ruled.value) : map(host, ruled, { d });
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
