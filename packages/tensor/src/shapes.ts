import { type Issue, refuse } from './error.js';
import type { MatMulOptions } from './host.js';
import { matrix, type Matrix } from './matrix.js';

/** Shape checks that every host makes before its kernels, so that all of them refuse the same things in the same words. */

const shown = (a: Matrix): string => `[row=${a.rows}, column=${a.columns}]`;

const overlap = (a: Float64Array, b: Float64Array): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;

const shapeIssue = (path: string, a: Matrix, rows: number, columns: number): readonly Issue[] =>
  a.rows === rows && a.columns === columns
    ? []
    : [{ path, seen: shown(a), expected: `[row=${rows}, column=${columns}]` }];

const lengthIssue = (path: string, values: ArrayLike<number>, length: number): readonly Issue[] =>
  values.length === length ? [] : [{ path, seen: `${values.length} numbers`, expected: `${length}` }];

/** Refuses a matrix that is not `[rows, columns]`. */
export const expectShape = (path: string, a: Matrix, rows: number, columns: number): void =>
  refuse(shapeIssue(path, a, rows, columns));

/** Refuses an array that has not `length` numbers. */
export const expectLength = (path: string, values: ArrayLike<number>, length: number): void =>
  refuse(lengthIssue(path, values, length));

/** The order of a square matrix. */
export const expectSquare = (path: string, a: Matrix): number => {
  if (a.rows !== a.columns) {
    refuse([{ path, seen: shown(a), expected: 'a square matrix [row=n, column=n]' }]);
  }
  return a.rows;
};

/** `out` if it is `[rows, columns]`, a new matrix of zeros if it is absent. */
export const outOrNew = (path: string, out: Matrix | undefined, rows: number, columns: number): Matrix => {
  if (out === undefined) return matrix(rows, columns);
  expectShape(`${path} out`, out, rows, columns);
  return out;
};

/** The sizes of a product alpha op(A) op(B) + beta C and where it goes. */
export interface ProductShape {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly out: Matrix;
}

/** Checks the operands of `matMul`. A new `out` is zeros. */
export const productShape = (a: Matrix, b: Matrix, options: MatMulOptions): ProductShape => {
  const [rows, inner] = options.transposeA === true ? [a.columns, a.rows] : [a.rows, a.columns];
  const [depth, columns] = options.transposeB === true ? [b.columns, b.rows] : [b.rows, b.columns];
  const { out } = options;
  if (
    inner !== depth ||
    (out !== undefined &&
      (out.rows !== rows || out.columns !== columns || overlap(out.data, a.data) || overlap(out.data, b.data)))
  ) {
    const issues: Issue[] = [];
    if (inner !== depth) {
      issues.push({
        path: 'matMul',
        seen: `op(A) [row=${rows}, column=${inner}] times op(B) [row=${depth}, column=${columns}]`,
        expected: 'as many columns of op(A) as rows of op(B)',
        hint: 'see transposeA and transposeB',
      });
    }
    if (out !== undefined) {
      issues.push(...shapeIssue('matMul out', out, rows, columns));
      if (overlap(out.data, a.data) || overlap(out.data, b.data))
        issues.push({ path: 'matMul out', seen: 'the memory of an operand', expected: 'memory of its own' });
    }
    refuse(issues);
  }
  return { rows, inner, columns, out: out ?? matrix(rows, columns) };
};

/** Refuses a pass's or a solve's right side of the wrong height; gives the checked destination. */
export const solveShape = (path: string, order: number, b: Matrix, out: Matrix | undefined): Matrix => {
  const issues: Issue[] = [];
  if (b.rows !== order) {
    issues.push({ path: `${path} right side`, seen: shown(b), expected: `[row=${order}, column=${b.columns}]` });
  }
  if (out !== undefined) issues.push(...shapeIssue(`${path} out`, out, b.rows, b.columns));
  refuse(issues);
  return out ?? matrix(b.rows, b.columns);
};
