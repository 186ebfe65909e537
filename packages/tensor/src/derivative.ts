import {
  add,
  type Binary,
  constant,
  div,
  exp,
  type Expression,
  lessEqual,
  logistic,
  mul,
  negate,
  softplus,
  sqrt,
  square,
  sub,
  tanh,
  type UnaryOperation,
  where,
} from './expression.js';
import { fold } from './fold.js';

/**
 * The symbolic derivative of `e` by the variable `name`. At a switch it is the derivative of the branch taken; the
 * jumps of a piecewise slope are found by `certify`, not by a second derivative.
 */
export const derivative = (e: Expression, name: string): Expression =>
  fold<Expression>((node, visit) => {
    switch (node.kind) {
      case 'constant':
        return constant(0);
      case 'variable':
        return constant(node.name === name ? 1 : 0);
      case 'unary': {
        const inner = visit(node.argument);
        return inner.kind === 'constant' && inner.value === 0
          ? inner
          : mul(outer(node.operation, node.argument, node), inner);
      }
      case 'binary':
        return binaryRule(node, visit(node.left), visit(node.right));
      case 'where':
        return where(node, visit(node.then), visit(node.otherwise));
    }
  })(e);

/** The derivative of a binary node, given those of its sides. */
const binaryRule = (node: Binary, da: Expression, db: Expression): Expression => {
  const [a, b] = [node.left, node.right];
  switch (node.operation) {
    case 'add':
      return add(da, db);
    case 'subtract':
      return sub(da, db);
    case 'multiply':
      return add(mul(da, b), mul(a, db));
    case 'divide':
      return sub(div(da, b), mul(div(node, b), db));
    case 'min':
      return where(lessEqual(a, b), da, db);
    case 'max':
      return where(lessEqual(b, a), da, db);
    case 'transferDifference':
      return sub(mul(sub(1, square(tanh(a))), da), mul(sub(1, square(tanh(b))), db));
  }
};

/** f'(a), given the node f(a) itself where that is cheaper. */
const outer = (operation: UnaryOperation, a: Expression, value: Expression): Expression => {
  switch (operation) {
    case 'negate':
      return constant(-1);
    case 'abs':
      return where(lessEqual(0, a), 1, -1);
    case 'square':
      return mul(2, a);
    case 'sqrt':
      return div(0.5, sqrt(a));
    case 'exp':
      return value;
    case 'expm1':
      return exp(a);
    case 'log':
      return div(1, a);
    case 'log1p':
      return div(1, add(1, a));
    case 'tanh':
      return sub(1, square(value));
    case 'atanh':
      return div(1, sub(1, square(a)));
    case 'logistic':
      return mul(value, logistic(negate(a)));
    case 'softplus':
      return logistic(a);
    case 'log2cosh':
      return tanh(a);
    case 'softplusIntegral':
      return softplus(a);
  }
};
