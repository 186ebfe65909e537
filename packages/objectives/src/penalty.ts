import { type Issue } from '@drnn/tensor';
import { absoluteValue, type ScalarPenalty } from './scalar-penalty.js';

/**
 * What is added to the loss, convex by construction. Every strength s is per transition: the penalty is s times the
 * number of transitions T, so that it does not fade with data. The bias is never penalised, since its level is not a
 * matter of size. With theta_j the weights into unit j, W and Win:
 * - `ridge`: s / 2 x |theta|^2.
 * - `l1`: s x sum |theta_p|, which makes weights exactly 0 (Tibshirani 1996).
 * - `elastic-net`: s (ratio |theta|_1 + (1 - ratio) / 2 |theta|^2) (Zou & Hastie 2005).
 * - `groups`: s x sum over populations G of sqrt|G| x |theta_G|_2, a block for each source population and target unit:
 *   all weights from a population to a unit are 0, or none (Yuan & Lin 2006). It couples no units.
 * - `nuclear`: s x the sum of the singular values of W, for weights of low rank (Fazel 2002). It couples the units.
 * - `own`: s x sum h(theta_p) for an h of one's own.
 * - `all-of`: the sum of its parts.
 */
export type Penalty =
  | { readonly kind: 'ridge'; readonly strength: number }
  | { readonly kind: 'l1'; readonly strength: number }
  | { readonly kind: 'elastic-net'; readonly strength: number; readonly ratio: number }
  | { readonly kind: 'groups'; readonly strength: number; readonly labels: ArrayLike<number | string> }
  | { readonly kind: 'nuclear'; readonly strength: number }
  | { readonly kind: 'own'; readonly strength: number; readonly each: ScalarPenalty }
  | { readonly kind: 'all-of'; readonly parts: readonly Penalty[] };

export const ridge = (strength: number): Penalty => ({ kind: 'ridge', strength });

export const l1 = (strength: number): Penalty => ({ kind: 'l1', strength });

/** `ratio` is the share of l1, from 0 (a ridge) to 1 (the l1 penalty). Default .5. */
export const elasticNet = (strength: number, ratio = 0.5): Penalty => ({ kind: 'elastic-net', strength, ratio });

/** `labels`: the population of each source, [unit] (inputs are left alone then) or [unit + input]; numbers or names. */
export const groups = (options: {
  readonly labels: ArrayLike<number | string>;
  readonly strength: number;
}): Penalty => ({ kind: 'groups', ...options });

export const nuclear = (strength: number): Penalty => ({ kind: 'nuclear', strength });

/** A penalty of one's own on every weight. */
export const eachWeight = (strength: number, each: ScalarPenalty): Penalty => ({ kind: 'own', strength, each });

export const allOf = (...parts: readonly Penalty[]): Penalty => ({ kind: 'all-of', parts });

/** A penalty as the sum of what solvers treat each in its own way; all strengths per transition. */
export interface PenaltyTerms {
  /** The smooth part: ridge / 2 x |theta|^2. */
  readonly ridge: number;
  readonly each: { readonly strength: number; readonly penalty: ScalarPenalty } | null;
  readonly groups: readonly { readonly strength: number; readonly labels: ArrayLike<number | string> }[];
  readonly nuclear: number;
}

const leaves = (penalty: Penalty): readonly Exclude<Penalty, { readonly kind: 'all-of' }>[] =>
  penalty.kind === 'all-of' ? penalty.parts.flatMap(leaves) : [penalty];

/** The terms of a penalty that `penaltyIssues` found nothing wrong with; those of strength 0 are left out. */
export const penaltyTerms = (penalty: Penalty): PenaltyTerms => {
  const all = leaves(penalty);
  const total = (kind: 'ridge' | 'nuclear' | 'l1'): number =>
    all.reduce((sum, part) => sum + (part.kind === kind ? part.strength : 0), 0);
  const nets = all.filter((part) => part.kind === 'elastic-net');
  const absolute = nets.reduce((sum, { strength, ratio }) => sum + strength * ratio, total('l1'));
  const own = all.find((part) => part.kind === 'own' && part.strength > 0);
  return {
    ridge: nets.reduce((sum, { strength, ratio }) => sum + strength * (1 - ratio), total('ridge')),
    each:
      own?.kind === 'own'
        ? { strength: own.strength, penalty: own.each }
        : absolute > 0
          ? { strength: absolute, penalty: absoluteValue }
          : null,
    groups: all.filter((part) => part.kind === 'groups').filter(({ strength }) => strength > 0),
    nuclear: total('nuclear'),
  };
};

/** Whether a penalty says itself how much ridge there is. */
export const namesRidge = (penalty: Penalty): boolean =>
  leaves(penalty).some(({ kind }) => kind === 'ridge' || kind === 'elastic-net');

/** The strength of the ridge in a penalty, per transition. */
export const ridgeOf = (penalty: Penalty): number => penaltyTerms(penalty).ridge;

/** Everything wrong with the numbers of a penalty; sizes are checked where a problem is made. */
export const penaltyIssues = (penalty: Penalty): readonly Issue[] => {
  const all = leaves(penalty);
  const issues: Issue[] = all.flatMap((part) => {
    const found: Issue[] = [];
    if (!(part.strength >= 0 && Number.isFinite(part.strength))) {
      found.push({ path: part.kind, seen: `${part.strength}`, expected: 'a finite number of at least 0' });
    }
    if (part.kind === 'elastic-net' && !(part.ratio >= 0 && part.ratio <= 1)) {
      found.push({ path: 'elastic-net ratio', seen: `${part.ratio}`, expected: 'a number from 0 (ridge) to 1 (l1)' });
    }
    return found;
  });
  const named = all.filter(({ kind, strength }) => kind === 'own' && strength > 0);
  const absolute = all.some(({ kind, strength }) => (kind === 'l1' || kind === 'elastic-net') && strength > 0);
  if (named.length > 1 || (named.length === 1 && absolute)) {
    issues.push({
      path: 'penalty',
      seen: 'a penalty of your own beside another on each weight',
      expected: 'one penalty on each weight, whose prox is known',
      hint: 'write the sum as one penalty',
    });
  }
  if (all.filter(({ kind, strength }) => kind === 'groups' && strength > 0).length > 1) {
    issues.push({ path: 'groups', seen: 'two group penalties', expected: 'one, since groups may not overlap' });
  }
  return issues;
};
