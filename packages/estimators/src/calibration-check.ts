import { sourceOfTransitions, type Transitions, type TransitionSource } from '@drnn/simulator';
import { failure, firstNonFinite, type Host, type Issue, matrix, type Matrix, refuse, rowReader } from '@drnn/tensor';

/** Whether the residuals of a fit are what its standard errors take for granted. */
export interface CalibrationRequest {
  readonly host: Host;
  /** Transitions that the fit has not seen, read in pieces. */
  readonly heldOut: Transitions | TransitionSource;
  /** Theta = [W | Win | b]' [predictor, unit]; the bias is there if there is a row for it. */
  readonly theta: Matrix;
  /** Standard deviations of the noise inside (`input`) and outside (`output`) tanh, one number or [unit]. */
  readonly noise: { readonly input: number | Float64Array; readonly output: number | Float64Array };
  /** T, the transitions of the fit: the smaller it is, the more error of the weights is in the residuals. */
  readonly fittedOn: number;
}

/** The standardised residuals e = (d - mu) / sqrt(V) of held-out samples against independent N(0, 1). */
export interface CalibrationCheck {
  /** Whether nothing below contradicts the standard errors. */
  readonly trustworthy: boolean;
  /** What does, in words with numbers; empty when trustworthy. */
  readonly reasons: readonly string[];
  /** Residuals looked at. */
  readonly samples: number;
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
}

const lags = 20;
const fewestSamples = 1000;
const chunkRows = 1024;
/** Beyond this a residual is drawn in before correlations are formed, so that single impulses do not decide them. */
const drawnIn = 4;

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
 * Looks whether intervals of this fit can be trusted. The Laplace posterior holds if targets scatter around
 * mu = tanh(X Theta) independently, by a Gaussian law, with variance
 *
 *     V = s_in^2 (1 - mu^2)^2 + s_out^2.
 *
 * On transitions that were not fitted, e = (d - mu) / sqrt(V) is compared with that: its spread, its tails, its
 * autocorrelation within trials, its size in each unit. Errors of the weights are themselves in e, smooth in time as
 * the predictors are: with P / T of the variance at most, for which each threshold makes room. Missing samples are left
 * out. Heavy tails, impulses, unobserved inputs and units, a wrong alpha or noise model: each shows in one of them; what
 * does not show in held-out residuals (a bias that noise on the record puts into the slopes) is not found.
 *
 * Cost 2 T P N flop, in pieces of 1024 rows. Errors: shapes; noise that is negative or nowhere above 0; theta not finite.
 */
export const calibrationCheck = async (request: CalibrationRequest): Promise<CalibrationCheck> => {
  const from = sourceOf(request.heldOut);
  const { units } = from;
  check(request, from);
  const input = perUnit(request.noise.input, units);
  const output = perUnit(request.noise.output, units);
  const tally = newTally(units);
  for await (const { predictors, targets, weights, firstRow } of piecesOf(from)) {
    const residuals = currentsOf(request.host, predictors, request.theta);
    standardise(residuals, targets, weights, input, output);
    addPiece(tally, residuals, (row) => from.frames?.[firstRow + row] ?? firstRow + row);
  }
  return judge(tally, request.theta.rows / request.fittedOn);
};

const sourceOf = (heldOut: Transitions | TransitionSource): TransitionSource =>
  'trialStarts' in heldOut ? sourceOfTransitions(heldOut) : heldOut;

const perUnit = (value: number | Float64Array, units: number): Float64Array =>
  typeof value === 'number' ? new Float64Array(units).fill(value) : value;

const check = ({ theta, noise, fittedOn }: CalibrationRequest, { units, inputs }: TransitionSource): void => {
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
  for (const name of ['input', 'output'] as const) {
    const given = noise[name];
    if (typeof given !== 'number' && given.length !== units) {
      issues.push({ path: `noise.${name}`, seen: `[unit=${given.length}]`, expected: `[unit=${units}] or one number` });
    }
    const bad = perUnit(given, units).find((s) => !(s >= 0 && Number.isFinite(s)));
    if (bad !== undefined)
      issues.push({ path: `noise.${name}`, seen: `${bad}`, expected: 'finite numbers of at least 0' });
  }
  if (!(fittedOn >= 1 && Number.isFinite(fittedOn)))
    issues.push({ path: 'fittedOn', seen: `${fittedOn}`, expected: 'the number of transitions of the fit' });
  refuse(issues);
};

interface Piece {
  readonly predictors: Matrix;
  readonly targets: Matrix;
  readonly weights: Matrix | null;
  readonly firstRow: number;
}

async function* piecesOf(from: TransitionSource): AsyncGenerator<Piece> {
  const { rows } = from.targets;
  const predictors = rowReader('predictors', from.predictors, chunkRows);
  const targets = rowReader('targets', from.targets, chunkRows);
  const weights = from.weights === null ? null : rowReader('weights', from.weights, chunkRows);
  try {
    for (let firstRow = 0; firstRow < rows; firstRow += chunkRows) {
      const count = Math.min(chunkRows, rows - firstRow);
      const x = matrix(count, from.predictors.columns);
      const d = matrix(count, from.units);
      const w = weights === null ? null : matrix(count, from.units);
      await predictors.next(count, x.data, 0);
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

/** X Theta, where the last row of Theta may be the bias. */
const currentsOf = (host: Host, x: Matrix, theta: Matrix): Matrix => {
  const units = theta.columns;
  const z = host.matMul(x, matrix(x.columns, units, theta.data.subarray(0, x.columns * units)));
  if (theta.rows === x.columns) return z;
  const bias = theta.data.subarray(x.columns * units);
  for (let i = 0; i < z.data.length; i++) z.data[i]! += bias[i % units]!;
  return z;
};

/** From z to (d - tanh z) / sqrt(V), in place; NaN marks a sample that is missing. */
const standardise = (
  z: Matrix,
  targets: Matrix,
  weights: Matrix | null,
  input: Float64Array,
  output: Float64Array,
): void => {
  const units = z.columns;
  for (let i = 0; i < z.data.length; i++) {
    if (weights?.data[i] === 0) {
      z.data[i] = Number.NaN;
      continue;
    }
    const j = i % units;
    const mu = Math.tanh(z.data[i]!);
    const deviation = Math.hypot(input[j]! * (1 - mu) * (1 + mu), output[j]!);
    const residual = (targets.data[i]! - mu) / deviation;
    if (!Number.isFinite(residual)) {
      throw failure({
        path: 'noise',
        seen: `a residual of ${targets.data[i]! - mu} in unit ${j} where the noise has a standard deviation of ${deviation}`,
        expected: 'a noise above 0 for every sample, and finite targets',
        hint: 'give noise.output a floor',
      });
    }
    z.data[i] = residual;
  }
};

/** Bins of log |e|: half a percent each, from 1e-12 to 1e12. */
const binsAnUnit = 200;
const binOfOne = Math.round(12 * Math.LN10 * binsAnUnit);

/** Sums over residuals: their number does not matter to its size. */
interface Tally {
  samples: number;
  /** Of e^2 and e^4. */
  square: number;
  fourth: number;
  readonly sizes: Float64Array;
  readonly unitSquare: Float64Array;
  readonly unitSamples: Float64Array;
  /** By lag: of e_t e_(t+k), of their squares' mean, and their number. */
  readonly products: Float64Array;
  readonly powers: Float64Array;
  readonly pairs: Float64Array;
  /** The last rows of residuals, drawn in, row t at t modulo `lags`, with their frames. */
  readonly recent: Matrix;
  readonly recentFrames: Float64Array;
  rows: number;
}

const newTally = (units: number): Tally => ({
  samples: 0,
  square: 0,
  fourth: 0,
  sizes: new Float64Array(2 * binOfOne + 1),
  unitSquare: new Float64Array(units),
  unitSamples: new Float64Array(units),
  products: new Float64Array(lags),
  powers: new Float64Array(lags),
  pairs: new Float64Array(lags),
  recent: matrix(lags, units),
  recentFrames: new Float64Array(lags).fill(Number.NaN),
  rows: 0,
});

const addPiece = (tally: Tally, residuals: Matrix, frameOf: (row: number) => number): void => {
  const { columns: units, data } = residuals;
  for (let i = 0; i < data.length; i++) {
    const e = data[i]!;
    if (Number.isNaN(e)) continue;
    const j = i % units;
    tally.samples++;
    tally.square += e * e;
    tally.fourth += e ** 4;
    tally.unitSquare[j]! += e * e;
    tally.unitSamples[j]!++;
    const bin = binOfOne + Math.round(Math.log(Math.abs(e)) * binsAnUnit);
    tally.sizes[Math.min(2 * binOfOne, Math.max(0, bin))]!++;
    data[i] = Math.min(drawnIn, Math.max(-drawnIn, e));
  }
  const { recent, recentFrames } = tally;
  for (let row = 0; row < residuals.rows; row++) {
    const now = data.subarray(row * units, (row + 1) * units);
    const frame = frameOf(row);
    for (let k = 1; k <= Math.min(lags, tally.rows); k++) {
      const slot = (tally.rows - k) % lags;
      if (frame - recentFrames[slot]! !== k) continue;
      addProducts(tally, k - 1, now, recent.data, slot * units);
    }
    const slot = tally.rows % lags;
    recent.data.set(now, slot * units);
    recentFrames[slot] = frame;
    tally.rows++;
  }
};

const addProducts = (tally: Tally, lag: number, now: Float64Array, before: Float64Array, at: number): void => {
  let [products, powers, pairs] = [0, 0, 0];
  for (let j = 0; j < now.length; j++) {
    const [a, b] = [now[j]!, before[at + j]!];
    if (Number.isNaN(a) || Number.isNaN(b)) continue;
    products += a * b;
    powers += (a * a + b * b) / 2;
    pairs++;
  }
  tally.products[lag]! += products;
  tally.powers[lag]! += powers;
  tally.pairs[lag]! += pairs;
};

/** The size that half of all residuals exceed. */
const medianSize = ({ sizes, samples }: Tally): number => {
  let below = 0;
  for (let bin = 0; bin < sizes.length; bin++) {
    below += sizes[bin]!;
    if (below >= samples / 2) return Math.exp((bin - binOfOne) / binsAnUnit);
  }
  return 0;
};

const fractionBeyond = ({ sizes, samples }: Tally, size: number): number => {
  const first = binOfOne + Math.log(size) * binsAnUnit;
  let count = 0;
  for (let bin = Math.max(0, Math.ceil(first)); bin < sizes.length; bin++) count += sizes[bin]!;
  return samples === 0 ? 0 : count / samples;
};

/** Of a Gaussian law: 1 / (the 75% quantile). */
const gaussianMedian = 1.482602218505602;

/** `share`: the most that errors of the weights may add to the variance of residuals, as a fraction of it. */
const judge = (tally: Tally, share: number): CalibrationCheck => {
  const { samples } = tally;
  const spread = gaussianMedian * medianSize(tally);
  const deviation = Math.sqrt(tally.square / Math.max(1, samples));
  const excessKurtosis = tally.square > 0 ? (tally.fourth * samples) / tally.square ** 2 - 3 : 0;
  const beyond = { two: fractionBeyond(tally, 2 * spread), four: fractionBeyond(tally, 4 * spread) };
  const autocorrelation = tally.products.map((sum, k) => (tally.powers[k]! > 0 ? sum / tally.powers[k]! : 0));
  const lost = tally.pairs.findIndex((pairs, k) => !(autocorrelation[k]! > 2 / Math.sqrt(pairs)));
  const seen = autocorrelation.subarray(0, lost < 0 ? lags : lost);
  const unlikeUnits = unlike(tally, deviation, share);
  const found: CalibrationCheck = {
    trustworthy: true,
    reasons: [],
    samples,
    spread,
    deviation,
    excessKurtosis,
    beyond,
    autocorrelation,
    autocorrelationTime: 1 + 2 * seen.reduce((sum, rho) => sum + rho, 0),
    unlikeUnits,
  };
  const reasons = reasonsOf(found, tally, share);
  return { ...found, trustworthy: reasons.length === 0, reasons };
};

/** The fraction of units whose deviation differs from that of all by more than chance and what is tolerated. */
const unlike = ({ unitSquare, unitSamples }: Tally, deviation: number, share: number): number => {
  let [different, counted] = [0, 0];
  unitSquare.forEach((square, j) => {
    const count = unitSamples[j]!;
    if (count === 0) return;
    counted++;
    const chance = sigmas / Math.sqrt(2 * count);
    const ratio = Math.abs(Math.log(Math.sqrt(square / count) / deviation));
    if (ratio > Math.log(tolerated.unitDeviation * Math.sqrt(1 + share)) + chance) different++;
  });
  return counted === 0 ? 0 : different / counted;
};

const reasonsOf = (found: CalibrationCheck, tally: Tally, share: number): readonly string[] => {
  const { samples, spread, excessKurtosis, beyond, autocorrelation, unlikeUnits } = found;
  const reasons: string[] = [];
  if (samples < fewestSamples)
    reasons.push(`${samples} held-out samples are too few to tell; ${fewestSamples} are enough`);
  const most = tolerated.spread * Math.sqrt(1 + share);
  const spreadChance = 1 + (sigmas * 1.17) / Math.sqrt(Math.max(1, samples));
  if (spread > most * spreadChance || spread < 1 / (tolerated.spread * spreadChance)) {
    reasons.push(
      `held-out residuals are ${spread.toPrecision(3)} times as large as the noise levels say (up to ${most.toPrecision(3)} is expected): standard errors are ${spread > 1 ? 'too small' : 'too large'}`,
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
  if (Math.abs(excessKurtosis) > tolerated.kurtosis + 2 * share + kurtosisChance) {
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
  if (Math.abs(rho) > tolerated.autocorrelation + share / (1 + share) + sigmas / Math.sqrt(pairs)) {
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
