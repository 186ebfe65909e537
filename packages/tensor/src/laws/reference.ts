import type { Accuracy } from '../backend.js';
import { type Expression } from '../expression.js';
import { binaryNumber, holds, unaryNumber } from '../numbers.js';
import { matrix, type Matrix } from '../matrix.js';

/** Independent answers in plain loops, each with the size of the rounding error it allows a backend. */

/** A number and how far a correct answer may be from it; infinite where anything goes. */
export interface Bounded {
  readonly value: number;
  readonly error: number;
}

/** A matrix of such numbers. */
export interface BoundedMatrix {
  readonly value: Matrix;
  readonly error: Matrix;
}

/** Values without error. */
export const exactly = (value: Matrix): BoundedMatrix => ({ value, error: matrix(value.rows, value.columns) });

const entry = (a: Matrix, transposed: boolean, i: number, j: number): number =>
  (transposed ? a.data[j * a.columns + i] : a.data[i * a.columns + j]) ?? Number.NaN;

/**
 * op(A) diag(w) op(B) with compensated sums (Neumaier 1974); the error allowed is `product` times the sum of the
 * terms' absolute values, beside what the operand's own errors make and what every product may lose as it underflows.
 */
export const boundedProduct = (
  a: Matrix,
  transposeA: boolean,
  b: BoundedMatrix,
  transposeB: boolean,
  product: number,
  weights?: ArrayLike<number>,
  underflow = 5e-324,
): BoundedMatrix => {
  const [rows, inner] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  const columns = transposeB ? b.value.rows : b.value.columns;
  const value = matrix(rows, columns);
  const error = matrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      let low = 0;
      let size = 0;
      let inherited = 0;
      for (let k = 0; k < inner; k++) {
        const left = entry(a, transposeA, i, k) * (weights === undefined ? 1 : (weights[k] ?? Number.NaN));
        const term = left * entry(b.value, transposeB, k, j);
        const next = sum + term;
        low += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
        sum = next;
        size += Math.abs(term);
        inherited += Math.abs(left) * entry(b.error, transposeB, k, j);
      }
      const total = Number.isFinite(sum) ? sum + low : sum;
      value.data[i * columns + j] = total;
      error.data[i * columns + j] = product * size + inherited + underflow * 4 * (inner + 1);
    }
  }
  return { value, error };
};

/** Sums over rows, with the error allowed. */
export const boundedColumnSums = (e: BoundedMatrix, product: number, underflow?: number): BoundedMatrix => {
  const ones = matrix(1, e.value.rows);
  ones.data.fill(1);
  return boundedProduct(ones, false, e, false, product, undefined, underflow);
};

/**
 * The value of an expression with a running error bound: each operation adds its own rounding to what the errors of its
 * arguments make of it (looked for at the corners of their box). Beyond `largest` anything goes.
 */
export const boundedValue = (
  e: Expression,
  at: Readonly<Record<string, Bounded>>,
  accuracy: Pick<Accuracy, 'pointwise' | 'absolute'>,
  largest: number,
): Bounded => {
  const visit = (node: Expression): Bounded => {
    switch (node.kind) {
      case 'constant':
        return { value: node.value, error: accuracy.pointwise * Math.abs(node.value) };
      case 'variable':
        return at[node.name] ?? { value: Number.NaN, error: Infinity };
      case 'unary': {
        const a = visit(node.argument);
        const f = (x: number) => unaryNumber(node.operation, x);
        return around(f(a.value), a.error === 0 ? [] : [f(a.value - a.error), f(a.value + a.error)]);
      }
      case 'binary': {
        const [a, b] = [visit(node.left), visit(node.right)];
        const f = (x: number, y: number) => binaryNumber(node.operation, x, y);
        if (node.operation === 'divide' && b.error > 0 && Math.abs(b.value) <= b.error)
          return { value: f(a.value, b.value), error: Infinity };
        const corners =
          a.error === 0 && b.error === 0
            ? []
            : [-1, 1].flatMap((s) => [-1, 1].map((t) => f(a.value + s * a.error, b.value + t * b.error)));
        return around(f(a.value, b.value), corners);
      }
      case 'where': {
        const [a, b] = [visit(node.left), visit(node.right)];
        const [yes, no] = [visit(node.then), visit(node.otherwise)];
        const taken = holds(node.comparison, a.value, b.value) ? yes : no;
        const doubt = a.error + b.error;
        const clear = doubt === 0 || Math.abs(a.value - b.value) > doubt || Number.isNaN(a.value + b.value);
        return clear ? taken : { value: taken.value, error: Math.abs(yes.value - no.value) + yes.error + no.error };
      }
    }
  };
  const around = (value: number, corners: readonly number[]): Bounded => {
    if (Math.abs(value) > largest) return { value, error: Infinity };
    let spread = 0;
    for (const corner of corners) spread = Math.max(spread, Math.abs(corner - value));
    const error = spread + accuracy.pointwise * Math.abs(value) + accuracy.absolute;
    return { value, error: Number.isNaN(spread) ? Infinity : Number.isNaN(error) ? 0 : error };
  };
  return visit(e);
};

/** Fails where `actual` is farther from `expected` than its bound; NaN and infinity must be met by the like. */
export const expectWithin = (what: string, actual: ArrayLike<number>, expected: BoundedMatrix, factor = 1): void => {
  const { value, error } = expected;
  if (actual.length !== value.data.length) {
    throw new Error(`${what}: ${actual.length} numbers, not [${value.rows}, ${value.columns}]`);
  }
  for (let i = 0; i < actual.length; i++) {
    const [got, wanted, bound] = [actual[i] ?? Number.NaN, value.data[i] ?? Number.NaN, error.data[i] ?? 0];
    if (bound === Infinity) continue;
    const right = Number.isFinite(wanted) ? Math.abs(got - wanted) <= factor * bound : !Number.isFinite(got);
    if (!right) {
      const at = `[${Math.floor(i / value.columns)}, ${i % value.columns}]`;
      throw new Error(`${what} ${at}: ${got}, not ${wanted} within ${factor * bound}`);
    }
  }
};
