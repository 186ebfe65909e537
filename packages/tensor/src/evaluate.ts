import type { Expression } from './expression.js';
import { binaryNumber, holds, unaryNumber } from './numbers.js';
import { failure } from './error.js';

/** The value of an expression at one point: the reference interpreter, for tests and witnesses, not for loops. */
export const evaluate = (e: Expression, at: Readonly<Record<string, number>>): number => {
  switch (e.kind) {
    case 'constant':
      return e.value;
    case 'variable': {
      const value = Object.hasOwn(at, e.name) ? at[e.name] : undefined;
      if (value === undefined) {
        throw failure({
          path: `variable ${e.name}`,
          seen: `values for ${Object.keys(at).join(', ') || 'nothing'}`,
          expected: 'a value for every variable',
        });
      }
      return value;
    }
    case 'unary':
      return unaryNumber(e.operation, evaluate(e.argument, at));
    case 'binary':
      return binaryNumber(e.operation, evaluate(e.left, at), evaluate(e.right, at));
    case 'where':
      return holds(e.comparison, evaluate(e.left, at), evaluate(e.right, at))
        ? evaluate(e.then, at)
        : evaluate(e.otherwise, at);
  }
};
