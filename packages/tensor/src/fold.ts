import {
  abs,
  add,
  atanh,
  type BinaryOperation,
  constant,
  div,
  exp,
  expm1,
  type Expression,
  log,
  log1p,
  log2cosh,
  logistic,
  max,
  min,
  mul,
  negate,
  type Operand,
  softplus,
  softplusIntegral,
  sqrt,
  square,
  sub,
  tanh,
  transferDifference,
  type UnaryOperation,
  where,
} from './expression.js';

/** The direct parts of an expression. */
export const parts = (e: Expression): readonly Expression[] => {
  switch (e.kind) {
    case 'constant':
    case 'variable':
      return [];
    case 'unary':
      return [e.argument];
    case 'binary':
      return [e.left, e.right];
    case 'where':
      return [e.left, e.right, e.then, e.otherwise];
  }
};

/** The names of the variables that occur, sorted. */
export const variablesOf = (...expressions: readonly Expression[]): readonly string[] => {
  const names = new Set<string>();
  const seen = new Set<Expression>();
  const visit = (e: Expression): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.kind === 'variable') names.add(e.name);
    parts(e).forEach(visit);
  };
  expressions.forEach(visit);
  return [...names].sort();
};

/**
 * A function of expressions from a rule for one node, which is given the function itself to apply to the node's parts.
 * A part that is shared is visited once.
 */
export const fold = <Result>(
  rule: (node: Expression, visit: (part: Expression) => Result) => Result,
): ((e: Expression) => Result) => {
  const done = new Map<Expression, Result>();
  const visit = (node: Expression): Result => {
    const known = done.get(node);
    if (known !== undefined) return known;
    const result = rule(node, visit);
    done.set(node, result);
    return result;
  };
  return visit;
};

/** Replaces variables by expressions, all at once; shared parts stay shared. */
export const substitute = (e: Expression, replacements: Readonly<Record<string, Operand>>): Expression =>
  fold<Expression>((node, visit) => {
    switch (node.kind) {
      case 'constant':
        return node;
      case 'variable': {
        const replacement = Object.hasOwn(replacements, node.name) ? replacements[node.name] : undefined;
        if (replacement === undefined) return node;
        return typeof replacement === 'number' ? constant(replacement) : replacement;
      }
      case 'unary':
        return builders[node.operation](visit(node.argument));
      case 'binary':
        return binaryBuilders[node.operation](visit(node.left), visit(node.right));
      case 'where':
        return where(
          { comparison: node.comparison, left: visit(node.left), right: visit(node.right) },
          visit(node.then),
          visit(node.otherwise),
        );
    }
  })(e);

const builders: Readonly<Record<UnaryOperation, (a: Operand) => Expression>> = {
  negate,
  abs,
  square,
  sqrt,
  exp,
  expm1,
  log,
  log1p,
  tanh,
  atanh,
  logistic,
  softplus,
  log2cosh,
  softplusIntegral,
};
const binaryBuilders: Readonly<Record<BinaryOperation, (a: Operand, b: Operand) => Expression>> = {
  add,
  subtract: sub,
  multiply: mul,
  divide: div,
  min,
  max,
  transferDifference,
};
