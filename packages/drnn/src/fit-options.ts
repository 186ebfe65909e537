import { type TransferName, transfers } from '@drnn/objectives';
import { type Issue, type Matrix, refuse } from '@drnn/tensor';
import { type BackendName, backendNames } from './backends/kinds.js';
import { choiceIssues } from './backends/open-backend.js';
import { penalties, structureNames, type StructureOptions, structureOptionIssues } from './structure-options.js';

/** Loss names as users know them, with the transfer function of the network they fit. */
export const losses = {
  'cross-entropy': 'tanh',
  'least-squares': 'identity',
  logistic: 'logistic',
  softplus: 'softplus',
  relu: 'relu',
  poisson: 'exp',
} as const satisfies Readonly<Record<string, TransferName>>;
export type LossName = keyof typeof losses;

export const choices = {
  scale: ['auto', 'none', 'max', 'quantile'],
  loss: Object.keys(losses),
  weights: ['none', 'variance', 'capped', 'calibrated'],
  penalty: penalties,
  missing: ['drop', 'interpolate', 'model'],
  form: ['rate', 'current'],
  estimator: ['calibrated', 'convex'],
  effort: ['quick', 'full'],
  choosing: ['cross-validation', 'split', 'none'],
  memory: ['keep', 'recompute'],
  intervals: ['exact', 'shared'],
  solver: ['shared-newton', 'newton'],
  accelerate: ['anderson', 'nesterov', 'none'],
  backend: ['auto', ...backendNames],
  fallback: ['auto', 'blas', 'wasm', 'cpu'],
  stream: ['auto', 'always', 'never'],
  precision: ['float64', 'mixed'],
} as const;

const ridgeRules = ['auto', 'auto-1se'] as const;
/** How the ridge is taken from a path: the best, or the strongest within a standard error of it. */
export type RidgeRule = (typeof ridgeRules)[number];

/** Everything `fit` can be told. Each field's default and its reason stand in `defaults`. */
export interface FitOptions extends StructureOptions {
  /**
   * a = dt / tau in (0, 1], one number or one a unit. Either this, or `dt` and `tau`. `auto`: the one that predicts the
   * next frame best on the last fifth of the training rows; `auto-unit`: one for each unit.
   */
  readonly alpha?: number | Float64Array | 'auto' | 'auto-unit';
  /** Seconds between frames; default the recording's own, where it knows. */
  readonly dt?: number;
  /** Time constant of the units in seconds, one number or one a unit. */
  readonly tau?: number | Float64Array;
  /**
   * u [time, input]: row t drives frame t to t + 1, so that the row of a trial's last frame is never read and that of
   * the recording's last frame may be left out. For several files, one matrix for each.
   */
  readonly inputs?: Matrix | readonly Matrix[];
  /**
   * Frames by which the inputs are offered late; default [0]. Predictors of frame t are all inputs of frame t - lag for
   * the first lag, then for the next. Frames whose trial began less than the longest lag before give no row.
   */
  readonly inputLags?: readonly number[];
  /** The trial of each frame, [time]; a change starts a new one, as does a new file. */
  readonly trials?: ArrayLike<number>;
  /** [time, unit], 1 where observed, 0 where missing. */
  readonly observed?: Matrix;
  /** [time], 1 where a frame is bad: all its units count as missing. */
  readonly badFrames?: ArrayLike<number>;
  /**
   * [time, unit], at least 0: how much each target counts, in place of the rule `weights`. Row t weighs the transition
   * from frame t to t + 1.
   */
  readonly sampleWeights?: Matrix;
  /** The group of each unit, [unit]: text or whole numbers. Kept with the model; the report shows weights by group. */
  readonly groups?: ArrayLike<string | number>;
  /**
   * What becomes of rows with a missing predictor: they are dropped, or the value is interpolated over gaps of up to 5
   * frames, or predicted by the fitted network in rounds.
   */
  readonly missing?: 'drop' | 'interpolate' | 'model';
  /**
   * Which state the leak of the network acts on: the `rate` that is recorded (default), or the `current`, of which the
   * rate is phi. Of the current form, rates and inputs are passed through the leak first, which makes the fit exact.
   */
  readonly form?: 'rate' | 'current';
  /** Of the current form: frames at the start of each trial without a row. Default until (1-a)^settle is 0.01. */
  readonly settle?: number;
  readonly scale?: 'auto' | 'none' | 'max' | 'quantile';
  /** Subtracts each unit's mean before scaling. */
  readonly center?: boolean;
  readonly loss?: LossName;
  readonly weights?: 'none' | 'variance' | 'capped' | 'calibrated';
  readonly weightCap?: number;
  readonly kappa?: number;
  /** The bound on the weighted slope; null for none. */
  readonly clip?: number | null;
  /**
   * Per transition. `auto`, of the convex estimator: the strength that explains held-out blocks of the training rows best,
   * from a path; `auto-1se`: the largest that is behind it by no more than one standard error.
   */
  readonly ridge?: number | RidgeRule;
  readonly bias?: boolean;
  readonly zeroDiagonal?: boolean;
  /** [unit, unit + input], row = target, 1 where a weight may be nonzero. */
  readonly connections?: Matrix;
  /**
   * `calibrated`: noise-calibrated rounds from a convex pilot, or a plain ridge where that predicts held-out blocks
   * better. `convex`: the single problem of loss, weights, clip and ridge. Default calibrated; convex where an objective,
   * a loss, weights, a clip, a solver, a penalty, signs or bounds are named.
   */
  readonly estimator?: 'calibrated' | 'convex';
  /** Of the calibrated estimator: `quick` is the pilot and one round, `full` (default) goes on to a tenth of a standard error. */
  readonly effort?: 'quick' | 'full';
  /** How the calibrated estimator is judged against plain ridge. Default cross-validation for full, split for quick. */
  readonly choosing?: 'cross-validation' | 'split' | 'none';
  /**
   * Of the calibrated estimator: `keep` (default) holds the frozen weights of a round and their curvatures on the backend,
   * `recompute` makes them again in every pass, for recordings that would not fit otherwise. The same weights to rounding.
   */
  readonly memory?: 'keep' | 'recompute';
  readonly solver?: 'shared-newton' | 'newton';
  readonly accelerate?: 'anderson' | 'nesterov' | 'none';
  readonly tolerance?: number;
  readonly maxSteps?: number;
  /** The fraction of each trial's end that is held out for the scores; 0 for no scores. */
  readonly holdout?: number;
  /** Whether the model returned is refitted on everything after scoring. */
  readonly refit?: boolean;
  /**
   * Standard errors and 95% intervals of W and Win, of the calibrated estimator where its rounds won: `exact` for each
   * unit, `shared` from one basis for all and checked on 20 units, for networks where exact takes too long. Kept with
   * the model, [unit, unit] and [unit, input]; a check on held-out residuals says whether to trust them. Default none.
   */
  readonly intervals?: 'exact' | 'shared';
  /** Frames between restarts of the closed loop; default 10 tau / dt. */
  readonly horizon?: number;
  /** The hardware by name, or `auto`: the fastest of blas, wasm and cpu that is there and passes its self-check. */
  readonly backend?: BackendName | 'auto';
  /**
   * Where a fit goes on from its last state when its backend loses its device. Default: `auto` with the backend `auto`;
   * with one that was named, nowhere: the fit then ends as `device-lost`.
   */
  readonly fallback?: 'auto' | 'blas' | 'wasm' | 'cpu';
  /** Of rows and products. Default float64 on cpu, and mixed elsewhere. */
  readonly precision?: 'float64' | 'mixed';
  /** Threads of the backend. Default all physical cores. */
  readonly threads?: number;
  /**
   * Whether a mixed fit goes on in float64 where mixed precision cannot reach the tolerance. Default true; without it
   * such a fit ends as `precision-floor`.
   */
  readonly polish?: boolean;
  /**
   * Whether an npy file is read piece by piece, each time it is needed, in place of held in memory: `auto` (default) where
   * it has 256 MiB as float64 or more and nothing else that was asked for needs it whole; `always` is an error where
   * something does. The model is the same.
   */
  readonly stream?: 'auto' | 'always' | 'never';
  readonly seed?: number;
}

/** The defaults, as `--help` prints them. */
export const defaults = {
  missing: 'drop',
  form: 'rate',
  scale: 'auto',
  center: false,
  loss: 'cross-entropy',
  weights: 'variance',
  weightCap: 10,
  kappa: 0.01,
  clip: 0.2,
  ridge: 1e-5,
  bias: true,
  zeroDiagonal: true,
  effort: 'full',
  memory: 'keep',
  solver: 'shared-newton',
  accelerate: 'anderson',
  tolerance: 1e-8,
  maxSteps: 500,
  holdout: 0.2,
  refit: true,
  backend: 'auto',
  polish: true,
  stream: 'auto',
  seed: 1,
} as const satisfies FitOptions;

/** Options with every default filled in. */
export type Settings = Omit<FitOptions, 'ridge'> &
  Required<Pick<FitOptions, Exclude<keyof typeof defaults, 'ridge'> | 'estimator'>> & {
    /** Where a path chooses it, the default until it has. */
    readonly ridge: number;
    readonly ridgeRule: RidgeRule | null;
  };

/** Options that only the single convex problem has: naming one means it. */
const convexOptions = ['loss', 'weights', 'sampleWeights', 'clip', 'solver', ...structureNames] as const;
/** Options that have no meaning in the rounds. */
const foreignToRounds = ['weights', 'sampleWeights', 'weightCap', 'kappa', 'solver'] as const;

/** The rounds know noise of constant size inside and outside phi; of counts the variance is their mean. */
export const countsIssue = (path: string, seen: string): Issue => ({
  path,
  seen: `${seen} together with the calibrated estimator`,
  expected: 'the estimator convex',
  hint: 'the variance of counts grows with their mean, which the noise model of the rounds does not know; leave estimator out, and for maximum likelihood say weights none and clip none (--weights none --clip none)',
});

/** What is enough of a pilot of the calibrated estimator: further steps do not better the rounds that follow. */
const pilotDefaults = {
  quick: { tolerance: 1e-4, maxSteps: 1 },
  full: { tolerance: 0.1, maxSteps: 8 },
} as const;

/** Which of the options that were named ask for the single convex problem. */
export const convexBecauseOf = (options: FitOptions): readonly string[] =>
  options.estimator === undefined ? convexOptions.filter((name) => options[name] !== undefined) : [];

const inRange = (
  issues: Issue[],
  path: string,
  value: number | null | undefined,
  holds: (value: number) => boolean,
  expected: string,
): void => {
  if (value !== null && value !== undefined && !(Number.isFinite(value) && holds(value))) {
    issues.push({ path, seen: `${value}`, expected });
  }
};

const oneOf = (issues: Issue[], path: string, value: string, allowed: readonly string[]): void => {
  if (!allowed.includes(value)) issues.push({ path, seen: `'${value}'`, expected: `one of ${allowed.join(', ')}` });
};

const ridgeRuleIssues = (rule: RidgeRule, { estimator, dale }: Settings): readonly Issue[] => {
  const issues: Issue[] = [];
  oneOf(issues, 'ridge', rule, ridgeRules);
  if (estimator === 'calibrated') {
    issues.push({
      path: 'ridge',
      seen: `${rule} together with the calibrated estimator`,
      expected: 'a number: the ridge of its pilot',
      hint: 'the rounds choose a ridge of their own from the data; leave it out, or name estimator convex (--estimator convex)',
    });
  }
  if (dale === 'auto') {
    issues.push({
      path: 'ridge',
      seen: `${rule} together with signs that are chosen from a fit`,
      expected: 'a ridge as a number, or the signs of the units',
      hint: 'choose the ridge without signs first (ridge auto without dale), and give it as a number',
    });
  }
  return issues;
};

/** What the current form cannot be fitted with. */
const formIssues = ({ form, alpha, missing, settle: frames }: Settings): readonly Issue[] => {
  const issues: Issue[] = [];
  if (form !== 'current') {
    if (frames !== undefined)
      issues.push({ path: 'settle', seen: 'settle without form current', expected: 'form current' });
    return issues;
  }
  if (typeof alpha === 'string') {
    issues.push({
      path: 'alpha',
      seen: `${alpha} together with the current form`,
      expected: 'alpha, or dt and tau',
      hint: 'targets of the current form are the rates whatever alpha is: compare the drive R2 of a few alphas',
    });
  }
  if (missing === 'model') {
    issues.push({ path: 'missing', seen: 'model together with the current form', expected: 'drop or interpolate' });
  }
  return issues;
};

/** Fills in the defaults and refuses, all at once, what is out of range. */
export const settle = (options: FitOptions): Settings => {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const estimator = options.estimator ?? (convexBecauseOf(options).length > 0 ? 'convex' : 'calibrated');
  const pilot = estimator === 'calibrated' ? pilotDefaults[options.effort ?? defaults.effort] : {};
  const [ridge, ridgeRule] =
    typeof options.ridge === 'string' ? [defaults.ridge, options.ridge] : [options.ridge ?? defaults.ridge, null];
  const settings: Settings = { ...defaults, ...pilot, ...given, estimator, ridge, ridgeRule };
  const issues: Issue[] = [];
  if (ridgeRule !== null) issues.push(...ridgeRuleIssues(ridgeRule, settings));
  if (estimator === 'calibrated') {
    for (const name of foreignToRounds) {
      if (options[name] === undefined) continue;
      issues.push({
        path: name,
        seen: `${name === 'sampleWeights' ? 'weights of samples' : options[name]} together with the calibrated estimator`,
        expected: 'the estimator convex',
        hint: 'the rounds make their weights from the noise they find; leave it out, or name estimator convex (--estimator convex)',
      });
    }
  }
  if (estimator === 'calibrated' && options.loss !== undefined && losses[options.loss] === 'exp') {
    issues.push(countsIssue('loss', options.loss));
  }
  if (estimator === 'calibrated') {
    for (const name of structureNames) {
      if (options[name] === undefined) continue;
      issues.push({
        path: name,
        seen: `${name} together with the calibrated estimator`,
        expected: 'the estimator convex',
        hint: 'the rounds know ridge and zeros only; leave it out, or name estimator convex (--estimator convex)',
      });
    }
  }
  if (estimator === 'convex') {
    for (const name of ['effort', 'choosing', 'memory'] as const) {
      if (options[name] === undefined) continue;
      issues.push({
        path: name,
        seen: `${options[name]} together with the convex estimator`,
        expected: 'the estimator calibrated',
        hint: 'it says how rounds are done, and the single problem has none; leave it out, or name estimator calibrated (--estimator calibrated)',
      });
    }
    if (options.intervals !== undefined) {
      issues.push({
        path: 'intervals',
        seen: `${options.intervals} together with the convex estimator`,
        expected: 'the estimator calibrated',
        hint: 'the single problem knows no noise, so that its curvature is in no units; leave loss, weights, clip, solver and structure out, or name estimator calibrated (--estimator calibrated)',
      });
    }
  }
  for (const [name, allowed] of Object.entries(choices)) {
    const value = Object.entries(settings).find(([key]) => key === name)?.[1];
    if (typeof value === 'string') oneOf(issues, name, value, allowed);
  }
  const { alpha, backend, precision, threads } = settings;
  if (choices.backend.includes(backend)) {
    issues.push(
      ...choiceIssues({
        name: backend,
        ...(precision === undefined ? {} : { precision }),
        ...(threads === undefined ? {} : { threads }),
      }),
    );
  }
  if (typeof alpha === 'number')
    inRange(issues, 'alpha', alpha, (a) => a > 0 && a <= 1, 'a number above 0 and at most 1 (dt / tau)');
  if (typeof alpha === 'string') oneOf(issues, 'alpha', alpha, ['auto', 'auto-unit']);
  inRange(issues, 'dt', settings.dt, (x) => x > 0, 'seconds above 0');
  const taus = settings.tau === undefined || typeof settings.tau === 'number' ? [settings.tau] : settings.tau;
  inRange(
    issues,
    'tau',
    Array.from(taus).find((tau) => tau !== undefined && !(tau > 0)) ?? taus[0],
    (x) => x > 0,
    'seconds above 0',
  );
  inRange(issues, 'weightCap', settings.weightCap, (x) => x > 0, 'a number above 0');
  inRange(issues, 'kappa', settings.kappa, (x) => x > 0, 'a number above 0');
  inRange(issues, 'clip', settings.clip, (x) => x > 0, 'a number above 0, or none');
  inRange(issues, 'ridge', settings.ridge, (x) => x >= 0, 'a number of at least 0');
  inRange(issues, 'tolerance', settings.tolerance, (x) => x > 0, 'a number above 0');
  inRange(issues, 'maxSteps', settings.maxSteps, (x) => Number.isInteger(x) && x >= 1, 'a whole number of at least 1');
  inRange(issues, 'holdout', settings.holdout, (x) => x >= 0 && x < 1, 'a fraction from 0 to below 1');
  inRange(issues, 'horizon', settings.horizon, (x) => Number.isInteger(x) && x >= 1, 'a whole number of at least 1');
  inRange(issues, 'settle', settings.settle, (x) => Number.isInteger(x) && x >= 0, 'a whole number of at least 0');
  issues.push(...formIssues(settings));
  inRange(issues, 'seed', settings.seed, (x) => Number.isSafeInteger(x) && x >= 0, 'a whole number of at least 0');
  issues.push(...structureOptionIssues(settings));
  if (alpha !== undefined && (settings.dt !== undefined || settings.tau !== undefined)) {
    issues.push({ path: 'alpha', seen: 'alpha together with dt or tau', expected: 'either alpha, or dt and tau' });
  }
  refuse(issues);
  return settings;
};

/** a = dt / tau from what was given and what the recording knows. */
export const alphaOf = (settings: Settings, samplingInterval: number | null): number | Float64Array => {
  if (typeof settings.alpha === 'string') throw new Error('an alpha that has not been profiled');
  if (settings.alpha !== undefined) return settings.alpha;
  const dt = settings.dt ?? samplingInterval ?? undefined;
  const { tau } = settings;
  if (dt === undefined || tau === undefined) {
    refuse([
      {
        path: 'alpha',
        seen:
          tau === undefined
            ? settings.dt === undefined
              ? 'neither alpha nor dt and tau'
              : 'dt without tau'
            : 'tau without dt',
        expected: 'alpha, or dt and tau in seconds (alpha = dt / tau)',
        hint:
          tau === undefined
            ? 'add tau, the time constant of the units: often 0.1 s for spiking rates, 0.5 to 2 s for calcium signals; or alpha auto, which looks for it'
            : 'add dt, the seconds between frames',
      },
    ]);
    return Number.NaN;
  }
  const wrong = (typeof tau === 'number' ? [tau] : Array.from(tau)).findIndex((each) => !(dt / each <= 1));
  if (wrong >= 0) {
    const of = typeof tau === 'number' ? tau : tau[wrong]!;
    refuse([
      {
        path: 'dt / tau',
        seen: `${dt} / ${of} = ${dt / of}${typeof tau === 'number' ? '' : ` of unit ${wrong}`}`,
        expected: 'a ratio above 0 and at most 1',
        hint: 'dt is in seconds, and must not exceed tau',
      },
    ]);
  }
  return typeof tau === 'number' ? dt / tau : tau.map((each) => dt / each);
};

/** The transfer function of a loss name. */
export const transferOf = (loss: LossName) => transfers[losses[loss]];
