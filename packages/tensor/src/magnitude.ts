import { abs, add, div, type Expression, mul, where } from './expression.js';

/**
 * An expression for the size of what is added up inside `e`: sums count the sizes of their terms, so that
 * epsilon x magnitude(e) estimates the rounding error of evaluating `e` where terms cancel (Higham 2002, section 1.6).
 */
export const magnitude = (e: Expression): Expression => {
  if (e.kind === 'where') {
    return where({ comparison: e.comparison, left: e.left, right: e.right }, magnitude(e.then), magnitude(e.otherwise));
  }
  if (e.kind === 'unary' && e.operation === 'negate') return magnitude(e.argument);
  if (e.kind !== 'binary') return abs(e);
  switch (e.operation) {
    case 'add':
    case 'subtract':
      return add(magnitude(e.left), magnitude(e.right));
    case 'multiply':
      return mul(magnitude(e.left), magnitude(e.right));
    case 'divide':
      return div(magnitude(e.left), abs(e.right));
    default:
      return abs(e);
  }
};
