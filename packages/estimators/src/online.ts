import { crossEntropy, type Objective } from '@drnn/objectives';
import {
  type Backend,
  copyMatrix,
  failure,
  type Issue,
  matrix,
  type Matrix,
  refuse,
  firstNonFinite,
  variable,
} from '@drnn/tensor';
import {
  accelerate,
  anderson,
  copyColumn,
  type Evaluation,
  iterate,
  type MapState,
  metricOf,
  problem as problemOn,
  type Problem,
  residualOf,
  sharedMetricMap,
  sharedNewton,
  type Status,
  sum,
} from '@drnn/solvers';
import { growingMetric } from './growing-metric.js';
import {
  checkFrames,
  concatenate,
  designOf,
  type LastFrame,
  lastOf,
  type Piece,
  pieceOf,
  slice,
  sourceOf,
} from './online-frames.js';
import { type Resumable, resumable, type Turn } from './resumable.js';
import { addEvaluation, type SumParts, sumOfProblems, zeroEvaluation } from './sum-of-problems.js';

/** What is known of a recording before its first frame. */
export interface OnlineStart {
  readonly units: number;
  /** Default 0. */
  readonly inputs?: number;
  /** dt / tau in (0, 1], one number or [unit]. */
  readonly alpha: number | Float64Array;
  /** [predictor, unit] to start from. Default: CORNN's fixed point, as soon as there are frames for it. */
  readonly theta?: Matrix;
}

export interface OnlineOptions {
  /** Convex, with a bounded curvature and weights that need no more than the data. Default: the clipped cross-entropy. */
  readonly objective?: Objective;
  /** A last predictor that is 1 everywhere. Default true. */
  readonly bias?: boolean;
  /**
   * The most transitions that are fitted, the newest ones; they go in blocks of up to an eighth of it. Default 10 for each
   * predictor and at least 2000: from there on weights are well determined.
   */
  readonly window?: number;
  /**
   * Milliseconds that a push may take. Its rows always join the window; what is left of the time goes to sweeps, block by
   * block as long as they fit by what they have cost so far: a sweep may go on over several pushes. Default: no limit.
   */
  readonly budget?: number;
  /** The most sweeps a push makes. Default 3. */
  readonly sweeps?: number;
  /** The residual at which a push makes no more. Default 1e-8; in mixed precision what the pass can tell. */
  readonly tolerance?: number;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
  /** Closes the fit. */
  readonly signal?: AbortSignal;
}

/** Where the fit stands after a push. */
export interface OnlineUpdate {
  /** [predictor, unit], a copy. */
  readonly theta: Matrix;
  readonly milliseconds: number;
  /** Passes over the window that were ended. */
  readonly sweeps: number;
  /** The largest over units of |g_j| / |g_j at zero|, as last looked at; infinite before. */
  readonly residual: number;
  /** In the window. */
  readonly transitions: number;
}

export interface RefitOptions {
  /** Default 1e-8; in mixed precision what the pass can tell. */
  readonly tolerance?: number;
  /** Default 100. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

export interface Refit {
  /** [predictor, unit]: the optimum for the window as it was when the refit began. */
  readonly theta: Matrix;
  readonly status: Extract<Status, 'converged' | 'max-steps' | 'stalled' | 'aborted'>;
  readonly residual: number;
  readonly steps: number;
  /** Units whose weights were taken over, since they are better on the window as it is now. */
  readonly improved: number;
}

export interface Online {
  /**
   * Takes frames [time, unit] that follow the last ones, with their inputs [time, input], of which row t drives frame t to
   * t + 1. Pushes are served one after the other; frames must not be changed until theirs is. Refused frames leave all as
   * it was.
   */
  push(frames: Matrix, inputs?: Matrix): Promise<OnlineUpdate>;
  /** The next frame does not follow the last one. */
  endTrial(): Promise<void>;
  /**
   * Solves the window as it is now to the end, in the time that pushes leave: a push waits for one block of rows at most.
   * At its end, unit by unit, the better weights stay.
   */
  refit(options?: RefitOptions): Promise<Refit>;
  /** Ends refits and gives all rows back. */
  close(): Promise<void>;
}

/** Rows that a backend handles at full speed, and that float32 may sum. */
const fullBlock = 1024;
const memory = 5;
/** The fixed point is tried again when such a fraction of the window is new. */
const startAfter = 0.1;

/** Some transitions on the backend. */
interface Part {
  readonly task: Problem;
  readonly rows: number;
  /** The same on the host while the part may still be merged; null in a full block. */
  source: Piece | null;
  /** Who uses it: the window, and what began when it was there or came since. */
  holders: number;
}

/** A pass over the window and what is made of it. */
interface Sweep {
  readonly snapshot: Snapshot;
  readonly work: Resumable;
  /** Not a comparison with the fixed point. */
  readonly isStep: boolean;
  /** Milliseconds that it has taken besides passes. */
  algebra: number;
}

/** The window as it was, its rows kept, and those that came (1) and went (-1) since. */
interface Snapshot {
  readonly parts: readonly Part[];
  readonly changes: { readonly part: Part; readonly sign: 1 | -1 }[];
}

/**
 * A fit that takes frames as they come. Its problem is that of a batch fit to the newest `window` transitions, block by
 * block on the backend; each push adds its rows to X'X by a rank-k update, takes them into the inverse of the metric by
 * Woodbury's identity, adds their gradient to that of the rest, and goes on with a few accelerated sweeps of shared-metric
 * Newton over the window from where the last ones stopped. Each sweep is exact: it sees all rows of the window at the
 * same weights. One that goes on over several pushes sees the window as it was when it began, and at its end the rows
 * that came and went since.
 *
 * There is a scheme that costs nothing in the length of the window: the past linearised once, with curvature 1, as
 * recursive least squares does. It is not offered since it is wrong here: clipped samples have no curvature, so that the
 * past is trusted far too much (relative error .52 where a refit has .13; algorithms.md section 4).
 *
 * Cost of a push of k rows: 10 k P^2 + 8 k P N flop, and 4 T P N + 12 P^2 N for each sweep; every twentieth of the window
 * an inverse, 2.3 P^3. Whenever a tenth of the window is new the weights are compared with CORNN's fixed point for it,
 * one sweep, and each unit goes on from the better.
 *
 * Errors: sizes, alpha, weights of `explicit` kind, an objective without a useful bound on its curvature; frames or inputs
 * that are not finite or of another shape; a fit that is closed.
 */
export const online = (on: Backend, start: OnlineStart, options: OnlineOptions = {}): Online => {
  const { units, inputs = 0 } = start;
  const { bias = true, budget = Infinity, sweeps: mostSweeps = 3, tolerance = 1e-8 } = options;
  const objective = options.objective ?? crossEntropy({ weights: 'variance', clip: 0.2, ridge: 1e-5 });
  const now = options.now ?? (() => performance.now());
  const width = units + inputs;
  const predictors = width + (bias ? 1 : 0);
  const window = options.window ?? Math.max(2000, 10 * predictors);
  check(start, options, objective, { predictors, window });
  const alpha = typeof start.alpha === 'number' ? new Float64Array(units).fill(start.alpha) : start.alpha.slice();
  const blockRows = Math.max(1, Math.min(fullBlock, Math.floor(window / 8)));
  const { host } = on;
  const solver = accelerate(anderson(memory))(sharedNewton);
  const closing = new AbortController();
  const refits = new Set<Promise<unknown>>();
  const zero = matrix(predictors, units);

  // The window.
  const parts: Part[] = [];
  let total = 0;
  let filled = 0;
  let last: LastFrame | null = null;
  let growing: ReturnType<typeof growingMetric> | null = null;
  /** Where the fit is, and its evaluation over the window. */
  let theta = start.theta === undefined ? matrix(predictors, units) : copyMatrix(start.theta);
  const known: Evaluation = zeroEvaluation(predictors, units);
  let gradientAtZero = matrix(predictors, units);
  /** X' phi^-1(d), of which the fixed point is made; null where there is none. */
  let right: Matrix | null = objective.inverse === null ? null : matrix(predictors, units);
  /** Rows that came or went since the fixed point was last compared with the weights. */
  let changed = 0;
  /** Where the last sweep ended; `isPresent` while the window is still that one. */
  let state: MapState | null = null;
  let isPresent = false;
  let residual = Infinity;
  const cost: Cost = { pass: 0, algebra: 0, preparation: 0, ending: 0 };
  const snapshots = new Set<Snapshot>();
  /** One that has begun and goes on in the next push. */
  let resting: Sweep | null = null;

  const inTurn = serial();

  const addRows = async (piece: Piece): Promise<void> => {
    const task = await problemOn(on, sourceOf(piece, alpha, units, inputs), objective, { bias });
    if (task.curvatureBound === null) await sharedMetricMap.prepare(task);
    growing ??= growingMetric(host, predictors, task.free);
    growing.add(designOf(piece, bias, on.precision === 'mixed'));
    addEvaluation(known, await task.evaluate(theta));
    addEvaluation({ value: new Float64Array(units), gradient: gradientAtZero }, await task.evaluate(zero));
    right = await addRight(objective, right, task, 1);
    changed += piece.targets.rows;
    const part = { task, rows: piece.targets.rows, source: piece, holders: 1 };
    parts.push(part);
    total += part.rows;
    filled += part.rows;
    noteChange(part, 1);
  };

  const takeSnapshot = (): Snapshot => {
    const snapshot: Snapshot = { parts: [...parts], changes: [] };
    for (const part of parts) part.holders++;
    snapshots.add(snapshot);
    return snapshot;
  };
  const noteChange = (part: Part, sign: 1 | -1): void => {
    isPresent = false;
    for (const { changes } of snapshots) {
      part.holders++;
      changes.push({ part, sign });
    }
  };
  const releaseSnapshot = (snapshot: Snapshot): void => {
    snapshots.delete(snapshot);
    snapshot.parts.forEach(letGo);
    for (const { part } of snapshot.changes) letGo(part);
  };
  /** Brings what was evaluated over a snapshot one change nearer to the present window; false where there is none. */
  const followChange = async ({ changes }: Snapshot, at: Matrix, there: Evaluation): Promise<boolean> => {
    const change = changes.shift();
    if (change === undefined) return false;
    try {
      addEvaluation(there, await change.part.task.evaluate(at), change.sign);
    } finally {
      letGo(change.part);
    }
    return true;
  };

  /** Parts are merged as the digits of a binary counter are, so that there are few and each row is moved a few times. */
  const mergeParts = async (): Promise<void> => {
    const full = filled === blockRows;
    const merged: Part[] = [];
    let rows = 0;
    for (let part = parts.at(-1); part !== undefined && part.source !== null; part = parts.at(-1 - merged.length)) {
      if (!full && part.rows > rows && merged.length > 0) break;
      merged.unshift(part);
      rows += part.rows;
    }
    if (full) filled = 0;
    const [only] = merged;
    if (only === undefined || (merged.length === 1 && !full)) return;
    if (merged.length === 1) {
      only.source = null;
      return;
    }
    parts.length -= merged.length;
    const piece = concatenate(merged.flatMap(({ source }) => (source === null ? [] : [source])));
    const task = await problemOn(on, sourceOf(piece, alpha, units, inputs), objective, { bias });
    parts.push({ task, rows, source: full ? null : piece, holders: 1 });
    merged.forEach(letGo);
  };

  const dropOldest = async (): Promise<void> => {
    while (total > window) {
      const oldest = parts.shift();
      if (oldest === undefined) return;
      addEvaluation(known, await oldest.task.evaluate(theta), -1);
      addEvaluation({ value: new Float64Array(units), gradient: gradientAtZero }, await oldest.task.evaluate(zero), -1);
      growing?.drop(await on.gram(oldest.task.rows.design));
      right = await addRight(objective, right, oldest.task, -1);
      changed += oldest.rows;
      total -= oldest.rows;
      noteChange(oldest, -1);
      letGo(oldest);
    }
  };

  /** The problem of the window, its metric as it is now. */
  const windowProblem = (turn?: SumParts['turn']): Problem => {
    if (growing === null) throw new Error('a window without rows');
    const ridge = new Float64Array(predictors);
    for (const { task } of parts) task.ridge.forEach((lambda, p) => (ridge[p]! += lambda));
    const metric = growing.metric(ridge);
    return sumOfProblems({
      parts: parts.map(({ task }) => task),
      gram: growing.gram,
      metric,
      gradientScale: () => metric.dualNorm(gradientAtZero),
      start: theta,
      ...(turn === undefined ? {} : { turn }),
    });
  };

  /** Goes on from weights and what they evaluate to over the present window. */
  const moveTo = (to: Matrix, { value, gradient }: Evaluation): void => {
    theta = to;
    known.value.set(value);
    known.gradient.data.set(gradient.data);
  };

  /** Takes over the units whose objective over the present window is lower at `better`. */
  const takeOver = (better: Matrix, there: Evaluation): number => {
    const mixed = copyMatrix(theta);
    const taken = takeBetter({ theta: mixed, ...known }, { theta: better, ...there });
    if (taken === 0) return 0;
    theta = mixed;
    state = null;
    isPresent = false;
    return taken;
  };

  const isStartDue = (): boolean => right !== null && changed > startAfter * total;

  /** The state from which sweeps go on, over the window as it is now. */
  const prepare = async (task: Problem): Promise<MapState> => {
    const map = await sharedMetricMap.prepare(task);
    const scale = await task.gradientScale();
    const at = copyEvaluation(known);
    const direction = map.direction(at.gradient);
    const size = residualOf(map.size(at.gradient, direction), scale, await task.noiseFloor());
    return {
      ...at,
      step: 0,
      theta,
      objective: sum(at.value),
      direction,
      residual: size,
      map,
      proposal: state?.proposal ?? anderson(memory).begin(host, predictors, units, map.safeStep),
      scale,
      cautious: new Uint8Array(units),
      stuck: new Uint8Array(units),
    };
  };

  /** Of the push that is served: whether so many milliseconds more fit, whether some did not, and its passes so far. */
  const pace = { fits: (_milliseconds: number): boolean => true, isShort: false, rows: 0, spent: 0 };
  const passCost = (): number => Math.max(cost.pass, pace.rows > 0 ? pace.spent / pace.rows : 0);

  /** Evaluates some rows once that, and what comes after them, fits. */
  const inPace = async <Result>(
    turn: Turn,
    rows: number,
    after: number,
    evaluate: () => Promise<Result>,
  ): Promise<Result> => {
    await turn(() => pace.fits(passCost() * rows + after));
    const before = now();
    const result = await evaluate();
    pace.spent += now() - before;
    pace.rows += rows;
    return result;
  };

  /** A sweep over the window as it is: `work` is given its problem, whose rows wait for their turn. */
  const sweepBy = (isStep: boolean, work: (task: Problem, snapshot: Snapshot, turn: Turn) => Promise<void>): Sweep => {
    const snapshot = takeSnapshot();
    let left = total;
    const paced =
      (turn: Turn): SumParts['turn'] =>
      (evaluate, rows) => {
        left -= rows;
        return inPace(turn, rows, left > 0 ? 0 : cost.algebra, evaluate);
      };
    const done = resumable((turn) => work(windowProblem(paced(turn)), snapshot, turn));
    return { snapshot, work: done, isStep, algebra: 0 };
  };

  /** Brings what was evaluated over a snapshot to the present window. */
  const follow = async (snapshot: Snapshot, at: Matrix, there: Evaluation, turn: Turn): Promise<Evaluation> => {
    if (snapshot.changes.length === 0) return there;
    const result = copyEvaluation(there);
    for (let next = snapshot.changes[0]; next !== undefined; next = snapshot.changes[0]) {
      const { rows } = next.part;
      await inPace(turn, rows, 0, () => followChange(snapshot, at, result));
    }
    return result;
  };

  /**
   * The fixed point of the window in the place of weights that are worse: those fitted to few frames are, by far, once
   * there are more, and clipped slopes lead back from there slowly.
   */
  const comparison = (): Sweep =>
    sweepBy(false, async (task, snapshot, turn) => {
      changed = 0;
      if (right === null) return;
      const linear = (await task.metric()).solve(right);
      takeOver(linear, await follow(snapshot, linear, await task.evaluate(linear), turn));
    });

  const stepFrom = (from: MapState): Sweep =>
    sweepBy(true, async (task, snapshot, turn) => {
      const to = await solver.step(task, from);
      const isSame = snapshot.changes.length === 0;
      moveTo(to.theta, await follow(snapshot, to.theta, to, turn));
      residual = to.residual;
      state = to;
      isPresent = isSame;
    });

  const endSweep = async ({ snapshot, work }: Sweep): Promise<void> => {
    resting = null;
    try {
      await work.abandon();
    } finally {
      releaseSnapshot(snapshot);
    }
  };

  /** The next sweep, if one is wanted and its beginning fits. */
  const nextSweep = async (mayStep: boolean): Promise<Sweep | null> => {
    const beginning = passCost() * (parts[0]?.rows ?? 0) + cost.algebra;
    if (isStartDue()) return pace.fits(beginning) ? comparison() : null;
    if (!mayStep) return null;
    let at = isPresent ? state : null;
    if (at === null) {
      if (!pace.fits(cost.preparation + beginning)) return null;
      const before = now();
      at = await prepare(windowProblem());
      cost.preparation = latest(cost.preparation, now() - before);
      [state, isPresent, residual] = [at, true, at.residual];
    }
    const enough = Math.max(tolerance, on.precision === 'float64' ? 0 : on.accuracy.product);
    const isWanted = at.residual > enough && at.exhausted !== true;
    return isWanted && pace.fits(beginning) ? stepFrom(at) : null;
  };

  /** Whether it has ended; else it rests. */
  const proceed = async (sweep: Sweep): Promise<boolean> => {
    resting = sweep;
    const [before, passed] = [now(), pace.spent];
    try {
      const isDone = await sweep.work.proceed();
      sweep.algebra += Math.max(0, now() - before - (pace.spent - passed));
      if (!isDone) return false;
    } catch (error) {
      resting = null;
      releaseSnapshot(sweep.snapshot);
      throw error;
    }
    cost.algebra = latest(cost.algebra, sweep.algebra);
    await endSweep(sweep);
    return true;
  };

  /** As many sweeps as fit into the budget; how many were ended. */
  const sweepWindow = async (began: number): Promise<number> => {
    if (total === 0 || mostSweeps === 0) return 0;
    pace.fits = (milliseconds) => {
      const isFit = now() - began + headroom * milliseconds + cost.ending <= budget;
      pace.isShort ||= !isFit;
      return isFit;
    };
    pace.isShort = false;
    pace.rows = pace.spent = 0;
    let [sweeps, steps] = [0, 0];
    let next = resting ?? (await nextSweep(true));
    while (next !== null && (await proceed(next))) {
      sweeps++;
      if (next.isStep) steps++;
      next = await nextSweep(steps < mostSweeps);
    }
    if (pace.rows > 0) cost.pass = latest(cost.pass, pace.spent / pace.rows);
    // What made it dear may be over.
    else if (pace.isShort) for (const name of ['pass', 'algebra', 'preparation'] as const) cost[name] *= 0.9;
    return sweeps;
  };

  const refuseClosed = (): void => {
    if (!closing.signal.aborted) return;
    throw failure({ path: 'online', seen: 'a fit that is closed', expected: 'one that is open' });
  };

  const solveInTurns = async (how: RefitOptions): Promise<Refit> => {
    refuseClosed();
    const { snapshot, at, fixedPoint, problemFrom } = await inTurn(async () => {
      if (growing === null || total === 0) {
        throw failure({ path: 'refit', seen: 'no transitions', expected: 'at least 1', hint: 'push frames first' });
      }
      const { ridge, free } = windowProblem();
      const gram = copyMatrix(growing.gram);
      const metric = metricOf(host, gram, ridge, free);
      const scale = metric.dualNorm(gradientAtZero);
      const linear = right === null ? null : metric.solve(right);
      const taken = takeSnapshot();
      return {
        snapshot: taken,
        at: { theta: copyMatrix(theta), ...copyEvaluation(known) },
        fixedPoint: linear,
        problemFrom: (from: Matrix): Problem =>
          sumOfProblems({
            parts: taken.parts.map(({ task }) => task),
            gram,
            metric,
            gradientScale: () => scale,
            start: from,
            turn: inTurn,
          }),
      };
    });
    try {
      const signal = AbortSignal.any([closing.signal, ...(how.signal === undefined ? [] : [how.signal])]);
      if (fixedPoint !== null && !signal.aborted)
        takeBetter(at, { theta: fixedPoint, ...(await problemFrom(fixedPoint).evaluate(fixedPoint)) });
      const { there, ...end } = await solve(problemFrom(at.theta), how, signal);
      if (end.status === 'aborted' || there === null) return { ...end, improved: 0 };
      for (;;) {
        const improved = await inTurn(async () => {
          if (await followChange(snapshot, end.theta, there)) return null;
          changed = 0;
          const better = takeOver(end.theta, there);
          if (better > 0 && resting !== null) await endSweep(resting);
          return better;
        });
        if (improved !== null) return { ...end, improved };
      }
    } finally {
      await inTurn(async () => releaseSnapshot(snapshot));
    }
  };

  const solve = async (
    task: Problem,
    how: RefitOptions,
    signal: AbortSignal,
  ): Promise<Omit<Refit, 'improved'> & { readonly there: Evaluation | null }> => {
    const enough = Math.max(how.tolerance ?? 1e-8, await task.noiseFloor());
    const begun = { theta: await task.start(), status: 'aborted', residual: Infinity, steps: 0, there: null } as const;
    let reached: MapState | null = null;
    const ended = (status: Refit['status'], { theta: found, residual: size, step, ...at }: MapState) => ({
      theta: copyMatrix(found),
      status,
      residual: size,
      steps: step,
      there: copyEvaluation(at),
    });
    for await (const at of iterate(solver, task, { signal })) {
      reached = at;
      if (at.residual <= enough) return ended('converged', at);
      if (at.exhausted === true) return ended('stalled', at);
      if (at.step >= (how.steps ?? 100)) return ended('max-steps', at);
    }
    return reached === null ? begun : ended('aborted', reached);
  };

  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.allSettled(refits);
    await inTurn(async () => {
      if (resting !== null) await endSweep(resting);
      parts.splice(0).forEach(letGo);
      total = 0;
    });
  };
  options.signal?.addEventListener('abort', () => void close(), { once: true });
  if (options.signal?.aborted === true) closing.abort();

  return {
    push: (frames, inputRows) =>
      inTurn(async () => {
        refuseClosed();
        const began = now();
        checkFrames(frames, inputRows, units, inputs);
        const piece = pieceOf(frames, inputRows, last, alpha, inputs);
        if (frames.rows > 0) last = lastOf(frames, inputRows, inputs);
        for (let row = 0; row < piece.targets.rows;) {
          const count = Math.min(piece.targets.rows - row, blockRows - filled);
          await addRows(slice(piece, row, row + count));
          await mergeParts();
          row += count;
        }
        await dropOldest();
        const sweeps = await sweepWindow(began);
        const before = now();
        const copied = copyMatrix(theta);
        cost.ending = latest(cost.ending, now() - before);
        return { theta: copied, milliseconds: now() - began, sweeps, residual, transitions: total };
      }),
    endTrial: () =>
      inTurn(async () => {
        refuseClosed();
        last = null;
      }),
    refit: (refitOptions = {}) => {
      const running = solveInTurns(refitOptions);
      const settled = running.catch(() => undefined).finally(() => refits.delete(settled));
      refits.add(settled);
      return running;
    },
    close,
  };
};

/** Milliseconds: of a pass, for each row; of the rest of a sweep; of what comes before the first sweep, and after the last. */
interface Cost {
  pass: number;
  algebra: number;
  preparation: number;
  ending: number;
}

/** Work may take a tenth longer than it did. */
const headroom = 1.1;

/** What a step costs: dearer at once, cheaper in time. */
const latest = (before: number, seen: number): number => (seen > before ? seen : 0.7 * before + 0.3 * seen);

const copyEvaluation = ({ value, gradient }: Evaluation): Evaluation => ({
  value: value.slice(),
  gradient: copyMatrix(gradient),
});

/** Puts the columns of the units whose objective is lower at `other` in the place of those that are here; how many. */
const takeBetter = (
  here: Evaluation & { readonly theta: Matrix },
  other: Evaluation & { readonly theta: Matrix },
): number => {
  let taken = 0;
  for (let j = 0; j < here.value.length; j++) {
    if (!(other.value[j]! < here.value[j]!)) continue;
    taken++;
    here.value[j] = other.value[j]!;
    copyColumn(other.theta, here.theta, j);
    copyColumn(other.gradient, here.gradient, j);
  }
  return taken;
};

/** Runs what it is given one after the other. */
const serial = () => {
  let tail: Promise<unknown> = Promise.resolve();
  return <Result>(work: () => Promise<Result>): Promise<Result> => {
    const done = tail.then(work);
    tail = done.catch(() => undefined);
    return done;
  };
};

const letGo = (part: Part): void => {
  part.holders--;
  if (part.holders === 0) part.task.release();
};

const check = (
  { units, inputs = 0, alpha, theta }: OnlineStart,
  options: OnlineOptions,
  objective: Objective,
  { predictors, window }: { readonly predictors: number; readonly window: number },
): void => {
  const issues: Issue[] = [];
  const whole = (path: string, value: number, least: number): void => {
    if (Number.isSafeInteger(value) && value >= least) return;
    issues.push({ path, seen: `${value}`, expected: `a whole number of at least ${least}` });
  };
  whole('units', units, 1);
  whole('inputs', inputs, 0);
  whole('window', window, 8);
  whole('sweeps', options.sweeps ?? 3, 0);
  for (const [path, value] of Object.entries({ budget: options.budget, tolerance: options.tolerance })) {
    if (value === undefined || value >= 0) continue;
    issues.push({ path, seen: `${value}`, expected: 'a number of at least 0' });
  }
  if (typeof alpha !== 'number' && alpha.length !== units)
    issues.push({ path: 'alpha', seen: `[unit=${alpha.length}]`, expected: `[unit=${units}] or one number` });
  const bad = (typeof alpha === 'number' ? [alpha] : [...alpha]).find((a) => !(a > 0 && a <= 1));
  if (bad !== undefined) issues.push({ path: 'alpha', seen: `${bad}`, expected: 'dt / tau in (0, 1]' });
  if (theta !== undefined && (theta.rows !== predictors || theta.columns !== units)) {
    issues.push({
      path: 'theta',
      seen: `[${theta.rows}, ${theta.columns}]`,
      expected: `[predictor=${predictors}, unit=${units}]`,
    });
  }
  const at = theta === undefined ? -1 : firstNonFinite(theta.data);
  if (at >= 0) issues.push({ path: 'theta', seen: `${theta?.data[at]} at entry ${at}`, expected: 'finite numbers' });
  if (objective.weights.kind === 'explicit') {
    issues.push({
      path: 'objective.weights',
      seen: 'explicit weights',
      expected: 'a rule that makes them from the data, since frames to come have none yet',
    });
  }
  refuse(issues);
};

/** right + sign X' phi^-1(d), in place; null where some target has no inverse. */
const addRight = async (
  { inverse }: Objective,
  right: Matrix | null,
  { on, rows: { design, data } }: Problem,
  sign: 1 | -1,
): Promise<Matrix | null> => {
  if (right === null || inverse === null) return null;
  const { y, d } = data;
  const given = y === undefined ? (d === undefined ? null : { d }) : { y };
  if (given === null) return null;
  const { backProject } = await on.pass(design, {
    currents: {},
    data: given,
    backProject: [y === undefined ? inverse : variable('y')],
  });
  const more = backProject[0]?.data ?? new Float64Array();
  if (firstNonFinite(more) >= 0) return null;
  for (let i = 0; i < right.data.length; i++) right.data[i]! += sign * more[i]!;
  return right;
};
