import { crossEntropy, type Objective } from '@drnn/objectives';
import {
  type Backend,
  copyMatrix,
  failure,
  firstNonFinite,
  type Issue,
  matrix,
  type Matrix,
  refuse,
} from '@drnn/tensor';
import { checkFrames, type LastFrame, lastOf, pieceOf } from './online-frames.js';
import { paceOf } from './online-pace.js';
import { type Refit, refitOf, type RefitOptions } from './online-refit.js';
import { pacedSweeps } from './online-sweeps.js';
import { slidingWindow } from './online-window.js';

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
  const predictors = units + inputs + (bias ? 1 : 0);
  const most = options.window ?? Math.max(2000, 10 * predictors);
  check(start, options, objective, { predictors, window: most });
  const alpha = typeof start.alpha === 'number' ? new Float64Array(units).fill(start.alpha) : start.alpha.slice();
  const theta = start.theta ?? matrix(predictors, units);
  const window = slidingWindow(on, { units, inputs, alpha, objective, bias, most, theta });
  const pace = paceOf(budget, now);
  const sweeps = pacedSweeps(on, window, pace, {
    sweeps: mostSweeps,
    residual: Math.max(tolerance, on.precision === 'float64' ? 0 : on.accuracy.product),
  });
  const inTurn = serial();
  const closing = new AbortController();
  const refits = new Set<Promise<unknown>>();
  let last: LastFrame | null = null;

  const refuseClosed = (): void => {
    if (!closing.signal.aborted) return;
    throw failure({ path: 'online', seen: 'a fit that is closed', expected: 'one that is open' });
  };

  const push = async (frames: Matrix, inputRows?: Matrix): Promise<OnlineUpdate> => {
    refuseClosed();
    const began = now();
    checkFrames(frames, inputRows, units, inputs);
    const piece = pieceOf(frames, inputRows, last, alpha, inputs);
    await window.add(piece);
    // Only now: frames whose rows did not join may come again.
    if (frames.rows > 0) last = lastOf(frames, inputRows, inputs);
    pace.begin(began);
    const ended = await sweeps.run();
    pace.end();
    const copy = await pace.timed('ending', () => copyMatrix(window.standing.theta));
    const { transitions } = window;
    return { theta: copy, milliseconds: now() - began, sweeps: ended, residual: sweeps.residual, transitions };
  };

  const refit = async (how: RefitOptions): Promise<Refit> => {
    refuseClosed();
    const fork = await inTurn(async () => {
      if (window.transitions === 0) {
        throw failure({ path: 'refit', seen: 'no transitions', expected: 'at least 1', hint: 'push frames first' });
      }
      return window.fork();
    });
    const { snapshot } = fork;
    try {
      const signal = AbortSignal.any([closing.signal, ...(how.signal === undefined ? [] : [how.signal])]);
      const { there, ...end } = await refitOf(fork, how, inTurn, signal);
      if (end.status === 'aborted' || there === null) return { ...end, improved: 0 };
      const settle = async (): Promise<number | null> => {
        if (snapshot.rowsToFollow !== null) {
          await snapshot.follow(end.theta, there);
          return null;
        }
        const better = window.takeOver({ theta: end.theta, ...there });
        if (better > 0) await sweeps.startAgain();
        return better;
      };
      let improved = await inTurn(settle);
      while (improved === null) improved = await inTurn(settle);
      return { ...end, improved };
    } finally {
      await inTurn(async () => snapshot.release());
    }
  };

  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.allSettled(refits);
    await inTurn(async () => {
      await sweeps.startAgain();
      window.release();
    });
  };
  options.signal?.addEventListener('abort', () => void close(), { once: true });
  if (options.signal?.aborted === true) closing.abort();

  return {
    push: (frames, inputRows) => inTurn(() => push(frames, inputRows)),
    endTrial: () =>
      inTurn(async () => {
        refuseClosed();
        last = null;
      }),
    refit: (how = {}) => {
      const running = refit(how);
      const settled = running.catch(() => undefined).finally(() => refits.delete(settled));
      refits.add(settled);
      return running;
    },
    close,
  };
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
