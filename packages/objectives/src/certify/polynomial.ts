import { binaryInterval, type BinaryOperation, type Expression } from '@drnn/tensor';
import { type Canonical } from './canonical.js';

/** Coefficients by monomial; a monomial is the sorted list of its factors, by their number in the store. */
type Polynomial = ReadonlyMap<string, number>;

/** Beyond this many terms two expressions are not compared. */
const mostTerms = 64;

/**
 * Whether two expressions are the same polynomial in their other parts: sums, products and squares are multiplied out,
 * everything else is an unknown. False also where a coefficient is not exact in float64.
 */
export const samePolynomial = (a: Expression, b: Expression, store: Canonical): boolean => {
  const difference = combine('subtract', expand(a, store), expand(b, store));
  return difference !== undefined && [...difference.values()].every((coefficient) => coefficient === 0);
};

const expand = (e: Expression, store: Canonical): Polynomial | undefined => {
  const unknown = (): Polynomial => new Map([[`${store.number(e)}`, 1]]);
  if (e.kind === 'constant') return Number.isFinite(e.value) ? new Map([['', e.value]]) : undefined;
  if (e.kind === 'unary') {
    if (e.operation === 'negate') return combine('subtract', new Map(), expand(e.argument, store));
    if (e.operation !== 'square') return unknown();
    const root = expand(e.argument, store);
    return multiply(root, root);
  }
  if (e.kind !== 'binary') return unknown();
  switch (e.operation) {
    case 'add':
    case 'subtract':
      return combine(e.operation, expand(e.left, store), expand(e.right, store));
    case 'multiply':
      return multiply(expand(e.left, store), expand(e.right, store));
    default:
      return unknown();
  }
};

const combine = (
  operation: 'add' | 'subtract',
  a: Polynomial | undefined,
  b: Polynomial | undefined,
): Polynomial | undefined => {
  if (a === undefined || b === undefined) return undefined;
  const result = new Map(a);
  for (const [monomial, coefficient] of b) {
    const value = exactly(operation, result.get(monomial) ?? 0, coefficient);
    if (value === undefined) return undefined;
    result.set(monomial, value);
  }
  return result.size <= mostTerms ? result : undefined;
};

const multiply = (a: Polynomial | undefined, b: Polynomial | undefined): Polynomial | undefined => {
  if (a === undefined || b === undefined) return undefined;
  let result: Polynomial | undefined = new Map();
  for (const [left, x] of a) {
    for (const [right, y] of b) {
      const value = exactly('multiply', x, y);
      if (value === undefined) return undefined;
      const factors = [...left.split('*'), ...right.split('*')].filter((factor) => factor !== '');
      result = combine('add', result, new Map([[factors.sort().join('*'), value]]));
    }
  }
  return result;
};

const exactly = (operation: BinaryOperation, a: number, b: number): number | undefined => {
  const value = binaryInterval(operation, { low: a, high: a }, { low: b, high: b });
  return value.low === value.high && Number.isFinite(value.low) ? value.low : undefined;
};
