import { host as plain } from '@drnn/backend-cpu';
import { identity, type Matrix, matrix, transpose } from '@drnn/tensor';
import type { RowMajor } from './row-major.js';

/** Whole numbers within +-most, from a linear congruential generator: the same everywhere. */
const wholeNumbers = (rows: number, columns: number, most: number, seed: number): Matrix => {
  const result = matrix(rows, columns);
  let state = seed;
  for (let i = 0; i < result.data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    result.data[i] = Math.round((state / 2 ** 31 - 1) * most);
  }
  return result;
};

/** A lower triangle of condition number of some 10, NaN above, where nobody may look. */
const triangle = (order: number): Matrix => {
  const l = wholeNumbers(order, order, 2 ** 20, 7);
  for (let i = 0; i < order; i++) {
    for (let j = 0; j < i; j++) l.data[i * order + j] = l.data[i * order + j]! / 2 ** 20 / order;
    l.data[i * order + i] = 1 + (i % 3) / 4;
    l.data.fill(Number.NaN, i * order + i + 1, (i + 1) * order);
  }
  return l;
};

const zeroAbove = (lower: Matrix): Matrix => {
  const n = lower.rows;
  const result = matrix(n, n, lower.data.slice());
  for (let i = 0; i < n; i++) result.data.fill(0, i * n + i + 1, (i + 1) * n);
  return result;
};

/** How many numbers differ by more than `tolerance`; NaN differs from all. */
const differing = (seen: ArrayLike<number>, right: ArrayLike<number>, tolerance: number): number => {
  let count = 0;
  for (let i = 0; i < right.length; i++) if (!(Math.abs(seen[i]! - right[i]!) <= tolerance)) count++;
  return count;
};

/** A tile's edge, several tiles, and more than a block of memory; the last is large enough for threads. */
const sizes: readonly (readonly [number, number, number])[] = [
  [1, 5, 3],
  [33, 65, 129],
  [70, 131, 401],
];

/**
 * Products of whole numbers. They are so large that a lower precision could not hold them, and so small that no sum is
 * rounded: the order of summation does not matter, and every bit must be right.
 */
const precisions = [
  { name: 'dgemm', make: (values: Float64Array) => values.slice(), most: [2 ** 27, 2 ** 10] },
  { name: 'sgemm', make: (values: Float64Array) => Float32Array.from(values), most: [2 ** 12 - 1, 7] },
] as const;

/** Alpha and beta; with beta 0 the result holds NaN before. */
const scales: readonly (readonly [number, number])[] = [
  [1, 0],
  [0.5, 3],
];

const tolerance = 1e-12;

/** A routine in the words of its standard name, and what it got wrong. */
type Report = (routine: string, wrong: string) => void;

const proveProducts = ({ product }: RowMajor, report: Report): void => {
  for (const { name, make, most } of precisions) {
    for (const [rows, columns, inner] of sizes) {
      const a = wholeNumbers(rows, inner, most[0], 1);
      const b = wholeNumbers(inner, columns, most[1], 2);
      const before = wholeNumbers(rows, columns, 50, 3);
      const ab = plain.matMul(a, b);
      const turned = { a: make(transpose(a).data), b: make(transpose(b).data) };
      const straight = { a: make(a.data), b: make(b.data) };
      for (const [alpha, beta] of scales) {
        const right = ab.data.map((x, i) => alpha * x + beta * before.data[i]!);
        for (const [transposeA, transposeB] of [
          [false, false],
          [true, false],
          [false, true],
          [true, true],
        ] as const) {
          const c = make(beta === 0 ? before.data.map(() => Number.NaN) : before.data);
          const [left, other] = [transposeA ? turned.a : straight.a, transposeB ? turned.b : straight.b];
          product(rows, columns, inner, left, transposeA, other, transposeB, c, alpha, beta);
          const wrong = differing(c, right, 0);
          if (wrong > 0) {
            const kinds = `${transposeA ? "A'" : 'A'} ${transposeB ? "B'" : 'B'}`;
            report(name, `${wrong} of ${c.length} numbers of ${kinds} for ${rows} x ${inner} x ${columns}`);
          }
        }
      }
    }
    const [n, row] = [40, 3];
    const spoiled = wholeNumbers(n, n, 9, 4).data;
    spoiled[row * n + 7] = Number.NaN;
    const c = make(new Float64Array(n * n));
    product(n, n, n, make(spoiled), false, make(new Float64Array(n * n).fill(1)), false, c, 1, 0);
    if (!c.every((x, i) => Number.isNaN(x) === (Math.floor(i / n) === row))) report(name, 'where NaN goes');
  }
};

const proveGram = ({ gramLower }: RowMajor, report: Report): void => {
  for (const [rows, columns] of [
    [5, 1],
    [129, 65],
    [401, 131],
  ] as const) {
    const a = wholeNumbers(rows, columns, 2 ** 20, 5);
    const right = plain.matMul(a, a, { transposeA: true }).data;
    for (const beta of [0, 2]) {
      const before = wholeNumbers(columns, columns, 50, 6).data;
      const g = beta === 0 ? before.map(() => Number.NaN) : before.slice();
      const above = 8;
      for (let i = 0; i < columns; i++) g.fill(above, i * columns + i + 1, (i + 1) * columns);
      gramLower(rows, columns, a.data, g, beta);
      const wanted = right.map((x, i) => {
        const isAbove = i % columns > Math.floor(i / columns);
        return isAbove ? above : x + (beta === 0 ? 0 : beta * before[i]!);
      });
      const wrong = differing(g, wanted, 0);
      if (wrong > 0) report('dsyrk', `${wrong} of ${g.length} numbers for ${rows} x ${columns}`);
    }
  }
};

const proveSolves = ({ solveLower }: RowMajor, report: Report): void => {
  for (const [order, columns] of [
    [1, 2],
    [67, 33],
    [131, 70],
  ] as const) {
    const lower = triangle(order);
    const x = wholeNumbers(order, columns, 9, 8);
    for (const turned of [false, true]) {
      const b = plain.matMul(zeroAbove(lower), x, { transposeA: turned });
      solveLower(order, columns, lower.data, b.data, turned);
      const wrong = differing(b.data, x.data, tolerance);
      if (wrong > 0) report('dtrsm', `${wrong} of ${x.data.length} unknowns of order ${order}`);
    }
  }
};

const proveFactors = ({ factors }: RowMajor, report: Report): void => {
  if (factors === null) return;
  for (const order of [1, 33, 131]) {
    const lower = zeroAbove(triangle(order));
    const a = plain.matMul(lower, lower, { transposeB: true });
    const lowerOnly = a.data.slice();
    for (let i = 0; i < order; i++) lowerOnly.fill(Number.NaN, i * order + i + 1, (i + 1) * order);
    const factor = lowerOnly.slice();
    const pivot = factors.cholesky(order, factor);
    for (let i = 0; i < order; i++) factor.fill(0, i * order + i + 1, (i + 1) * order);
    const wrong = differing(factor, lower.data, tolerance);
    if (pivot !== -1 || wrong > 0) report('dpotrf', `${wrong} of ${factor.length} numbers of order ${order}`);

    const x = wholeNumbers(order, 1, 9, 9);
    const b = plain.matMul(a, x);
    factors.solveOne(order, lower.data, b.data);
    const unsolved = differing(b.data, x.data, tolerance);
    if (unsolved > 0) report('dpotrs', `${unsolved} of ${order} unknowns`);

    const inverse = matrix(order, order, lower.data.slice());
    factors.inverseLower(order, inverse.data);
    for (let i = 0; i < order; i++)
      for (let j = 0; j < i; j++) inverse.data[j * order + i] = inverse.data[i * order + j]!;
    const off = differing(plain.matMul(a, inverse).data, identity(order).data, tolerance);
    if (off > 0) report('dpotri', `${off} of ${order ** 2} products with the inverse`);

    for (const value of [-1, Number.NaN, Infinity]) {
      const [bad, at] = [lowerOnly.slice(), order >> 1];
      bad[at * order + at] = value;
      const seen = factors.cholesky(order, bad);
      if (seen !== at) report('dpotrf', `pivot ${at} of ${order} is ${value}, and it found ${seen}`);
    }
    if (order > 40) continue;
    const values = new Float64Array(order);
    const v = matrix(order, order, lowerOnly.slice());
    if (!factors.eigh(order, v.data, values)) report('dsyevd', `no convergence for order ${order}`);
    const image = plain.matMul(v, a).data;
    const scaled = v.data.map((entry, i) => entry * values[Math.floor(i / order)]!);
    const gramOfVectors = plain
      .matMul(v, v, { transposeB: true })
      .data.map((entry, i) => entry - (i % (order + 1) === 0 ? 1 : 0));
    const ascending = values.every((value, i) => i === 0 || values[i - 1]! <= value);
    const strays =
      differing(image, scaled, tolerance) + differing(gramOfVectors, new Float64Array(order * order), tolerance);
    if (strays > 0 || !ascending) report('dsyevd', `eigenvectors of order ${order}`);
  }
};

/**
 * What a library does wrong, in words; empty where it is right. Some builds compute wrong results on some processors, so
 * everything that will be asked of it is asked here first, both precisions and all transposes, at sizes that no tile
 * divides, and held against plain TypeScript. Takes some milliseconds.
 */
export const whatIsWrong = (library: RowMajor): readonly string[] => {
  const wrong = new Map<string, string>();
  const report: Report = (routine, what) => {
    if (!wrong.has(routine)) wrong.set(routine, what);
  };
  for (const prove of [proveProducts, proveGram, proveSolves, proveFactors]) prove(library, report);
  return [...wrong].map(([routine, what]) => `${routine}: ${what}`);
};
