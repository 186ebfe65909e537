import { sourceOfTransitions, type Transitions, type TransitionSource } from '@drnn/simulator';
import { freeSet } from '@drnn/solvers';
import { failure, firstNonFinite, type Issue, matrix, type Matrix, refuse, rowReader } from '@drnn/tensor';
import { innovate, type Learner } from './innovations.js';
import { precisionOn } from './precision.js';
import { addResiduals, fractionBeyond, lags, medianSize, newTally, type Tally } from './residual-tally.js';
import type { Posterior } from './standard-errors.js';

/** Whether held-out residuals are what a posterior takes for granted. */
export interface CalibrationRequest extends Posterior {
  /** Theta = [W | Win | b]' [predictor, unit]: where the posterior has its peak. */
  readonly theta: Matrix;
  /** Standard deviations of the noise inside (`input`) and outside (`output`) tanh, one number or [unit]. */
  readonly noise: { readonly input: number | Float64Array; readonly output: number | Float64Array };
  /** Transitions that the fit has not seen, read in pieces. */
  readonly heldOut: Transitions | TransitionSource;
  /** How many units to look at, spread evenly. Default 20. */
  readonly checkedUnits?: number;
}

/** Standardised innovations of held-out samples against independent N(0, 1). */
export interface CalibrationCheck {
  /** Whether nothing below contradicts the standard errors. */
  readonly trustworthy: boolean;
  /** What does, in words with numbers; empty when trustworthy. */
  readonly reasons: readonly string[];
  /** Innovations looked at. */
  readonly samples: number;
  /** The fraction of observed samples left out because the weights leave their currents too uncertain. */
  readonly leftOut: number;
  /** 1.4826 times the median of |e|: 1 under the model. */
  readonly spread: number;
  /** The root of the mean of e^2: 1 under the model. */
  readonly deviation: number;
  /** mean(e^4) / mean(e^2)^2 - 3: 0 for Gaussian noise, 3 for Laplace noise. */
  readonly excessKurtosis: number;
  /** The fractions beyond 2 and 4 spreads: .0455 and .000063 for Gaussian noise. */
  readonly beyond: { readonly two: number; readonly four: number };
  /** Correlations of e_t and e_(t+k) of the same unit, k = 1 ... 20, residuals beyond 4 drawn in to 4. */
  readonly autocorrelation: Float64Array;
  /** 1 + 2 sum of the autocorrelation, up to the first lag where it is lost in chance: 1 for white noise. */
  readonly autocorrelationTime: number;
  /** The fraction of units whose own deviation is not that of all. */
  readonly unlikeUnits: number;
  /** Innovations counted in bins of a quarter from -8 to 8, beyond which the outermost bins go on. */
  readonly histogram: Float64Array;
}

const fewestSamples = 1000;
/** Rows that are predicted from the same weights: so few that tanh is straight over what the weights may yet change. */
const rowsAtOnce = 16;
/** What is tolerated: intervals that are wrong by that much still cover 90-97% instead of 95%. */
const tolerated = {
  spread: 1.15,
  unitDeviation: 1.35,
  unlikeUnits: 0.1,
  kurtosis: 1,
  two: { least: 0.03, most: 0.068 },
  four: 2e-3,
  autocorrelation: 0.1,
};
/** Chance deviations below so many standard errors say nothing. */
const sigmas = 5;

/**
 * Looks whether intervals of this fit can be trusted. They can if targets scatter around mu = tanh(X Theta) independently,
 * by a Gaussian law, with variance
 *
 *     V = s_in^2 (1 - mu^2)^2 + s_out^2.
 *
 * On transitions that were not fitted, (d - mu) / sqrt(V) holds the errors of the weights besides the noise, smooth in
 * time, and large where the network goes where it has not been before; the posterior says how large. So what is looked at
 * are innovations: each row is predicted with the weights' posterior given the fit and all rows before it, which for a
 * right model leaves e ~ N(0, 1), independent (Brown, Durbin & Evans 1975; for blocks of rows, L^-1 of the standardised
 * residuals with L L' = I + A C A', A the derivatives of mu by the weights over sqrt(V); the extended Kalman filter).
 * Their spread, tails, autocorrelation within trials, and size in each unit are compared with that law. Missing samples
 * are left out, and so are rows so unlike those of the fit that tanh is not straight over what their currents may be.
 * Heavy tails, impulses, unobserved inputs and units, a wrong alpha or noise model show in one of them; a
 * bias that noise on the record puts into the slopes does not.
 *
 * Cost (T + 2 P + 4 T held out) P^2 flop for each of the units checked. Errors: shapes; noise that is negative or nowhere
 * above 0; theta not finite; a posterior that is not definite.
 */
export const calibrationCheck = async (request: CalibrationRequest): Promise<CalibrationCheck> => {
  const from = sourceOf(request.heldOut);
  check(request, from);
  const learners = await learnersOf(request, from.units);
  let observed = 0;
  const tally = newTally(learners.length);
  for await (const { predictors, targets, weights, firstRow } of piecesOf(from, request.theta.rows)) {
    const innovations = matrix(predictors.rows, learners.length);
    for (const [k, learner] of learners.entries())
      observed += innovate(request.on.host, learner, predictors, targets, weights, innovations, k);
    addResiduals(tally, innovations, (row) => from.frames?.[firstRow + row] ?? firstRow + row);
  }
  return judge(tally, observed);
};

const sourceOf = (heldOut: Transitions | TransitionSource): TransitionSource =>
  'trialStarts' in heldOut ? sourceOfTransitions(heldOut) : heldOut;

const check = (request: CalibrationRequest, { units, inputs }: TransitionSource): void => {
  const { theta, noise, design, curvatures, ridge, checkedUnits = 20 } = request;
  const issues: Issue[] = [];
  const width = units + inputs;
  if (theta.columns !== units || (theta.rows !== width && theta.rows !== width + 1)) {
    issues.push({
      path: 'theta',
      seen: `[${theta.rows}, ${theta.columns}]`,
      expected: `[predictor=${width} or ${width + 1} with a bias, unit=${units}]`,
    });
  }
  const at = firstNonFinite(theta.data);
  if (at >= 0) issues.push({ path: 'theta', seen: `${theta.data[at]} at entry ${at}`, expected: 'finite numbers' });
  if (design.columns !== theta.rows)
    issues.push({ path: 'design', seen: `predictor=${design.columns}`, expected: `predictor=${theta.rows}, as theta` });
  if (curvatures.columns !== theta.columns || curvatures.rows !== design.rows) {
    issues.push({
      path: 'curvatures',
      seen: `[transition=${curvatures.rows}, unit=${curvatures.columns}]`,
      expected: `[transition=${design.rows}, unit=${theta.columns}]`,
    });
  }
  if (ridge.length !== theta.rows)
    issues.push({ path: 'ridge', seen: `[predictor=${ridge.length}]`, expected: `[predictor=${theta.rows}]` });
  for (const name of ['input', 'output'] as const) {
    const given = noise[name];
    if (typeof given !== 'number' && given.length !== units) {
      issues.push({ path: `noise.${name}`, seen: `[unit=${given.length}]`, expected: `[unit=${units}] or one number` });
    }
    const bad = (typeof given === 'number' ? [given] : [...given]).find((s) => !(s >= 0 && Number.isFinite(s)));
    if (bad !== undefined)
      issues.push({ path: `noise.${name}`, seen: `${bad}`, expected: 'finite numbers of at least 0' });
  }
  if (!(Number.isInteger(checkedUnits) && checkedUnits >= 1))
    issues.push({ path: 'checkedUnits', seen: `${checkedUnits}`, expected: 'a whole number of at least 1' });
  refuse(issues);
};

interface Piece {
  /** [row, predictor], with the 1 of the bias where there is one. */
  readonly predictors: Matrix;
  readonly targets: Matrix;
  readonly weights: Matrix | null;
  readonly firstRow: number;
}

async function* piecesOf(from: TransitionSource, width: number): AsyncGenerator<Piece> {
  const { rows } = from.targets;
  const { columns } = from.predictors;
  const predictors = rowReader('predictors', from.predictors, rowsAtOnce);
  const targets = rowReader('targets', from.targets, rowsAtOnce);
  const weights = from.weights === null ? null : rowReader('weights', from.weights, rowsAtOnce);
  try {
    for (let firstRow = 0; firstRow < rows; firstRow += rowsAtOnce) {
      const count = Math.min(rowsAtOnce, rows - firstRow);
      const x = matrix(count, width, new Float64Array(count * width).fill(1));
      const d = matrix(count, from.units);
      const w = weights === null ? null : matrix(count, from.units);
      const read = new Float64Array(count * columns);
      await predictors.next(count, read, 0);
      for (let t = 0; t < count; t++) x.data.set(read.subarray(t * columns, (t + 1) * columns), t * width);
      await targets.next(count, d.data, 0);
      if (w !== null) await weights?.next(count, w.data, 0);
      yield { predictors: x, targets: d, weights: w, firstRow };
    }
  } finally {
    await predictors.close();
    await targets.close();
    await weights?.close();
  }
}

const learnersOf = async (request: CalibrationRequest, units: number): Promise<readonly Learner[]> => {
  const { on, theta, noise, free, ridge, design, curvatures, checkedUnits = 20 } = request;
  const count = Math.min(units, checkedUnits);
  const learners: Learner[] = [];
  for (let k = 0; k < count; k++) {
    const unit = Math.floor(((k + 0.5) * units) / count);
    const set = freeSet(free, theta.rows, unit);
    const [gram] = await on.gramEach(design, curvatures, unit, unit + 1);
    if (gram === undefined) throw new Error('a backend gave no Gram matrix');
    const result = on.host.cholesky(precisionOn(set, gram, ridge));
    if (!result.ok) {
      throw failure({
        path: 'ridge',
        seen: `weights of unit ${unit} that neither the fit nor the prior determines`,
        expected: 'a ridge above 0, or samples with curvature',
      });
    }
    const level = (of: number | Float64Array): number => (typeof of === 'number' ? of : of[unit]!);
    learners.push({
      unit,
      set,
      mean: Float64Array.from(set, (p) => theta.data[p * units + unit]!),
      covariance: on.host.choleskyInverse(result.factor),
      noise: { input: level(noise.input), output: level(noise.output) },
    });
  }
  return learners;
};

/** Of a Gaussian law: 1 / (the 75% quantile). */
const gaussianMedian = 1.482602218505602;

const judge = (tally: Tally, observed: number): CalibrationCheck => {
  const { samples } = tally;
  const spread = gaussianMedian * medianSize(tally);
  const deviation = Math.sqrt(tally.square / Math.max(1, samples));
  const excessKurtosis = tally.square > 0 ? (tally.fourth * samples) / tally.square ** 2 - 3 : 0;
  const beyond = { two: fractionBeyond(tally, 2 * spread), four: fractionBeyond(tally, 4 * spread) };
  const autocorrelation = tally.products.map((sum, k) => (tally.powers[k]! > 0 ? sum / tally.powers[k]! : 0));
  const lost = tally.pairs.findIndex((pairs, k) => !(autocorrelation[k]! > 2 / Math.sqrt(pairs)));
  const seen = autocorrelation.subarray(0, lost < 0 ? lags : lost);
  const unlikeUnits = unlike(tally, deviation);
  const found: CalibrationCheck = {
    trustworthy: true,
    reasons: [],
    samples,
    leftOut: observed === 0 ? 0 : 1 - samples / observed,
    spread,
    deviation,
    excessKurtosis,
    beyond,
    autocorrelation,
    autocorrelationTime: 1 + 2 * seen.reduce((sum, rho) => sum + rho, 0),
    unlikeUnits,
    histogram: tally.histogram,
  };
  const reasons = reasonsOf(found, tally);
  return { ...found, trustworthy: reasons.length === 0, reasons };
};

/** The fraction of units whose deviation differs from that of all by more than chance and what is tolerated. */
const unlike = ({ unitSquare, unitSamples }: Tally, deviation: number): number => {
  let [different, counted] = [0, 0];
  unitSquare.forEach((square, j) => {
    const count = unitSamples[j]!;
    if (count === 0) return;
    counted++;
    const chance = sigmas / Math.sqrt(2 * count);
    const ratio = Math.abs(Math.log(Math.sqrt(square / count) / deviation));
    if (ratio > Math.log(tolerated.unitDeviation) + chance) different++;
  });
  return counted === 0 ? 0 : different / counted;
};

const reasonsOf = (found: CalibrationCheck, tally: Tally): readonly string[] => {
  const { samples, spread, excessKurtosis, beyond, autocorrelation, unlikeUnits } = found;
  const reasons: string[] = [];
  if (samples < fewestSamples)
    reasons.push(`${samples} held-out samples are too few to tell; ${fewestSamples} are enough`);
  const spreadChance = 1 + (sigmas * 1.17) / Math.sqrt(Math.max(1, samples));
  if (Math.abs(Math.log(spread)) > Math.log(tolerated.spread * spreadChance)) {
    reasons.push(
      `held-out residuals are ${spread.toPrecision(3)} times as large as the noise levels and the posterior say: standard errors are ${spread > 1 ? 'too small' : 'too large'}`,
    );
  }
  const chance = (fraction: number): number => sigmas * Math.sqrt(fraction / Math.max(1, samples));
  const { two } = tolerated;
  if (beyond.four > tolerated.four + chance(tolerated.four)) {
    reasons.push(
      `${(100 * beyond.four).toPrecision(2)}% of held-out residuals lie beyond 4 standard deviations (0.0063% in Gaussian noise): impulses or heavy tails`,
    );
  }
  if (beyond.two > two.most + chance(two.most) || beyond.two < two.least - chance(two.least)) {
    reasons.push(
      `${(100 * beyond.two).toPrecision(3)}% of held-out residuals lie beyond 2 standard deviations (4.55% in Gaussian noise)`,
    );
  }
  const kurtosisChance = sigmas * Math.sqrt(24 / Math.max(1, samples));
  if (Math.abs(excessKurtosis) > tolerated.kurtosis + kurtosisChance) {
    reasons.push(
      `held-out residuals have an excess kurtosis of ${excessKurtosis.toPrecision(3)} (0 in Gaussian noise)`,
    );
  }
  const strongest = autocorrelation.reduce(
    (at, rho, k) => (Math.abs(rho) > Math.abs(autocorrelation[at]!) ? k : at),
    0,
  );
  const rho = autocorrelation[strongest]!;
  const pairs = Math.max(1, tally.pairs[strongest]!);
  if (Math.abs(rho) > tolerated.autocorrelation + sigmas / Math.sqrt(pairs)) {
    reasons.push(
      `held-out residuals are correlated in time: ${rho.toPrecision(2)} at a lag of ${strongest + 1}: unobserved inputs or units, a wrong alpha, or noise that is not white`,
    );
  }
  if (unlikeUnits > tolerated.unlikeUnits) {
    reasons.push(
      `the residuals of ${Math.round(100 * unlikeUnits)}% of the units are much larger or smaller than the noise levels say`,
    );
  }
  return reasons;
};
