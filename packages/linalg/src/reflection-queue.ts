/**
 * Reflections of three neighbouring columns, as QR sweeps make them, that wait to be applied to a matrix which the sweeps
 * do not read: four rows at a time, which stay in the first-level cache, through all of what waits. A sweep is a chain
 * of I - tau w w', w = (1, w2, w3), each one column after the last, and ends with a 2 x 2 turn of the two columns left.
 */
export interface ReflectionQueue {
  /** The matrix [rows, columns] whose columns turn. */
  readonly target: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** tau, w2, w3 of every reflection. */
  readonly coefficients: Float64Array;
  /** Of every sweep: first column and number of reflections. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** Of every sweep: columns x, y become x t0 + y t1 and x t2 + y t3. */
  readonly turns: Float64Array;
  sweeps: number;
  waiting: number;
}

const sweepsAtMost = 24;

/** An empty queue for `target`. */
export const reflectionQueue = (target: Float64Array, rows: number, columns: number): ReflectionQueue => ({
  target,
  rows,
  columns,
  coefficients: new Float64Array(3 * sweepsAtMost * columns),
  starts: new Int32Array(sweepsAtMost),
  counts: new Int32Array(sweepsAtMost),
  turns: new Float64Array(4 * sweepsAtMost),
  sweeps: 0,
  waiting: 0,
});

/** Begins a sweep at column `start`, with no turn at its end. */
export const beginSweep = (queue: ReflectionQueue, start: number): void => {
  if (queue.sweeps === sweepsAtMost) applyReflections(queue);
  const s = queue.sweeps;
  queue.starts[s] = start;
  queue.counts[s] = 0;
  queue.sweeps = s + 1;
  endSweep(queue, 1, 0, 0, 1);
};

/** The next reflection of the sweep. */
export const pushReflection = (queue: ReflectionQueue, tau: number, w2: number, w3: number): void => {
  const at = 3 * queue.waiting;
  queue.coefficients[at] = tau;
  queue.coefficients[at + 1] = w2;
  queue.coefficients[at + 2] = w3;
  queue.waiting += 1;
  const s = queue.sweeps - 1;
  queue.counts[s] = queue.counts[s]! + 1;
};

/** The turn of the last two columns of the sweep. */
export const endSweep = (queue: ReflectionQueue, t0: number, t1: number, t2: number, t3: number): void => {
  const at = 4 * (queue.sweeps - 1);
  queue.turns[at] = t0;
  queue.turns[at + 1] = t1;
  queue.turns[at + 2] = t2;
  queue.turns[at + 3] = t3;
};

/** Applies what waits. */
export const applyReflections = (queue: ReflectionQueue): void => {
  const { rows, columns, target, coefficients, starts, counts, turns, sweeps } = queue;
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    let at = 0;
    for (let s = 0; s < sweeps; s++) {
      turnFour(target, row * columns + starts[s]!, columns, coefficients, at, counts[s]!, turns, 4 * s);
      at += 3 * counts[s]!;
    }
  }
  for (; row < rows; row++) {
    let at = 0;
    for (let s = 0; s < sweeps; s++) {
      turnOne(target, row * columns + starts[s]!, coefficients, at, counts[s]!, turns, 4 * s);
      at += 3 * counts[s]!;
    }
  }
  queue.sweeps = 0;
  queue.waiting = 0;
};

const turnFour = (
  a: Float64Array,
  first: number,
  columns: number,
  coefficients: Float64Array,
  from: number,
  count: number,
  turns: Float64Array,
  turn: number,
): void => {
  let i0 = first | 0;
  let i1 = (i0 + columns) | 0;
  let i2 = (i1 + columns) | 0;
  let i3 = (i2 + columns) | 0;
  let x0 = a[i0]!;
  let x1 = a[i1]!;
  let x2 = a[i2]!;
  let x3 = a[i3]!;
  let y0 = a[i0 + 1]!;
  let y1 = a[i1 + 1]!;
  let y2 = a[i2 + 1]!;
  let y3 = a[i3 + 1]!;
  const end = (from + 3 * count) | 0;
  for (let k = from | 0; k < end; k = (k + 3) | 0) {
    const tau = coefficients[k]!;
    const w2 = coefficients[(k + 1) | 0]!;
    const w3 = coefficients[(k + 2) | 0]!;
    const z0 = a[(i0 + 2) | 0]!;
    const z1 = a[(i1 + 2) | 0]!;
    const z2 = a[(i2 + 2) | 0]!;
    const z3 = a[(i3 + 2) | 0]!;
    const s0 = tau * (x0 + w2 * y0 + w3 * z0);
    const s1 = tau * (x1 + w2 * y1 + w3 * z1);
    const s2 = tau * (x2 + w2 * y2 + w3 * z2);
    const s3 = tau * (x3 + w2 * y3 + w3 * z3);
    a[i0] = x0 - s0;
    a[i1] = x1 - s1;
    a[i2] = x2 - s2;
    a[i3] = x3 - s3;
    x0 = y0 - w2 * s0;
    x1 = y1 - w2 * s1;
    x2 = y2 - w2 * s2;
    x3 = y3 - w2 * s3;
    y0 = z0 - w3 * s0;
    y1 = z1 - w3 * s1;
    y2 = z2 - w3 * s2;
    y3 = z3 - w3 * s3;
    i0 = (i0 + 1) | 0;
    i1 = (i1 + 1) | 0;
    i2 = (i2 + 1) | 0;
    i3 = (i3 + 1) | 0;
  }
  const t0 = turns[turn]!;
  const t1 = turns[turn + 1]!;
  const t2 = turns[turn + 2]!;
  const t3 = turns[turn + 3]!;
  a[i0] = x0 * t0 + y0 * t1;
  a[i1] = x1 * t0 + y1 * t1;
  a[i2] = x2 * t0 + y2 * t1;
  a[i3] = x3 * t0 + y3 * t1;
  a[i0 + 1] = x0 * t2 + y0 * t3;
  a[i1 + 1] = x1 * t2 + y1 * t3;
  a[i2 + 1] = x2 * t2 + y2 * t3;
  a[i3 + 1] = x3 * t2 + y3 * t3;
};

const turnOne = (
  a: Float64Array,
  first: number,
  coefficients: Float64Array,
  from: number,
  count: number,
  turns: Float64Array,
  turn: number,
): void => {
  let x = a[first]!;
  let y = a[first + 1]!;
  for (let k = 0; k < count; k++) {
    const w2 = coefficients[from + 3 * k + 1]!;
    const w3 = coefficients[from + 3 * k + 2]!;
    const z = a[first + k + 2]!;
    const sum = coefficients[from + 3 * k]! * (x + w2 * y + w3 * z);
    a[first + k] = x - sum;
    x = y - w2 * sum;
    y = z - w3 * sum;
  }
  a[first + count] = x * turns[turn]! + y * turns[turn + 1]!;
  a[first + count + 1] = x * turns[turn + 2]! + y * turns[turn + 3]!;
};
