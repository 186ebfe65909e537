import { compareIntervals, type Expression, fold, parts, type Where } from '@drnn/tensor';
import { type Canonical } from './canonical.js';
import { samePolynomial } from './polynomial.js';
import { type Behaviour } from './difference-quotient.js';

/** The distinct nodes of an expression, parts before wholes. */
export const nodesOf = (e: Expression): readonly Expression[] => {
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    parts(node).forEach(visit);
    seen.add(node);
  };
  visit(e);
  return [...seen];
};

export const isContinuous = (e: Expression): boolean => nodesOf(e).every((node) => node.kind !== 'where');

/** Takes the branch of every `where`, `min`, `max` and `abs` that the box decides. */
export const resolve = (e: Expression, behaviour: (e: Expression) => Behaviour, store: Canonical): Expression => {
  const take = fold<Expression>((node, visit) => {
    switch (node.kind) {
      case 'constant':
      case 'variable':
        return node;
      case 'unary': {
        const argument = visit(node.argument);
        if (node.operation === 'abs') {
          const { value } = behaviour(node.argument);
          if (value.low >= 0) return argument;
          if (value.high <= 0) return store.unary('negate', argument);
        }
        return store.unary(node.operation, argument);
      }
      case 'binary': {
        const [left, right] = [visit(node.left), visit(node.right)];
        if (node.operation === 'min' || node.operation === 'max') {
          const [a, b] = [behaviour(node.left).value, behaviour(node.right).value];
          const [smaller, larger] = node.operation === 'min' ? [left, right] : [right, left];
          if (a.defined && b.defined && a.high <= b.low) return smaller;
          if (a.defined && b.defined && b.high <= a.low) return larger;
        }
        return store.binary(node.operation, left, right);
      }
      case 'where': {
        const [a, b] = [behaviour(node.left).value, behaviour(node.right).value];
        const truth = compareIntervals(node.comparison, a, b);
        if (truth !== undefined && a.defined && b.defined) return visit(truth ? node.then : node.otherwise);
        return store.where(
          node.comparison,
          visit(node.left),
          visit(node.right),
          visit(node.then),
          visit(node.otherwise),
        );
      }
    }
  });
  return take(e);
};

/**
 * `e` on the closed side of a condition: `below` where left <= right, `above` where left >= right. Only what is certain
 * there is used: the same comparison or its exact converse, and `min`, `max`, `abs`, which do not jump.
 */
export const assume = (
  e: Expression,
  condition: Pick<Where, 'comparison' | 'left' | 'right'>,
  truth: boolean,
  store: Canonical,
): Expression => {
  const { comparison, left, right } = condition;
  const converse = comparison === 'less' ? 'lessEqual' : 'less';
  // The smaller side, where the condition decides it; both are equal at the switch itself.
  const [smaller, larger] = truth ? [left, right] : [right, left];
  return store.map(e, (node) => {
    if (node.kind === 'where') {
      if (node.comparison === comparison && node.left === left && node.right === right)
        return truth ? node.then : node.otherwise;
      if (node.comparison === converse && node.left === right && node.right === left)
        return truth ? node.otherwise : node.then;
      return undefined;
    }
    if (node.kind === 'binary' && (node.operation === 'min' || node.operation === 'max')) {
      if ((node.left === smaller && node.right === larger) || (node.left === larger && node.right === smaller))
        return node.operation === 'min' ? smaller : larger;
      return undefined;
    }
    if (node.kind === 'unary' && node.operation === 'abs') {
      const zero = store.constant(0);
      if (smaller === zero && larger === node.argument) return node.argument;
      if (larger === zero && smaller === node.argument) return store.unary('negate', node.argument);
    }
    return undefined;
  });
};

/** Whether two expressions are the same wherever `left` equals `right`, by putting one for the other. */
export const agreeWhereEqual = (
  a: Expression,
  b: Expression,
  left: Expression,
  right: Expression,
  store: Canonical,
): boolean => {
  if (a === b) return true;
  const same = (from: Expression, to: Expression): boolean => {
    const [first, second] = [store.replace(a, from, to), store.replace(b, from, to)];
    return first === second || samePolynomial(first, second, store);
  };
  return same(left, right) || same(right, left);
};

/** Finds the `where` nodes whose branches meet at the switch, so that they add no jump; remembers the answers. */
export const meeting = (store: Canonical): ((node: Where) => boolean) => {
  const known = new Map<Where, boolean>();
  return (node) => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const { left, right, then, otherwise } = node;
    const result = isContinuous(left) && isContinuous(right) && agreeWhereEqual(then, otherwise, left, right, store);
    known.set(node, result);
    return result;
  };
};

/**
 * The largest proper part through which the variable enters: every path from `e` to it passes there. Undefined when
 * only the variable itself (or nothing) is such a part.
 */
export const gateway = (e: Expression, name: string, store: Canonical): Expression | undefined => {
  const inside = nodesOf(e).filter((node) => store.dependsOn(node, name) && node !== e && node.kind !== 'variable');
  // Wholes come after parts, so the last that qualifies is the largest.
  for (let i = inside.length - 1; i >= 0; i--) {
    const candidate = inside[i]!;
    if (!reaches(e, candidate, name, store)) return candidate;
  }
  return undefined;
};

/** Whether the variable can be reached from `e` without passing through `barrier`. */
const reaches = (e: Expression, barrier: Expression, name: string, store: Canonical): boolean => {
  const seen = new Set<Expression>();
  const visit = (node: Expression): boolean => {
    if (node === barrier || seen.has(node) || !store.dependsOn(node, name)) return false;
    seen.add(node);
    return node.kind === 'variable' || parts(node).some(visit);
  };
  return visit(e);
};
