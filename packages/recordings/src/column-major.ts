import type { NumericData } from './numeric-array.js';

const TILE = 32;

/** Copies `source`, in Fortran order (the first axis contiguous), into `target` of the same length in C order. */
export const columnMajorToRowMajor = (shape: readonly number[], source: NumericData, target: NumericData): void => {
  // Without entries there is nothing to copy, however long the other axes claim to be.
  if (source.length === 0) return;
  const axes = shape.filter((axis) => axis !== 1);
  if (axes.length < 2) {
    target.set(source);
    return;
  }
  // The first axis and the last one are a matrix transpose for every index of the axes between them.
  const [first = 1] = axes;
  const last = axes.at(-1) ?? 1;
  const between = axes.slice(1, -1);
  const middle = between.reduce((product, axis) => product * axis, 1);
  const index = between.map(() => 0);
  for (let step = 0; step < middle; step++) {
    let inSource = 0;
    let inTarget = 0;
    let stride = first;
    for (let axis = 0; axis < between.length; axis++) {
      inSource += index[axis]! * stride;
      stride *= between[axis]!;
      inTarget = inTarget * between[axis]! + index[axis]!;
    }
    inTarget *= last;
    const sourceStride = first * middle;
    const targetStride = last * middle;
    for (let i0 = 0; i0 < first; i0 += TILE) {
      const i1 = Math.min(first, i0 + TILE);
      for (let j0 = 0; j0 < last; j0 += TILE) {
        const j1 = Math.min(last, j0 + TILE);
        for (let i = i0; i < i1; i++) {
          for (let j = j0; j < j1; j++)
            target[inTarget + i * targetStride + j] = source[inSource + i + j * sourceStride]!;
        }
      }
    }
    for (let axis = 0; axis < between.length; axis++) {
      if (++index[axis]! < between[axis]!) break;
      index[axis] = 0;
    }
  }
};
