import {
  allOf,
  type Box,
  type Constraints,
  constraintIssues,
  elasticNet,
  groups,
  l1,
  nuclear,
  type Penalty,
} from '@drnn/objectives';
import type { Issue, Matrix } from '@drnn/tensor';

export const penalties = ['ridge', 'l1', 'elastic-net', 'groups', 'nuclear'] as const;

/** The options of structure: a fit with any of them is a single convex problem. */
export const structureNames = ['penalty', 'l1', 'l1Ratio', 'nuclear', 'dale', 'box'] as const;

/** What a fit can be told of the structure of its weights, beside zeros. */
export interface StructureOptions {
  /** What is added to the ridge. Default: what the options below are of, else nothing. */
  readonly penalty?: (typeof penalties)[number];
  /** The strength per transition of `l1`, `elastic-net` or `groups`. Default 1e-3. */
  readonly l1?: number;
  /** The share of l1 in `elastic-net`, the rest is ridge. Default .5. */
  readonly l1Ratio?: number;
  /** The population of each unit, [unit]: carried to model and report, and what the penalty `groups` is over. */
  readonly groups?: ArrayLike<number | string>;
  /** The strength per transition of the nuclear norm of W, by itself or beside another penalty. Default 1e-3. */
  readonly nuclear?: number;
  /** Dale's law: the sign of each unit, [unit] of -1, 0 (unknown) and 1; or `auto`, chosen from a fit without. */
  readonly dale?: ArrayLike<number> | 'auto';
  /** Bounds on the weights of W and Win, in scaled units. */
  readonly box?: Box;
}

interface Settled extends StructureOptions {
  readonly ridge: number;
  readonly zeroDiagonal: boolean;
  readonly connections?: Matrix;
}

const defaultStrength = 1e-3;

/** The penalty that was named, or that the options given are of. */
const kindOf = (options: StructureOptions): (typeof penalties)[number] => {
  if (options.penalty !== undefined) return options.penalty;
  if (options.l1Ratio !== undefined) return 'elastic-net';
  if (options.l1 !== undefined) return 'l1';
  return options.nuclear === undefined ? 'ridge' : 'nuclear';
};

/** The penalty beside the ridge, or undefined for none. */
export const penaltyOf = (options: StructureOptions): Penalty | undefined => {
  const kind = kindOf(options);
  const strength = options.l1 ?? defaultStrength;
  const low = options.nuclear === undefined ? [] : [nuclear(options.nuclear)];
  switch (kind) {
    case 'ridge':
      return undefined;
    case 'l1':
      return allOf(l1(strength), ...low);
    case 'elastic-net':
      return allOf(elasticNet(strength, options.l1Ratio), ...low);
    case 'groups':
      return allOf(groups({ labels: options.groups ?? [], strength }), ...low);
    case 'nuclear':
      return nuclear(options.nuclear ?? defaultStrength);
  }
};

export const constraintsOf = ({ zeroDiagonal, connections, dale, box }: Settled): Constraints => ({
  zeroDiagonal,
  ...(connections === undefined ? {} : { connections }),
  ...(dale === undefined ? {} : { signs: dale }),
  ...(box === undefined ? {} : { box }),
});

/** Everything wrong with these options; shapes are checked against the recording. */
export const structureOptionIssues = (options: StructureOptions): readonly Issue[] => {
  const issues: Issue[] = [];
  const kind = kindOf(options);
  const strengths = { l1: options.l1, nuclear: options.nuclear };
  for (const [path, value] of Object.entries(strengths)) {
    if (value !== undefined && !(value >= 0 && Number.isFinite(value)))
      issues.push({ path, seen: `${value}`, expected: 'a number of at least 0' });
  }
  if (options.l1Ratio !== undefined && !(options.l1Ratio >= 0 && options.l1Ratio <= 1))
    issues.push({ path: 'l1Ratio', seen: `${options.l1Ratio}`, expected: 'a number from 0 (ridge) to 1 (l1)' });
  const pointless = (path: string, given: unknown, kinds: readonly string[]): void => {
    if (given === undefined || kinds.includes(kind)) return;
    issues.push({
      path,
      seen: `${path} with the penalty ${kind}`,
      expected: `the penalty ${kinds.join(', ')}`,
      hint: 'leave the penalty out, or name the one that this option is of',
    });
  };
  pointless('l1', options.l1, ['l1', 'elastic-net', 'groups']);
  pointless('l1Ratio', options.l1Ratio, ['elastic-net']);
  pointless('nuclear', options.nuclear, ['nuclear', 'l1', 'elastic-net', 'groups']);
  if (kind === 'groups' && options.groups === undefined)
    issues.push({ path: 'groups', seen: 'no labels', expected: 'the population of each unit, [unit]' });
  const constraints = {
    ...(options.dale === undefined ? {} : { signs: options.dale }),
    ...(options.box === undefined ? {} : { box: options.box }),
  };
  issues.push(
    ...constraintIssues(constraints).map((issue) => ({ ...issue, path: issue.path.replace('signs', 'dale') })),
  );
  return issues;
};
