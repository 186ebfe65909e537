import { backend } from '@drnn/backend-cpu';
import { crossEntropy } from '@drnn/objectives';
import { randomNetwork, simulate, transitions } from '@drnn/simulator';
import { type Backend, copyMatrix, identity, matrix, type Matrix, transpose } from '@drnn/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorsAdmm, authorsThresholded, newton, problem, run } from './index.js';

let on: Backend;
beforeAll(async () => void (on = await backend({ precision: 'float64' })));
afterAll(() => on.close());

const { W, initial } = randomNetwork({ units: 6, gain: 2, seed: 3 });
const recording = {
  rates: simulate({
    W,
    initial,
    alpha: 0.1,
    steps: 400,
    inputNoise: { kind: 'gaussian', size: 0.1 },
    outputNoise: { kind: 'gaussian', size: 0.01 },
    seed: 3,
  }).rates,
  alpha: 0.1,
};
const { predictors: X, targets } = transitions(recording);
const d = { ...targets, data: targets.data.map((v) => Math.min(1 - 1e-6, Math.max(-1 + 1e-6, v))) };
const [T, N] = [X.rows, X.columns];

const largest = (a: Matrix, b: Matrix): number =>
  a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);

/** X' E as section 3.1 defines it, by plain loops. */
const backProjectedErrors = (theta: Matrix, threshold: number): Matrix => {
  const z = on.host.matMul(X, theta);
  const errors = matrix(T, N);
  for (let j = 0; j < N; j++) {
    let included = 0;
    for (let t = 0; t < T; t++) {
      const target = d.data[t * N + j]!;
      const e = (target - Math.tanh(z.data[t * N + j]!)) / (1 - target ** 2);
      if (Math.abs(e) <= threshold) {
        errors.data[t * N + j] = e;
        included++;
      }
    }
    for (let t = 0; t < T; t++) errors.data[t * N + j]! *= included > 0 ? T / included : 0;
  }
  return on.host.matMul(transpose(X), errors);
};

const inverseTimes = (shift: number, right: Matrix): Matrix => {
  const a = on.host.gram(X);
  const unit = identity(N);
  for (let i = 0; i < a.data.length; i++) a.data[i]! += shift * unit.data[i]!;
  const result = on.host.cholesky(a);
  if (!result.ok) throw new Error('not definite');
  return on.host.choleskySolve(result.factor, right);
};

const plus = (a: Matrix, b: Matrix, factor = 1): Matrix => ({
  ...a,
  data: a.data.map((value, i) => value + factor * b.data[i]!),
});

describe('authorsThresholded', () => {
  it('takes the steps of section 4.1, and shows each with the start as step 0', async () => {
    const [threshold, ridge] = [0.3, 1e-4];
    let expected = inverseTimes(ridge * T, on.host.matMul(transpose(X), { ...d, data: d.data.map(Math.atanh) }));
    const seen: Matrix[] = [];
    const theta = await authorsThresholded(on, recording, {
      threshold,
      ridge,
      steps: 4,
      onStep: (step, at) => {
        expect(step).toBe(seen.length);
        seen.push(copyMatrix(at));
      },
    });
    expect(seen).toHaveLength(5);
    for (const at of seen) {
      expect(largest(at, expected)).toBeLessThan(1e-10);
      const gradient = plus(backProjectedErrors(expected, threshold), expected, -ridge * T);
      expected = plus(expected, inverseTimes(ridge * T, gradient));
    }
    expect(largest(theta, seen[4]!)).toBe(0);
  });

  it('ends where it is told to', async () => {
    let last = -1;
    await authorsThresholded(on, recording, { steps: 50, onStep: (step) => (last = step) < 7 });
    expect(last).toBe(7);
  });
});

describe('authorsAdmm', () => {
  it('takes the steps of section 4.3', async () => {
    const [threshold, ridge, rho] = [0.3, 1e-4, 10];
    const [lambda, rhoPrime] = [ridge * T, rho * ridge * T];
    const fixedPoint = inverseTimes(
      lambda + rhoPrime,
      on.host.matMul(transpose(X), { ...d, data: d.data.map(Math.atanh) }),
    );
    let [theta, chi] = [fixedPoint, fixedPoint];
    let v: Matrix = { ...theta, data: theta.data.map((value) => (-lambda / rhoPrime) * value) };
    const seen: Matrix[] = [];
    await authorsAdmm(on, recording, {
      threshold,
      ridge,
      rho,
      steps: 4,
      onStep: (_step, at) => void seen.push(copyMatrix(at)),
    });
    expect(seen).toHaveLength(5);
    for (const [step, at] of seen.entries()) {
      expect(largest(at, chi)).toBeLessThan(1e-10);
      if (step > 0) for (let j = 0; j < N; j++) expect(at.data[j * N + j]).toBe(0);
      const penalised = plus(plus(plus(theta, chi, -1), v), theta, lambda / rhoPrime);
      const move = inverseTimes(lambda + rhoPrime, plus(backProjectedErrors(theta, threshold), penalised, -rhoPrime));
      theta = plus(theta, move);
      chi = plus(theta, v);
      chi = { ...chi, data: chi.data.map((value, i) => (i % (N + 1) === 0 ? 0 : value)) };
      v = plus(plus(v, theta), chi, -1);
    }
  });

  it('keeps masked weights at exactly 0, and without a threshold ends at the optimum of the convex problem', async () => {
    const connections = matrix(N, N, new Float64Array(N * N).fill(1));
    // From unit 3 to unit 1, and unit 4 to itself.
    connections.data[1 * N + 3] = 0;
    connections.data[4 * N + 4] = 0;
    const ridge = 1e-3;
    const calm = { rates: { ...recording.rates, data: recording.rates.data.map((r) => 0.3 * r) }, alpha: 0.9 };
    const chi = await authorsAdmm(on, calm, { threshold: 1e9, ridge, rho: 3, steps: 3000, connections });
    expect(chi.data[3 * N + 1]).toBe(0);
    expect(chi.data[4 * N + 4]).toBe(0);
    const objective = crossEntropy({ weights: 'variance', ridge, constraints: { zeroDiagonal: false, connections } });
    const task = await problem(on, calm, objective, { bias: false });
    const { theta } = await run(newton, task);
    task.release();
    expect(largest(chi, theta)).toBeLessThan(1e-7);
  });

  it('refuses a rho that is not above 0', async () => {
    await expect(authorsAdmm(on, recording, { rho: 0 })).rejects.toThrow(/rho/);
  });
});
