import { type Constraints, freePattern, type FreePattern, type Transfer } from '@drnn/objectives';
import type { TransitionSource } from '@drnn/simulator';
import { designOf, type ProblemShape, turn } from '@drnn/solvers';
import { type Backend, copyMatrix, type Matrix, type PassRequest, type PassResult, type Rows } from '@drnn/tensor';
import type { Memory } from './written-loss.js';

/** Some rows of a recording on a backend. */
export interface Part {
  /** X [row, predictor]. */
  readonly design: Rows;
  /** d [row, unit], not clipped. */
  readonly targets: Rows;
  /** [row, unit] of 0 and 1; null when all are observed. */
  readonly observed: Rows | null;
  /** X'X. */
  readonly gram: Matrix;
}

/** What the rounds work on: the rows, in one part or more, whose sums are those of the whole. */
export interface RoundTask {
  readonly on: Backend;
  readonly transfer: Transfer;
  readonly shape: ProblemShape;
  readonly free: FreePattern;
  readonly parts: readonly Part[];
  /** X'X over all parts. */
  readonly gram: Matrix;
  readonly memory: Memory;
}

/** What a fit takes for granted. */
export interface NetworkAssumptions {
  readonly transfer: Transfer;
  readonly constraints: Constraints;
  readonly bias: boolean;
}

export interface RoundTaskOptions extends NetworkAssumptions {
  /**
   * Default `keep`. `recompute` saves two to three arrays of the size of the targets, and costs a round that is solved by
   * conjugate gradients half as much again in its first Newton step, twice as much after it.
   */
  readonly memory?: Memory;
}

/** Puts sources on a backend, one part each: every row is kept once. */
export const roundTask = async (
  on: Backend,
  sources: readonly TransitionSource[],
  { transfer, constraints, bias, memory = 'keep' }: RoundTaskOptions,
): Promise<RoundTask> => {
  const [source] = sources;
  if (source === undefined) throw new Error('a task has at least one part');
  const { units, inputs } = source;
  const parts: Part[] = [];
  for (const from of sources) {
    const design = await on.rows(designOf(from, bias), { copy: true });
    const targets = await on.rows(from.targets, { copy: true });
    const observed = from.weights === null ? null : await on.rows(from.weights, { copy: true });
    parts.push({ design, targets, observed, gram: await on.gram(design) });
  }
  return taskOf(
    { on, transfer, free: freePattern(constraints, units, inputs, bias), memory },
    { predictors: units + inputs + (bias ? 1 : 0), units, inputs, bias },
    parts,
  );
};

/** The task of some of a task's parts; the rows stay the whole task's. */
export const restrictTask = (task: RoundTask, parts: readonly Part[]): RoundTask => taskOf(task, task.shape, parts);

const taskOf = (
  common: Pick<RoundTask, 'on' | 'transfer' | 'free' | 'memory'>,
  shape: Omit<ProblemShape, 'transitions'>,
  parts: readonly Part[],
): RoundTask => ({
  on: common.on,
  transfer: common.transfer,
  free: common.free,
  memory: common.memory,
  shape: { ...shape, transitions: parts.reduce((total, { design }) => total + design.rows, 0) },
  parts,
  gram: sumOfParts(parts.map(({ gram }) => gram)),
});

export const isPartlyObserved = ({ parts }: RoundTask): boolean => parts.some(({ observed }) => observed !== null);

/** Gives the rows of a task back to the backend. */
export const releaseTask = ({ parts }: RoundTask): void => {
  for (const { design, targets, observed } of parts) for (const rows of [design, targets, observed]) rows?.release();
};

/**
 * The task of some of the units, ascending: their targets are copied, the design stays the whole task's and so do the
 * predictors. A fit of theirs is that of the whole at their share of the cost, as units share nothing but the design;
 * `shape.units` remains the number of units that are predictors. Release it with `releaseUnits`.
 */
export const restrictUnits = async (task: RoundTask, units: Int32Array): Promise<RoundTask> => {
  const { on, free } = task;
  const parts: Part[] = [];
  for (const part of task.parts) {
    const targets = await on.select(part.targets, units);
    parts.push({ ...part, targets, observed: part.observed === null ? null : await on.select(part.observed, units) });
  }
  return { ...task, parts, free: patternOf(free, units) };
};

export const releaseUnits = ({ parts }: RoundTask): void => {
  for (const { targets, observed } of parts) for (const rows of [targets, observed]) rows?.release();
};

const patternOf = (free: FreePattern, units: Int32Array): FreePattern => {
  if (free.kind === 'one-fixed') return { kind: free.kind, fixed: units.map((j) => free.fixed[j]!) };
  return free.kind === 'sets' ? { kind: free.kind, sets: Array.from(units, (j) => free.sets[j]!) } : free;
};

/** Rows kept by a pass, part by part. */
export type KeptRows = readonly Rows[];

/** What a pass over every part gives. */
export interface PassOver {
  /** Sums over the parts. */
  readonly backProject: readonly Matrix[];
  readonly columnSums: readonly Float64Array[];
  /** In the order of the parts. */
  readonly kept: readonly KeptRows[];
}

/** A pass over every part. */
export const passOver = async (
  { on, parts }: RoundTask,
  request: (part: Part, index: number) => PassRequest,
): Promise<PassOver> => {
  const results: PassResult[] = [];
  // Between two passes others may run: an interrupt, a progress bar.
  await turn();
  for (const [index, part] of parts.entries()) {
    const [first] = results;
    const sums = first === undefined ? {} : { out: first.backProject, accumulate: true };
    results.push(await on.pass(part.design, { ...request(part, index), ...sums }));
  }
  const [first, ...others] = results;
  if (first === undefined) throw new Error('a task has at least one part');
  for (const other of others) first.columnSums.forEach((to, k) => addTo(to, other.columnSums[k]));
  return {
    backProject: first.backProject,
    columnSums: first.columnSums,
    kept: first.kept.map((_, k) => results.flatMap(({ kept }) => kept.slice(k, k + 1))),
  };
};

/** The sum of one matrix a part; of a single part it is that matrix, not a copy. */
export const sumOfParts = (matrices: readonly Matrix[]): Matrix => {
  const [first, ...others] = matrices;
  if (first === undefined) throw new Error('a task has at least one part');
  if (others.length === 0) return first;
  const total = copyMatrix(first);
  for (const { data } of others) addTo(total.data, data);
  return total;
};

const addTo = (to: Float64Array, from: Float64Array | undefined): void => {
  if (from === undefined) throw new Error('two parts gave different results');
  for (let i = 0; i < to.length; i++) to[i]! += from[i]!;
};

/** sum + Lambda theta, in place. */
export const addRidge = (ridge: Float64Array, theta: Matrix, sum: Matrix): void => {
  const { rows, columns } = theta;
  for (let p = 0; p < rows; p++) {
    const lambda = ridge[p]!;
    for (let i = p * columns; i < (p + 1) * columns; i++) sum.data[i]! += lambda * theta.data[i]!;
  }
};

/** sum + theta' Lambda theta / 2 of each unit, in place. */
export const addRidgeValue = (ridge: Float64Array, { rows, columns, data }: Matrix, sum: Float64Array): void => {
  for (let p = 0; p < rows; p++) {
    const half = ridge[p]! / 2;
    for (let j = 0; j < columns; j++) sum[j]! += half * data[p * columns + j]! ** 2;
  }
};
