import { cornnRecording, randomNetwork, simulate, transitions } from '@drnn/simulator';
import { DrnnError, matrix, type Matrix, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { force, forceEpochs, type ForceOptions } from './force.js';

const correlation = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [sa, sb, aa, bb, ab] = [0, 0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    sa += a[i]!;
    sb += b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
    ab += a[i]! * b[i]!;
  }
  const n = a.length;
  return (ab / n - (sa * sb) / n / n) / Math.sqrt((aa / n - (sa / n) ** 2) * (bb / n - (sb / n) ** 2));
};

const inverseOf = (a: readonly (readonly number[])[]): number[][] => {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let k = 0; k < n; k++) {
    const pivot = rows.findIndex(
      (row, i) => i >= k && row[k] === Math.max(...rows.slice(k).map((each) => each[k] ?? 0)),
    );
    [rows[k], rows[pivot]] = [rows[pivot] ?? [], rows[k] ?? []];
    const scale = rows[k]?.[k] ?? Number.NaN;
    rows[k] = (rows[k] ?? []).map((value) => value / scale);
    for (let i = 0; i < n; i++) {
      const factor = rows[i]?.[k] ?? 0;
      if (i !== k) rows[i] = (rows[i] ?? []).map((value, j) => value - factor * (rows[k]?.[j] ?? 0));
    }
  }
  return rows.map((row) => row.slice(n));
};

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);

/**
 * The published rule said in the most literal way: P is inverted afresh from all samples of the epoch, the network is
 * run with its new weights, and the recording is read frame by frame.
 */
const literal = (
  rates: Matrix,
  inputs: Matrix | null,
  alpha: number,
  trials: readonly number[],
  { form = 'currents', lambda = 200, inputLambda = 1, epochs = 1 }: ForceOptions,
  start: Matrix,
): number[][] => {
  const n = rates.columns;
  const m = inputs?.columns ?? 0;
  const frame = (t: number): number[] => Array.from(rates.data.subarray(t * n, (t + 1) * n));
  const theta = transpose(start);
  const W = frame(0).map((_, i) => Array.from(theta.data.subarray(i * (n + m), i * (n + m) + n)));
  const Win = frame(0).map((_, i) => Array.from(theta.data.subarray(i * (n + m) + n, (i + 1) * (n + m))));
  for (let epoch = 0; epoch < epochs; epoch++) {
    const eye = (order: number, scale: number): number[][] =>
      Array.from({ length: order }, (_, i) => Array.from({ length: order }, (__, j) => (i === j ? scale : 0)));
    const A = eye(n, lambda);
    const B = eye(m, inputLambda);
    let r = frame(0);
    for (let t = 0; t + 1 < rates.rows; t++) {
      if (trials[t] !== trials[t - 1]) r = frame(t);
      if (trials[t + 1] !== trials[t]) continue;
      const u = inputs === null ? [] : Array.from(inputs.data.subarray(t * m, (t + 1) * m));
      const z = (i: number): number => dot(W[i] ?? [], r) + dot(Win[i] ?? [], u);
      const next = (i: number): number => (1 - alpha) * (r[i] ?? 0) + alpha * Math.tanh(z(i));
      const [now, then] = [frame(t), frame(t + 1)];
      const e = r.map((_, i) => {
        const d = ((then[i] ?? 0) - (1 - alpha) * (now[i] ?? 0)) / alpha;
        const clipped = Math.min(1 - 1e-6, Math.max(-1 + 1e-6, d));
        return form === 'currents' ? z(i) - Math.atanh(clipped) : (next(i) - (then[i] ?? 0)) / alpha;
      });
      A.forEach((row, i) => row.forEach((value, j) => (row[j] = value + (r[i] ?? 0) * (r[j] ?? 0))));
      B.forEach((row, i) => row.forEach((value, j) => (row[j] = value + (u[i] ?? 0) * (u[j] ?? 0))));
      const k = inverseOf(A).map((row) => dot(row, r));
      const kin = inverseOf(B).map((row) => dot(row, u));
      e.forEach((error, i) => {
        W[i] = (W[i] ?? []).map((w, j) => w - error * (k[j] ?? 0));
        Win[i] = (Win[i] ?? []).map((w, j) => w - error * (kin[j] ?? 0));
      });
      r = r.map((_, i) => next(i));
    }
  }
  return W.map((row, i) => [...row, ...(Win[i] ?? [])]);
};

describe('force', () => {
  it.each(['currents', 'rates'] as const)(
    'does what the published rule says, with inputs and trials: %s',
    async (form) => {
      const network = randomNetwork({ units: 6, inputs: 2, gain: 1.2, seed: 3 });
      const steps = 24;
      const inputs = matrix(
        steps,
        2,
        Float64Array.from({ length: 2 * steps }, (_, i) => Math.sin(0.7 * i)),
      );
      const { rates } = simulate({
        ...network,
        alpha: 0.3,
        steps: steps - 1,
        inputs: matrix(steps - 1, 2, inputs.data.slice(2)),
      });
      const trials = Array.from({ length: steps }, (_, t) => (t < 10 ? 0 : 1));
      const start = matrix(
        8,
        6,
        Float64Array.from({ length: 48 }, (_, i) => 0.2 * Math.cos(3 * i)),
      );
      const options = { form, lambda: 0.7, inputLambda: 0.4, epochs: 2, start };
      const result = await force({ rates, alpha: 0.3, inputs, trials }, options);
      expect(result).toMatchObject({ status: 'max-epochs', epochs: 2 });
      const expected = literal(rates, inputs, 0.3, trials, options, start);
      for (let i = 0; i < 6; i++) {
        for (let p = 0; p < 8; p++) expect(result.theta.data[p * 6 + i]).toBeCloseTo(expected[i]?.[p] ?? Number.NaN, 8);
      }
    },
  );

  it.each([
    // One epoch's correlation is well above chance (sd 1 / N), and passes over the data improve it.
    ['currents', 0.1],
    ['rates', 0.1],
  ] as const)('learns a small chaotic network, better with every few epochs: %s', async (form, atLeast) => {
    const medians: number[][] = [];
    for (const seed of [1, 2, 3]) {
      const { W, ...recording } = cornnRecording({ units: 50, frames: 1001, seed });
      const reached: number[] = [];
      for await (const { theta } of forceEpochs(recording, { form, epochs: 12, lambda: 50, seed })) {
        reached.push(correlation(transpose(theta).data, W.data));
      }
      medians.push(reached);
    }
    const mean = (epoch: number): number => medians.reduce((sum, each) => sum + (each[epoch] ?? Number.NaN), 0) / 3;
    expect(mean(0)).toBeGreaterThan(atLeast);
    expect(mean(11)).toBeGreaterThan(mean(0) + 0.05);
  });

  it('keeps the solution it starts from: noiseless data of the network itself make no error', async () => {
    const { W, ...recording } = cornnRecording({ units: 20, frames: 300, g: 1.2, inputNoise: 0, conversionNoise: 0 });
    const start = transpose(W);
    for (const form of ['currents', 'rates'] as const) {
      const { theta, trace } = await force(recording, { form, start, epochs: 1 });
      expect(trace[0]?.error).toBeLessThan(1e-9);
      for (let i = 0; i < W.data.length; i++) expect(theta.data[i]).toBeCloseTo(start.data[i] ?? Number.NaN, 8);
    }
    expect(start).toEqual(transpose(W));
  });

  it('starts apart from the network of the same seed, reproduces by seed, and leaves its input as it was', async () => {
    const { W, ...recording } = cornnRecording({ units: 60, frames: 3, g: 2, seed: 5 });
    const before = recording.rates.data.slice();
    const run = (seed: number) => force(recording, { epochs: 1, seed, lambda: 1e9 });
    const [first, again, other] = [await run(5), await run(5), await run(6)];
    expect(again.theta).toEqual(first.theta);
    expect(other.theta).not.toEqual(first.theta);
    expect(Math.abs(correlation(transpose(first.theta).data, W.data))).toBeLessThan(4 / 60);
    const sd = Math.sqrt(first.theta.data.reduce((sum, w) => sum + w * w, 0) / 3600);
    expect(Math.abs(sd / (2 / Math.sqrt(60)) - 1)).toBeLessThan(4 / Math.sqrt(2 * 3600));
    expect(recording.rates.data).toEqual(before);
  });

  it('sees the same in a recording and in its transitions; a missing target makes no error', async () => {
    const { rates, alpha } = cornnRecording({ units: 10, frames: 200 });
    const options = { form: 'rates', epochs: 2 } as const;
    const whole = await force({ rates, alpha }, options);
    expect((await force(transitions({ rates, alpha }), options)).theta).toEqual(whole.theta);

    // Unit 3 is never observed as a target: its weights stay where they began.
    const inverted = transitions({ rates, alpha });
    const weights = matrix(199, 10, new Float64Array(1990).fill(1));
    for (let t = 0; t < 199; t++) weights.data[t * 10 + 3] = 0;
    const start = matrix(
      10,
      10,
      Float64Array.from({ length: 100 }, (_, i) => Math.sin(i)),
    );
    const { theta } = await force({ ...inverted, weights }, { ...options, start });
    for (let p = 0; p < 10; p++) {
      expect(theta.data[p * 10 + 3]).toBe(start.data[p * 10 + 3]);
      expect(theta.data[p * 10 + 4]).not.toBe(start.data[p * 10 + 4]);
    }
  });

  it('sets the network anew after a gap', async () => {
    // One trial with frame 30 missing, against the same as two trials around the hole.
    const { rates, alpha } = cornnRecording({ units: 6, frames: 60, seed: 2 });
    const observed = matrix(60, 6, new Float64Array(360).fill(1));
    observed.data.fill(0, 30 * 6, 31 * 6);
    const gapped = await force({ rates, alpha, observed }, { epochs: 2 });
    const kept = [...Array(30).keys(), ...Array.from({ length: 29 }, (_, t) => t + 31)];
    const cut = matrix(
      59,
      6,
      Float64Array.from(kept.flatMap((t) => Array.from(rates.data.subarray(t * 6, t * 6 + 6)))),
    );
    const trials = kept.map((t) => (t < 30 ? 0 : 1));
    expect((await force({ rates: cut, alpha, trials }, { epochs: 2 })).theta).toEqual(gapped.theta);
  });

  it('reports each epoch, and ends within one when it is aborted, with weights that can be used', async () => {
    const recording = cornnRecording({ units: 100, frames: 3001 });
    const seen: number[] = [];
    const done = await force(recording, { epochs: 2, onEpoch: ({ epochs }) => void seen.push(epochs) });
    expect(seen).toEqual([1, 2]);
    expect(done.trace.map(({ epochs }) => epochs)).toEqual([1, 2]);
    expect(done.seconds).toBe(done.trace[1]?.seconds);
    expect(done.trace[1]?.seconds).toBeGreaterThan(done.trace[0]?.seconds ?? Number.NaN);

    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const cut = await force(recording, { epochs: 1_000_000, signal: controller.signal });
    expect(cut.status).toBe('aborted');
    expect(cut.epochs).toBeGreaterThan(0);
    expect(cut.theta.data.every(Number.isFinite)).toBe(true);

    const never = await force(recording, { signal: AbortSignal.abort(), gain: 0 });
    expect(never).toMatchObject({ status: 'aborted', epochs: 0, seconds: 0, trace: [] });
    expect(never.theta.data.every((w) => w === 0)).toBe(true);
  });

  it('does not count what its caller does between epochs', async () => {
    const recording = cornnRecording({ units: 10, frames: 20 });
    const began = performance.now();
    let latest = 0;
    for await (const { seconds } of forceEpochs(recording, { epochs: 3 })) {
      latest = seconds;
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    expect(latest).toBeLessThan((performance.now() - began) / 1000 - 0.1);
  });

  it('ends as non-finite, with the last weights that were finite', async () => {
    const recording = cornnRecording({ units: 5, frames: 50 });
    const start = matrix(5, 5, new Float64Array(25).fill(1e308));
    const { status, theta, trace } = await force(recording, { start });
    expect({ status, trace }).toEqual({ status: 'non-finite', trace: [] });
    expect(theta.data.every(Number.isFinite)).toBe(true);
  });

  it('lists everything that is wrong, with the recording and with the options', () => {
    const rates = matrix(3, 2, Float64Array.of(0, 0, Number.NaN, 0, 0, 0));
    const bad = {
      lambda: 0,
      inputLambda: Number.NaN,
      gain: -1,
      epochs: 0.5,
      seed: 0.1,
      start: matrix(3, 2),
    };
    const call = (): unknown => forceEpochs({ rates, alpha: 7 }, bad);
    expect(call).toThrow(DrnnError);
    expect(call).toThrow(/alpha[^]*rates[^]*lambda[^]*inputLambda[^]*gain[^]*epochs[^]*seed[^]*start[^]*bias: false/);
    const inverted = transitions({ rates: matrix(3, 2), alpha: 1 });
    inverted.targets.data[3] = Number.POSITIVE_INFINITY;
    expect(() => forceEpochs(inverted, { start: matrix(2, 2, Float64Array.of(0, 0, Number.NaN, 0)) })).toThrow(
      /targets: saw Infinity at transition 1, column 1[^]*start: saw NaN at entry 2/,
    );
    fc.assert(
      fc.property(fc.oneof(fc.constant(Number.NaN), fc.double({ max: 0, noNaN: true })), (lambda) => {
        expect(() => forceEpochs({ rates: matrix(3, 2), alpha: 1 }, { lambda })).toThrow(/lambda/);
      }),
    );
  });
});
