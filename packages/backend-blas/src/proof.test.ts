import { host as plain } from '@drnn/backend-cpu';
import { matrix, type Numbers } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { whatIsWrong } from './proof.js';
import type { RowMajor } from './row-major.js';

/** A right library, in plain TypeScript. */
const right: RowMajor = {
  product: (rows, columns, inner, a, transposeA, b, transposeB, c, alpha, beta) => {
    const [left, other] = [Float64Array.from(a), Float64Array.from(b)];
    const out = matrix(rows, columns, Float64Array.from(c));
    plain.matMul(
      transposeA ? matrix(inner, rows, left) : matrix(rows, inner, left),
      transposeB ? matrix(columns, inner, other) : matrix(inner, columns, other),
      { transposeA, transposeB, alpha, beta, out },
    );
    c.set(out.data);
  },
  gramLower: (rows, columns, a, g, beta) => {
    const { data } = plain.gram(matrix(rows, columns, a));
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j <= i; j++) {
        const at = i * columns + j;
        g[at] = (data[at] ?? NaN) + (beta === 0 ? 0 : beta * (g[at] ?? NaN));
      }
    }
  },
  solveLower: (order, columns, lower, b, transpose) => {
    const out = matrix(order, columns, b);
    plain.triangularSolve(matrix(order, order, lower), out, { transpose, out });
  },
  factors: {
    cholesky: (order, a) => {
      const result = plain.cholesky(matrix(order, order, a));
      if (!result.ok) return result.pivot;
      a.set(result.factor.lower.data);
      return -1;
    },
    solveOne: (order, lower, b) => {
      const out = matrix(order, 1, b);
      plain.choleskySolve({ order, lower: matrix(order, order, lower) }, out, out);
    },
    inverseLower: (order, lower) =>
      lower.set(plain.choleskyInverse({ order, lower: matrix(order, order, lower) }).data),
    eigh: (order, a, values) => {
      const result = plain.eigh(matrix(order, order, a));
      values.set(result.values);
      for (let i = 0; i < order; i++)
        for (let j = 0; j < order; j++) a[i * order + j] = result.vectors.data[j * order + i] ?? NaN;
      return true;
    },
  },
};

const { factors } = right;
if (factors === null) throw new Error('the right library has no factors');

/** The same library whose products are spoiled after they are made. */
const spoiled = (spoil: (c: Numbers, rows: number, columns: number) => void): RowMajor => ({
  ...right,
  product: (rows, columns, ...others) => {
    right.product(rows, columns, ...others);
    spoil(others[5], rows, columns);
  },
});

const wrong: Readonly<Record<string, readonly [routine: RegExp, library: RowMajor]>> = {
  'a product one unit off in its last entry': [
    /^dgemm[^]*\nsgemm/,
    spoiled((c) => (c[c.length - 1] = (c.at(-1) ?? 0) + 1)),
  ],
  'float64 products with sums in float32': [/^dgemm/, spoiled((c) => c.forEach((x, i) => (c[i] = Math.fround(x))))],
  'float32 products with operands of 8 bits': [
    /^sgemm/,
    {
      ...right,
      product: (rows, columns, inner, a, ...others) => {
        const short = (x: number): number => Math.round(x / 32) * 32;
        right.product(rows, columns, inner, a instanceof Float32Array ? a.map(short) : a, ...others);
      },
    },
  ],
  'NaN in every result': [/^dgemm/, spoiled((c) => c.fill(Number.NaN))],
  'products that are transposed': [
    /^dgemm/,
    {
      ...right,
      product: (rows, columns, inner, a, transposeA, b, transposeB, c, alpha, beta) => {
        const turned = c.slice();
        right.product(rows, columns, inner, a, transposeA, b, transposeB, turned, alpha, beta);
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < columns; j++) c[j * rows + i] = turned[i * columns + j] ?? NaN;
      },
    },
  ],
  'a left side that is never transposed': [
    /^dgemm: [^]*A'/,
    {
      ...right,
      product: (rows, columns, inner, a, transposeA, b, transposeB, c, alpha, beta) =>
        right.product(rows, columns, inner, a, transposeA && false, b, transposeB, c, alpha, beta),
    },
  ],
  'NaN that survives beta 0': [
    /^dgemm/,
    {
      ...right,
      product: (rows, columns, inner, a, transposeA, b, transposeB, c, alpha, beta) => {
        const before = c.slice();
        right.product(rows, columns, inner, a, transposeA, b, transposeB, c, alpha, beta);
        if (beta === 0) c.forEach((x, i) => (c[i] = x + beta * (before[i] ?? 0)));
      },
    },
  ],
  'zeros in place of NaN': [
    /^dgemm: where NaN goes/,
    spoiled((c) => c.forEach((x, i) => (c[i] = Number.isNaN(x) ? 0 : x))),
  ],
  'a Gram matrix whose old upper triangle is overwritten': [
    /^dsyrk/,
    {
      ...right,
      gramLower: (rows, columns, a, g, beta) => {
        right.gramLower(rows, columns, a, g, beta);
        for (let i = 0; i < columns; i++)
          for (let j = i + 1; j < columns; j++) g[i * columns + j] = g[j * columns + i] ?? NaN;
      },
    },
  ],
  'solves that forget to transpose': [
    /^dtrsm/,
    { ...right, solveLower: (order, columns, l, b) => right.solveLower(order, columns, l, b, false) },
  ],
  'solves in float32': [
    /^dtrsm/,
    {
      ...right,
      solveLower: (order, columns, l, b, transpose) => {
        right.solveLower(order, columns, l, b, transpose);
        b.forEach((x, i) => (b[i] = Math.fround(x * (1 + 1e-7))));
      },
    },
  ],
  'a factor in which NaN goes unseen': [
    /^dpotrf: pivot .* NaN/,
    {
      ...right,
      factors: {
        ...factors,
        cholesky: (order, a) => {
          const seesNaN = !a.every((x, i) => i % (order + 1) !== 0 || !Number.isNaN(x));
          return seesNaN ? -1 : factors.cholesky(order, a);
        },
      },
    },
  ],
  'pivots counted from 1': [
    /^dpotrf: pivot/,
    {
      ...right,
      factors: {
        ...factors,
        cholesky: (order, a) => {
          const pivot = factors.cholesky(order, a);
          return pivot < 0 ? pivot : pivot + 1;
        },
      },
    },
  ],
  'half a solve': [
    /^dpotrs/,
    { ...right, factors: { ...factors, solveOne: (order, l, b) => right.solveLower(order, 1, l, b, false) } },
  ],
  'an inverse of half the factor': [
    /^dpotri/,
    {
      ...right,
      factors: { ...factors, inverseLower: (order, l) => right.solveLower(order, order, l.slice(), l, false) },
    },
  ],
  'eigenvectors in columns': [
    /^dsyevd/,
    {
      ...right,
      factors: {
        ...factors,
        eigh: (order, a, values) => {
          factors.eigh(order, a, values);
          const turned = a.slice();
          for (let i = 0; i < order; i++)
            for (let j = 0; j < order; j++) a[i * order + j] = turned[j * order + i] ?? NaN;
          return true;
        },
      },
    },
  ],
  'eigenvalues in falling order': [
    /^dsyevd/,
    {
      ...right,
      factors: {
        ...factors,
        eigh: (order, a, values) => {
          factors.eigh(order, a, values);
          values.reverse();
          const rows = Array.from({ length: order }, (_, i) => a.slice(i * order, (i + 1) * order)).toReversed();
          rows.forEach((row, i) => a.set(row, i * order));
          return true;
        },
      },
    },
  ],
};

describe('the proof of a library', () => {
  it('finds nothing wrong where nothing is, with LAPACK or without', () => {
    expect(whatIsWrong(right)).toEqual([]);
    expect(whatIsWrong({ ...right, factors: null })).toEqual([]);
  });

  it.each(Object.entries(wrong))('finds %s', (_, [routine, library]) => {
    expect(whatIsWrong(library).join('\n')).toMatch(routine);
  });
});
