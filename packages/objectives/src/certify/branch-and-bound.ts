import { binaryInterval, type Expression, type Where } from '@drnn/tensor';
import { type Canonical } from './canonical.js';
import { contract, type Fact } from './contract.js';
import { type Behaviour, behaviourOn, type Box, halves } from './difference-quotient.js';
import { agreeWhereEqual, assume, isContinuous, nodesOf, resolve } from './switches.js';

/** A box on which a proof did not close, with the lower bound it got there. */
export interface OpenBox {
  readonly box: Box;
  readonly bound: number;
  readonly reason: string;
}

export interface Outcome {
  readonly proven: boolean;
  /** Boxes looked at. */
  readonly boxes: number;
  /** Whether a switch of a `where` had to be compared. */
  readonly switches: number;
  /** What is left when not proven, the worst first; at most 64. */
  readonly open: readonly OpenBox[];
}

/** What the search needs to know besides the expression. */
export interface Search {
  readonly store: Canonical;
  readonly meets: (node: Where) => boolean;
  /** The most boxes to look at. */
  readonly maxBoxes: number;
  /** The most boxes on which derivatives are tried; they cost much more than a box. */
  readonly maxClimbs: number;
}

/** `e` is nondecreasing in z at the points of the box where all facts hold. */
interface Rise {
  readonly kind: 'rise';
  readonly e: Expression;
  readonly box: Box;
  readonly facts: readonly Fact[];
}
/** `upper` >= `lower` at the points of the box where all facts hold; the first fact is the switch. */
interface Jump {
  readonly kind: 'jump';
  readonly upper: Expression;
  readonly lower: Expression;
  readonly box: Box;
  readonly facts: readonly Fact[];
}
type Goal = Rise | Jump;

/**
 * Proves by branch and bound that `whole` is nondecreasing in `z` on the domain, for every value of the other variables.
 *
 * A box is closed when its difference quotients are >= 0. Else an undecided `where` is split at its threshold: when the
 * branches meet there, or when the switch happens once (the difference of its sides is monotone in z) and the right
 * one-sided value is not below the left one, it is enough that each branch rises on its side. Else, on smooth pieces,
 * the derivative is shown >= 0 from an end of the box and a derivative of its own, which reaches to infinity. Else the
 * box is halved, in a scale that makes infinite ranges finite.
 */
export const rises = (whole: Expression, z: string, domain: Box, search: Search): Outcome => {
  const goals: Goal[] = [{ kind: 'rise', e: whole, box: domain, facts: [] }];
  const open: OpenBox[] = [];
  let switches = 0;
  let boxes = 0;
  let climbed = 0;
  const derivativeOf = derivatives(search.store, z);

  for (let next = 0; next < goals.length; next++) {
    const goal = goals[next]!;
    if (boxes >= search.maxBoxes) {
      leaveOpen(goals.slice(next), z, search, open);
      break;
    }
    boxes++;
    const narrowed = narrow(goal, z, search);
    if (narrowed === undefined) continue;
    const step = goal.kind === 'rise' ? stepRise({ ...goal, box: narrowed }) : stepJump({ ...goal, box: narrowed });
    if (step === 'closed') continue;
    if (step.goals.length === 0) {
      open.push(step.open);
      if (step.hopeless) break;
    }
    goals.push(...step.goals);
  }

  interface Step {
    readonly goals: readonly Goal[];
    readonly open: OpenBox;
    /** The expression certainly falls there: no need to go on. */
    readonly hopeless?: boolean;
  }

  function stepRise(goal: Rise): 'closed' | Step {
    const { store, meets } = search;
    const behaviour = behaviourOn(goal.box, z, meets);
    const { value, quotient } = behaviour(goal.e);
    if (value.defined && quotient.low >= 0) return 'closed';
    const range = goal.box[z];
    const left: OpenBox = { box: goal.box, bound: quotient.low, reason: reasonOf(value.defined) };
    const falls = value.defined && quotient.high < 0 && range !== undefined && range.low < range.high;
    if (falls && goal.facts.length === 0) return { goals: [], open: left, hopeless: true };
    const resolved = resolve(goal.e, behaviour, store);
    const split = splitAtSwitch(goal, resolved, behaviour);
    if (split !== undefined) {
      switches++;
      return { goals: split, open: left };
    }
    if (value.defined && climbed++ < search.maxClimbs && climbs(resolved, z, goal.box, search, derivativeOf))
      return 'closed';
    return { goals: inHalves({ ...goal, e: resolved }, [resolved, ...conditionsOf(goal.facts)]), open: left };
  }

  function stepJump(goal: Jump): 'closed' | Step {
    const { store, meets } = search;
    const behaviour = behaviourOn(goal.box, z, meets);
    const [upper, lower] = [resolve(goal.upper, behaviour, store), resolve(goal.lower, behaviour, store)];
    const threshold = goal.facts[0];
    const defined = behaviour(goal.upper).value.defined && behaviour(goal.lower).value.defined;
    let bound = -Infinity;
    if (threshold !== undefined && defined) {
      const [left, right] = [resolve(threshold.left, behaviour, store), resolve(threshold.right, behaviour, store)];
      if (agreeWhereEqual(upper, lower, left, right, store)) return 'closed';
      for (const [from, to] of [
        [left, left],
        [left, right],
        [right, left],
      ] as const) {
        const rise = store.binary('subtract', store.replace(upper, from, to), store.replace(lower, from, to));
        const { value } = behaviour(rise);
        if (value.defined) bound = Math.max(bound, value.low);
      }
      if (bound >= 0) return 'closed';
    }
    return {
      goals: inHalves(goal, [upper, lower, ...conditionsOf(goal.facts)]),
      open: { box: goal.box, bound, reason: 'a switch where the slope may jump downward' },
    };
  }

  function splitAtSwitch(
    goal: Rise,
    e: Expression,
    behaviour: (e: Expression) => Behaviour,
  ): readonly Goal[] | undefined {
    const { store } = search;
    for (const node of nodesOf(e)) {
      if (node.kind !== 'where' || !isContinuous(node.left) || !isContinuous(node.right)) continue;
      const { left, right } = node;
      const [a, b] = [behaviour(left), behaviour(right)];
      if (!a.value.defined || !b.value.defined) continue;
      const [yes, no] = [assume(e, node, true, store), assume(e, node, false, store)];
      const gap = binaryInterval('subtract', a.quotient, b.quotient);
      const below: Rise = { ...goal, e: yes, facts: [...goal.facts, { left, right, relation: 'below' }] };
      const above: Rise = { ...goal, e: no, facts: [...goal.facts, { left, right, relation: 'above' }] };
      const steady = gap.low === 0 && gap.high === 0;
      if (steady || agreeWhereEqual(yes, no, left, right, store)) return [below, above];
      if (gap.low < 0 && gap.high > 0) continue;
      // left - right increases: the condition holds on the left of its threshold, so `no` comes after `yes`.
      const [upper, lower] = gap.low >= 0 ? [no, yes] : [yes, no];
      const facts: readonly Fact[] = [{ left, right, relation: 'equal' }, ...goal.facts];
      return [{ kind: 'jump', upper, lower, box: goal.box, facts }, below, above];
    }
    return undefined;
  }

  function inHalves<G extends Goal>(goal: G, expressions: readonly Expression[]): readonly G[] {
    return halves(goal.box, expressions, z).map((box) => ({ ...goal, box }));
  }

  return { proven: open.length === 0, boxes, switches, open: worstFirst(open) };
};

const reasonOf = (defined: boolean): string =>
  defined ? 'the slope could not be shown to be nondecreasing' : 'the slope may be undefined';

const worstFirst = (open: readonly OpenBox[]): readonly OpenBox[] =>
  [...open].sort((a, b) => a.bound - b.bound).slice(0, 64);

const conditionsOf = (facts: readonly Fact[]): readonly Expression[] =>
  facts.flatMap((fact) => [fact.left, fact.right]);

/** The box of a goal without the points where its facts fail; undefined when nothing is left. */
const narrow = (goal: Goal, z: string, search: Search): Box | undefined => {
  let box: Box | undefined = goal.box;
  for (const fact of goal.facts) {
    box = contract(box, fact, behaviourOn(box, z, search.meets));
    if (box === undefined) return undefined;
  }
  return box;
};

/** Bounds for goals that were never reached. */
const leaveOpen = (goals: readonly Goal[], z: string, search: Search, open: OpenBox[]): void => {
  for (const goal of goals.slice(0, 256)) {
    const behaviour = behaviourOn(goal.box, z, search.meets);
    if (goal.kind === 'jump') {
      const jump = binaryInterval('subtract', behaviour(goal.upper).value, behaviour(goal.lower).value);
      open.push({ box: goal.box, bound: jump.low, reason: 'a switch where the slope may jump downward' });
    } else {
      const { value, quotient } = behaviour(goal.e);
      open.push({ box: goal.box, bound: quotient.low, reason: reasonOf(value.defined) });
    }
  }
};

/** Derivatives by z, each worked out once. */
const derivatives = (store: Canonical, z: string): ((e: Expression) => Expression) => {
  const known = new Map<Expression, Expression>();
  return (e) => {
    const before = known.get(e);
    if (before !== undefined) return before;
    const result = store.derivative(e, z);
    known.set(e, result);
    return result;
  };
};

/** Orders of derivatives tried, and the size beyond which they are not. */
const deepest = 6;
const largest = 80;

/** Whether a smooth `e` rises on the box because its derivative is >= 0, found by `staysNonnegative`. */
const climbs = (
  e: Expression,
  z: string,
  box: Box,
  search: Search,
  derivativeOf: (e: Expression) => Expression,
): boolean => {
  const nodes = nodesOf(e);
  if (nodes.length > largest) return false;
  const smooth = nodes.every(
    (node) =>
      !search.store.dependsOn(node, z) ||
      !(
        node.kind === 'where' ||
        (node.kind === 'unary' && node.operation === 'abs') ||
        (node.kind === 'binary' && (node.operation === 'min' || node.operation === 'max'))
      ),
  );
  if (!smooth) return false;
  if (e.kind === 'binary' && e.operation === 'divide') {
    // (f / g)' has the sign of f' g - f g' where g > 0.
    const { store } = search;
    const [f, g] = [e.left, e.right];
    if (behaviourOn(box, z, search.meets)(g).value.low > 0) {
      const [first, second] = [
        store.binary('multiply', derivativeOf(f), g),
        store.binary('multiply', f, derivativeOf(g)),
      ];
      if (staysNonnegative(store.binary('subtract', first, second), z, box, search, derivativeOf, deepest)) return true;
    }
  }
  return staysNonnegative(derivativeOf(e), z, box, search, derivativeOf, deepest);
};

/** f >= 0 on the box, at once or because it is so at one end of z and f leaves that end upward. */
const staysNonnegative = (
  f: Expression,
  z: string,
  box: Box,
  search: Search,
  derivativeOf: (e: Expression) => Expression,
  depth: number,
): boolean => {
  const { store, meets } = search;
  const { value, quotient } = behaviourOn(box, z, meets)(f);
  if (!value.defined) return false;
  if (value.low >= 0) return true;
  if (value.high < 0 || depth === 0 || nodesOf(f).length > largest) return false;
  const range = box[z];
  if (range === undefined) return false;
  for (const side of ['low', 'high'] as const) {
    const end = range[side];
    if (Math.abs(end) === Infinity) continue;
    const there = behaviourOn({ ...box, [z]: { low: end, high: end } }, z, meets)(f).value;
    if (!there.defined || there.low < 0) continue;
    if (side === 'low' ? quotient.low >= 0 : quotient.high <= 0) return true;
    const slope = derivativeOf(f);
    const outward = side === 'low' ? slope : store.unary('negate', slope);
    if (staysNonnegative(outward, z, box, search, derivativeOf, depth - 1)) return true;
  }
  return false;
};
