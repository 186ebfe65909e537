import { crossEntropy, type Objective } from '@drnn/objectives';
import {
  rowSourceOf,
  type Backend,
  copyMatrix,
  failure,
  type Issue,
  matrix,
  type Matrix,
  refuse,
  firstNonFinite,
  variable,
  stackRows,
} from '@drnn/tensor';
import {
  accelerate,
  anderson,
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
import type { TransitionSource } from '@drnn/simulator';
import { growingMetric } from './growing-metric.js';
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
   * Milliseconds that a push may take. Its rows always join the window; then as many sweeps are made as fit, by what they
   * have cost so far, and a sweep that proves too slow is given up at the next block. Default: no limit.
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
  /** Passes over the window that were made. */
  readonly sweeps: number;
  /** The largest over units of |g_j| / |g_j at zero| at the last sweep; infinite before the first. */
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
  readonly source: Piece | null;
  /** Who uses it: the window, and refits that began when it was there. */
  holders: number;
}

interface Piece {
  readonly predictors: Matrix;
  readonly targets: Matrix;
}

/**
 * A fit that takes frames as they come. Its problem is that of a batch fit to the newest `window` transitions, block by
 * block on the backend; each push adds its rows to X'X by a rank-k update, takes them into the inverse of the metric by
 * Woodbury's identity, adds their gradient to that of the rest, and goes on with a few accelerated sweeps of shared-metric
 * Newton over the window from where the last ones stopped. Each sweep is exact: it sees all rows of the window at the
 * present weights.
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
  let last: { readonly frame: Float64Array; readonly input: Float64Array } | null = null;
  let growing: ReturnType<typeof growingMetric> | null = null;
  /** Where the fit is, and its evaluation over the window. */
  let theta = start.theta === undefined ? matrix(predictors, units) : copyMatrix(start.theta);
  const known: Evaluation = zeroEvaluation(predictors, units);
  let gradientAtZero = matrix(predictors, units);
  /** X' phi^-1(d), of which the fixed point is made; null where there is none. */
  let right: Matrix | null = objective.inverse === null ? null : matrix(predictors, units);
  /** Rows that came or went since the fixed point was last compared with the weights. */
  let changed = 0;
  let state: MapState | null = null;
  let residual = Infinity;
  const cost: Cost = { pass: 0, algebra: 0, preparation: 0 };

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
    parts.push({ task, rows: piece.targets.rows, source: piece, holders: 1 });
    total += piece.targets.rows;
    filled += piece.targets.rows;
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
    parts.length -= merged.length;
    if (merged.length === 1) {
      parts.push({ ...only, source: null });
      return;
    }
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
      gradientScale: metric.dualNorm(gradientAtZero),
      start: theta,
      ...(turn === undefined ? {} : { turn }),
    });
  };

  const setKnown = ({ value, gradient }: Evaluation): void => {
    known.value.set(value);
    known.gradient.data.set(gradient.data);
  };

  /** Takes over the units whose objective over the window is lower at `better`. */
  const takeOver = async (task: Problem, better: Matrix): Promise<number> => {
    const there = await task.evaluate(better);
    const mixed = copyMatrix(theta);
    let improved = 0;
    for (let j = 0; j < units; j++) {
      if (!(there.value[j]! < known.value[j]!)) continue;
      improved++;
      known.value[j] = there.value[j]!;
      for (let i = j; i < mixed.data.length; i += units) {
        mixed.data[i] = better.data[i]!;
        known.gradient.data[i] = there.gradient.data[i]!;
      }
    }
    if (improved > 0) {
      theta = mixed;
      state = null;
    }
    return improved;
  };

  const isStartDue = (): boolean => right !== null && changed > startAfter * total;

  /**
   * The fixed point of the window in the place of weights that are worse: those fitted to few frames are, by far, once
   * there are more, and clipped slopes lead back from there slowly.
   */
  const compareStart = async (task: Problem): Promise<void> => {
    if (right !== null) await takeOver(task, (await task.metric()).solve(right));
    changed = 0;
  };

  /** The state from which sweeps go on, over the window as it is now. */
  const prepare = async (task: Problem): Promise<MapState> => {
    if (isStartDue()) await compareStart(task);
    const map = await sharedMetricMap.prepare(task);
    const scale = await task.gradientScale();
    const direction = map.direction(known.gradient);
    const size = residualOf(map.size(known.gradient, direction), scale, await task.noiseFloor());
    return {
      ...known,
      step: 0,
      theta,
      objective: sum(known.value),
      direction,
      residual: size,
      map,
      proposal: state?.proposal ?? anderson(memory).begin(host, predictors, units, map.safeStep),
      scale,
      cautious: new Uint8Array(units),
      stuck: new Uint8Array(units),
    };
  };

  /** As many sweeps as fit into the budget. */
  const sweepWindow = async (began: number): Promise<number> => {
    if (total === 0 || mostSweeps === 0) return 0;
    const enough = Math.max(tolerance, on.precision === 'float64' ? 0 : on.accuracy.product);
    const fits = (milliseconds: number): boolean => now() - began + milliseconds <= budget;
    const sweepCost = (): number => cost.pass * total + cost.algebra;
    const evaluations = isStartDue() ? 1 : 0;
    if (!fits(cost.preparation + (1 + evaluations) * sweepCost())) {
      // What made it dear may be over; a sweep that proves too slow is given up.
      for (const name of ['pass', 'algebra', 'preparation'] as const) cost[name] *= 0.9;
      return 0;
    }
    const pace = { rows: 0, spent: 0 };
    const turn: SumParts['turn'] = async (work, rows) => {
      if (pace.rows > 0 && !fits((pace.spent / pace.rows) * (total - pace.rows) + cost.algebra)) throw outOfTime;
      const before = now();
      const result = await work();
      pace.spent += now() - before;
      pace.rows += rows;
      return result;
    };
    /** Measures what goes on besides passes, and a pass if there was one. */
    const timed = async <Result>(besides: 'algebra' | 'preparation', work: () => Promise<Result>): Promise<Result> => {
      pace.rows = pace.spent = 0;
      const before = now();
      try {
        return await work();
      } finally {
        cost[besides] = latest(cost[besides], Math.max(0, now() - before - pace.spent));
        if (pace.rows > 0) cost.pass = latest(cost.pass, pace.spent / pace.rows);
      }
    };
    let sweeps = 0;
    try {
      const prepared = await timed('preparation', async () => {
        const task = windowProblem(turn);
        return { task, at: await prepare(task) };
      });
      const { task } = prepared;
      let { at } = prepared;
      const keep = (): void => {
        state = at;
        theta = at.theta;
        setKnown(at);
        residual = at.residual;
      };
      keep();
      sweeps = evaluations;
      while (sweeps < mostSweeps + evaluations && at.residual > enough && at.exhausted !== true && fits(sweepCost())) {
        at = await timed('algebra', () => solver.step(task, at));
        keep();
        sweeps++;
      }
    } catch (error) {
      if (error !== outOfTime) throw error;
    }
    return sweeps;
  };

  const refuseClosed = (): void => {
    if (!closing.signal.aborted) return;
    throw failure({ path: 'online', seen: 'a fit that is closed', expected: 'one that is open' });
  };

  const solveInTurns = async (how: RefitOptions): Promise<Refit> => {
    refuseClosed();
    const held = await inTurn(async () => {
      if (growing === null || total === 0) {
        throw failure({ path: 'refit', seen: 'no transitions', expected: 'at least 1', hint: 'push frames first' });
      }
      const task = windowProblem();
      const own = [...parts];
      own.forEach((part) => part.holders++);
      await compareStart(task);
      const from = copyMatrix(theta);
      return { own, ridge: task.ridge, gram: copyMatrix(growing.gram), free: task.free, from };
    });
    try {
      const metric = metricOf(host, held.gram, held.ridge, held.free);
      const task = sumOfProblems({
        parts: held.own.map((part) => part.task),
        gram: held.gram,
        metric,
        gradientScale: metric.dualNorm(gradientAtZero),
        start: held.from,
        turn: inTurn,
      });
      const signals = [closing.signal, ...(how.signal === undefined ? [] : [how.signal])];
      const { theta: found, ...end } = await solve(task, how, AbortSignal.any(signals));
      const improved = end.status === 'aborted' ? 0 : await inTurn(() => takeOver(windowProblem(), found));
      return { ...end, theta: found, improved };
    } finally {
      await inTurn(async () => held.own.forEach(letGo));
    }
  };

  const solve = async (task: Problem, how: RefitOptions, signal: AbortSignal): Promise<Omit<Refit, 'improved'>> => {
    const enough = Math.max(how.tolerance ?? 1e-8, await task.noiseFloor());
    let found: Omit<Refit, 'improved'> = { theta: await task.start(), status: 'aborted', residual: Infinity, steps: 0 };
    for await (const at of iterate(solver, task, { signal })) {
      const { residual: size, step } = at;
      found = { theta: copyMatrix(at.theta), status: 'aborted', residual: size, steps: step };
      if (size <= enough) return { ...found, status: 'converged' };
      if (at.exhausted === true) return { ...found, status: 'stalled' };
      if (step >= (how.steps ?? 100)) return { ...found, status: 'max-steps' };
    }
    return found;
  };

  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.allSettled(refits);
    await inTurn(async () => {
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
        return { theta: copyMatrix(theta), milliseconds: now() - began, sweeps, residual, transitions: total };
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

/** Milliseconds: of a pass, for each row; of the rest of a sweep; of what comes before the first sweep. */
interface Cost {
  pass: number;
  algebra: number;
  preparation: number;
}

/** Thrown by a pass over the window that would end after its time, and caught by the push that asked for it. */
const outOfTime = Symbol('out of time');

/** What a step costs: dearer at once, cheaper in time. */
const latest = (before: number, seen: number): number => (seen > before ? seen : 0.7 * before + 0.3 * seen);

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

const checkFrames = (frames: Matrix, inputRows: Matrix | undefined, units: number, inputs: number): void => {
  const issues: Issue[] = [];
  const checkMatrix = (path: string, a: Matrix, rows: number, columns: number, name: string): void => {
    if (a.columns !== columns || a.rows !== rows || a.data.length !== a.rows * a.columns) {
      issues.push({
        path,
        seen: `[time=${a.rows}, ${name}=${a.columns}] with ${a.data.length} numbers`,
        expected: `[time=${rows}, ${name}=${columns}]`,
        ...(a.rows === columns && a.columns === rows ? { hint: 'transpose it' } : {}),
      });
    }
    const at = firstNonFinite(a.data);
    if (at < 0) return;
    issues.push({
      path,
      seen: `${a.data[at]} at frame ${Math.floor(at / a.columns)} of these, ${name} ${at % a.columns}`,
      expected: 'finite numbers',
      hint: 'leave bad frames out and call endTrial() where they were',
    });
  };
  checkMatrix('frames', frames, frames.rows, units, 'unit');
  if (inputs > 0 && inputRows === undefined)
    issues.push({ path: 'inputs', seen: 'none', expected: `[time=${frames.rows}, input=${inputs}]` });
  if (inputRows !== undefined) checkMatrix('inputs', inputRows, frames.rows, inputs, 'input');
  refuse(issues);
};

type LastFrame = { readonly frame: Float64Array; readonly input: Float64Array } | null;

/** The transitions to these frames: from the last one before them to the first, and on. */
const pieceOf = (
  frames: Matrix,
  inputRows: Matrix | undefined,
  last: LastFrame,
  alpha: Float64Array,
  inputs: number,
): Piece => {
  const units = frames.columns;
  const width = units + inputs;
  const before = last === null ? 0 : 1;
  const rows = Math.max(0, frames.rows - 1 + before);
  const predictors = matrix(rows, width);
  const targets = matrix(rows, units);
  for (let row = 0; row < rows; row++) {
    const t = row - before;
    const own = predictors.data.subarray(row * width, (row + 1) * width);
    own.set(t < 0 && last !== null ? last.frame : frames.data.subarray(t * units, (t + 1) * units));
    if (t < 0 && last !== null) own.set(last.input, units);
    else if (inputRows !== undefined) own.set(inputRows.data.subarray(t * inputs, (t + 1) * inputs), units);
    for (let j = 0; j < units; j++) {
      const a = alpha[j]!;
      targets.data[row * units + j] = (frames.data[(t + 1) * units + j]! - (1 - a) * own[j]!) / a;
    }
  }
  return { predictors, targets };
};

const lastOf = (frames: Matrix, inputRows: Matrix | undefined, inputs: number): NonNullable<LastFrame> => ({
  frame: frames.data.slice((frames.rows - 1) * frames.columns, frames.rows * frames.columns),
  input: inputRows?.data.slice((frames.rows - 1) * inputs, frames.rows * inputs) ?? new Float64Array(inputs),
});

const slice = ({ predictors, targets }: Piece, from: number, to: number): Piece => {
  const part = (a: Matrix): Matrix => matrix(to - from, a.columns, a.data.slice(from * a.columns, to * a.columns));
  return { predictors: part(predictors), targets: part(targets) };
};

const concatenate = (pieces: readonly Piece[]): Piece => {
  const joined = (of: (piece: Piece) => Matrix): Matrix => stackRows(pieces.map(of));
  return { predictors: joined((piece) => piece.predictors), targets: joined((piece) => piece.targets) };
};

const sourceOf = (piece: Piece, alpha: Float64Array, units: number, inputs: number): TransitionSource => ({
  predictors: rowSourceOf(piece.predictors),
  targets: rowSourceOf(piece.targets),
  weights: null,
  frames: null,
  units,
  inputs,
  alpha,
});

/** X as the backend holds it: rounded to float32 in mixed precision, so that what leaves X'X is what joined it. */
const designOf = ({ predictors }: Piece, bias: boolean, rounded: boolean): Matrix => {
  const { rows, columns } = predictors;
  const width = columns + (bias ? 1 : 0);
  const result = matrix(rows, width);
  for (let t = 0; t < rows; t++) {
    for (let p = 0; p < columns; p++) {
      const value = predictors.data[t * columns + p]!;
      result.data[t * width + p] = rounded ? Math.fround(value) : value;
    }
    if (bias) result.data[t * width + columns] = 1;
  }
  return result;
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
