import { product, qr } from '@drnn/linalg';
import { type Matrix, matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { dynamicalSimilarity, linearDynamics } from './dynamical-similarity.js';
import { gaussian } from './networks.test.data.js';

const rotation = (angle: number): Matrix =>
  matrixOf([
    [Math.cos(angle), -Math.sin(angle)],
    [Math.sin(angle), Math.cos(angle)],
  ]);

const determinantSign = (Q: Matrix): number => {
  const { data, rows: n } = { ...Q, data: Q.data.slice() };
  let sign = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(data[i * n + k]!) > Math.abs(data[pivot * n + k]!)) pivot = i;
    if (pivot !== k) {
      sign = -sign;
      for (let j = 0; j < n; j++) [data[k * n + j], data[pivot * n + j]] = [data[pivot * n + j]!, data[k * n + j]!];
    }
    sign *= Math.sign(data[k * n + k]!);
    for (let i = k + 1; i < n; i++) {
      const factor = data[i * n + k]! / data[k * n + k]!;
      for (let j = k; j < n; j++) data[i * n + j]! -= factor * data[k * n + j]!;
    }
  }
  return sign;
};

describe('dynamicalSimilarity', () => {
  it('has its values of two plane rotations', () => {
    const { angle, distance, eigenvalueCost } = dynamicalSimilarity(rotation(0.3), rotation(0.8));
    expect(Math.abs(angle - 0.5)).toBeLessThan(1e-6);
    expect(Math.abs(distance - 0.6997640691)).toBeLessThan(1e-6);
    expect(Math.abs(eigenvalueCost - 0.2448348762)).toBeLessThan(1e-6);
  });

  it.each([10, 50])('is 0 for the same dynamics of order %d in other coordinates, of either determinant', (n) => {
    const A = matrix(
      n,
      n,
      gaussian(n, n, n).data.map((value) => value / Math.sqrt(n)),
    );
    const { orthogonal } = qr(gaussian(n, n, n + 1));
    const mirrored = { ...orthogonal, data: orthogonal.data.map((value, k) => (k < n ? -value : value)) };
    expect(determinantSign(orthogonal)).toBe(-determinantSign(mirrored));
    for (const Q of [orthogonal, mirrored]) {
      const B = product(product(Q, A), Q, { transposeB: true });
      const { angle, distance, alignment } = dynamicalSimilarity(A, B);
      expect(angle).toBeLessThan(1e-5);
      expect(distance).toBeLessThan(1e-5 * n);
      const identity = product(alignment, alignment, { transposeB: true });
      identity.data.forEach((value, k) => expect(Math.abs(value - (k % (n + 1) === 0 ? 1 : 0))).toBeLessThan(1e-10));
    }
  });

  it('does not depend on a scale, and tells dynamics from their reverse', () => {
    const A = matrix(4, 4, gaussian(4, 4, 3).data);
    const B = matrix(4, 4, gaussian(4, 4, 4).data);
    const plain = dynamicalSimilarity(A, B, { starts: 30 }).angle;
    const scaled = dynamicalSimilarity(A, { ...B, data: B.data.map((value) => 7 * value) }, { starts: 30 }).angle;
    expect(Math.abs(plain - scaled)).toBeLessThan(1e-6);
    expect(Math.abs(plain - dynamicalSimilarity(B, A, { starts: 30 }).angle)).toBeLessThan(1e-4);
    // A rotation that decays, against its opposite: eigenvalues e^{+-0.3 i} and those turned by pi.
    const turned = rotation(0.3);
    const opposite = { ...turned, data: turned.data.map((value) => -value) };
    expect(dynamicalSimilarity(turned, opposite).angle).toBeCloseTo(Math.PI - 0.6, 6);
  });

  it('is that of the best match of eigenvalues for symmetric matrices', () => {
    const diagonal = (...values: readonly number[]): Matrix => {
      const a = matrix(values.length, values.length);
      values.forEach((value, k) => (a.data[k * values.length + k] = value));
      return a;
    };
    const { orthogonal } = qr(gaussian(5, 5, 9));
    const B = product(product(orthogonal, diagonal(-0.9, 0.1, 0.6, 0.2, -0.3)), orthogonal, { transposeB: true });
    // Both sorted: 0.9 0.5 0.1 -0.2 -0.4 with 0.6 0.2 0.1 -0.3 -0.9.
    const wanted = Math.sqrt(0.09 + 0.09 + 0 + 0.01 + 0.25);
    const { distance, eigenvalueCost } = dynamicalSimilarity(diagonal(0.9, 0.5, 0.1, -0.2, -0.4), B);
    expect(Math.abs(distance - wanted)).toBeLessThan(1e-6);
    expect(Math.abs(5 * eigenvalueCost - wanted ** 2)).toBeLessThan(1e-9);
  });

  it('takes zeros, and refuses other sizes', () => {
    expect(dynamicalSimilarity(matrix(2, 2), matrix(2, 2))).toMatchObject({ angle: 0, distance: 0 });
    expect(() => dynamicalSimilarity(matrix(2, 2), matrix(3, 3))).toThrow('same size');
  });
});

describe('linearDynamics', () => {
  const A = matrixOf([
    [0.9, -0.3, 0],
    [0.3, 0.9, 0],
    [0, 0.1, 0.5],
  ]);
  const driven = (inputs: Matrix | null, noise: number): Matrix => {
    const states = matrix(2001, 3);
    const e = gaussian(2001, 3, 5);
    states.data.set([1, 0, 1]);
    for (let t = 0; t < 2000; t++) {
      for (let i = 0; i < 3; i++) {
        let next = noise * e.data[t * 3 + i]! + (i === 0 && inputs !== null ? inputs.data[t]! : 0);
        for (let j = 0; j < 3; j++) next += A.data[i * 3 + j]! * states.data[t * 3 + j]!;
        states.data[(t + 1) * 3 + i] = next;
      }
    }
    return states;
  };
  const eigenvaluesOff = (found: Matrix): number =>
    dynamicalSimilarity(found, found).eigenvalueCost + Math.abs(found.data[0]! + found.data[4]! + found.data[8]! - 2.3);

  it('finds a linear map from noisy activity, and from driven activity with its inputs', () => {
    const noisy = linearDynamics(driven(null, 0.1), { rank: 3 });
    expect(eigenvaluesOff(noisy.A)).toBeLessThan(0.1);
    expect(noisy.rank).toBe(3);
    const u = {
      ...gaussian(2000, 1, 6),
      data: gaussian(2000, 1, 6).data.map((value, t) => value + 3 * Math.sin(t / 7)),
    };
    const states = driven(u, 0);
    const aware = linearDynamics(states, { rank: 3, inputs: u });
    expect(aware.r2).toBeGreaterThan(1 - 1e-5);
    expect(eigenvaluesOff(aware.A)).toBeLessThan(0.01);
    expect(aware.aic).toBeLessThan(linearDynamics(states, { rank: 3 }).aic);
  });

  it('tells time from its reverse, which measures of shape do not', () => {
    const spiral = matrix(
      400,
      2,
      Float64Array.from(
        { length: 800 },
        (_, k) => 0.99 ** Math.floor(k / 2) * (k % 2 === 0 ? Math.cos : Math.sin)(0.2 * Math.floor(k / 2)),
      ),
    );
    const back = matrix(400, 2);
    for (let t = 0; t < 400; t++) back.data.set(spiral.data.subarray(2 * t, 2 * t + 2), 2 * (399 - t));
    const [forward, reverse] = [linearDynamics(spiral, { rank: 2 }), linearDynamics(back, { rank: 2 })];
    expect(dynamicalSimilarity(forward.A, linearDynamics(spiral, { rank: 2 }).A).distance).toBeLessThan(1e-10);
    expect(dynamicalSimilarity(forward.A, reverse.A).eigenvalueCost).toBeGreaterThan(1e-4);
  });

  it('embeds delays, keeps trials apart, and refuses too little', () => {
    const one = matrix(
      300,
      1,
      Float64Array.from({ length: 300 }, (_, t) => Math.sin(0.3 * t)),
    );
    // A sine is not a map of its value, and is one of two.
    expect(linearDynamics(one).r2).toBeLessThan(0.95);
    expect(linearDynamics(one, { delays: 2, rank: 2 }).r2).toBeGreaterThan(1 - 1e-3);
    const jump = matrix(
      300,
      1,
      one.data.map((value, t) => (t < 150 ? value : -value)),
    );
    const trials = Array.from({ length: 300 }, (_, t) => (t < 150 ? 0 : 1));
    const whole = linearDynamics(jump, { delays: 2, rank: 2 }).r2;
    expect(linearDynamics(jump, { delays: 2, rank: 2, trials }).r2).toBeGreaterThan(whole);
    expect(() => linearDynamics(matrix(2, 3))).toThrow('frames');
    expect(() => linearDynamics(gaussian(4, 9, 1), { rank: 9 })).toThrow('unknowns');
  });
});
