import { type Expression } from '@drnn/tensor';
import { rises, type Search } from './branch-and-bound.js';
import { behaviourOn, type Box } from './difference-quotient.js';
import { describe, describeInterval } from './describe.js';
import { gateway } from './switches.js';

/**
 * Proves that `e` is nondecreasing in `z` on the whole box by its structure, and gives the steps, or undefined:
 * 1. its difference quotients are >= 0 as they stand (nonnegative weight times nondecreasing transfer, clamped, summed);
 * 2. z enters only through a part u (such as z - d or tanh z): u and e as a function of u are both nondecreasing, or
 *    both nonincreasing; the composition loses the other variables that u shares with the rest, never soundness;
 * 3. a sum, minimum or maximum of nondecreasing parts;
 * 4. a piece by branch and bound, with a small share of boxes: the whole gets the rest when this fails.
 */
export const risesByStructure = (e: Expression, z: string, box: Box, search: Search): readonly string[] | undefined => {
  const { store } = search;
  const { value, quotient } = behaviourOn(box, z, search.meets)(e);
  if (value.defined && quotient.low >= 0) {
    if (e.kind === 'variable') return [];
    return store.dependsOn(e, z)
      ? [`${describe(e)}: rises in ${z} at rates in ${describeInterval(quotient)}`]
      : [`${describe(e)}: does not depend on ${z}`];
  }
  if (!store.dependsOn(e, z)) return undefined;
  // A sign alone is no step.
  const part = gateway(e.kind === 'unary' && e.operation === 'negate' ? e.argument : e, z, store);
  const through = part === undefined ? undefined : throughPart(e, part, z, box, search);
  return through ?? bySides(e, z, box, search) ?? byBoxes(e, z, box, search);
};

const throughPart = (
  e: Expression,
  part: Expression,
  z: string,
  box: Box,
  search: Search,
): readonly string[] | undefined => {
  const { store } = search;
  const { value } = behaviourOn(box, z, search.meets)(part);
  if (!value.defined) return undefined;
  const name = store.freshName();
  const outer = store.replace(e, part, store.variable(name));
  const { [z]: _, ...others } = box;
  const outerBox: Box = { ...others, [name]: { low: value.low, high: value.high } };
  for (const direction of ['nondecreasing', 'nonincreasing'] as const) {
    const turn = (f: Expression): Expression => (direction === 'nondecreasing' ? f : store.unary('negate', f));
    const outerSteps = risesByStructure(turn(outer), name, outerBox, search);
    if (outerSteps === undefined) continue;
    const innerSteps = risesByStructure(turn(part), z, box, search);
    if (innerSteps === undefined) return undefined;
    const where = `${name} = ${describe(part)} in ${describeInterval(value)}`;
    return [...innerSteps, `with ${where}, ${describe(outer)} is ${direction} in ${name}:`, ...outerSteps];
  }
  return undefined;
};

/** Sums, minima and maxima: each side by itself. */
const bySides = (e: Expression, z: string, box: Box, search: Search): readonly string[] | undefined => {
  const { store } = search;
  if (e.kind === 'unary' && e.operation === 'negate' && e.argument.kind === 'binary') {
    const { operation, left, right } = e.argument;
    const minus = (f: Expression): Expression => store.unary('negate', f);
    if (operation === 'add') return both(minus(left), minus(right), z, box, search);
    if (operation === 'subtract') return both(minus(left), right, z, box, search);
    if (operation === 'min' || operation === 'max') return both(minus(left), minus(right), z, box, search);
    return undefined;
  }
  if (e.kind !== 'binary') return undefined;
  switch (e.operation) {
    case 'add':
    case 'min':
    case 'max':
      return both(e.left, e.right, z, box, search);
    case 'subtract':
      return both(e.left, store.unary('negate', e.right), z, box, search);
    default:
      return undefined;
  }
};

const both = (a: Expression, b: Expression, z: string, box: Box, search: Search): readonly string[] | undefined => {
  const first = risesByStructure(a, z, box, search);
  if (first === undefined) return undefined;
  const second = risesByStructure(b, z, box, search);
  return second === undefined ? undefined : [...first, ...second];
};

/** Branch and bound as one step of a proof. */
const byBoxes = (e: Expression, z: string, box: Box, search: Search): readonly string[] | undefined => {
  const outcome = rises(e, z, box, search);
  return outcome.proven ? [boxStep(e, z, outcome)] : undefined;
};

export const boxStep = (e: Expression, z: string, outcome: { boxes: number; switches: number }): string => {
  const compared = outcome.switches === 0 ? '' : `, ${outcome.switches} switches whose one-sided values do not fall`;
  return `${describe(e)}: rises in ${z} by branch and bound, ${outcome.boxes} boxes${compared}`;
};
