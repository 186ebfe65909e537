import { type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';
import type { Transitions } from './transitions.js';

const gatherRows = (a: Matrix, rowIndexes: ArrayLike<number>): Matrix => {
  const result = matrix(rowIndexes.length, a.columns);
  for (let k = 0; k < rowIndexes.length; k++) {
    const from = rowIndexes[k]! * a.columns;
    result.data.set(a.data.subarray(from, from + a.columns), k * a.columns);
  }
  return result;
};

/**
 * The transitions `rowIndexes`, in that order, copied; repeats are allowed (for a bootstrap). A trial starts wherever the
 * trial of a row differs from that of the row before. `dropped` still speaks of the whole recording. Throws a
 * `DrnnError` when no row is chosen or an index is not one of `[0, transition)`.
 */
export const selectTransitions = (all: Transitions, rowIndexes: ArrayLike<number>): Transitions => {
  const rows = all.predictors.rows;
  const issues: Issue[] = [];
  if (rowIndexes.length === 0) issues.push({ path: 'rowIndexes', seen: 'no row', expected: 'at least 1 row' });
  for (let k = 0; k < rowIndexes.length; k++) {
    const index = rowIndexes[k]!;
    if (Number.isInteger(index) && index >= 0 && index < rows) continue;
    issues.push({
      path: 'rowIndexes',
      seen: `${index} at position ${k}`,
      expected: `whole numbers from 0 to ${rows - 1}`,
    });
    break;
  }
  refuse(issues);

  const trialOfRow = new Int32Array(rows);
  for (let k = 0; k < all.trialStarts.length; k++) trialOfRow.fill(k, all.trialStarts[k]!);
  const frames = new Int32Array(rowIndexes.length);
  const trialStarts: number[] = [];
  for (let k = 0; k < rowIndexes.length; k++) {
    frames[k] = all.frames[rowIndexes[k]!]!;
    if (k === 0 || trialOfRow[rowIndexes[k]!] !== trialOfRow[rowIndexes[k - 1]!]) trialStarts.push(k);
  }
  const weights = all.weights === null ? null : gatherRows(all.weights, rowIndexes);
  return {
    ...all,
    predictors: gatherRows(all.predictors, rowIndexes),
    targets: gatherRows(all.targets, rowIndexes),
    weights: weights === null || weights.data.every((w) => w === 1) ? null : weights,
    frames,
    trialStarts: Int32Array.from(trialStarts),
    interpolated: Uint8Array.from(rowIndexes, (row) => all.interpolated[row]!),
    alpha: all.alpha.slice(),
  };
};

/**
 * Splits every trial in time: of its n rows the first round((1 - holdoutFraction) n) train, rows whose frame lies within
 * `gap` frames of the last of those belong to neither (default 1, so that no frame is shared by the two parts), the rest
 * is held out. Throws a `DrnnError` when the fraction is not in (0, 1), the gap is not a whole number of frames, or
 * either part is empty.
 */
export const splitTransitions = (
  all: Transitions,
  holdoutFraction: number,
  gap = 1,
): { readonly train: Transitions; readonly heldOut: Transitions } => {
  const issues: Issue[] = [];
  if (!(holdoutFraction > 0 && holdoutFraction < 1)) {
    issues.push({ path: 'holdoutFraction', seen: `${holdoutFraction}`, expected: 'a fraction in (0, 1)' });
  }
  if (!(Number.isInteger(gap) && gap >= 0)) {
    issues.push({ path: 'gap', seen: `${gap}`, expected: 'a whole number of frames, 0 or more' });
  }
  refuse(issues);

  const train: number[] = [];
  const heldOut: number[] = [];
  for (let k = 0; k < all.trialStarts.length; k++) {
    const from = all.trialStarts[k]!;
    const to = all.trialStarts[k + 1] ?? all.predictors.rows;
    const cut = from + Math.round((1 - holdoutFraction) * (to - from));
    for (let row = from; row < cut; row++) train.push(row);
    for (let row = cut; row < to; row++) {
      if (cut === from || all.frames[row]! > all.frames[cut - 1]! + gap) heldOut.push(row);
    }
  }
  const counts = `${all.predictors.rows} transitions in ${all.trialStarts.length} trials, gap ${gap}`;
  const hint = 'record more frames, or change the fraction or the gap';
  if (train.length === 0) {
    issues.push({
      path: 'holdoutFraction',
      seen: `${holdoutFraction} of ${counts}: nothing to train on`,
      expected: 'at least 1 training row',
      hint,
    });
  }
  if (heldOut.length === 0) {
    issues.push({
      path: 'holdoutFraction',
      seen: `${holdoutFraction} of ${counts}: nothing held out`,
      expected: 'at least 1 held-out row',
      hint,
    });
  }
  refuse(issues);
  return { train: selectTransitions(all, train), heldOut: selectTransitions(all, heldOut) };
};
