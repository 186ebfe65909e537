import { binaryInterval, type Expression, parts, type Where } from '@drnn/tensor';
import { type Search } from './branch-and-bound.js';
import { isPartial } from './canonical.js';
import { contract, type Fact } from './contract.js';
import { type Behaviour, behaviourOn, type Box, halves } from './difference-quotient.js';
import { describe } from './describe.js';
import { agreeWhereEqual, assume, gateway, isContinuous, resolve } from './switches.js';

/** Whether a value is proven to exist everywhere and to be continuous in z; `steps` say how, `reason` why not. */
export type Continuity =
  | { readonly continuous: true; readonly steps: readonly string[] }
  | { readonly continuous: false; readonly box: Box; readonly reason: string };

/** Boxes for one question about one node. */
const mostBoxes = 400;
/** Ways from the root to a node, with the branches taken on it. */
const mostPaths = 400;

/**
 * Proves that `e` is defined and continuous in z on the box: every partial operation has its argument in its domain and
 * the branches of every `where` are equal at its switch, in the branches where these stand.
 *
 * Constants of a piecewise value are rounded numbers (`0.3 * 0.3 / 2`), so branches that meet to within the rounding of
 * their own evaluation count as equal, and the step says so; a jump that interval arithmetic can tell from zero never
 * does.
 */
export const continuityOf = (e: Expression, z: string, box: Box, search: Search): Continuity => {
  const steps: string[] = [];
  const jumps: { readonly node: Where; readonly nested: boolean; readonly box: Box; readonly reason: string }[] = [];
  const seen = new Map<Expression, Set<string>>();
  let paths = 0;
  const visit = (node: Expression, facts: readonly Fact[], key: string): Continuity | undefined => {
    const before = seen.get(node) ?? new Set<string>();
    if (before.has(key)) return undefined;
    seen.set(node, before.add(key));
    if (++paths > mostPaths) return { continuous: false, box, reason: 'the value has too many branches to follow' };
    const failed = hasValue(node, z, box, facts, search);
    if (failed !== undefined)
      return { continuous: false, box: failed, reason: `the value ${describe(node)} may be undefined` };
    if (node.kind !== 'where') {
      for (const part of parts(node)) {
        const failure = visit(part, facts, key);
        if (failure !== undefined) return failure;
      }
      return undefined;
    }
    const { left, right } = node;
    const below: readonly Fact[] = [...facts, { left, right, relation: 'below' }];
    const above: readonly Fact[] = [...facts, { left, right, relation: 'above' }];
    const name = `${paths}`;
    const failure =
      visit(left, facts, key) ??
      visit(right, facts, key) ??
      visit(node.then, below, `${key},${name}`) ??
      visit(node.otherwise, above, `${key},${name}'`);
    if (failure !== undefined) return failure;
    const step = branchesMeet(node, z, box, facts, search);
    if ('reason' in step) jumps.push({ node, nested: facts.length > 0, ...step });
    else steps.push(step.step);
    return undefined;
  };
  const failure = visit(e, [], '');
  if (failure !== undefined) return failure;
  const first = jumps[0];
  if (first === undefined) return { continuous: true, steps };
  // A factor may jump where another vanishes. The whole is compared with all other switches as they are at the point
  // itself, which tells the limits only when nothing else jumps, and no branch of another switch holds the jump.
  const { comparison, left, right } = first.node;
  const { store } = search;
  const alone = jumps.every(
    ({ node, nested }) => !nested && node.comparison === comparison && node.left === left && node.right === right,
  );
  const lifted = store.where(
    comparison,
    left,
    right,
    assume(e, first.node, true, store),
    assume(e, first.node, false, store),
  );
  const whole = alone && lifted.kind === 'where' ? branchesMeet(lifted, z, box, [], search) : undefined;
  if (whole === undefined || 'reason' in whole) return { continuous: false, box: first.box, reason: first.reason };
  return { continuous: true, steps: [...steps, whole.step] };
};

/** Asks `closed` of the part of the box where the facts hold, halving it where the answer is no; the box that failed. */
const everywhere = (
  box: Box,
  facts: readonly Fact[],
  names: readonly Expression[],
  z: string,
  search: Search,
  closed: (behaviour: (e: Expression) => Behaviour) => boolean,
): Box | undefined => {
  const boxes: Box[] = [box];
  for (let next = 0; next < boxes.length; next++) {
    let here: Box | undefined = boxes[next]!;
    // A second sweep uses what the first has learned.
    for (const fact of [...facts, ...facts]) {
      if (here !== undefined) here = contract(here, fact, behaviourOn(here, z, search.meets));
    }
    if (here === undefined || closed(behaviourOn(here, z, search.meets))) continue;
    const smaller =
      next < mostBoxes ? halves(here, [...names, ...facts.flatMap((fact) => [fact.left, fact.right])], z) : [];
    if (smaller.length === 0) return here;
    boxes.push(...smaller);
  }
  return undefined;
};

const hasValue = (node: Expression, z: string, box: Box, facts: readonly Fact[], search: Search): Box | undefined => {
  if (!isPartial(node)) return undefined;
  return everywhere(box, facts, [node], z, search, (behaviour) => behaviour(node).value.defined);
};

const branchesMeet = (
  node: Where,
  z: string,
  box: Box,
  facts: readonly Fact[],
  search: Search,
): { readonly step: string } | { readonly box: Box; readonly reason: string } => {
  const { store } = search;
  const sides = `at ${describe(node.left)} = ${describe(node.right)}`;
  const free = !store.dependsOn(node.left, z) && !store.dependsOn(node.right, z);
  if (free) return { step: `${sides}: does not depend on ${z}` };
  if (search.meets(node)) return { step: `${sides}: the values of both branches are equal` };
  if (!isContinuous(node.left) || !isContinuous(node.right))
    return { box, reason: 'the switch of a where depends on another switch' };

  const part = gateway(node, z, store);
  const { value } = behaviourOn(box, z, search.meets)(part ?? node);
  const useful = part !== undefined && value.defined ? part : undefined;
  const name = useful === undefined ? z : store.freshName();
  const through = (e: Expression): Expression =>
    useful === undefined ? e : store.replace(e, useful, store.variable(name));
  const { [z]: range, ...others } = box;
  const reduced: Box = useful === undefined ? box : { ...others, [name]: value };
  const kept = facts
    .map((fact) => ({ ...fact, left: through(fact.left), right: through(fact.right) }))
    .filter((fact) => name === z || !(store.dependsOn(fact.left, z) || store.dependsOn(fact.right, z)));
  const [then, otherwise] = [through(node.then), through(node.otherwise)];
  const switchFact: Fact = { left: through(node.left), right: through(node.right), relation: 'equal' };

  let rounding = 0;
  const failed = everywhere(reduced, [switchFact, ...kept], [then, otherwise], name, search, (behaviour) => {
    const [a, b] = [behaviour(then).value, behaviour(otherwise).value];
    if (!a.defined || !b.defined) return false;
    const [left, right] = [resolve(switchFact.left, behaviour, store), resolve(switchFact.right, behaviour, store)];
    const [first, second] = [resolve(then, behaviour, store), resolve(otherwise, behaviour, store)];
    if (agreeWhereEqual(first, second, left, right, store)) return true;
    const jump = binaryInterval('subtract', a, b);
    const size = Math.max(Math.abs(a.low), Math.abs(a.high), Math.abs(b.low), Math.abs(b.high));
    const indistinct =
      Number.isFinite(size) && jump.low <= 0 && jump.high >= 0 && jump.high - jump.low <= 64 * 2 ** -52 * size;
    if (indistinct) rounding = Math.max(rounding, -jump.low, jump.high);
    return indistinct || (jump.low === 0 && jump.high === 0);
  });
  if (failed !== undefined) {
    const shown = range === undefined || name === z ? failed : { ...failed, [z]: range };
    return { box: shown, reason: `the value may jump ${sides}` };
  }
  return {
    step:
      rounding === 0
        ? `${sides}: the values of both branches are equal`
        : `${sides}: the values of both branches are equal to within rounding (${rounding.toExponential(1)})`,
  };
};
