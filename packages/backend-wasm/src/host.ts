import { eighWith, host as plain } from '@drnn/backend-cpu';
import {
  completeHost,
  expectLength,
  expectSquare,
  type Host,
  type Matrix,
  outOrNew,
  productShape,
  solveShape,
} from '@drnn/tensor';
import { mirrorLower } from './gram.js';
import { type Machine, putWords } from './machine.js';
import { pointwiseOn } from './pointwise.js';

/** Below this many multiplications, or thinner than this, copying into the kernels' memory does not pay. */
const smallProduct = 24 ** 3;
const thin = 6;
/** Rows and depth of operands taken into the kernels' memory at once. */
const bandRows = 4096;
const bandDepth = 4096;
/** Rows of a share are whole tiles. */
const tile = 12;

/** An operand: entry (i, j) is `data[i * rowStride + j * columnStride]`. */
interface Operand {
  readonly data: Float64Array;
  readonly rowStride: number;
  readonly columnStride: number;
}

const operand = (a: Matrix, transposed: boolean): Operand =>
  transposed
    ? { data: a.data, rowStride: 1, columnStride: a.columns }
    : { data: a.data, rowStride: a.columns, columnStride: 1 };

/** Ends of the threads' shares of `rows`; with `lower`, shares of the triangle have equal areas. */
const bounds = (rows: number, threads: number, lower: boolean): readonly number[] =>
  Array.from({ length: threads + 1 }, (_, k) => {
    const part = k / threads;
    return k === threads ? rows : Math.min(rows, Math.round((rows * (lower ? Math.sqrt(part) : part)) / tile) * tile);
  });

/** C = beta C + alpha A B by the kernels, in bands that bound the memory; for the lower triangle one band of rows. */
const multiply = (
  machine: Machine,
  rows: number,
  columns: number,
  depth: number,
  a: Operand,
  b: Operand,
  out: Float64Array,
  alpha: number,
  beta: number,
  lower: boolean,
): void => {
  const { kernels, threads } = machine;
  const height = lower ? rows : Math.min(rows, bandRows);
  const inner = Math.min(depth, bandDepth);
  for (let p = 0; p < depth; p += inner) {
    const steps = Math.min(inner, depth - p);
    for (let i = 0; i < rows; i += height) {
      const high = Math.min(height, rows - i);
      const layout = machine.layout();
      const place = {
        a: layout.doubles(high * steps),
        b: layout.doubles(columns * steps),
        c: layout.doubles(high * columns),
      };
      const packed = layout.take(kernels.packedBytes64(steps, columns));
      const seats = Array.from({ length: threads }, () => ({
        scratch: layout.take(kernels.scratchBytes()),
        block: layout.words(16),
      }));
      const views = machine.reserve(layout);
      const { doubles } = views;
      const aStrides = copyPart(doubles, place.a / 8, a, i, p, high, steps);
      const bStrides = copyPart(doubles, place.b / 8, b, p, 0, steps, columns);
      const keep = p === 0 ? beta : 1;
      if (keep !== 0) doubles.set(out.subarray(i * columns, (i + high) * columns), place.c / 8);
      kernels.pack64(packed, place.b, bStrides.row, bStrides.column, steps, columns);
      const ends = bounds(high, threads, lower);
      const blocks = seats.map(({ scratch, block }, k) => {
        const first = ends[k]!;
        const count = ends[k + 1]! - first;
        putWords(
          views,
          block,
          [count, columns, steps, place.a + 8 * first * aStrides.row, aStrides.row, aStrides.column],
          [packed, place.c + 8 * first * columns, lower ? 1 : 0, first, scratch],
        );
        doubles.set([alpha, keep], block / 8 + 6);
        return count > 0 ? block : 0;
      });
      machine.run('productBlock', blocks);
      out.set(doubles.subarray(place.c / 8, place.c / 8 + high * columns), i * columns);
    }
  }
};

/** Copies entries [i, i + rows) x [j, j + columns) in whole runs of memory; the strides they have there. */
const copyPart = (
  to: Float64Array,
  at: number,
  { data, rowStride, columnStride }: Operand,
  i: number,
  j: number,
  rows: number,
  columns: number,
): { readonly row: number; readonly column: number } => {
  const transposed = columnStride !== 1;
  const [runs, length] = transposed ? [columns, rows] : [rows, columns];
  const [runStride, start] = transposed ? [columnStride, i + j * columnStride] : [rowStride, i * rowStride + j];
  if (runStride === length) to.set(data.subarray(start, start + runs * length), at);
  else
    for (let run = 0; run < runs; run++) {
      const from = start + run * runStride;
      to.set(data.subarray(from, from + length), at + run * length);
    }
  return transposed ? { row: 1, column: length } : { row: length, column: 1 };
};

/** Solves with L, L' or both, in place on `x`, columns shared out over the threads. */
const solve = (machine: Machine, lower: Matrix, x: Matrix, ways: 1 | 2 | 3): void => {
  const { kernels, threads } = machine;
  const { rows: order, columns } = x;
  const layout = machine.layout();
  const place = { l: layout.doubles(order * order), b: layout.doubles(order * columns) };
  const ends = bounds(columns, threads, false);
  const seats = Array.from({ length: threads }, (_, k) => ({
    scratch: layout.take(kernels.scratchBytes()),
    packed: layout.take(kernels.packedBytes64(order, ends[k + 1]! - ends[k]!)),
    block: layout.words(8),
  }));
  const views = machine.reserve(layout);
  const { doubles } = views;
  doubles.set(lower.data, place.l / 8);
  doubles.set(x.data, place.b / 8);
  const blocks = seats.map(({ scratch, packed, block }, k) => {
    const count = ends[k + 1]! - ends[k]!;
    putWords(views, block, [order, count, place.l, place.b + 8 * ends[k]!, columns, ways, scratch, packed]);
    return count > 0 ? block : 0;
  });
  machine.run('solveBlock', blocks);
  x.data.set(doubles.subarray(place.b / 8, place.b / 8 + order * columns));
};

/** The host of a machine: products, factors and solves by its kernels; what is small or thin stays in plain TypeScript. */
export const hostOn = (machine: Machine): Host => {
  const { kernels } = machine;
  const copyInto = (from: Matrix, to: Matrix): Matrix => {
    if (from.data !== to.data) to.data.set(from.data);
    return to;
  };
  return completeHost({
    name: 'wasm',
    matMul: (a, b, options = {}) => {
      const { rows, inner, columns, out } = productShape(a, b, options);
      if (Math.min(rows, inner, columns) < thin || rows * inner * columns < smallProduct)
        return plain.matMul(a, b, { ...options, out });
      const [left, right] = [operand(a, options.transposeA === true), operand(b, options.transposeB === true)];
      multiply(machine, rows, columns, inner, left, right, out.data, options.alpha ?? 1, options.beta ?? 0, false);
      return out;
    },
    gram: (a, weights, out) => {
      if (weights !== undefined) expectLength('gram weights', weights, a.rows);
      const { rows: depth, columns } = a;
      if (weights !== undefined || Math.min(depth, columns) < thin || depth * columns * columns < smallProduct)
        return plain.gram(a, weights, out);
      const result = outOrNew('gram', out, columns, columns);
      multiply(machine, columns, columns, depth, operand(a, true), operand(a, false), result.data, 1, 0, true);
      mirrorLower(result);
      return result;
    },
    cholesky: (a, out) => {
      const order = expectSquare('cholesky', a);
      if (order < 48) return plain.cholesky(a, out);
      const lower = outOrNew('cholesky', out, order, order);
      const layout = machine.layout();
      const place = layout.doubles(order * order);
      const scratch = layout.take(kernels.scratchBytes());
      const packed = layout.take(kernels.packedBytes64(order, 64));
      const { doubles } = machine.reserve(layout);
      doubles.set(a.data, place / 8);
      const pivot = kernels.cholesky(order, place, scratch, packed);
      if (pivot >= 0) return { ok: false, pivot };
      lower.data.set(doubles.subarray(place / 8, place / 8 + order * order));
      return { ok: true, factor: { order, lower } };
    },
    triangularSolve: (lower, b, options = {}) => {
      const order = expectSquare('triangularSolve', lower);
      if (order < 32 || b.columns < thin) return plain.triangularSolve(lower, b, options);
      const x = copyInto(b, solveShape('triangularSolve', order, b, options.out));
      solve(machine, lower, x, options.transpose === true ? 2 : 1);
      return x;
    },
    choleskySolve: (factor, b, out) => {
      if (factor.order < 32 || b.columns < thin) return plain.choleskySolve(factor, b, out);
      const x = copyInto(b, solveShape('choleskySolve', factor.order, b, out));
      solve(machine, factor.lower, x, 3);
      return x;
    },
    pointwise: pointwiseOn(machine),
    eigh: eighWith((a, n, values) => {
      const layout = machine.layout();
      const place = { a: layout.doubles(n * n), values: layout.doubles(n), work: layout.doubles(n * n + 3 * n) };
      const { doubles } = machine.reserve(layout);
      doubles.set(a, place.a / 8);
      const converged = kernels.eigen(n, place.a, place.values, place.work) !== 0;
      a.set(doubles.subarray(place.a / 8, place.a / 8 + n * n));
      values.set(doubles.subarray(place.values / 8, place.values / 8 + n));
      return converged;
    }),
  });
};
