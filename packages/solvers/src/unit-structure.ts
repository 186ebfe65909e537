import type { ScalarPenalty, Structure } from '@drnn/objectives';
import type { Matrix } from '@drnn/tensor';

/** One unit's share of a structure, in contiguous arrays [predictor]. */
export interface UnitStructure {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly penalty: ScalarPenalty | null;
  /** The strength of `penalty` at each coordinate. */
  readonly weight: Float64Array;
  readonly blocks: Structure['blocks'];
  /** The block of each coordinate, -1 for none. */
  readonly blockOf: Int32Array;
  /** Whether a weight that changes sign passes a kink. */
  readonly isKinkedAtZero: boolean;
}

/** A structure as unit after unit sees it; the bounds in the result are overwritten by the next call. */
export const unitStructures = (structure: Structure): ((unit: number) => UnitStructure) => {
  const { rows, columns } = structure.low;
  const blockOf = new Int32Array(rows).fill(-1);
  structure.blocks.forEach(({ members }, b) => members.forEach((p) => (blockOf[p] = b)));
  const penalty = structure.each?.penalty ?? null;
  const shared = {
    low: new Float64Array(rows),
    high: new Float64Array(rows),
    penalty,
    weight: structure.each?.weight ?? new Float64Array(rows),
    blocks: structure.blocks,
    blockOf,
    isKinkedAtZero: penalty !== null && penalty.slopeBelow(0) < penalty.slopeAbove(0),
  };
  return (unit) => {
    for (let p = 0; p < rows; p++) {
      shared.low[p] = structure.low.data[p * columns + unit]!;
      shared.high[p] = structure.high.data[p * columns + unit]!;
    }
    return shared;
  };
};

/** |x_b| of every block. */
export const blockNorms = ({ blocks }: Pick<UnitStructure, 'blocks'>, x: Float64Array, out: Float64Array): void => {
  for (let b = 0; b < blocks.length; b++) {
    const { members } = blocks[b]!;
    let square = 0;
    for (let k = 0; k < members.length; k++) square += x[members[k]!]! ** 2;
    out[b] = Math.sqrt(square);
  }
};

/** What the structure adds to a unit's objective inside the bounds; the nuclear norm is not in it. */
export const unitPenalty = (of: UnitStructure, x: Float64Array, norms: Float64Array): number => {
  let sum = 0;
  const { penalty, weight } = of;
  if (penalty !== null) {
    for (let p = 0; p < x.length; p++) if (weight[p]! > 0) sum += weight[p]! * penalty.value(x[p]!);
  }
  blockNorms(of, x, norms);
  for (let b = 0; b < of.blocks.length; b++) sum += of.blocks[b]!.weight * norms[b]!;
  return sum;
};

/** h(y) - h(x); of a short step without a kink by the mean of the slopes at its ends, since values cancel there. */
const scalarChange = (penalty: ScalarPenalty, x: number, y: number): number => {
  const step = y - x;
  if (Math.abs(step) < 1e-4 * (Math.abs(x) + Math.abs(y))) {
    const [first, last] =
      step > 0 ? [penalty.slopeAbove(x), penalty.slopeBelow(y)] : [penalty.slopeBelow(x), penalty.slopeAbove(y)];
    if (Math.abs(last - first) < 1e-3 * (Math.abs(first) + Math.abs(last))) return (step * (first + last)) / 2;
  }
  return penalty.value(y) - penalty.value(x);
};

/** The change of `unitPenalty` from x to y, the difference of each term by itself, so that a small one is not lost. */
export const unitPenaltyChange = (
  { penalty, weight, blocks }: UnitStructure,
  x: Float64Array,
  y: Float64Array,
): number => {
  let sum = 0;
  if (penalty !== null) {
    for (let p = 0; p < x.length; p++) {
      if (weight[p]! > 0 && x[p] !== y[p]) sum += weight[p]! * scalarChange(penalty, x[p]!, y[p]!);
    }
  }
  for (let b = 0; b < blocks.length; b++) {
    const { members, weight: strength } = blocks[b]!;
    let [before, after, difference] = [0, 0, 0];
    for (let k = 0; k < members.length; k++) {
      const p = members[k]!;
      before += x[p]! ** 2;
      after += y[p]! ** 2;
      difference += (y[p]! - x[p]!) * (y[p]! + x[p]!);
    }
    const size = Math.sqrt(before) + Math.sqrt(after);
    if (size > 0) sum += (strength * difference) / size;
  }
  return sum;
};

/**
 * The element of gradient + subdifferential + normal cone that is nearest to 0, coordinate by coordinate and block by
 * block: 0 where a unit is optimal, the gradient where all is smooth. `norms` are those of the blocks of x.
 */
export const nearestSubgradient = (
  of: UnitStructure,
  x: Float64Array,
  gradient: Float64Array,
  norms: Float64Array,
  out: Float64Array,
): void => {
  const { low, high, penalty, weight, blocks, blockOf } = of;
  for (let p = 0; p < x.length; p++) {
    const at = x[p]!;
    const b = blockOf[p]!;
    const slope = gradient[p]! + (b >= 0 && norms[b]! > 0 ? (blocks[b]!.weight * at) / norms[b]! : 0);
    const isKinked = penalty !== null && weight[p]! > 0;
    // The set is [least, most]; at a bound its normal cone opens it on that side.
    const least = at <= low[p]! ? -Infinity : slope + (isKinked ? weight[p]! * penalty.slopeBelow(at) : 0);
    const most = at >= high[p]! ? Infinity : slope + (isKinked ? weight[p]! * penalty.slopeAbove(at) : 0);
    out[p] = least > 0 ? least : most < 0 ? most : 0;
  }
  for (let b = 0; b < blocks.length; b++) {
    if (norms[b]! > 0) continue;
    const { members, weight: strength } = blocks[b]!;
    let square = 0;
    for (let k = 0; k < members.length; k++) square += out[members[k]!]! ** 2;
    const size = Math.sqrt(square);
    const left = size > strength ? 1 - strength / size : 0;
    for (let k = 0; k < members.length; k++) out[members[k]!]! *= left;
  }
};

/** Whether coordinate p of x sits at a bound or a kink, where a small step must not move it. */
export const isHeld = (of: UnitStructure, x: Float64Array, norms: Float64Array, p: number): boolean => {
  const at = x[p]!;
  if (at <= of.low[p]! || at >= of.high[p]!) return true;
  const b = of.blockOf[p]!;
  if (b >= 0 && norms[b] === 0) return true;
  return of.penalty !== null && of.weight[p]! > 0 && of.penalty.slopeBelow(at) < of.penalty.slopeAbove(at);
};

export const readColumn = ({ columns, data }: Matrix, j: number, out: Float64Array): Float64Array => {
  for (let p = 0; p < out.length; p++) out[p] = data[p * columns + j]!;
  return out;
};

export const writeColumn = (values: Float64Array, { columns, data }: Matrix, j: number): void => {
  for (let p = 0; p < values.length; p++) data[p * columns + j] = values[p]!;
};
