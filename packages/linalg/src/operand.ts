import { failure, firstNonFinite, type Issue, type Matrix, refuse } from '@drnn/tensor';

/** What every routine here asks of its operands: numbers that are finite, and the right shape. */

/** The issue of an entry that is NaN or infinite, if there is one. */
const finiteIssue = (path: string, a: Matrix): readonly Issue[] => {
  const at = firstNonFinite(a.data);
  if (at < 0) return [];
  const place = `row ${Math.floor(at / a.columns)}, column ${at % a.columns}`;
  return [{ path, seen: `${a.data[at]} at ${place}`, expected: 'finite numbers' }];
};

const shapeOf = (a: Matrix): string => `[row=${a.rows}, column=${a.columns}]`;

const squareIssue = (path: string, a: Matrix): readonly Issue[] =>
  a.rows === a.columns ? [] : [{ path, seen: shapeOf(a), expected: 'a square matrix [row=n, column=n]' }];

const rowsIssue = (path: string, a: Matrix, rows: number): readonly Issue[] =>
  a.rows === rows ? [] : [{ path, seen: shapeOf(a), expected: `[row=${rows}, column=any]` }];

const squareOfOrderIssue = (path: string, a: Matrix, order: number): readonly Issue[] =>
  a.rows === order && a.columns === order
    ? []
    : [{ path, seen: shapeOf(a), expected: `[row=${order}, column=${order}]` }];

/** Refuses a matrix with an entry that is not finite. */
export const expectFinite = (path: string, a: Matrix): void => refuse(finiteIssue(path, a));

/** The order of a square matrix of finite numbers; refuses any other with all that is wrong. */
export const expectFiniteSquare = (path: string, a: Matrix): number => {
  refuse([...squareIssue(path, a), ...finiteIssue(path, a)]);
  return a.rows;
};

/** Refuses what is not [order, order] or not finite. */
export const expectFiniteOfOrder = (path: string, a: Matrix, order: number): void =>
  refuse([...squareOfOrderIssue(path, a, order), ...finiteIssue(path, a)]);

/** Refuses right sides that have not `rows` rows or are not finite. */
export const expectRightSides = (path: string, b: Matrix, rows: number): void =>
  refuse([...rowsIssue(path, b, rows), ...finiteIssue(path, b)]);

/** The result, or an error where it overflowed: infinity does not travel on. */
export const finiteResult = (path: string, x: Matrix): Matrix => {
  if (firstNonFinite(x.data) < 0) return x;
  throw failure({
    path,
    seen: 'a result beyond the range of numbers',
    expected: 'a problem that is not singular to rounding',
    hint: 'look at reciprocalCondition, and at the scale of the entries',
  });
};
