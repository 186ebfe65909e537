import { type CholeskyFactor, type Host, matrix, type Matrix } from '@drnn/tensor';
import { principalSubmatrix } from './free.js';
import { blockNorms, isHeld, nearestSubgradient, type UnitStructure } from './unit-structure.js';

/** Factors that may be used again as long as the matrix B stays the same. */
export interface FactorCache {
  readonly factors: Map<number, { readonly set: Int32Array; readonly factor: CholeskyFactor }>;
  bytes: number;
}

export const factorCache = (): FactorCache => ({ factors: new Map(), bytes: 0 });

/** No more than this is kept of factors: 0.5 GB. */
const cacheBytes = 2 ** 29;

/** The model is solved until its residual is this fraction of what it was; smaller ones save no step (measured). */
const modelTolerance = 1e-3;
const mostRounds = 60;
/** Steps on the free coordinates are halved so often before coordinates go on alone. */
const halvings = 5;

/** What solving the models of many units takes: nothing in it outlives a call. */
export interface Workspace {
  readonly x: Float64Array;
  readonly start: Float64Array;
  readonly slope: Float64Array;
  readonly subgradient: Float64Array;
  readonly trial: Float64Array;
  readonly product: Float64Array;
  readonly norms: Float64Array;
  readonly trialNorms: Float64Array;
}

export const workspace = (predictors: number, blocks: number): Workspace => ({
  x: new Float64Array(predictors),
  start: new Float64Array(predictors),
  slope: new Float64Array(predictors),
  subgradient: new Float64Array(predictors),
  trial: new Float64Array(predictors),
  product: new Float64Array(predictors),
  norms: new Float64Array(blocks),
  trialNorms: new Float64Array(blocks),
});

/**
 * Minimises the model of one unit,
 *
 *     g . (x - x0) + (x - x0)' B (x - x0) / 2 + penalty(x)    within the bounds,
 *
 * in place in `work.x` = x0, with g in `work.slope`: rounds of coordinate descent on B (Friedman, Hastie & Tibshirani
 * 2010), blocks by their norm's majorant |x|^2 / r + r over 2 once it is known that they are not 0, and after each
 * round a Newton step on the coordinates that no bound or kink holds, cut off where it meets one. Every move lowers the
 * model, so that stopped early it still lowers what the model majorises. Needs no pass over time: 2 P^2 flop a round
 * and |S|^3 / 3 for a new set S of free coordinates. Returns whether x moved.
 */
export const descend = (
  host: Host,
  b: Matrix,
  of: UnitStructure,
  work: Workspace,
  unit: number,
  cache: FactorCache,
): boolean => {
  const { x, start, slope, subgradient, norms } = work;
  const n = x.length;
  start.set(x);
  blockNorms(of, x, norms);
  const leastCurvature = 1e-14 * meanDiagonal(b);
  const residual = (): number => {
    nearestSubgradient(of, x, slope, norms, subgradient);
    let sum = 0;
    for (let p = 0; p < n; p++) sum += subgradient[p]! ** 2 / Math.max(b.data[p * n + p]!, leastCurvature);
    return Math.sqrt(sum);
  };
  const first = residual();
  if (first === 0) return false;
  let lowest = first;
  let sinceLower = 0;
  for (let round = 0; round < mostRounds && sinceLower < 10; round++) {
    sweep(b, of, work, leastCurvature);
    newtonOnFree(host, b, of, work, unit, cache);
    const now = residual();
    if (now <= modelTolerance * first) break;
    if (now < 0.9 * lowest) {
      lowest = now;
      sinceLower = 0;
    } else sinceLower++;
  }
  return x.some((value, p) => value !== start[p]);
};

const meanDiagonal = (b: Matrix): number => {
  let sum = 0;
  for (let p = 0; p < b.rows; p++) sum += b.data[p * b.rows + p]!;
  return sum / Math.max(1, b.rows);
};

/** Moves coordinate p by `change`, and the slope with it. */
const move = (b: Matrix, { x, slope }: Workspace, p: number, change: number): void => {
  const n = x.length;
  const row = p * n;
  x[p]! += change;
  for (let q = 0; q < n; q++) slope[q]! += b.data[row + q]! * change;
};

/** Every coordinate in turn to the minimum of the model along it. */
const sweep = (b: Matrix, of: UnitStructure, work: Workspace, leastCurvature: number): void => {
  const { x, slope, norms } = work;
  const { low, high, penalty, weight, blockOf, blocks } = of;
  const n = x.length;
  for (let k = 0; k < blocks.length; k++) moveBlock(b, of, work, k, leastCurvature);
  for (let p = 0; p < n; p++) {
    if (low[p]! >= high[p]!) continue;
    const block = blockOf[p]!;
    if (block >= 0 && norms[block] === 0) continue;
    const curvature = Math.max(b.data[p * n + p]!, leastCurvature);
    const pull = block >= 0 ? blocks[block]!.weight / norms[block]! : 0;
    const total = curvature + pull;
    const free = (curvature * x[p]! - slope[p]!) / total;
    const best = penalty !== null && weight[p]! > 0 ? penalty.prox(free, weight[p]! / total) : free;
    const next = best < low[p]! ? low[p]! : best > high[p]! ? high[p]! : best;
    const change = next - x[p]!;
    if (change === 0) continue;
    if (block >= 0) {
      const square = norms[block]! ** 2 + change * (2 * x[p]! + change);
      move(b, work, p, change);
      x[p] = next;
      norms[block] = square > 1e-8 * norms[block]! ** 2 ? Math.sqrt(square) : blockNorm(blocks[block]!.members, x);
    } else {
      move(b, work, p, change);
      x[p] = next;
    }
  }
  // Norms that were updated are rounded; exact ones decide what is 0.
  blockNorms(of, x, norms);
};

const blockNorm = (members: Int32Array, x: Float64Array): number => {
  let square = 0;
  for (let k = 0; k < members.length; k++) square += x[members[k]!]! ** 2;
  return Math.sqrt(square);
};

/** Sets a block to 0 where that is its minimum, and takes a block that is 0 and should not be away from it. */
const moveBlock = (b: Matrix, of: UnitStructure, work: Workspace, k: number, leastCurvature: number): void => {
  const { x, slope, norms, trial, product } = work;
  const { members, weight } = of.blocks[k]!;
  const n = x.length;
  // Away from 0 the coordinates move by themselves, unless a bound keeps the block from 0.
  for (let a = 0; a < members.length; a++) {
    const p = members[a]!;
    if (of.low[p]! > 0 || of.high[p]! < 0) return;
    let at = slope[p]!;
    if (norms[k]! > 0) for (let c = 0; c < members.length; c++) at -= b.data[p * n + members[c]!]! * x[members[c]!]!;
    product[p] = at;
  }
  let square = 0;
  for (let a = 0; a < members.length; a++) {
    const p = members[a]!;
    const kink = of.penalty !== null && of.weight[p]! > 0 ? of.weight[p]! : 0;
    const least = of.low[p]! >= 0 ? -Infinity : product[p]! + (kink > 0 ? kink * (of.penalty?.slopeBelow(0) ?? 0) : 0);
    const most = of.high[p]! <= 0 ? Infinity : product[p]! + (kink > 0 ? kink * (of.penalty?.slopeAbove(0) ?? 0) : 0);
    trial[p] = least > 0 ? least : most < 0 ? most : 0;
    square += trial[p]! ** 2;
  }
  const size = Math.sqrt(square);
  if (size <= weight) {
    if (norms[k]! > 0) for (let a = 0; a < members.length; a++) move(b, work, members[a]!, -x[members[a]!]!);
    for (let a = 0; a < members.length; a++) x[members[a]!] = 0;
    norms[k] = 0;
    return;
  }
  if (norms[k]! > 0) return;
  // From 0 along the nearest subgradient, to the minimum of the model on that ray: L t = |s| - weight.
  let curvature = leastCurvature * square;
  for (let a = 0; a < members.length; a++) {
    const row = members[a]! * n;
    let sum = 0;
    for (let c = 0; c < members.length; c++) sum += b.data[row + members[c]!]! * trial[members[c]!]!;
    curvature += sum * trial[members[a]!]!;
  }
  let length = (size * (size - weight)) / curvature;
  for (let a = 0; a < members.length; a++) {
    const p = members[a]!;
    const step = -trial[p]!;
    if (step > 0) length = Math.min(length, of.high[p]! / step);
    else if (step < 0) length = Math.min(length, of.low[p]! / step);
  }
  if (of.penalty !== null) length = decreasing(b, of, work, members, length);
  for (let a = 0; a < members.length; a++) {
    const p = members[a]!;
    const change = -length * trial[p]!;
    if (change !== 0) move(b, work, p, change);
  }
  norms[k] = blockNorm(members, x);
};

/** A step along -trial from 0 short enough that a penalty which bends upwards does not spoil the descent. */
const decreasing = (b: Matrix, of: UnitStructure, work: Workspace, members: Int32Array, most: number): number => {
  const { slope, trial } = work;
  const n = trial.length;
  for (let length = most, k = 0; k < 60; length /= 2, k++) {
    let change = 0;
    let norm = 0;
    for (let a = 0; a < members.length; a++) {
      const p = members[a]!;
      const step = -length * trial[p]!;
      let curved = 0;
      for (let c = 0; c < members.length; c++) curved += b.data[p * n + members[c]!]! * -length * trial[members[c]!]!;
      change += step * (slope[p]! + curved / 2);
      norm += step ** 2;
      if (of.penalty !== null && of.weight[p]! > 0) {
        change += of.weight[p]! * (of.penalty.value(step) - of.penalty.value(0));
      }
    }
    const block = of.blockOf[members[0] ?? 0] ?? -1;
    change += (of.blocks[block]?.weight ?? 0) * Math.sqrt(norm);
    if (change < 0) return length;
  }
  return 0;
};

/** A Newton step on the coordinates that nothing holds, halved until the model falls; none where it does not. */
const newtonOnFree = (
  host: Host,
  b: Matrix,
  of: UnitStructure,
  work: Workspace,
  unit: number,
  cache: FactorCache,
): void => {
  const { x, slope, norms, trial, product, trialNorms } = work;
  const n = x.length;
  const found: number[] = [];
  for (let p = 0; p < n; p++) if (!isHeld(of, x, norms, p)) found.push(p);
  if (found.length === 0) return;
  const set = Int32Array.from(found);
  const factor = factorOf(host, b, of, work, set, unit, cache);
  if (factor === null) return;
  const right = matrix(set.length, 1);
  for (let a = 0; a < set.length; a++) right.data[a] = -slopeOnFree(of, work, set[a]!);
  host.choleskySolve(factor, right, right);
  for (let k = 0, length = 1; k < halvings; k++, length /= 2) {
    trial.set(x);
    for (let a = 0; a < set.length; a++) {
      const p = set[a]!;
      let next = x[p]! + length * right.data[a]!;
      if (of.isKinkedAtZero && of.weight[p]! > 0 && next * x[p]! < 0) next = 0;
      trial[p] = next < of.low[p]! ? of.low[p]! : next > of.high[p]! ? of.high[p]! : next;
    }
    product.fill(0);
    for (let a = 0; a < set.length; a++) {
      const p = set[a]!;
      const change = trial[p]! - x[p]!;
      if (change === 0) continue;
      const row = p * n;
      for (let q = 0; q < n; q++) product[q]! += b.data[row + q]! * change;
    }
    let [difference, size] = [0, 0];
    for (let a = 0; a < set.length; a++) {
      const p = set[a]!;
      const change = trial[p]! - x[p]!;
      const smooth = change * (slope[p]! + product[p]! / 2);
      const kink =
        of.penalty !== null && of.weight[p]! > 0
          ? of.weight[p]! * (of.penalty.value(trial[p]!) - of.penalty.value(x[p]!))
          : 0;
      difference += smooth + kink;
      size += Math.abs(change) * (Math.abs(slope[p]!) + Math.abs(product[p]!)) + Math.abs(kink);
    }
    blockNorms(of, trial, trialNorms);
    for (let c = 0; c < of.blocks.length; c++) {
      const change = of.blocks[c]!.weight * (trialNorms[c]! - norms[c]!);
      difference += change;
      size += Math.abs(change);
    }
    if (!(difference <= 1e-14 * size)) continue;
    x.set(trial);
    for (let q = 0; q < n; q++) slope[q]! += product[q]!;
    norms.set(trialNorms);
    return;
  }
};

/** The slope of the whole model at a coordinate where it has one. */
const slopeOnFree = (of: UnitStructure, { x, slope, norms }: Workspace, p: number): number => {
  const block = of.blockOf[p]!;
  const kink = of.penalty !== null && of.weight[p]! > 0 ? of.weight[p]! * of.penalty.slopeAbove(x[p]!) : 0;
  return slope[p]! + kink + (block >= 0 ? (of.blocks[block]!.weight * x[p]!) / norms[block]! : 0);
};

/** The factor of B on the set, with the curvature of the norms of blocks, w / r (I - x x' / r^2). */
const factorOf = (
  host: Host,
  b: Matrix,
  of: UnitStructure,
  { x, norms }: Workspace,
  set: Int32Array,
  unit: number,
  cache: FactorCache,
): CholeskyFactor | null => {
  const m = set.length;
  const known = of.blocks.length === 0 ? cache.factors.get(unit) : undefined;
  if (known !== undefined && known.set.length === m && known.set.every((p, a) => p === set[a])) return known.factor;
  const reduced = principalSubmatrix(b, set);
  for (let a = 0; a < m; a++) {
    const p = set[a]!;
    const block = of.blockOf[p]!;
    if (block < 0) continue;
    const pull = of.blocks[block]!.weight / norms[block]!;
    reduced.data[a * m + a]! += pull;
    for (let c = 0; c <= a; c++) {
      const q = set[c]!;
      if (of.blockOf[q] === block) reduced.data[a * m + c]! -= (pull * x[p]! * x[q]!) / norms[block]! ** 2;
    }
  }
  const result = host.cholesky(reduced);
  if (!result.ok) return null;
  if (of.blocks.length === 0) {
    const bytes = 8 * m * m;
    const before = known === undefined ? 0 : 8 * known.set.length ** 2;
    if (cache.bytes - before + bytes <= cacheBytes) {
      cache.bytes += bytes - before;
      cache.factors.set(unit, { set, factor: result.factor });
    }
  }
  return result.factor;
};
