import { fillGaussian, randomNetwork, randomStream } from '@drnn/simulator';
import { add, type Host, matrix, type Matrix, mul, pointwise, sub, tanh } from '@drnn/tensor';

/** Trials of a chaotic network that starts somewhere else each time, so that its activity spans all directions. */
export interface Recording {
  readonly units: number;
  /** Transitions of all trials together. */
  readonly steps: number;
  readonly trials: number;
  /** [trial * (steps / trials + 1), unit]: the frames of one trial after those of another. */
  readonly rates: Matrix;
  /** Where passes look, [predictor, unit]: the parameters that made it, made smaller, so that no gradient is all rounding. */
  readonly theta: Matrix;
}

export const alpha = 0.1;
const trials = 50;
const noise = 0.01;
const shrink = 0.8;

/** gain 3, alpha 0.1, Gaussian input noise of 0.01; all trials run at once, as products of a batch. */
export const makeRecording = (host: Host, units: number, steps: number): Recording => {
  if (steps % trials !== 0) throw new Error(`steps: saw ${steps}, expected a multiple of ${trials}`);
  const length = steps / trials;
  const { W } = randomNetwork({ units, gain: 3, seed: 1 });
  const stream = randomStream(1, 'bench');
  const initial = matrix(trials, units);
  fillGaussian(stream(0), 0.5, initial.data);
  for (let i = 0; i < initial.data.length; i++) initial.data[i] = Math.tanh(initial.data[i]!);
  const drive = matrix(steps, units);
  fillGaussian(stream(1), noise, drive.data);
  const { trajectory } = host.scan(
    {
      weights: W,
      initial,
      drive,
      steps: length,
      leak: new Float64Array(units).fill(alpha),
      update: pointwise<'r' | 'z' | 'a'>(({ r, z, a }) => add(mul(sub(1, a), r), mul(a, tanh(z)))),
    },
    true,
  );
  if (trajectory === null) throw new Error('a scan kept no trajectory');
  const rates = matrix(steps + trials, units);
  for (let trial = 0; trial < trials; trial++) {
    for (let t = 0; t <= length; t++) {
      const from = (t * trials + trial) * units;
      rates.data.set(trajectory.data.subarray(from, from + units), (trial * (length + 1) + t) * units);
    }
  }
  const theta = matrix(units, units);
  for (let i = 0; i < units; i++)
    for (let j = 0; j < units; j++) theta.data[j * units + i] = shrink * W.data[i * units + j]!;
  return { units, steps, trials, rates, theta };
};

/** The rates, then the parameters, as they follow each other in a file. */
export const numbersOf = ({ rates, theta }: Recording): readonly Float64Array[] => [rates.data, theta.data];

/** The recording in the numbers of such a file. */
export const recordingOf = (values: Float64Array, units: number, steps: number): Recording => {
  const end = (steps + trials) * units;
  return {
    units,
    steps,
    trials,
    rates: matrix(steps + trials, units, values.subarray(0, end)),
    theta: matrix(units, units, values.subarray(end, end + units * units)),
  };
};

/** What a pass needs, all [transition, unit]: X, targets d, their inverse y, weights 1 / (1 - d^2). */
export interface Samples {
  readonly x: Matrix;
  readonly d: Matrix;
  readonly y: Matrix;
  readonly w: Matrix;
}

/** Targets are kept this far inside of (-1, 1). */
const margin = 1e-6;

export const samplesOf = ({ units, steps, trials: count, rates }: Recording): Samples => {
  const [x, d, y, w] = [matrix(steps, units), matrix(steps, units), matrix(steps, units), matrix(steps, units)];
  const length = (steps / count) * units;
  for (let trial = 0; trial < count; trial++) {
    const from = trial * (length + units);
    const to = trial * length;
    x.data.set(rates.data.subarray(from, from + length), to);
    for (let i = 0; i < length; i++) {
      const target = (rates.data[from + units + i]! - (1 - alpha) * rates.data[from + i]!) / alpha;
      const kept = Math.min(1 - margin, Math.max(margin - 1, target));
      d.data[to + i] = kept;
      y.data[to + i] = Math.atanh(kept);
      w.data[to + i] = 1 / (1 - kept * kept);
    }
  }
  return { x, d, y, w };
};
