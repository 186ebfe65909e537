import { restrict, type RowRange, type TransitionSource } from '@drnn/simulator';
import { columnsOf, matrix, type Matrix } from '@drnn/tensor';
import { calibratedRounds, type CalibratedRule, quickRounds, roughRound } from './calibrated-rounds.js';
import { driveR2 } from './held-out-drive.js';
import { crossEntropyPath, leastSquaresPath, type RidgeLoss } from './ridge-fits.js';
import { releaseUnits, restrictTask, restrictUnits, type RoundTask } from './round-task.js';
import { evenly, sampleRows } from './row-sample.js';
import type { RoundRule } from './solve-round.js';
import { temperedTheta } from './tempered-theta.js';

/** `quick` is the pilot and one round, bounded by cost; `full` goes on to a tenth of a standard error. */
export type Effort = 'quick' | 'full';

/** What won: the noise-calibrated rounds, or a ridge with a plain loss. */
export type Winner = 'rounds' | RidgeLoss;

/** How the rounds fared against plain ridge, on rows that neither had seen. */
export interface Choice {
  readonly winner: Winner;
  /** The strength of the ridge that won, per transition; null where the rounds did. */
  readonly strength: number | null;
  /** What the weights of the rounds are divided by beyond the autocorrelation time; 1 as a rule. */
  readonly tempering: number;
  /** Held-out drive R2 of the best of each, the mean over blocks; null for one that was not run. */
  readonly scores: Readonly<Record<Winner, number | null>>;
  /** The winner's score less the best of the others. */
  readonly margin: number;
  readonly blocks: number;
}

/** What ridge must be better by: the rounds recover the weights themselves better, and score a little less when unfinished. */
const headStart = ({ winner }: { readonly winner: Winner }): number => (winner === 'rounds' ? 0.002 : 0);

/** The strengths of plain ridge that are looked at first, and where it came near. */
const firstStrengths: readonly number[] = [1e-2, 1e-3, 1e-4];
const strengths: Readonly<Record<RidgeLoss, readonly number[]>> = {
  'least-squares': [1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5],
  'cross-entropy': [1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4],
};

/**
 * How many times heavier than empirical Bayes has it the ridge of the rounds is tried, where plain ridge came near: under
 * mismatch (unobserved inputs or units) residuals are not the independent noise that it takes them for.
 */
const temperings: readonly number[] = [5, 20];

/** How near its optimum a ridge with cross-entropy is brought to be judged, and to be the answer. */
export const ridgeRules: Readonly<Record<Effort, { readonly judged: RoundRule; readonly final: RoundRule }>> = {
  quick: {
    judged: { perUnit: 0.3, products: 5, newtonSteps: 2, method: 'conjugate-gradients' },
    final: { perUnit: 1e-3, products: 20, newtonSteps: 6, method: 'conjugate-gradients' },
  },
  full: {
    judged: { perUnit: 0.1, products: 12, newtonSteps: 3, method: 'conjugate-gradients' },
    final: { perUnit: 1e-8, products: 60, newtonSteps: 12 },
  },
};

/** The rounds of a contender: near enough for its score, from the fixed point of its rows. */
const contests: Readonly<Record<Effort, Contest>> = {
  quick: {
    // They start farther off than the fit itself, and have few units.
    contender: quickRounds.map((rule) => ({ ...rule, grouped: false, products: 12 })),
    near: 0.01,
    onlyLead: false,
  },
  full: {
    contender: [roughRound, { ...roughRound }, { ...roughRound, tempered: true, unitEnds: [0.2] }],
    near: 0.05,
    onlyLead: false,
  },
};
/** Units that a quick fit is judged by: the mean score of so many tells differences of .01. */
const quickUnits = 128;

/** How rounds and ridge are compared. */
interface Contest {
  readonly contender: readonly CalibratedRule[];
  /** Where plain ridge comes as near as this, it is looked at with more strengths and with its other loss. */
  readonly near: number;
  /** Whether to leave it undecided, rather than look closer, where ridge comes near. */
  readonly onlyLead: boolean;
  /** Targets that the noise levels of the contender are estimated from. */
  readonly sampled?: number;
}

const glanceUnits = 64;
/**
 * A quick fit's first look: where that has rounds far ahead of ridge already, more is not asked of the contender. The more
 * predictors, the more products it takes to see (N = 1000: four give .77, six .85, the fit .94, ridge .84), and the more
 * looking closer would cost.
 */
const glance = (predictors: number): Contest => ({
  contender: [
    { ...roughRound, grouped: false, unitEnds: [5, 1, 0.3], products: Math.min(8, Math.max(4, predictors / 125)) },
  ],
  near: 0.015,
  onlyLead: true,
  sampled: 50_000,
});

export interface JudgeRequest {
  readonly source: TransitionSource;
  /** The rows of each part of the task. */
  readonly blocks: readonly RowRange[];
  /** Parts that are held out, in turn. */
  readonly heldOut: readonly number[];
  /** X' phi^-1(d) of each part. */
  readonly inverted: readonly Matrix[];
  /** Of the fixed point that contenders start from, per transition. */
  readonly ridge: number;
  readonly effort: Effort;
  readonly signal?: AbortSignal;
}

/** Held-out scores by strength, each the mean over blocks. */
type Scores = Map<number, number>;

/**
 * Compares on blocks of rows what the rounds and plain ridge, fitted to the others, explain of them; null where it was
 * aborted. Nothing is shared with a fit to all rows but sums over the parts: weights that were frozen near a fit that has
 * seen a block remember it, and an estimate corrected for its leaving out scores better than one that never saw it (by up
 * to .16 where half of the units are not observed). A quick fit is judged by units evenly spaced: 64, and where these do
 * not have the rounds far ahead of ridge 128.
 */
export const judge = async (task: RoundTask, request: JudgeRequest): Promise<Choice | null> => {
  const { effort, signal } = request;
  if (effort === 'full') return contest(task, request, contests.full);
  const seen = await amongUnits(task, request, glanceUnits, glance(task.shape.predictors));
  if (seen !== null || signal?.aborted === true) return seen;
  return amongUnits(task, request, quickUnits, contests.quick);
};

/** `contest` among so many of the units. */
const amongUnits = async (
  task: RoundTask,
  request: JudgeRequest,
  most: number,
  how: Contest,
): Promise<Choice | null> => {
  const { units } = task.shape;
  if (units <= most) return contest(task, request, how);
  const judged = evenly(units, most);
  const some = await restrictUnits(task, judged);
  try {
    const inverted = request.inverted.map((each) => columnsOf(each, judged));
    return await contest(some, { ...request, inverted }, how, judged);
  } finally {
    releaseUnits(some);
  }
};

/** The choice among the units that a task has, by default all; null where it was aborted or left undecided. */
const contest = async (
  task: RoundTask,
  { source, blocks, heldOut, inverted, ridge, effort, signal }: JudgeRequest,
  { contender, near, onlyLead, sampled }: Contest,
  units?: Int32Array,
): Promise<Choice | null> => {
  const found: Readonly<Record<Winner, Scores>> = {
    rounds: new Map(),
    'least-squares': new Map(),
    'cross-entropy': new Map(),
  };
  const add = (name: Winner, tried: readonly number[], scores: readonly number[]): void =>
    tried.forEach((strength, i) => {
      const before = found[name].get(strength) ?? 0;
      found[name].set(strength, before + (scores[i] ?? -Infinity) / heldOut.length);
    });
  let compared = false;
  for (const [at, k] of heldOut.entries()) {
    const others = <Item>(items: readonly Item[]): readonly Item[] => items.filter((_, part) => part !== k);
    const train = restrictTask(task, others(task.parts));
    const test = restrictTask(task, task.parts.slice(k, k + 1));
    const right = sumOf(others(inverted));
    const sample = await sampleRows(restrict(source, others(blocks)), task.shape.bias, {
      ...(units === undefined ? {} : { among: units }),
      ...(sampled === undefined ? {} : { entries: sampled }),
    });
    const linear = async (tried: readonly number[]): Promise<readonly number[]> => {
      const scores = await driveR2(test, (await leastSquaresPath(train, tried, right)) ?? []);
      add('least-squares', tried, scores);
      return scores;
    };
    const start = (await leastSquaresPath(train, [ridge], right))?.[0] ?? matrix(right.rows, right.columns);
    const lead = Math.max(...(await linear(firstStrengths)), -Infinity) + near;
    const scores: number[] = [];
    await calibratedRounds(train, sample, start, {
      rules: contender,
      onLast: async (solved) => {
        scores.push(...(await driveR2(test, [solved.theta])));
        if (onlyLead || (!compared && scores.every((score) => score > lead))) return;
        const tempered: Matrix[] = [];
        for (const tempering of temperings) tempered.push(await temperedTheta(solved, tempering));
        scores.push(...(await driveR2(test, tempered)));
      },
      ...(signal === undefined ? {} : { signal }),
    });
    if (signal?.aborted === true) return null;
    const leads = (scores[0] ?? Number.NaN) > lead;
    if (onlyLead && !leads) return null;
    // Once looked at in one block, what is else of ridge is looked at in all, or its mean would not be one.
    compared ||= at === 0 && !leads;
    add('rounds', compared ? [1, ...temperings] : [1], scores);
    if (!compared) continue;
    await linear(strengths['least-squares'].filter((strength) => !firstStrengths.includes(strength)));
    const plain = await crossEntropyPath(train, strengths['cross-entropy'], start, ridgeRules[effort].judged);
    add('cross-entropy', strengths['cross-entropy'], await driveR2(test, plain));
  }
  return chosenOf(found, heldOut.length);
};

const chosenOf = (found: Readonly<Record<Winner, Scores>>, blocks: number): Choice => {
  const best = (name: Winner) => {
    // Rounds are tempered only for a gain: their strengths begin with 1.
    const gain = name === 'rounds' ? headStart({ winner: name }) : 0;
    const [strength, score] = [...found[name]].reduce(
      (top, each) => (each[1] > top[1] + gain ? each : top),
      [1, -Infinity],
    );
    return { winner: name, strength, score };
  };
  const [rounds, linear, plain] = [best('rounds'), best('least-squares'), best('cross-entropy')];
  const [winner, next] = [rounds, linear, plain].toSorted((a, b) => b.score + headStart(b) - a.score - headStart(a));
  if (winner === undefined || next === undefined) throw new Error('a contest without contenders');
  const finite = ({ score }: typeof winner): number | null => (Number.isFinite(score) ? score : null);
  return {
    winner: winner.winner,
    strength: winner.winner === 'rounds' ? null : winner.strength,
    tempering: winner.winner === 'rounds' ? winner.strength : 1,
    scores: { rounds: finite(rounds), 'least-squares': finite(linear), 'cross-entropy': finite(plain) },
    margin: winner.score - next.score,
    blocks,
  };
};

const sumOf = (matrices: readonly Matrix[]): Matrix => {
  const [first] = matrices;
  if (first === undefined) throw new Error('a sum of nothing');
  const total = matrix(first.rows, first.columns);
  for (const { data } of matrices) for (let i = 0; i < data.length; i++) total.data[i]! += data[i]!;
  return total;
};
