import type { Transfer } from '@drnn/objectives';
import type { Transitions, TransitionSource } from '@drnn/simulator';
import { beginningOf, type Issue, matrix, type Matrix, refuse, type RowSource, seekable } from '@drnn/tensor';
import { type RowSweeps, sweepMemory, type TransitionPiece } from './row-sweeps.js';

/** How recorded values become rates: rate = (value - offset) / scale, both [unit]. */
export interface Scaling {
  readonly method: 'none' | 'max' | 'quantile';
  readonly scale: Float64Array;
  readonly offset: Float64Array;
  /** Fractions of targets outside the range of the transfer function, before and after. */
  readonly outsideBefore: number;
  readonly outsideAfter: number;
}

/** The quantile that becomes 1: leaves a thousandth beyond, so that one artefact does not set the scale. */
const level = 0.999;
/** `auto` scales when more than this fraction of the targets is outside, */
const tolerated = 0.01;
/**
 * by more than this much of half the range's width. Noise carries targets of saturated units a little beyond 1, and
 * scaling them by as little bends the transfer function where it is steepest in its inverse.
 */
const margin = 0.01;

/** How a scale is chosen: the rule, whether means are subtracted, and what the network and its units are. */
export type ScalingRequest = readonly [
  rule: 'auto' | 'none' | 'max' | 'quantile',
  center: boolean,
  transfer: Transfer,
  unitName: (unit: number) => string,
];

/**
 * Chooses a scale for each unit from the raw transitions. `auto` does nothing where at most 1% of the *targets* lie
 * more than 1% outside the range of the transfer function (or where scaling cannot help, since the range is not bounded above), else
 * it divides each unit by the .999 quantile of max(|r|, |d|). Errors: a unit that never changes.
 */
export const scalingOf = (raw: Transitions, ...request: ScalingRequest): Scaling =>
  sweepMemory(scalingSweeps(raw, raw.targets.rows, ...request), raw);

/** `scalingOf` in two to four sweeps over transitions of so many rows. */
export function* scalingSweeps(
  { units, alpha }: Pick<Transitions, 'units' | 'alpha'>,
  rows: number,
  ...[rule, center, transfer, unitName]: ScalingRequest
): RowSweeps<Scaling> {
  const extremes = { lowest: new Float64Array(units).fill(Infinity), highest: new Float64Array(units).fill(-Infinity) };
  const total = new Float64Array(units);
  yield (piece) => addExtremes(extremes, total, piece, alpha);
  const { lowest, highest } = extremes;
  const offset = center ? total.map((sum) => sum / rows) : new Float64Array(units);
  const issues: Issue[] = [];
  for (let j = 0; j < units; j++) {
    // What is made of a constant and its target differs from it by rounding.
    if (highest[j]! - lowest[j]! > 1e-12 * Math.abs(highest[j]!)) continue;
    issues.push({
      path: unitName(j),
      seen: `the constant ${lowest[j]} at every observed frame`,
      expected: 'a unit whose activity changes',
      hint: 'leave the unit out: nothing can be fitted to it',
    });
  }
  refuse(issues);
  const ones = new Float64Array(units).fill(1);
  const [before, beyond] = [outsideOf(transfer, ones, offset), outsideOf(transfer, ones, offset, margin)];
  yield (piece) => {
    before.add(piece);
    beyond.add(piece);
  };
  const helps = Number.isFinite(transfer.range.high);
  const method = rule === 'auto' ? (beyond.fraction() > tolerated && helps ? 'quantile' : 'none') : rule;
  let scale = ones;
  if (method === 'max') {
    scale = ones.map((_, j) => Math.max(Math.abs(lowest[j]! - offset[j]!), Math.abs(highest[j]! - offset[j]!)) || 1);
  }
  if (method === 'quantile') {
    const sizes = largestOf(units, rows - Math.ceil(level * rows) + 1);
    yield (piece) => addSizes(sizes, piece, offset);
    scale = ones.map((_, j) => sizes.smallestKept(j) || 1);
  }
  if (method === 'none')
    return { method, scale, offset, outsideBefore: before.fraction(), outsideAfter: before.fraction() };
  const after = outsideOf(transfer, scale, offset);
  yield after.add;
  return { method, scale, offset, outsideBefore: before.fraction(), outsideAfter: after.fraction() };
}

/** The same transitions in scaled units; targets follow, since d is linear in r. */
export const applyScaling = (raw: Transitions, scaling: Scaling): Transitions => ({
  ...raw,
  predictors: scaled(raw.predictors, raw.units, scaling),
  targets: scaled(raw.targets, raw.units, scaling),
});

/** The same of transitions that are read, as they are. */
export const applyScalingTo = (raw: TransitionSource, scaling: Scaling): TransitionSource => {
  const convert = (rows: RowSource): RowSource => {
    const source: RowSource = {
      ...rows,
      blocks: async function* (length) {
        for await (const piece of rows.blocks(length)) yield scaled(piece, raw.units, scaling);
      },
    };
    const begin = beginningOf(rows);
    return begin === null ? source : seekable(source, (row) => convert(begin(row)));
  };
  return { ...raw, predictors: convert(raw.predictors), targets: convert(raw.targets) };
};

const scaled = (a: Matrix, units: number, { scale, offset }: Scaling): Matrix => {
  const result = matrix(a.rows, a.columns, a.data.slice());
  for (let t = 0; t < a.rows; t++) {
    for (let j = 0; j < units; j++) {
      const i = t * a.columns + j;
      result.data[i] = (a.data[i]! - offset[j]!) / scale[j]!;
    }
  }
  return result;
};

const isObserved = ({ weights }: TransitionPiece, i: number): boolean => weights === null || weights.data[i] !== 0;

/** Of the activity at both ends of every transition, and the sum of the predictors. */
const addExtremes = (
  { lowest, highest }: { readonly lowest: Float64Array; readonly highest: Float64Array },
  total: Float64Array,
  piece: TransitionPiece,
  alpha: Float64Array,
): void => {
  const { predictors, targets } = piece;
  const units = targets.columns;
  for (let t = 0; t < targets.rows; t++) {
    for (let j = 0; j < units; j++) {
      const r = predictors.data[t * predictors.columns + j]!;
      const i = t * units + j;
      // The last frame of a trial is no predictor.
      const next = isObserved(piece, i) ? (1 - alpha[j]!) * r + alpha[j]! * targets.data[i]! : r;
      lowest[j] = Math.min(lowest[j]!, r, next);
      highest[j] = Math.max(highest[j]!, r, next);
      total[j]! += r;
    }
  }
};

/** The `count` largest numbers seen of each unit: a heap each, the smallest of them at its top. */
const largestOf = (units: number, count: number) => {
  const heaps = new Float64Array(units * count).fill(-Infinity);
  const add = (unit: number, value: number): void => {
    const top = unit * count;
    if (!(value > heaps[top]!)) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && heaps[top + child + 1]! < heaps[top + child]!) child++;
      if (heaps[top + child]! >= value) break;
      heaps[top + at] = heaps[top + child]!;
      at = child;
    }
    heaps[top + at] = value;
  };
  return { add, smallestKept: (unit: number): number => heaps[unit * count]! };
};

/** max(|r|, |d|) of every transition. */
const addSizes = (
  sizes: { readonly add: (unit: number, value: number) => void },
  piece: TransitionPiece,
  offset: Float64Array,
): void => {
  const { predictors, targets } = piece;
  const units = targets.columns;
  for (let t = 0; t < targets.rows; t++) {
    for (let j = 0; j < units; j++) {
      const i = t * units + j;
      const r = predictors.data[t * predictors.columns + j]! - offset[j]!;
      const d = isObserved(piece, i) ? targets.data[i]! - offset[j]! : 0;
      sizes.add(j, Math.max(Math.abs(r), Math.abs(d)));
    }
  }
};

/** The fraction of targets outside the range, widened by `slack` of half its width. */
const outsideOf = ({ range }: Transfer, scale: Float64Array, offset: Float64Array, slack = 0) => {
  const extra = Number.isFinite(range.high - range.low) ? (slack * (range.high - range.low)) / 2 : 0;
  const [low, high] = [range.low - extra, range.high + extra];
  let [count, total] = [0, 0];
  const add = (piece: TransitionPiece): void => {
    const { data, columns } = piece.targets;
    for (let i = 0; i < data.length; i++) {
      if (!isObserved(piece, i)) continue;
      const j = i % columns;
      const d = (data[i]! - offset[j]!) / scale[j]!;
      total++;
      if (d < low || d > high) count++;
    }
  };
  return { add, fraction: (): number => (total === 0 ? 0 : count / total) };
};
