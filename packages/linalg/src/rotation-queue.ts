/**
 * Rotations of neighbouring columns that wait to be applied, sweep by sweep: row by row of the matrix, four rows at a
 * time, which stay in the first-level cache, whereas one rotation after the other would run through all of it.
 */
export interface RotationQueue {
  /** The matrix [rows, columns] whose columns turn. */
  readonly target: Float64Array;
  readonly rows: number;
  readonly columns: number;
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
  /** First column and number of rotations of each sweep. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** How many sweeps and rotations wait. */
  sweeps: number;
  waiting: number;
}

const sweepsAtMost = 24;

/** An empty queue for `target`. */
export const rotationQueue = (target: Float64Array, rows: number, columns: number): RotationQueue => ({
  target,
  rows,
  columns,
  cosines: new Float64Array(sweepsAtMost * columns),
  sines: new Float64Array(sweepsAtMost * columns),
  starts: new Int32Array(sweepsAtMost),
  counts: new Int32Array(sweepsAtMost),
  sweeps: 0,
  waiting: 0,
});

/** Begins a sweep at column `start`. */
export const beginSweep = (queue: RotationQueue, start: number): void => {
  if (queue.sweeps === sweepsAtMost) applyRotations(queue);
  queue.starts[queue.sweeps] = start;
  queue.counts[queue.sweeps] = 0;
  queue.sweeps += 1;
};

/** The next rotation of the sweep: columns k and k + 1 become c x + s y and c y - s x, then k is the next one. */
export const pushRotation = (queue: RotationQueue, cosine: number, sine: number): void => {
  queue.cosines[queue.waiting] = cosine;
  queue.sines[queue.waiting] = sine;
  queue.waiting += 1;
  queue.counts[queue.sweeps - 1] = queue.counts[queue.sweeps - 1]! + 1;
};

/** Applies what waits. */
export const applyRotations = (queue: RotationQueue): void => {
  const { rows, columns, target, cosines, sines, starts, counts, sweeps } = queue;
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    let at = 0;
    for (let s = 0; s < sweeps; s++) {
      turnFour(target, row * columns + starts[s]!, columns, cosines, sines, at, counts[s]!);
      at += counts[s]!;
    }
  }
  for (; row < rows; row++) {
    let at = 0;
    for (let s = 0; s < sweeps; s++) {
      turnOne(target, row * columns + starts[s]!, cosines, sines, at, counts[s]!);
      at += counts[s]!;
    }
  }
  queue.sweeps = 0;
  queue.waiting = 0;
};

const turnFour = (
  a: Float64Array,
  first: number,
  columns: number,
  cosines: Float64Array,
  sines: Float64Array,
  from: number,
  count: number,
): void => {
  let i0 = first | 0;
  let i1 = (i0 + columns) | 0;
  let i2 = (i1 + columns) | 0;
  let i3 = (i2 + columns) | 0;
  let x0 = a[i0]!;
  let x1 = a[i1]!;
  let x2 = a[i2]!;
  let x3 = a[i3]!;
  const end = (from + count) | 0;
  for (let k = from | 0; k < end; k = (k + 1) | 0) {
    const c = cosines[k]!;
    const s = sines[k]!;
    const y0 = a[(i0 + 1) | 0]!;
    const y1 = a[(i1 + 1) | 0]!;
    const y2 = a[(i2 + 1) | 0]!;
    const y3 = a[(i3 + 1) | 0]!;
    a[i0] = c * x0 + s * y0;
    a[i1] = c * x1 + s * y1;
    a[i2] = c * x2 + s * y2;
    a[i3] = c * x3 + s * y3;
    x0 = c * y0 - s * x0;
    x1 = c * y1 - s * x1;
    x2 = c * y2 - s * x2;
    x3 = c * y3 - s * x3;
    i0 = (i0 + 1) | 0;
    i1 = (i1 + 1) | 0;
    i2 = (i2 + 1) | 0;
    i3 = (i3 + 1) | 0;
  }
  a[i0] = x0;
  a[i1] = x1;
  a[i2] = x2;
  a[i3] = x3;
};

const turnOne = (
  a: Float64Array,
  first: number,
  cosines: Float64Array,
  sines: Float64Array,
  from: number,
  count: number,
): void => {
  let x = a[first]!;
  for (let k = 0; k < count; k++) {
    const c = cosines[from + k]!;
    const s = sines[from + k]!;
    const y = a[first + k + 1]!;
    a[first + k] = c * x + s * y;
    x = c * y - s * x;
  }
  a[first + count] = x;
};
