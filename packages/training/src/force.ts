import { fillGaussian, type Observations, randomStream, type Transitions, transitions } from '@drnn/simulator';
import { DrnnError, firstNonFinite, type Issue, matrix, type Matrix, transpose } from '@drnn/tensor';
import { outerProductStep } from './outer-product-step.js';
import { recursiveLeastSquares } from './recursive-least-squares.js';
import { turn } from './turn.js';

export interface ForceOptions {
  /**
   * What the error is taken on: `currents`, e = z - atanh(d) (the original rule), or `rates`, e = (r - r_data) / a of
   * the state that follows (the modified rule; Perich et al. 2021). Default `currents`.
   */
  readonly form?: 'currents' | 'rates';
  /** lambda, with P = I / lambda at the start of each epoch. Default 200, the authors' of experiment 1. */
  readonly lambda?: number;
  /** The same for the inputs, which have a P of their own. Default 1. */
  readonly inputLambda?: number;
  /** g of the random start, W_ij ~ N(0, g^2 / N) and Win_ij ~ N(0, g^2 / M). Default 2; the authors' are 2 to 3. */
  readonly gain?: number;
  /**
   * Theta `[unit + input, unit]` to start from, instead of at random: CORNN's fixed point, say. The authors' has a ridge
   * of lambda / T in all, which is `ridge: lambda / T ** 2` of a `problem` without bias.
   */
  readonly start?: Matrix;
  /** Passes over the recording. Default 5; the authors go up to 100. */
  readonly epochs?: number;
  /** Of the random start; a stream apart from those of `randomNetwork`. Default 1. */
  readonly seed?: number;
  /** Ends the training soon after it is aborted, in the middle of an epoch too. */
  readonly signal?: AbortSignal;
}

/** Where the training stands at the end of an epoch, or where it was aborted. */
export interface ForceEpoch {
  /** Passes over the recording so far: whole, unless an abort cut the last one short. */
  readonly epochs: number;
  /** Theta = [W | Win]' `[unit + input, unit]`, a copy. */
  readonly theta: Matrix;
  /** The root mean square of the errors of this epoch, each taken before the weights moved. */
  readonly error: number;
  /** Of work since the start, without what the caller did between two epochs. */
  readonly seconds: number;
}

export type ForceStatus = 'max-epochs' | 'aborted' | 'non-finite';

export interface ForceResult {
  /** [unit + input, unit]: of the last epoch that was finite, or the start. */
  readonly theta: Matrix;
  readonly status: ForceStatus;
  readonly epochs: number;
  readonly seconds: number;
  readonly trace: readonly Omit<ForceEpoch, 'theta'>[];
}

export interface ForceRunOptions extends ForceOptions {
  /** Called after each epoch; its time does not count. */
  readonly onEpoch?: (epoch: ForceEpoch) => void | Promise<void>;
}

/** Targets are kept this far inside of (-1, 1), as CORNN's are, so that atanh(d) is finite. */
const targetMargin = 1e-6;

/** Milliseconds of work from one turn of the event loop to the next. */
const patience = 20;

/** The recording as FORCE sees it. */
interface Lesson {
  /** [transition, unit + input]; of the rates only those are read at which the network is set anew. */
  readonly predictors: Matrix;
  /** [transition, unit]: atanh(d) or the next rates. */
  readonly goals: Matrix;
  readonly weights: Matrix | null;
  /** [transition]: 1 where the frame before is not the predecessor. */
  readonly setsAnew: Uint8Array;
  readonly units: number;
  readonly inputs: number;
  readonly alpha: Float64Array;
}

const lessonOf = (from: Transitions, form: 'currents' | 'rates'): Lesson => {
  const { predictors, targets, weights, frames, trialStarts, units, inputs, alpha } = from;
  const goals = matrix(targets.rows, units);
  for (let t = 0; t < targets.rows; t++) {
    for (let j = 0; j < units; j++) {
      const d = targets.data[t * units + j]!;
      const r = predictors.data[t * predictors.columns + j]!;
      goals.data[t * units + j] =
        form === 'currents'
          ? Math.atanh(Math.min(1 - targetMargin, Math.max(targetMargin - 1, d)))
          : (1 - alpha[j]!) * r + alpha[j]! * d;
    }
  }
  const setsAnew = new Uint8Array(targets.rows);
  for (let t = 1; t < targets.rows; t++) setsAnew[t] = frames[t] === frames[t - 1]! + 1 ? 0 : 1;
  for (const t of trialStarts) setsAnew[t] = 1;
  return { predictors, goals, weights, setsAnew, units, inputs, alpha };
};

const optionIssues = (options: ForceOptions, predictors: number, units: number): Issue[] => {
  const { lambda = 200, inputLambda = 1, gain = 2, start, epochs = 5, seed = 1 } = options;
  const form: string = options.form ?? 'currents';
  const issues: Issue[] = [];
  if (form !== 'currents' && form !== 'rates') {
    issues.push({ path: 'form', seen: form, expected: 'currents or rates' });
  }
  for (const [path, value] of [
    ['lambda', lambda],
    ['inputLambda', inputLambda],
  ] as const) {
    if (value > 0 && value < Number.POSITIVE_INFINITY) continue;
    issues.push({ path, seen: `${value}`, expected: 'a positive number' });
  }
  if (!(gain >= 0 && gain < Number.POSITIVE_INFINITY)) {
    issues.push({ path: 'gain', seen: `${gain}`, expected: 'a finite number, 0 or more' });
  }
  if (!(Number.isSafeInteger(epochs) && epochs >= 1)) {
    issues.push({ path: 'epochs', seen: `${epochs}`, expected: 'a whole number, 1 or more' });
  }
  if (!Number.isSafeInteger(seed)) issues.push({ path: 'seed', seen: `${seed}`, expected: 'a whole number' });
  if (start === undefined) return issues;
  if (start.rows !== predictors || start.columns !== units || start.data.length !== predictors * units) {
    const hint =
      start.rows === predictors + 1 && start.columns === units
        ? { hint: 'leave out the bias: problem(..., { bias: false })' }
        : {};
    issues.push({
      path: 'start',
      seen: `[${start.rows}, ${start.columns}] with ${start.data.length} numbers`,
      expected: `[predictor=${predictors}, unit=${units}]`,
      ...hint,
    });
    return issues;
  }
  const at = firstNonFinite(start.data);
  if (at >= 0) issues.push({ path: 'start', seen: `${start.data[at]} at entry ${at}`, expected: 'finite numbers' });
  return issues;
};

/** The transitions, after everything that is wrong with them and the options is known. */
const accept = (source: Observations | Transitions, options: ForceOptions): Transitions => {
  const issues: Issue[] = [];
  let accepted: Transitions | null = null;
  try {
    accepted = 'targets' in source ? source : transitions(source);
  } catch (error) {
    if (!(error instanceof DrnnError)) throw error;
    issues.push(...error.issues);
  }
  if (accepted === source) {
    for (const path of ['predictors', 'targets'] as const) {
      const { columns, data } = accepted[path];
      const at = firstNonFinite(data);
      if (at < 0) continue;
      issues.push({
        path,
        seen: `${data[at]} at transition ${Math.floor(at / columns)}, column ${at % columns}`,
        expected: 'finite numbers',
      });
    }
  }
  const { units, inputs } = sizesOf(source);
  issues.push(...optionIssues(options, units + inputs, units));
  if (accepted === null || issues.length > 0) throw new DrnnError(issues);
  return accepted;
};

const sizesOf = (source: Observations | Transitions): { readonly units: number; readonly inputs: number } =>
  'targets' in source ? source : { units: source.rates.columns, inputs: source.inputs?.columns ?? 0 };

/** Weights, row = target; columns `[from, from + columns)` of the predictors of a start, else at random. */
const startWeights = (
  { start, gain = 2, seed = 1 }: ForceOptions,
  name: string,
  rows: number,
  columns: number,
  from: number,
): Matrix => {
  if (start !== undefined) {
    const part = start.data.slice(from * rows, (from + columns) * rows);
    return transpose(matrix(columns, rows, part));
  }
  const stream = randomStream(seed, name);
  const result = matrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    fillGaussian(stream(i), gain / Math.sqrt(columns), result.data.subarray(i * columns, (i + 1) * columns));
  }
  return result;
};

/**
 * FORCE learning (Sussillo & Abbott 2009) of all weights of a network from a recording, an epoch at a time:
 *
 *     z = W r + Win u,   e = z - atanh(d)  or  ((1 - a) r + a tanh z - r_data[t+1]) / a
 *     P <- P - P r r' P / (1 + r' P r),   W <- W - e (P r)',   and for the inputs likewise, with a P of their own
 *     r <- (1 - a) r + a tanh(W r + Win u),   with the new weights
 *
 * r is the network's own: it is set to the data at the first frame of a trial, and after a gap, and runs free from
 * there. P is I / lambda again at the start of each epoch. The self-connections are free and there is no bias. A target
 * that was not observed makes no error.
 *
 * This is a baseline, as published; no objective is minimised and the free run of a chaotic network departs from the
 * data. Errors: a `DrnnError` with everything that is wrong with the recording and the options, thrown at the call. The
 * generator returns its status; weights that are not finite any more are never yielded. Cost per transition 5 N^2
 * multiply-adds in float64 and one sweep each over W and half of P, in plain loops on one thread; nothing is allocated.
 * Source: specs cornn.md section 5.
 */
export const forceEpochs = (
  source: Observations | Transitions,
  options: ForceOptions = {},
): AsyncGenerator<ForceEpoch, ForceStatus, void> => {
  const began = performance.now();
  const lesson = lessonOf(accept(source, options), options.form ?? 'currents');
  return epochsOf(lesson, options, performance.now() - began);
};

async function* epochsOf(
  lesson: Lesson,
  options: ForceOptions,
  millisecondsBefore: number,
): AsyncGenerator<ForceEpoch, ForceStatus, void> {
  const { form = 'currents', lambda = 200, inputLambda = 1, epochs = 5, signal } = options;
  const { predictors, goals, weights, setsAnew, units, inputs, alpha } = lesson;
  const steps = goals.rows;
  let worked = millisecondsBefore;
  let resumed = performance.now();

  const W = startWeights(options, 'force-W', units, units, 0);
  const Win = startWeights(options, 'force-Win', units, inputs, units);
  const recurrent = recursiveLeastSquares(units, lambda);
  const driven = recursiveLeastSquares(inputs, inputLambda);
  const r = new Float64Array(units);
  const z = new Float64Array(units);
  // The last step of the weights, -error gain', is taken in the sweep that needs them next.
  const error = new Float64Array(units);
  let gain = new Float64Array(units);
  let gainNext = new Float64Array(units);
  let inputGain = new Float64Array(inputs);
  let inputGainNext = new Float64Array(inputs);
  const theta = (): Matrix => {
    const result = matrix(units + inputs, units);
    for (let j = 0; j < units; j++) {
      for (let i = 0; i < units; i++) {
        result.data[i * units + j] = W.data[j * units + i]! - error[j]! * gain[i]!;
      }
      for (let k = 0; k < inputs; k++) {
        result.data[(units + k) * units + j] = Win.data[j * inputs + k]! - error[j]! * inputGain[k]!;
      }
    }
    return result;
  };

  for (let epoch = 0; epoch < epochs; epoch++) {
    recurrent.reset();
    driven.reset();
    let squares = 0;
    let count = 0;
    let t = 0;
    for (; t < steps; t++) {
      const now = performance.now();
      if (now - resumed > patience) {
        worked += now - resumed;
        await turn();
        resumed = performance.now();
      }
      if (signal?.aborted === true) break;
      const row = predictors.data.subarray(t * predictors.columns, (t + 1) * predictors.columns);
      if (setsAnew[t] === 1) r.set(row.subarray(0, units));
      const u = row.subarray(units);

      const leverage = recurrent.absorb(r, gainNext) + driven.absorb(u, inputGainNext);
      z.fill(0);
      outerProductStep(W, error, gain, r, z);
      if (inputs > 0) outerProductStep(Win, error, inputGain, u, z);
      [gain, gainNext] = [gainNext, gain];
      [inputGain, inputGainNext] = [inputGainNext, inputGain];

      const at = t * units;
      for (let j = 0; j < units; j++) {
        const a = alpha[j]!;
        const rest = (1 - a) * r[j]!;
        const goal = goals.data[at + j]!;
        let e = form === 'currents' ? z[j]! - goal : (rest + a * Math.tanh(z[j]!) - goal) / a;
        if (weights !== null && weights.data[at + j] === 0) e = 0;
        else count++;
        squares += e * e;
        error[j] = e;
        // W r + Win u with the new weights.
        r[j] = rest + a * Math.tanh(z[j]! - e * leverage);
      }
    }
    if (t > 0) {
      const state = theta();
      const rms = Math.sqrt(squares / Math.max(count, 1));
      worked += performance.now() - resumed;
      if (firstNonFinite(state.data) >= 0 || !Number.isFinite(rms)) return 'non-finite';
      yield { epochs: epoch + t / steps, theta: state, error: rms, seconds: worked / 1000 };
      resumed = performance.now();
    }
    if (t < steps) return 'aborted';
  }
  return 'max-epochs';
}

/** Trains by `forceEpochs` to the end; never throws for what happens in the training. */
export const force = async (
  source: Observations | Transitions,
  options: ForceRunOptions = {},
): Promise<ForceResult> => {
  const training = forceEpochs(source, options);
  const trace: Omit<ForceEpoch, 'theta'>[] = [];
  let latest: ForceEpoch | null = null;
  for (;;) {
    const next = await training.next();
    if (next.done === true) {
      return {
        theta: latest?.theta ?? startOf(source, options),
        status: next.value,
        epochs: latest?.epochs ?? 0,
        seconds: latest?.seconds ?? 0,
        trace,
      };
    }
    latest = next.value;
    trace.push({ epochs: latest.epochs, error: latest.error, seconds: latest.seconds });
    await options.onEpoch?.(latest);
  }
};

/** Theta that the training starts from. */
const startOf = (source: Observations | Transitions, options: ForceOptions): Matrix => {
  const { units, inputs } = sizesOf(source);
  const result = matrix(units + inputs, units);
  result.data.set(transpose(startWeights(options, 'force-W', units, units, 0)).data);
  result.data.set(transpose(startWeights(options, 'force-Win', units, inputs, units)).data, units * units);
  return result;
};
