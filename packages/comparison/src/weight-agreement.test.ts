import { matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { gaussian } from './networks.test.data.js';
import { weightAgreement } from './weight-agreement.js';

describe('weightAgreement', () => {
  const W = gaussian(12, 12, 1);

  it('is 1 for the same, and knows a slope', () => {
    const same = weightAgreement(W, W);
    for (const part of [same.all, same.diagonal, same.offDiagonal]) {
      for (const value of [part.pearson, part.spearman, part.cosine, part.slope]) expect(value).toBeCloseTo(1, 12);
    }
    expect([same.diagonal.count, same.offDiagonal.count, same.inSupport]).toEqual([12, 132, null]);
    expect(Math.max(...same.leftAngles, ...same.rightAngles)).toBeLessThan(1e-12);
    const half = weightAgreement(W, { ...W, data: W.data.map((value) => 0.5 * value + 3) });
    expect(half.all.slope).toBeCloseTo(0.5, 12);
    expect(half.all.pearson).toBeCloseTo(1, 12);
    expect(half.all.cosine ?? 1).toBeLessThan(0.9);
  });

  it('knows ranks from values', () => {
    const cubed = weightAgreement(W, { ...W, data: W.data.map((value) => value ** 3) });
    expect(cubed.all.spearman).toBeCloseTo(1, 12);
    expect(cubed.all.pearson ?? 1).toBeLessThan(0.95);
    const signs = weightAgreement({ ...W, data: W.data.map(Math.sign) }, { ...W, data: W.data.map(Math.sign) });
    expect(signs.all.spearman).toBeCloseTo(1, 12);
  });

  it('tells the diagonal from the rest', () => {
    const none = weightAgreement(W, { ...W, data: W.data.map((value, k) => (k % 13 === 0 ? 0 : value)) });
    expect([none.diagonal.pearson, none.diagonal.cosine]).toEqual([null, null]);
    expect(none.offDiagonal.pearson).toBeCloseTo(1, 12);
  });

  it('sees agreement where there was activity, whatever the rest is', () => {
    // Activity in three of twelve dimensions; the fit differs from W in all others.
    const directions = gaussian(3, 12, 2);
    const latent = gaussian(200, 3, 3);
    const activity = matrix(200, 12);
    for (let t = 0; t < 200; t++) {
      for (let i = 0; i < 12; i++) {
        for (let k = 0; k < 3; k++)
          activity.data[t * 12 + i]! += latent.data[t * 3 + k]! * directions.data[k * 12 + i]!;
      }
    }
    // A row v with v . direction = 0 for all three, by elimination of what lies along them (Gram and Schmidt).
    const basis: Float64Array[] = [];
    for (let k = 0; k < 3; k++) {
      const v = directions.data.slice(k * 12, k * 12 + 12);
      for (const other of basis) {
        const overlap = v.reduce((sum, value, i) => sum + value * other[i]!, 0);
        for (let i = 0; i < 12; i++) v[i]! -= overlap * other[i]!;
      }
      const size = Math.hypot(...v);
      basis.push(v.map((value) => value / size));
    }
    const fit = matrix(12, 12, W.data.slice());
    const noise = gaussian(12, 12, 4);
    for (let i = 0; i < 12; i++) {
      const v = noise.data.slice(i * 12, i * 12 + 12);
      for (const other of basis) {
        const overlap = v.reduce((sum, value, k) => sum + value * other[k]!, 0);
        for (let k = 0; k < 12; k++) v[k]! -= overlap * other[k]!;
      }
      for (let k = 0; k < 12; k++) fit.data[i * 12 + k]! += 2 * v[k]!;
    }
    const found = weightAgreement(W, fit, { activity, variance: 1 - 1e-12 });
    expect(found.supportDimension).toBe(3);
    expect(found.inSupport?.pearson).toBeCloseTo(1, 9);
    expect(found.all.pearson ?? 1).toBeLessThan(0.7);
    expect(() => weightAgreement(W, matrix(3, 3))).toThrow('12');
  });
});
