import {
  binaryInterval,
  type Expression,
  type Interval,
  intersection,
  unaryInterval,
  type UnaryOperation,
} from '@drnn/tensor';
import { type Behaviour, type Box } from './difference-quotient.js';

/** A fact about the points in question. */
export interface Fact {
  readonly left: Expression;
  readonly right: Expression;
  /** `below`: left <= right; `above`: left >= right; `equal`: both. Closed, so that a switch point is on both sides. */
  readonly relation: 'below' | 'above' | 'equal';
}

/**
 * Shrinks a box to the points where the fact can hold, by one forward and backward sweep (HC4: Benhamou, Goualard,
 * Granvilliers & Puget 1999). No point where it holds is lost; undefined when there is none.
 */
export const contract = (box: Box, fact: Fact, behaviour: (e: Expression) => Behaviour): Box | undefined => {
  const narrowed: Record<string, Interval> = { ...box };
  const narrow = (e: Expression, target: Interval): boolean => {
    const within = intersection(behaviour(e).value, target);
    if (within === undefined) return false;
    switch (e.kind) {
      case 'constant':
      case 'where':
        return true;
      case 'variable': {
        const range = narrowed[e.name];
        const kept = range === undefined ? undefined : intersection(range, within);
        if (kept === undefined) return false;
        narrowed[e.name] = kept;
        return true;
      }
      case 'unary': {
        const before = preimage(e.operation, within, behaviour(e.argument).value);
        return before === undefined || narrow(e.argument, before);
      }
      case 'binary': {
        const [a, b] = [behaviour(e.left).value, behaviour(e.right).value];
        switch (e.operation) {
          case 'add':
            return (
              narrow(e.left, binaryInterval('subtract', within, b)) &&
              narrow(e.right, binaryInterval('subtract', within, a))
            );
          case 'subtract':
            return (
              narrow(e.left, binaryInterval('add', within, b)) && narrow(e.right, binaryInterval('subtract', a, within))
            );
          case 'multiply':
            return (
              (holdsZero(b) || narrow(e.left, binaryInterval('divide', within, b))) &&
              (holdsZero(a) || narrow(e.right, binaryInterval('divide', within, a)))
            );
          case 'divide':
            return narrow(e.left, binaryInterval('multiply', within, b));
          case 'min': {
            const atLeast = { low: within.low, high: Infinity };
            return narrow(e.left, atLeast) && narrow(e.right, atLeast);
          }
          case 'max': {
            const atMost = { low: -Infinity, high: within.high };
            return narrow(e.left, atMost) && narrow(e.right, atMost);
          }
          case 'transferDifference':
            return true;
        }
      }
    }
  };
  const [left, right] = [behaviour(fact.left).value, behaviour(fact.right).value];
  const leftTarget = {
    low: fact.relation === 'below' ? -Infinity : right.low,
    high: fact.relation === 'above' ? Infinity : right.high,
  };
  const rightTarget = {
    low: fact.relation === 'above' ? -Infinity : left.low,
    high: fact.relation === 'below' ? Infinity : left.high,
  };
  return narrow(fact.left, leftTarget) && narrow(fact.right, rightTarget) ? narrowed : undefined;
};

const holdsZero = (a: Interval): boolean => a.low <= 0 && a.high >= 0;

/** The arguments in `x` whose value can lie in `target` (within the values on `x`); undefined where not worked out. */
const preimage = (operation: UnaryOperation, target: Interval, x: Interval): Interval | undefined => {
  switch (operation) {
    case 'negate':
      return unaryInterval('negate', target);
    case 'abs':
      if (x.low >= 0) return target;
      return x.high <= 0 ? unaryInterval('negate', target) : { low: -target.high, high: target.high };
    case 'square': {
      const root = unaryInterval('sqrt', target);
      if (x.low >= 0) return root;
      return x.high <= 0 ? unaryInterval('negate', root) : { low: -root.high, high: root.high };
    }
    case 'sqrt':
      return unaryInterval('square', target);
    case 'exp':
      return unaryInterval('log', target);
    case 'log':
      return unaryInterval('exp', target);
    case 'expm1':
      return unaryInterval('log1p', target);
    case 'log1p':
      return unaryInterval('expm1', target);
    case 'tanh':
      return unaryInterval('atanh', target);
    case 'atanh':
      return unaryInterval('tanh', target);
    default:
      return undefined;
  }
};
