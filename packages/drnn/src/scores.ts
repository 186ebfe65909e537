import type { Transfer } from '@drnn/objectives';
import type { Transitions } from '@drnn/simulator';
import { type Host, mapMatrix, matrix, type Matrix, pointwise } from '@drnn/tensor';
import { type RowSweeps, sweepMemory, type TransitionPiece } from './row-sweeps.js';
import type { HeldOutTraces, HorizonScore, Score, Scores } from './report/report-data.js';

/** A fitted network in scaled units, as the scores need it: Theta [unit + input + bias, unit]. */
export interface ScoredModel {
  readonly theta: Matrix;
  readonly bias: boolean;
  readonly transfer: Transfer;
  readonly scale: Float64Array;
  readonly offset: Float64Array;
}

/**
 * Scores a model on held-out transitions. R2 = 1 - SSE / SST over held-out samples, SST about the *training* mean,
 * pooled over units in the recording's units, and the median over units. Drive is d itself, one step is r[t+1] from
 * r[t]; the closed loop starts from the recorded state every `horizon` frames and is scored at the given leads.
 */
export const scoresOf = (
  host: Host,
  model: ScoredModel,
  train: Transitions,
  heldOut: Transitions,
  horizon: number,
): Scores => scoresBeside(host, model, sweepMemory(trivialSweeps(train.alpha), train), heldOut, horizon);

/** What trivial predictors learn from the training transitions, [unit]. */
export interface Trivial {
  /** Means of r[t+1] and of d over observed targets. */
  readonly next: Float64Array;
  readonly drive: Float64Array;
  /** r[t+1] = next + slope (r[t] - now), by least squares for each unit on its own. */
  readonly now: Float64Array;
  readonly slope: Float64Array;
}

/** What trivial predictors learn, in two sweeps. */
export function* trivialSweeps(alpha: Float64Array): RowSweeps<Trivial> {
  const units = alpha.length;
  const zeros = (): Float64Array => new Float64Array(units);
  const [next, drive, now, count] = [zeros(), zeros(), zeros(), zeros()];
  const each = (piece: TransitionPiece, see: (j: number, r: number, d: number, after: number) => void): void => {
    const { predictors, targets, weights } = piece;
    for (let i = 0; i < targets.data.length; i++) {
      if (weights !== null && weights.data[i] === 0) continue;
      const j = i % units;
      const r = predictors.data[((i - j) / units) * predictors.columns + j]!;
      const d = targets.data[i]!;
      see(j, r, d, (1 - alpha[j]!) * r + alpha[j]! * d);
    }
  };
  yield (piece) =>
    each(piece, (j, r, d, after) => {
      next[j]! += after;
      drive[j]! += d;
      now[j]! += r;
      count[j]!++;
    });
  for (const sums of [next, drive, now]) sums.forEach((sum, j) => (sums[j] = count[j]! > 0 ? sum / count[j]! : 0));
  const [xx, xy] = [zeros(), zeros()];
  yield (piece) =>
    each(piece, (j, r, _, after) => {
      xx[j]! += (r - now[j]!) ** 2;
      xy[j]! += (r - now[j]!) * (after - next[j]!);
    });
  return { next, drive, now, slope: xx.map((square, j) => (square > 0 ? xy[j]! / square : 0)) };
}

/** `scoresOf` beside what trivial predictors have learnt. */
export const scoresBeside = (
  host: Host,
  model: ScoredModel,
  trivial: Trivial,
  heldOut: Transitions,
  horizon: number,
): Scores => {
  const { units } = heldOut;
  const next = nextStates(heldOut);
  const drive = predictedDrive(host, model, heldOut.predictors);
  const step = advance(heldOut.predictors, drive, heldOut.alpha);
  const score = (predicted: Matrix, actual: Matrix, mean: Float64Array): UnitScores =>
    determination(predicted, actual, heldOut.weights, mean, model.scale);
  const oneStep = score(step, next, trivial.next);
  const driveScore = score(drive, heldOut.targets, trivial.drive);
  const current = statesOf(heldOut.predictors, units);
  const windows = restarts(heldOut, horizon);
  const leads = [...new Set([horizon / 10, horizon / 3, horizon].map((h) => Math.max(1, Math.round(h))))];
  const loops = runLoops(host, model, heldOut, windows, horizon);
  const atLead = (lead: number, persist: boolean): HorizonScore | null => {
    const rows = windows.flatMap((first, k) => (lead <= loops.lengths[k]! ? [{ first, k }] : []));
    if (rows.length === 0) return null;
    const predicted = matrix(rows.length, units);
    const actual = matrix(rows.length, units);
    const weights = heldOut.weights === null ? null : matrix(rows.length, units);
    rows.forEach(({ first, k }, i) => {
      const last = first + lead - 1;
      const from = persist ? current.data.subarray(first * units, (first + 1) * units) : loops.state(lead, k);
      predicted.data.set(from, i * units);
      actual.data.set(next.data.subarray(last * units, (last + 1) * units), i * units);
      weights?.data.set(heldOut.weights!.data.subarray(last * units, (last + 1) * units), i * units);
    });
    const result = determination(predicted, actual, weights, trivial.next, model.scale);
    return { horizon: lead, pooled: result.score.pooled, median: result.score.median };
  };
  const all = (persist: boolean): readonly HorizonScore[] =>
    leads.map((lead) => atLead(lead, persist)).filter((entry) => entry !== null);
  return {
    oneStep: oneStep.score,
    drive: driveScore.score,
    closedLoop: all(false),
    baseline: {
      oneStep: {
        persistence: score(current, next, trivial.next).score,
        autoregression: score(autoregression(trivial, current), next, trivial.next).score,
      },
      drive: { mean: score(repeatRow(trivial.drive, heldOut.targets.rows), heldOut.targets, trivial.drive).score },
      closedLoop: { persistence: all(true) },
    },
    byUnit: { oneStep: oneStep.byUnit, drive: driveScore.byUnit },
  };
};

/** A stretch of held-out frames with its predictions in the recording's units, for up to `shown` units. */
export const tracesOf = (
  host: Host,
  model: ScoredModel,
  heldOut: Transitions,
  horizon: number,
  unitNames: readonly string[],
  shown = 6,
  longest = 400,
): HeldOutTraces => {
  const { units } = heldOut;
  const length = Math.min(longest, runLength(heldOut, 0));
  const next = nextStates(heldOut);
  const step = advance(heldOut.predictors, predictedDrive(host, model, heldOut.predictors), heldOut.alpha);
  const windows: number[] = [];
  for (let first = 0; first < length; first += horizon) windows.push(first);
  const loops = runLoops(host, model, heldOut, windows, horizon);
  // Units spread over the range of their spread, so that the figure is not a choice of the best.
  const spread = columnSpread(next);
  const order = Array.from({ length: units }, (_, j) => j).sort((a, b) => spread[b]! - spread[a]!);
  const chosen = Array.from(
    { length: Math.min(shown, units) },
    (_, k) => order[Math.floor((k * units) / Math.min(shown, units))]!,
  );
  const pick = (row: (frame: number) => ArrayLike<number>): Matrix => {
    const result = matrix(length, chosen.length);
    for (let t = 0; t < length; t++) {
      const values = row(t);
      chosen.forEach((j, k) => {
        result.data[t * chosen.length + k] = values[j]! * model.scale[j]! + model.offset[j]!;
      });
    }
    return result;
  };
  const rowOf =
    (a: Matrix) =>
    (t: number): Float64Array =>
      a.data.subarray(t * units, (t + 1) * units);
  const recorded = pick(rowOf(next));
  if (heldOut.weights !== null) {
    for (let t = 0; t < length; t++) {
      chosen.forEach((j, k) => {
        if (heldOut.weights!.data[t * units + j] === 0) recorded.data[t * chosen.length + k] = Number.NaN;
      });
    }
  }
  return {
    units: chosen.map((j) => unitNames[j] ?? `unit ${j}`),
    frames: heldOut.frames.slice(0, length).map((frame) => frame + 1),
    recorded,
    oneStep: pick(rowOf(step)),
    closedLoop: pick((t) => loops.state((t % horizon) + 1, Math.floor(t / horizon))),
    restarts: Int32Array.from(windows, (first) => heldOut.frames[first]! + 1),
  };
};

/** phi(X Theta), the predicted drive [transition, unit] in scaled units. */
export const predictedDrive = (host: Host, model: ScoredModel, predictors: Matrix): Matrix => {
  const { theta, bias, transfer } = model;
  const used = {
    rows: predictors.columns,
    columns: theta.columns,
    data: theta.data.subarray(0, predictors.columns * theta.columns),
  };
  const z = host.matMul(predictors, used);
  if (bias) {
    const b = theta.data.subarray(predictors.columns * theta.columns);
    for (let i = 0; i < z.data.length; i++) z.data[i]! += b[i % z.columns]!;
  }
  return mapMatrix(
    pointwise(({ z: current }) => transfer.transfer(current)),
    { z },
  );
};

/** (1 - a) r + a d for the states of `predictors` and drives [transition, unit]. */
const advance = (predictors: Matrix, drive: Matrix, alpha: Float64Array): Matrix => {
  const result = matrix(drive.rows, drive.columns);
  for (let t = 0; t < drive.rows; t++) {
    for (let j = 0; j < drive.columns; j++) {
      const i = t * drive.columns + j;
      result.data[i] = (1 - alpha[j]!) * predictors.data[t * predictors.columns + j]! + alpha[j]! * drive.data[i]!;
    }
  }
  return result;
};

/** r[t+1], from the target that was made of it. */
const nextStates = (of: Transitions): Matrix => advance(of.predictors, of.targets, of.alpha);

const statesOf = (predictors: Matrix, units: number): Matrix => {
  const result = matrix(predictors.rows, units);
  for (let t = 0; t < predictors.rows; t++) {
    result.data.set(predictors.data.subarray(t * predictors.columns, t * predictors.columns + units), t * units);
  }
  return result;
};

/** How many transitions from row `first` on follow each other frame by frame inside one trial. */
const runLength = (of: Transitions, first: number): number => {
  const ends = new Set(of.trialStarts);
  let last = first;
  while (last + 1 < of.frames.length && of.frames[last + 1] === of.frames[last]! + 1 && !ends.has(last + 1)) last++;
  return last - first + 1;
};

/** Rows from which the closed loop starts: every `horizon` frames of every unbroken stretch. */
const restarts = (of: Transitions, horizon: number): readonly number[] => {
  const starts: number[] = [];
  for (let row = 0; row < of.frames.length;) {
    const length = runLength(of, row);
    for (let offset = 0; offset < length; offset += horizon) starts.push(row + offset);
    row += length;
  }
  return starts;
};

/** Runs the network from each window's recorded state with the recorded inputs, all windows at once. */
const runLoops = (
  host: Host,
  model: ScoredModel,
  of: Transitions,
  windows: readonly number[],
  horizon: number,
): { readonly lengths: readonly number[]; readonly state: (lead: number, window: number) => Float64Array } => {
  const { units } = of;
  const columns = of.predictors.columns;
  const lengths = windows.map((first) => Math.min(horizon, runLength(of, first)));
  const states: Matrix[] = [];
  let state = matrix(windows.length, columns);
  windows.forEach((first, k) =>
    state.data.set(of.predictors.data.subarray(first * columns, (first + 1) * columns), k * columns),
  );
  for (let lead = 1; lead <= Math.max(0, ...lengths); lead++) {
    const moved = advance(state, predictedDrive(host, model, state), of.alpha);
    states.push(moved);
    const following = matrix(windows.length, columns);
    windows.forEach((first, k) => {
      const row = Math.min(first + lead, of.predictors.rows - 1);
      following.data.set(of.predictors.data.subarray(row * columns + units, (row + 1) * columns), k * columns + units);
      following.data.set(moved.data.subarray(k * units, (k + 1) * units), k * columns);
    });
    state = following;
  }
  return { lengths, state: (lead, window) => states[lead - 1]!.data.subarray(window * units, (window + 1) * units) };
};

interface UnitScores {
  readonly score: Score;
  readonly byUnit: Float64Array;
}

const determination = (
  predicted: Matrix,
  actual: Matrix,
  weights: Matrix | null,
  mean: Float64Array,
  scale: Float64Array,
): UnitScores => {
  const { rows, columns } = actual;
  const error = new Float64Array(columns);
  const total = new Float64Array(columns);
  for (let i = 0; i < rows * columns; i++) {
    if (weights !== null && weights.data[i] === 0) continue;
    const j = i % columns;
    const e = (predicted.data[i]! - actual.data[i]!) ** 2;
    // A network that has left the numbers is infinitely wrong, not unknown.
    error[j]! += Number.isFinite(e) ? e : Infinity;
    total[j]! += (actual.data[i]! - mean[j]!) ** 2;
  }
  const byUnit = error.map((e, j) => (total[j]! > 0 ? 1 - e / total[j]! : Number.NaN));
  let [allError, allTotal] = [0, 0];
  for (let j = 0; j < columns; j++) {
    allError += error[j]! * scale[j]! ** 2;
    allTotal += total[j]! * scale[j]! ** 2;
  }
  return { score: { pooled: allTotal > 0 ? 1 - allError / allTotal : Number.NaN, median: medianOf(byUnit) }, byUnit };
};

const medianOf = (values: Float64Array): number => {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

const columnMeans = (a: Matrix, weights: Matrix | null): Float64Array => {
  const total = new Float64Array(a.columns);
  const count = new Float64Array(a.columns);
  for (let i = 0; i < a.data.length; i++) {
    if (weights !== null && weights.data[i] === 0) continue;
    total[i % a.columns]! += a.data[i]!;
    count[i % a.columns]!++;
  }
  return total.map((x, j) => (count[j]! > 0 ? x / count[j]! : 0));
};

const columnSpread = (a: Matrix): Float64Array => {
  const mean = columnMeans(a, null);
  const total = new Float64Array(a.columns);
  for (let i = 0; i < a.data.length; i++) total[i % a.columns]! += (a.data[i]! - mean[i % a.columns]!) ** 2;
  return total;
};

const repeatRow = (row: Float64Array, times: number): Matrix => {
  const result = matrix(times, row.length);
  for (let t = 0; t < times; t++) result.data.set(row, t * row.length);
  return result;
};

const autoregression = ({ next, now, slope }: Trivial, current: Matrix): Matrix => {
  const { columns } = current;
  const result = matrix(current.rows, columns);
  for (let i = 0; i < result.data.length; i++) {
    const j = i % columns;
    result.data[i] = next[j]! + slope[j]! * (current.data[i]! - now[j]!);
  }
  return result;
};
