import { host as plain } from '@drnn/backend-cpu';
import { asItIs, hostOn, type Machine, mirrorLower } from '@drnn/backend-wasm/kernels';
import {
  completeHost,
  expectLength,
  expectSquare,
  failure,
  type Host,
  type Matrix,
  outOrNew,
  productShape,
  solveShape,
  transpose,
} from '@drnn/tensor';
import { newMatrix } from './huge-pages.js';
import type { Library } from './library.js';

/** Below so many multiplications a call to the library costs more than it saves. */
const smallProduct = 8 ** 3;
const smallOrder = 12;

/**
 * diag(s) A: with s = sqrt(w), A' diag(w) A is its Gram matrix. Float64 alone: a loop that sees two kinds of array is five
 * times slower.
 */
export const scaleRows = (
  from: Float64Array,
  rows: number,
  columns: number,
  scales: Float64Array,
  to: Float64Array,
): void => {
  for (let i = 0; i < rows; i++) {
    const scale = scales[i]!;
    const end = (i + 1) * columns;
    for (let at = i * columns; at < end; at++) to[at] = scale * from[at]!;
  }
};

/**
 * The host of a library on so many threads: products, factors and solves by it, on the matrices' own memory; what is
 * small stays in plain TypeScript, and factors are the Wasm kernels' where the library has no LAPACK.
 */
export const hostWith = (library: Library, machine: Machine, threads: number, prepare = asItIs): Host => {
  const { does } = library;
  const { factors } = does;
  const kernels = hostOn(machine);
  /** A result that was made because none was given. */
  const made = (result: Matrix, given: Matrix | undefined): Matrix => {
    if (given === undefined) prepare(result.data);
    return result;
  };
  const copyInto = (from: Matrix, to: Matrix): Matrix => {
    if (from.data !== to.data) to.data.set(from.data);
    return to;
  };
  const solveBoth = (order: number, lower: Float64Array, x: Matrix): void => {
    library.useThreads(threads);
    // A solve with many right sides wants them column by column, which here are two solves from the other side.
    if (x.columns === 1 && factors !== null) return factors.solveOne(order, lower, x.data);
    does.solveLower(order, x.columns, lower, x.data, false);
    does.solveLower(order, x.columns, lower, x.data, true);
  };

  const zeros = newMatrix(prepare);

  return completeHost({
    name: 'blas',
    zeros,
    matMul: (a, b, options = {}) => {
      const { rows, inner, columns, out } = productShape(a, b, options);
      if (rows * inner * columns < smallProduct) return plain.matMul(a, b, { ...options, out });
      const { transposeA = false, transposeB = false, alpha = 1, beta = 0 } = options;
      library.useThreads(threads);
      made(out, options.out);
      does.product(rows, columns, inner, a.data, transposeA, b.data, transposeB, out.data, alpha, beta);
      return out;
    },
    gram: (a, weights, out) => {
      if (weights !== undefined) expectLength('gram weights', weights, a.rows);
      const { rows, columns } = a;
      if (rows * columns * columns < smallProduct) return plain.gram(a, weights, out);
      const result = outOrNew('gram', out, columns, columns);
      let { data } = a;
      if (weights !== undefined) {
        data = new Float64Array(rows * columns);
        scaleRows(a.data, rows, columns, weights.map(Math.sqrt), data);
      }
      library.useThreads(threads);
      does.gramLower(rows, columns, data, result.data, 0);
      mirrorLower(result);
      return result;
    },
    cholesky: (a, out) => {
      const order = expectSquare('cholesky', a);
      if (order < smallOrder) return plain.cholesky(a, out);
      if (factors === null) return kernels.cholesky(a, out);
      const lower = copyInto(a, made(outOrNew('cholesky', out, order, order), out));
      library.useThreads(threads);
      const pivot = factors.cholesky(order, lower.data);
      if (pivot >= 0) return { ok: false, pivot };
      for (let i = 0; i < order; i++) lower.data.fill(0, i * order + i + 1, (i + 1) * order);
      return { ok: true, factor: { order, lower } };
    },
    triangularSolve: (lower, b, options = {}) => {
      const order = expectSquare('triangularSolve L', lower);
      if (order * order * b.columns < smallProduct) return plain.triangularSolve(lower, b, options);
      const x = copyInto(b, made(solveShape('triangularSolve', order, b, options.out), options.out));
      library.useThreads(threads);
      does.solveLower(order, x.columns, lower.data, x.data, options.transpose === true);
      return x;
    },
    choleskySolve: (factor, b, out) => {
      const { order, lower } = factor;
      if (order * order * b.columns < smallProduct) return plain.choleskySolve(factor, b, out);
      const x = copyInto(b, made(solveShape('choleskySolve', order, b, out), out));
      solveBoth(order, lower.data, x);
      return x;
    },
    choleskyInverse: ({ order, lower }) => {
      if (factors === null || order < smallOrder) return plain.choleskyInverse({ order, lower });
      const inverse = copyInto(lower, zeros(order, order));
      library.useThreads(threads);
      factors.inverseLower(order, inverse.data);
      mirrorLower(inverse);
      return inverse;
    },
    pointwise: kernels.pointwise,
    eigh: (a) => {
      const order = expectSquare('eigh', a);
      if (factors === null || order < smallOrder) return plain.eigh(a);
      const vectors = { rows: order, columns: order, data: a.data.slice() };
      for (let i = 0; i < order; i++) {
        for (let j = 0; j <= i; j++) {
          const value = a.data[i * order + j]!;
          if (!Number.isFinite(value))
            throw failure({ path: `eigh [${i}, ${j}]`, seen: `${value}`, expected: 'finite entries' });
        }
      }
      const values = new Float64Array(order);
      library.useThreads(threads);
      return factors.eigh(order, vectors.data, values) ? { values, vectors: transpose(vectors) } : plain.eigh(a);
    },
  });
};
