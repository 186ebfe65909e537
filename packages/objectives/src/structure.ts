import { type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';
import { type Constraints, type FreePattern, weightShapeIssues } from './constraints.js';
import { type Penalty, penaltyTerms } from './penalty.js';
import type { ScalarPenalty } from './scalar-penalty.js';

/**
 * All of an objective that has no gradient, for a problem of given sizes, strengths multiplied by the number of
 * transitions. Without `nuclear` it is separable over units, and within a unit over coordinates and blocks.
 */
export interface Structure {
  /** low <= theta <= high, [predictor, unit]; both 0 at coordinates that are fixed. */
  readonly low: Matrix;
  readonly high: Matrix;
  /** sum over p of weight[p] h(theta_p), the same for every unit; null where there is none. */
  readonly each: { readonly penalty: ScalarPenalty; readonly weight: Float64Array } | null;
  /** sum over blocks b of weight[b] |theta_b|, the same for every unit. */
  readonly blocks: readonly { readonly members: Int32Array; readonly weight: number }[];
  /** Times the sum of the singular values of W. */
  readonly nuclear: number;
}

/** The sizes that a structure depends on. */
export interface StructureSizes {
  readonly units: number;
  readonly inputs: number;
  readonly bias: boolean;
  readonly transitions: number;
}

/**
 * The structure of an objective, or null where all of it is smooth and only zeros are constrained. Errors: labels,
 * signs or bounds of another shape, bounds that leave a weight no place, signs that are not chosen yet.
 */
export const structureOf = (
  { penalty, constraints }: { readonly penalty: Penalty; readonly constraints: Constraints },
  free: FreePattern,
  sizes: StructureSizes,
): Structure | null => {
  const terms = penaltyTerms(penalty);
  const { signs, box } = constraints;
  const bounded = signs !== undefined || box?.low !== undefined || box?.high !== undefined;
  if (!bounded && terms.each === null && terms.groups.length === 0 && terms.nuclear === 0) return null;
  refuse(sizeIssues(terms.groups, constraints, sizes));
  const { units, inputs, bias, transitions } = sizes;
  const weights = units + inputs;
  const predictors = weights + (bias ? 1 : 0);
  const { low, high } = boundsOf(constraints, free, sizes);
  const [group] = terms.groups;
  return {
    low,
    high,
    each:
      terms.each === null
        ? null
        : {
            penalty: terms.each.penalty,
            weight: new Float64Array(predictors).fill(terms.each.strength * transitions, 0, weights),
          },
    blocks: group === undefined ? [] : blocksOf(group.labels, group.strength * transitions),
    nuclear: terms.nuclear * transitions,
  };
};

const sizeIssues = (
  groups: readonly { readonly labels: ArrayLike<number | string> }[],
  { signs, box }: Constraints,
  { units, inputs }: StructureSizes,
): readonly Issue[] => {
  const issues: Issue[] = [];
  for (const { labels } of groups) {
    if (labels.length === units || labels.length === units + inputs) continue;
    issues.push({
      path: 'groups',
      seen: `${labels.length} labels`,
      expected: `[unit=${units}]${inputs > 0 ? ` or [unit + input=${units + inputs}]` : ''}, the population of each source`,
    });
  }
  if (signs === 'auto') {
    issues.push({
      path: 'signs',
      seen: 'auto',
      expected: 'the sign of each unit, once it is chosen',
      hint: 'fit without signs, and take `chooseSigns` of that',
    });
  } else if (signs !== undefined && signs.length !== units) {
    issues.push({
      path: 'signs',
      seen: `${signs.length} signs`,
      expected: `[unit=${units}], the sign of each source unit`,
    });
  }
  for (const [name, bound] of Object.entries(box ?? {})) {
    if (typeof bound !== 'number') issues.push(...weightShapeIssues(`box.${name}`, bound, units, inputs));
  }
  return issues;
};

/** Blocks of predictors with the same label, in the order in which they appear. */
const blocksOf = (labels: ArrayLike<number | string>, strength: number): Structure['blocks'] => {
  const members = new Map<number | string, number[]>();
  Array.from(labels).forEach((label, p) => {
    const block = members.get(label);
    if (block === undefined) members.set(label, [p]);
    else block.push(p);
  });
  return Array.from(members.values(), (block) => ({
    members: Int32Array.from(block),
    weight: strength * Math.sqrt(block.length),
  }));
};

const boundsOf = (
  { signs, box }: Constraints,
  free: FreePattern,
  { units, inputs, bias }: StructureSizes,
): { readonly low: Matrix; readonly high: Matrix } => {
  const weights = units + inputs;
  const predictors = weights + (bias ? 1 : 0);
  const low = matrix(predictors, units, new Float64Array(predictors * units).fill(-Infinity));
  const high = matrix(predictors, units, new Float64Array(predictors * units).fill(Infinity));
  const boxAt = (bound: number | Matrix | undefined, p: number, j: number, absent: number): number =>
    bound === undefined ? absent : typeof bound === 'number' ? bound : bound.data[j * weights + p]!;
  for (let p = 0; p < weights; p++) {
    const sign = p < units && signs !== undefined && signs !== 'auto' ? signs[p]! : 0;
    for (let j = 0; j < units; j++) {
      const i = p * units + j;
      low.data[i] = Math.max(sign > 0 ? 0 : -Infinity, boxAt(box?.low, p, j, -Infinity));
      high.data[i] = Math.min(sign < 0 ? 0 : Infinity, boxAt(box?.high, p, j, Infinity));
    }
  }
  const fix = (p: number, j: number): void => {
    low.data[p * units + j] = high.data[p * units + j] = 0;
  };
  if (free.kind === 'one-fixed') free.fixed.forEach(fix);
  if (free.kind === 'sets') {
    free.sets.forEach((set, j) => {
      let next = 0;
      for (let p = 0; p < predictors; p++) {
        if (set[next] === p) next++;
        else fix(p, j);
      }
    });
  }
  const at = low.data.findIndex((value, i) => value > high.data[i]!);
  if (at >= 0) {
    const [p, j] = [Math.floor(at / units), at % units];
    refuse([
      {
        path: 'box',
        seen: `no place for the weight from ${p < units ? `unit ${p}` : `input ${p - units}`} to unit ${j}`,
        expected: 'bounds, with the signs, that leave every weight a value',
      },
    ]);
  }
  return { low, high };
};
