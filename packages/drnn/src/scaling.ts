import type { Transfer } from '@drnn/objectives';
import type { Transitions } from '@drnn/simulator';
import { type Issue, matrix, type Matrix, refuse } from '@drnn/tensor';

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

/**
 * Chooses a scale for each unit from the raw transitions. `auto` does nothing where at most 1% of the *targets* lie
 * more than 1% outside the range of the transfer function (or where scaling cannot help, since the range is not bounded above), else
 * it divides each unit by the .999 quantile of max(|r|, |d|). Errors: a unit that never changes.
 */
export const scalingOf = (
  raw: Transitions,
  rule: 'auto' | 'none' | 'max' | 'quantile',
  center: boolean,
  transfer: Transfer,
  unitName: (unit: number) => string,
): Scaling => {
  const { units } = raw;
  const offset = new Float64Array(units);
  const issues: Issue[] = [];
  const spans = Array.from({ length: units }, (_, j) => {
    const sizes = sizesOf(raw, j, center);
    offset[j] = sizes.mean;
    if (sizes.constant !== null) {
      issues.push({
        path: unitName(j),
        seen: `the constant ${sizes.constant} at every observed frame`,
        expected: 'a unit whose activity changes',
        hint: 'leave the unit out: nothing can be fitted to it',
      });
    }
    return sizes;
  });
  refuse(issues);
  const ones = new Float64Array(units).fill(1);
  const before = outside(raw, transfer, ones, offset);
  const helps = Number.isFinite(transfer.range.high);
  const beyond = outside(raw, transfer, ones, offset, margin);
  const method = rule === 'auto' ? (beyond > tolerated && helps ? 'quantile' : 'none') : rule;
  const scale =
    method === 'none'
      ? ones
      : Float64Array.from(spans, (span) => (method === 'max' ? span.largest : span.quantile()) || 1);
  return { method, scale, offset, outsideBefore: before, outsideAfter: outside(raw, transfer, scale, offset) };
};

/** The same transitions in scaled units; targets follow, since d is linear in r. */
export const applyScaling = (raw: Transitions, { scale, offset }: Scaling): Transitions => {
  const convert = (a: Matrix): Matrix => {
    const result = matrix(a.rows, a.columns, a.data.slice());
    for (let t = 0; t < a.rows; t++) {
      for (let j = 0; j < raw.units; j++) {
        const i = t * a.columns + j;
        result.data[i] = (a.data[i]! - offset[j]!) / scale[j]!;
      }
    }
    return result;
  };
  return { ...raw, predictors: convert(raw.predictors), targets: convert(raw.targets) };
};

const isObserved = (raw: Transitions, i: number): boolean => raw.weights === null || raw.weights.data[i] !== 0;

const sizesOf = (raw: Transitions, j: number, center: boolean) => {
  const { predictors, targets, units, alpha } = raw;
  const values: number[] = [];
  let [lowest, highest, total] = [Infinity, -Infinity, 0];
  for (let t = 0; t < predictors.rows; t++) {
    const r = predictors.data[t * predictors.columns + j]!;
    lowest = Math.min(lowest, r);
    highest = Math.max(highest, r);
    total += r;
    if (!isObserved(raw, t * units + j)) continue;
    // The last frame of a trial is no predictor.
    const next = (1 - alpha[j]!) * r + alpha[j]! * targets.data[t * units + j]!;
    lowest = Math.min(lowest, next);
    highest = Math.max(highest, next);
  }
  const mean = center ? total / predictors.rows : 0;
  for (let t = 0; t < predictors.rows; t++) {
    const r = predictors.data[t * predictors.columns + j]! - mean;
    const i = t * units + j;
    const d = isObserved(raw, i) ? targets.data[i]! - mean : 0;
    values.push(Math.max(Math.abs(r), Math.abs(d)));
  }
  return {
    mean,
    // What is made of a constant and its target differs from it by rounding.
    constant: highest - lowest > 1e-12 * Math.abs(highest) ? null : lowest,
    largest: Math.max(Math.abs(lowest - mean), Math.abs(highest - mean)),
    quantile: (): number => {
      const sorted = Float64Array.from(values).sort();
      return sorted[Math.min(sorted.length - 1, Math.ceil(level * sorted.length) - 1)] ?? 1;
    },
  };
};

/** The fraction of targets outside the range, widened by `slack` of half its width. */
const outside = (
  raw: Transitions,
  { range }: Transfer,
  scale: Float64Array,
  offset: Float64Array,
  slack = 0,
): number => {
  const extra = Number.isFinite(range.high - range.low) ? (slack * (range.high - range.low)) / 2 : 0;
  const [low, high] = [range.low - extra, range.high + extra];
  let [count, total] = [0, 0];
  for (let i = 0; i < raw.targets.data.length; i++) {
    if (!isObserved(raw, i)) continue;
    const j = i % raw.units;
    const d = (raw.targets.data[i]! - offset[j]!) / scale[j]!;
    total++;
    if (d < low || d > high) count++;
  }
  return total === 0 ? 0 : count / total;
};
