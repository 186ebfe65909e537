import { qr } from '@drnn/linalg';
import { type Matrix, matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { gaussian } from './networks.test.data.js';
import { linearCka, procrustes, svcca } from './similarity-of-shape.js';

const times = (a: Matrix, b: Matrix): Matrix => {
  const result = matrix(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      for (let k = 0; k < a.columns; k++) {
        result.data[i * b.columns + j]! += a.data[i * a.columns + k]! * b.data[k * b.columns + j]!;
      }
    }
  }
  return result;
};

describe('measures of shape', () => {
  /** Centred unit vectors in time at 60 degrees. */
  const angle = Math.PI / 3;
  const wave = (t: number): number => Math.cos((2 * Math.PI * t) / 40) / Math.sqrt(20);
  const other = (t: number): number => Math.sin((2 * Math.PI * t) / 40) / Math.sqrt(20);
  const x = matrix(
    40,
    1,
    Float64Array.from({ length: 40 }, (_, t) => wave(t)),
  );
  const y = matrix(
    40,
    1,
    Float64Array.from({ length: 40 }, (_, t) => Math.cos(angle) * wave(t) + Math.sin(angle) * other(t)),
  );

  it('have their values of two lines at 60 degrees', () => {
    expect(Math.abs(linearCka(x, y, { unbiased: false }) - 0.25)).toBeLessThan(1e-12);
    expect(Math.abs(svcca(x, y).mean - 0.5)).toBeLessThan(1e-12);
    expect(Math.abs(svcca(x, y).projectionWeighted - 0.5)).toBeLessThan(1e-12);
    expect(Math.abs(procrustes(x, y).angle - 1.0471975512)).toBeLessThan(1e-10);
    expect(Math.abs(procrustes(x, y).distance - 1)).toBeLessThan(1e-12);
  });

  const cloud = gaussian(300, 4, 1);
  const { orthogonal } = qr(gaussian(4, 4, 2));

  it('are 1, 1 and 0 after a rotation, a scale and a shift', () => {
    const moved = times(cloud, orthogonal);
    const shifted = matrix(
      300,
      4,
      moved.data.map((value, k) => 3 * value + (k % 4)),
    );
    expect(Math.abs(linearCka(cloud, shifted) - 1)).toBeLessThan(1e-12);
    expect(Math.abs(linearCka(cloud, shifted, { unbiased: true }) - 1)).toBeLessThan(1e-12);
    expect(Math.abs(svcca(cloud, shifted).mean - 1)).toBeLessThan(1e-12);
    expect(procrustes(cloud, shifted).distance).toBeLessThan(1e-12);
  });

  it('tell an invertible map from a rotation, but not canonical correlation', () => {
    const bent = times(cloud, matrix(4, 4, Float64Array.of(1, 0, 0, 0, 5, 1, 0, 0, 0, 0, 8, 0, 0, 3, 0, 0.5)));
    expect(Math.abs(svcca(cloud, bent, { variance: 1 }).mean - 1)).toBeLessThan(1e-12);
    expect(linearCka(cloud, bent)).toBeLessThan(0.95);
    expect(procrustes(cloud, bent).distance).toBeGreaterThan(0.1);
  });

  it('fill the smaller cloud up with zeros', () => {
    const more = matrix(300, 6);
    for (let t = 0; t < 300; t++) more.data.set(cloud.data.subarray(4 * t, 4 * t + 4), 6 * t);
    expect(procrustes(cloud, more).distance).toBeLessThan(1e-12);
    expect(procrustes(more, cloud).distance).toBeLessThan(1e-12);
    const noise = gaussian(300, 2, 9);
    const wide = matrix(
      300,
      6,
      more.data.map((value, k) => (k % 6 < 4 ? value : (noise.data[Math.floor(k / 6) * 2 + (k % 6) - 4] ?? 0))),
    );
    // 2 - 2 |X' Y|_* of unit clouds, the extra features uncorrelated but for chance.
    expect(Math.abs(procrustes(cloud, wide).distance - Math.sqrt(2 - 2 * Math.sqrt(4 / 6)))).toBeLessThan(0.05);
  });

  it('are blind to time: the same states in the opposite order', () => {
    const reversed = (a: Matrix): Matrix => {
      const result = matrix(a.rows, a.columns);
      for (let t = 0; t < a.rows; t++)
        result.data.set(a.data.subarray(t * a.columns, (t + 1) * a.columns), (a.rows - 1 - t) * a.columns);
      return result;
    };
    const circle = matrix(
      200,
      2,
      Float64Array.from({ length: 400 }, (_, k) =>
        (k % 2 === 0 ? Math.cos : Math.sin)((2 * Math.PI * Math.floor(k / 2)) / 200),
      ),
    );
    const back = reversed(circle);
    expect(Math.abs(linearCka(circle, back) - 1)).toBeLessThan(1e-12);
    expect(Math.abs(svcca(circle, back).mean - 1)).toBeLessThan(1e-12);
    expect(procrustes(circle, back).distance).toBeLessThan(1e-12);
  });

  it('find no likeness in noise where the estimate has no bias', () => {
    const [a, b] = [gaussian(40, 30, 5), gaussian(40, 30, 6)];
    expect(linearCka(a, b, { unbiased: false })).toBeGreaterThan(0.3);
    expect(Math.abs(linearCka(a, b))).toBeLessThan(0.1);
    expect(svcca(a, b).isReliable).toBe(false);
  });

  it('agree with the estimate that makes both kernels', () => {
    const [a, b] = [gaussian(12, 3, 7), gaussian(12, 2, 8)];
    const kernel = (c: Matrix): number[][] => {
      const mean = [0, 1, 2].map((j) =>
        Array.from({ length: 12 }, (_, t) => c.data[t * c.columns + j] ?? 0).reduce((s, v) => s + v / 12, 0),
      );
      const at = (t: number, j: number): number => c.data[t * c.columns + j]! - mean[j]!;
      return Array.from({ length: 12 }, (_, s) =>
        Array.from({ length: 12 }, (__, t) =>
          s === t ? 0 : Array.from({ length: c.columns }, (___, j) => at(s, j) * at(t, j)).reduce((p, v) => p + v, 0),
        ),
      );
    };
    const independence = (p: number[][], q: number[][]): number => {
      let [trace, sumP, sumQ, cross] = [0, 0, 0, 0];
      for (let s = 0; s < 12; s++) {
        const [rowP, rowQ] = [p[s]!, q[s]!].map((row) => row.reduce((sum, v) => sum + v, 0));
        for (let t = 0; t < 12; t++) trace += p[s]![t]! * q[t]![s]!;
        sumP += rowP!;
        sumQ += rowQ!;
        cross += rowP! * rowQ!;
      }
      return trace + (sumP * sumQ) / (11 * 10) - (2 * cross) / 10;
    };
    const [p, q] = [kernel(a), kernel(b)];
    const wanted = independence(p, q) / Math.sqrt(independence(p, p) * independence(q, q));
    expect(Math.abs(linearCka(a, b, { unbiased: true }) - wanted)).toBeLessThan(1e-12);
  });

  it('refuse other numbers of times, and clouds that do not vary', () => {
    expect(() => linearCka(cloud, matrix(299, 4))).toThrow('299');
    for (const measure of [linearCka, svcca, procrustes]) expect(() => measure(cloud, matrix(300, 2))).toThrow('vary');
  });
});
