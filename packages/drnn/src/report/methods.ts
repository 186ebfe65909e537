import { type Html, html } from './escape.js';
import {
  counted,
  formatCount,
  formatNumber,
  formatPercent,
  formatScore,
  formatSeconds,
  formatSetting,
} from './numbers.js';
import { optionNumber, optionValue } from './option.js';
import { leak } from './overview.js';
import { ridgeNames, standardErrors } from '../reached.js';
import { contestSentence } from './estimation-section.js';
import { ridgeSentence } from './figure-ridge.js';
import type { Calibrated, ReportData } from './report-data.js';

const transfers: Readonly<Record<string, string>> = {
  'cross-entropy': 'tanh',
  'least-squares': 'the identity',
  logistic: 'the logistic function',
  softplus: 'softplus',
  relu: 'rectification',
  poisson: 'the exponential',
};

/** A paragraph for the methods section of a paper, made of the numbers of this fit. */
export const methodsParagraph = (data: ReportData): string => {
  const { options } = data;
  const transfer = transfers[data.objectiveName];
  const holdout = optionNumber(options, 'holdout');
  const ridge = data.ridgePath?.chosen ?? optionNumber(options, 'ridge');
  const clip = optionNumber(options, 'clip');
  const weights = optionValue(options, 'weights');
  const tolerance = optionNumber(options, 'tolerance');
  const given = (name: string): boolean => !['', 'none', 'false', null].includes(optionValue(options, name));
  const scaled = data.scale.method !== 'none' || given('center');
  const bias = optionValue(options, 'bias') === 'false' ? '' : ' + b';
  const isCurrent = optionValue(options, 'form') === 'current';
  const limits = [
    optionValue(options, 'zeroDiagonal') === 'false' ? null : 'self-connections were excluded',
    given('connections') ? 'other connections were limited to those of a given mask' : null,
    given('dale')
      ? `the weights that leave a unit had one sign (Dale’s law; ${optionValue(options, 'dale') === 'auto' ? 'signs chosen from a fit without' : 'signs given'})`
      : null,
    given('box') ? `weights were kept within [${optionValue(options, 'box')}]` : null,
    ...penaltyPhrases(options),
    given('samples') || given('badFrames')
      ? `missing samples had no weight (rows with a missing predictor: ${optionValue(options, 'missing') ?? 'drop'})`
      : null,
  ].filter((limit) => limit !== null);
  const sentences = [
    `We fitted a recurrent network of ${counted(data.units, 'unit')}${data.inputs > 0 ? ` with ${counted(data.inputs, 'external input')}` : ''}, ${isCurrent ? `x[t+1] = (1 − a) x[t] + a (W r[t]${data.inputs > 0 ? ' + Win u[t]' : ''}${bias}), r = φ(x)` : `r[t+1] = (1 − a) r[t] + a φ(W r[t]${data.inputs > 0 ? ' + Win u[t]' : ''}${bias})`}, a = dt/τ = ${leak(data)}${transfer === undefined ? '' : `, φ = ${transfer}`}, to the recorded activity (${counted(data.samples, 'transition')} between consecutive frames in ${counted(data.trials, 'trial')}${data.samplingInterval === null ? '' : `, ${formatSeconds(data.samplingInterval, true)} a frame`}).`,
    isCurrent
      ? `Rates${data.inputs > 0 ? ' and inputs' : ''} were passed through the leak, y[t+1] = (1 − a) y[t] + a r[t], which turns the network into one whose rates are y, with d = r = φ(W y${data.inputs > 0 ? ' + Win v' : ''}${bias}); scores one step ahead and in closed loop are of y.`
      : null,
    data.inputLags.some((lag) => lag > 0) ? `Inputs entered at lags of ${data.inputLags.join(', ')} frames.` : null,
    given('center') ? 'The mean of each unit was subtracted.' : null,
    data.scale.method === 'none'
      ? 'Activity was not rescaled.'
      : `Activity was rescaled for each unit (${data.scale.method}), which brought the fraction of targets outside the range of φ from ${formatPercent(data.scale.outsideBefore)} to ${formatPercent(data.scale.outsideAfter)}.`,
    scaled ? 'W, Win and b act on the activity so transformed.' : null,
    ...(data.calibrated === null
      ? [
          `Weights minimised the ${data.objectiveName} loss of ${isCurrent ? 'the rates' : 'the inverted targets d = (r[t+1] − (1 − a) r[t]) / a'}${weights === null || weights === 'none' ? '' : `, with ${weights} weights`}${clip === null ? '' : `, the weighted slope clipped at ${formatSetting(clip)}`}${ridge === null ? '' : `, and a ridge penalty of ${data.ridgePath === null ? formatSetting(ridge) : formatNumber(ridge)} per transition`}, one problem for each unit that shares its predictors with all others (CORNN; Dinc et al., 2023)${limits.length === 0 ? '' : `; ${limits.join(', ')}`}.`,
          ridgeSentence(data),
          data.certificate.verdict === 'convex'
            ? 'The objective was proven convex.'
            : `The convexity certificate of the objective read “${data.certificate.verdict}”.`,
          `It was solved with drnn${data.versions['drnn'] === undefined ? '' : ` ${data.versions['drnn']}`} (${data.solver}; ${data.backend} backend, ${counted(data.threads, 'thread')}, ${data.precision}) in ${counted(data.steps, 'step')}, to status “${data.status}”, a relative residual of ${formatNumber(data.residual)} and a relative error bound of ${formatNumber(data.thetaErrorBound)} on the weights${tolerance === null ? '' : ` (tolerance ${formatSetting(tolerance)})`}.`,
        ]
      : calibratedSentences(data, data.calibrated, { clip, limits })),
    data.scores === null
      ? data.trainSamples > 0
        ? 'The fit ended before it was scored.'
        : 'No data were held out.'
      : `Scores are from a fit of ${counted(data.trainSamples, 'transition')}, with ${holdout === null ? 'the end of each trial' : `the last ${formatPercent(holdout)} of each trial`} held out after a gap of one frame: R² was ${formatScore(data.scores.oneStep.pooled)} one step ahead (persistence ${formatScore(data.scores.baseline.oneStep.persistence.pooled)}, autoregression ${formatScore(data.scores.baseline.oneStep.autoregression.pooled)}) and ${formatScore(data.scores.drive.pooled)} for the drive d, pooled over units${closedLoop(data)}.`,
    data.scores !== null && data.samples > data.trainSamples
      ? `The network reported was then fitted again to all ${counted(data.samples, 'transition')}.`
      : null,
  ];
  return sentences.filter((sentence) => sentence !== null).join(' ');
};

/** What stands in place of the objective and its solver for the calibrated estimator. */
const calibratedSentences = (
  data: ReportData,
  calibrated: Calibrated,
  { clip, limits }: { readonly clip: number | null; readonly limits: readonly string[] },
): readonly (string | null)[] => {
  const { winner, rounds, effort, choice } = calibrated;
  const last = rounds.at(-1);
  const limited = limits.length === 0 ? '' : `; ${limits.join(', ')}`;
  const targets =
    optionValue(data.options, 'form') === 'current'
      ? 'the rates'
      : 'the inverted targets d = (r[t+1] − (1 − a) r[t]) / a';
  const ran = `drnn${data.versions['drnn'] === undefined ? '' : ` ${data.versions['drnn']}`} (${data.backend} backend, ${counted(data.threads, 'thread')}, ${data.precision})`;
  if (winner !== 'rounds') {
    return [
      `Weights were fitted to ${targets} by ridge regression with a plain loss (${ridgeNames[winner]}${choice?.strength == null ? '' : `; ridge ${formatSetting(choice.strength)} per transition`}), which explained held-out training data better than noise-calibrated rounds did${limited}.`,
      contestSentence(calibrated),
      `It was solved with ${ran}, to status “${data.status}”.`,
    ];
  }
  const ridge =
    last === undefined
      ? ''
      : ` (${formatNumber(last.shrinkage.W)} on W${data.inputs > 0 ? `, ${formatNumber(last.shrinkage.Win)} on Win` : ''})`;
  return [
    `Weights were estimated in noise-calibrated rounds from a convex pilot, the matching loss of ${targets} with weights 1 / V(d), V = φ′(φ⁻¹(d))${clip === null ? '' : `, and the weighted slope clipped at ${formatSetting(clip)}`}, one problem for each unit that shares its predictors with all others (CORNN; Dinc et al., 2023)${limited}.`,
    `In each of ${counted(rounds.length, 'round')}, the noise inside (s_in) and outside (s_c) the nonlinearity was estimated from the residuals by where it shows, Var(d | z) = s_in² φ′(z)² + s_c²; each unit then minimised the quasi-likelihood (Wedderburn, 1974) Σ w (Φ(z) − d z) + (λ/2) |θ|², Φ′ = φ, with w = φ′(z₀) / Var(d | z₀) frozen at the currents z₀ of the estimate before, and samples with residuals beyond four standard deviations left out.`,
    last === undefined
      ? null
      : `The ridge λ came from empirical Bayes (MacKay, 1992)${ridge}; the noise levels of the last round were s_in = ${formatNumber(last.levels.input)} and s_c = ${formatNumber(last.levels.output)}${effort === 'full' ? `, and its weights were divided by the autocorrelation time of the residuals (Sokal, 1997), ${formatNumber(last.autocorrelationTime)} frames` : ''}.`,
    'Each round is convex; their sequence is a reweighting scheme.',
    contestSentence(calibrated),
    last === undefined
      ? `The rounds were run with ${ran}, to status “${data.status}”.`
      : `The rounds were solved with ${ran} by Newton’s method (${last.method === 'exact' ? 'Hessians factored' : 'conjugate gradients'}), to status “${data.status}”: at the end of the last round ${effort === 'full' ? '' : `the median unit lay ${standardErrors(last.remaining.median)} and `}the worst unit${effort === 'full' ? ' lay' : ''} ${standardErrors(last.remaining.worst)} standard errors from its optimum.`,
  ];
};

/** What was added to the ridge. */
const penaltyPhrases = (options: ReportData['options']): readonly string[] => {
  const value = (name: string): string | null => optionValue(options, name);
  const named = value('penalty');
  const absent = (name: string): boolean => ['', 'null', null].includes(value(name));
  const kind =
    named !== null && named !== '' && named !== 'null'
      ? named
      : !absent('l1Ratio')
        ? 'elastic-net'
        : absent('l1')
          ? null
          : 'l1';
  const names: Readonly<Record<string, string>> = {
    l1: 'an l1 penalty',
    'elastic-net': 'an elastic net',
    groups: 'a group penalty by source population (Yuan & Lin, 2006)',
  };
  const name = kind === null ? undefined : names[kind];
  const low = kind === 'nuclear' || !absent('nuclear');
  const strength = (option: string): string => (absent(option) ? '0.001' : (value(option) ?? ''));
  return [
    ...(name === undefined ? [] : [`${name} of ${strength('l1')} per transition was added`]),
    ...(low ? [`the nuclear norm of W was penalised with ${strength('nuclear')} per transition`] : []),
  ];
};

const closedLoop = (data: ReportData): string => {
  const last = data.scores?.closedLoop.at(-1);
  if (last === undefined) return '';
  const baseline = data.scores?.baseline.closedLoop.persistence.find(({ horizon }) => horizon === last.horizon);
  return `; in closed loop it was ${formatScore(last.pooled)} at a lead of ${formatCount(last.horizon)} frames${baseline === undefined ? '' : ` (persistence ${formatScore(baseline.pooled)})`}`;
};

/** What to cite. */
export const citation = (version: string | undefined, calibrated: Calibrated | null): Html =>
  html`<ul class="references">
    <li>
      Dinc, F., Shai, A., Schnitzer, M., and Tanaka, H. (2023). CORNN: Convex optimization of recurrent neural networks
      for rapid inference of neural dynamics. <i>Advances in Neural Information Processing Systems</i> 36 (NeurIPS
      2023).
    </li>
    ${
      calibrated?.winner === 'rounds'
        ? html`<li>MacKay, D. J. C. (1992). Bayesian interpolation. <i>Neural Computation</i> 4, 415–447.</li>
            <li>
              Sokal, A. (1997). Monte Carlo methods in statistical mechanics: foundations and new algorithms. In
              <i>Functional Integration</i>, Springer, 131–192.
            </li>
            <li>
              Wedderburn, R. W. M. (1974). Quasi-likelihood functions, generalized linear models, and the Gauss–Newton
              method. <i>Biometrika</i> 61, 439–447.
            </li>`
        : null
    }
    <li>
      The drnn developers. drnn: data-constrained recurrent neural networks by convex
      optimisation${version === undefined ? '' : `, version ${version}`}. The file CITATION.cff of its source has the
      record.
    </li>
  </ul>`;
