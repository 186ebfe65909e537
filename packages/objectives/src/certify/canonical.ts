import {
  binaryInterval,
  type BinaryOperation,
  type Comparison,
  derivative,
  type Expression,
  holds,
  unaryInterval,
  type UnaryOperation,
  type Where,
} from '@drnn/tensor';

/**
 * Expressions in a form in which equal ones are the same object, so that two sides of a switch can be compared, and
 * facts about a node are found by identity. Every rewriting is exact in real arithmetic: constants fold only where the
 * float64 result is exact, which the builders of the language do not promise.
 */
export interface Canonical {
  readonly of: (e: Expression) => Expression;
  readonly constant: (value: number) => Expression;
  readonly variable: (name: string) => Expression;
  readonly unary: (operation: UnaryOperation, argument: Expression) => Expression;
  readonly binary: (operation: BinaryOperation, left: Expression, right: Expression) => Expression;
  readonly where: (
    comparison: Comparison,
    left: Expression,
    right: Expression,
    then: Expression,
    otherwise: Expression,
  ) => Expression;
  /** Rebuilds `e`, bottom up, with `rewrite` tried on every rebuilt node (undefined keeps it). */
  readonly map: (e: Expression, rewrite: (node: Expression) => Expression | undefined) => Expression;
  /** A number of its own for every node. */
  readonly number: (e: Expression) => number;
  /** Whether the variable occurs in it. */
  readonly dependsOn: (e: Expression, name: string) => boolean;
  /** Puts `by` in the place of the node `part`. */
  readonly replace: (e: Expression, part: Expression, by: Expression) => Expression;
  /** The derivative by a variable, exact also where the language's `derivative` would round a product of constants. */
  readonly derivative: (e: Expression, name: string) => Expression;
  /** A variable name that no expression has. */
  readonly freshName: () => string;
}

export const canonical = (): Canonical => {
  const nodes = new Map<string, Expression>();
  const numbers = new Map<Expression, number>();
  const names = new Map<Expression, ReadonlySet<string>>();
  const total = new Map<Expression, boolean>();
  let fresh = 0;

  const number = (e: Expression): number => numbers.get(e) ?? -1;
  const share = (key: string, node: Expression, ...within: readonly Expression[]): Expression => {
    const known = nodes.get(key);
    if (known !== undefined) return known;
    nodes.set(key, node);
    numbers.set(node, numbers.size);
    const all = new Set<string>(node.kind === 'variable' ? [node.name] : []);
    for (const part of within) for (const name of names.get(part) ?? []) all.add(name);
    names.set(node, all);
    total.set(node, !isPartial(node) && within.every(isTotal));
    return node;
  };

  /** Whether it has a value everywhere, so that a factor 0 may drop it. */
  const isTotal = (e: Expression): boolean => total.get(e) ?? false;

  const constant = (value: number): Expression =>
    share(`c${Object.is(value, -0) ? 0 : value}`, { kind: 'constant', value: value === 0 ? 0 : value });
  const variable = (name: string): Expression => share(`v${name}`, { kind: 'variable', name });

  const unary = (operation: UnaryOperation, argument: Expression): Expression => {
    if (argument.kind === 'constant') {
      const value = unaryInterval(operation, { low: argument.value, high: argument.value });
      if (value.defined && value.low === value.high) return constant(value.low);
    }
    if (operation === 'negate') {
      if (argument.kind === 'unary' && argument.operation === 'negate') return argument.argument;
      if (argument.kind === 'binary' && argument.operation === 'multiply' && argument.left.kind === 'constant')
        return binary('multiply', constant(-argument.left.value), argument.right);
    }
    return share(`u${operation},${number(argument)}`, { kind: 'unary', operation, argument }, argument);
  };

  const binary = (operation: BinaryOperation, left: Expression, right: Expression): Expression => {
    const folded = exact(operation, left, right);
    if (folded !== undefined) return constant(folded);
    const simpler = simplify(operation, left, right);
    if (simpler !== undefined) return simpler;
    const ordered = commutes(operation) && before(right, left);
    const [a, b] = ordered ? [right, left] : [left, right];
    return share(`b${operation},${number(a)},${number(b)}`, { kind: 'binary', operation, left: a, right: b }, a, b);
  };
  // Constants lead, then the order of first use.
  const before = (a: Expression, b: Expression): boolean =>
    (a.kind === 'constant') !== (b.kind === 'constant') ? a.kind === 'constant' : number(a) < number(b);

  const simplify = (operation: BinaryOperation, left: Expression, right: Expression): Expression | undefined => {
    switch (operation) {
      case 'add':
        if (isConstant(left, 0)) return right;
        if (isConstant(right, 0)) return left;
        if (isNegate(right)) return binary('subtract', left, right.argument);
        if (isNegate(left)) return binary('subtract', right, left.argument);
        return simplifySum(left, right) ?? simplifySum(right, left);
      case 'subtract':
        if (isConstant(left, 0)) return unary('negate', right);
        if (isNegate(right)) return binary('add', left, right.argument);
        if (isNegate(left)) return unary('negate', binary('add', left.argument, right));
        if (right.kind === 'constant') return binary('add', constant(-right.value), left);
        // One orientation for each pair, so that z - d and d - z share a node.
        return before(left, right) && left.kind !== 'constant'
          ? undefined
          : left === right
            ? undefined
            : unary('negate', binary('subtract', right, left));
      case 'multiply':
        return simplifyProduct(left, right) ?? simplifyProduct(right, left);
      case 'divide': {
        if (isConstant(left, 0) && right.kind === 'constant') return constant(0);
        if (right.kind !== 'constant') return undefined;
        const inverse = exact('divide', constant(1), right);
        if (inverse !== undefined) return binary('multiply', constant(inverse), left);
        if (left.kind === 'binary' && left.operation === 'multiply') {
          const ratio = exact('divide', left.left, right);
          if (ratio !== undefined) return binary('multiply', constant(ratio), left.right);
        }
        return undefined;
      }
      case 'min':
      case 'max':
        return left === right ? left : undefined;
      case 'transferDifference':
        return undefined;
    }
  };
  const simplifySum = (left: Expression, right: Expression): Expression | undefined => {
    if (left.kind !== 'constant' || right.kind !== 'binary' || right.operation !== 'add') return undefined;
    const sum = exact('add', left, right.left);
    return sum === undefined ? undefined : binary('add', constant(sum), right.right);
  };
  const simplifyProduct = (left: Expression, right: Expression): Expression | undefined => {
    if (isConstant(left, 0) && isTotal(right)) return left;
    if (isConstant(left, 1)) return right;
    if (isConstant(left, -1)) return unary('negate', right);
    if (left.kind === 'constant' && isNegate(right)) return binary('multiply', constant(-left.value), right.argument);
    if (isNegate(left)) return unary('negate', binary('multiply', left.argument, right));
    if (left.kind === 'binary' && left.operation === 'divide' && left.left.kind === 'constant')
      return binary('divide', binary('multiply', left.left, right), left.right);
    if (left.kind === 'constant' && right.kind === 'binary') {
      if (right.operation === 'multiply') {
        const product = exact('multiply', left, right.left);
        if (product !== undefined) return binary('multiply', constant(product), right.right);
      }
      if (right.operation === 'divide') {
        const ratio = exact('divide', left, right.right);
        if (ratio !== undefined) return binary('multiply', constant(ratio), right.left);
      }
    }
    return undefined;
  };

  const where: Canonical['where'] = (comparison, left, right, then, otherwise) => {
    if (left.kind === 'constant' && right.kind === 'constant')
      return holds(comparison, left.value, right.value) ? then : otherwise;
    if (then === otherwise) return then;
    const node: Where = { kind: 'where', comparison, left, right, then, otherwise };
    const key = [left, right, then, otherwise].map(number).join();
    return share(`w${comparison},${key}`, node, left, right, then, otherwise);
  };

  const map: Canonical['map'] = (e, rewrite) => {
    const done = new Map<Expression, Expression>();
    const visit = (node: Expression): Expression => {
      const known = done.get(node);
      if (known !== undefined) return known;
      const rebuilt = rebuild(node);
      const result = rewrite(rebuilt) ?? rebuilt;
      done.set(node, result);
      return result;
    };
    const rebuild = (node: Expression): Expression => {
      switch (node.kind) {
        case 'constant':
          return constant(node.value);
        case 'variable':
          return variable(node.name);
        case 'unary':
          return unary(node.operation, visit(node.argument));
        case 'binary':
          return binary(node.operation, visit(node.left), visit(node.right));
        case 'where':
          return where(node.comparison, visit(node.left), visit(node.right), visit(node.then), visit(node.otherwise));
      }
    };
    return visit(e);
  };

  const differentiate: Canonical['derivative'] = (e, name) => {
    const values = new Map<string, Expression>();
    const named = map(e, (node) => {
      if (node.kind !== 'constant') return undefined;
      const hidden = `constant ${node.value}'`;
      values.set(hidden, node);
      return variable(hidden);
    });
    return map(derivative(named, name), (node) => (node.kind === 'variable' ? values.get(node.name) : undefined));
  };

  return {
    of: (e) => map(e, () => undefined),
    constant,
    variable,
    unary,
    binary,
    where,
    map,
    number,
    dependsOn: (e, name) => names.get(e)?.has(name) ?? false,
    replace: (e, part, by) => map(e, (node) => (node === part ? by : undefined)),
    derivative: differentiate,
    freshName: () => `u${++fresh}'`,
  };
};

const isConstant = (e: Expression, value: number): boolean => e.kind === 'constant' && e.value === value;
const isNegate = (e: Expression): e is Extract<Expression, { kind: 'unary' }> =>
  e.kind === 'unary' && e.operation === 'negate';
/** Whether the node can lack a real value where its parts have one. */
export const isPartial = (e: Expression): boolean =>
  e.kind === 'constant'
    ? !Number.isFinite(e.value)
    : e.kind === 'unary'
      ? e.operation === 'sqrt' || e.operation === 'log' || e.operation === 'log1p' || e.operation === 'atanh'
      : e.kind === 'binary' && e.operation === 'divide';
const commutes = (operation: BinaryOperation): boolean =>
  operation === 'add' || operation === 'multiply' || operation === 'min' || operation === 'max';

/** The value of an operation on two constants where float64 gives it without rounding. */
const exact = (operation: BinaryOperation, left: Expression, right: Expression): number | undefined => {
  if (left.kind !== 'constant' || right.kind !== 'constant') return undefined;
  const value = binaryInterval(
    operation,
    { low: left.value, high: left.value },
    { low: right.value, high: right.value },
  );
  return value.defined && value.low === value.high && Number.isFinite(value.low) ? value.low : undefined;
};
