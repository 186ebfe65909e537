import { type Matrix, matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { gaussian } from './networks.test.data.js';
import { histogramDivergence, mixtureDivergence, stateSpaceDivergence } from './state-space-divergence.js';

const moved = (a: Matrix, scale: number, shift: number): Matrix => ({
  ...a,
  data: a.data.map((value) => scale * value + shift),
});

describe('histogramDivergence', () => {
  const [standard, other] = [gaussian(1_000_000, 1, 1), gaussian(1_000_000, 1, 2)];

  it('is that of two Gaussians, to the width of its bins', () => {
    // With the range of the reference what the model has beyond it is one bin: its share is small.
    expect(Math.abs(histogramDivergence(standard, moved(other, 1, 1)).kullbackLeibler / 0.5 - 1)).toBeLessThan(0.05);
    expect(Math.abs(histogramDivergence(standard, moved(other, 2, 0)).kullbackLeibler / 0.3181471806 - 1)).toBeLessThan(
      0.05,
    );
    expect(histogramDivergence(standard, other).kullbackLeibler).toBeLessThan(1e-3);
  });

  it('is exactly 0 for the same states, and at most ln 2 in its symmetric form', () => {
    const a = gaussian(500, 3, 3);
    expect(histogramDivergence(a, a)).toEqual({ kullbackLeibler: 0, jensenShannon: 0 });
    const far = histogramDivergence(a, moved(a, 1, 100));
    expect(far.jensenShannon).toBeLessThanOrEqual(Math.LN2);
    expect(far.jensenShannon).toBeGreaterThan(0.69);
    const back = histogramDivergence(a, moved(a, 1, 0.3)).jensenShannon;
    expect(back > 0 && back < Math.LN2).toBe(true);
  });

  it('sees a model that ran away, which dropping what is out of range hides', () => {
    const a = gaussian(2000, 1, 4);
    const half = matrix(
      2000,
      1,
      a.data.map((value, k) => (k % 2 === 0 ? value : 1e6)),
    );
    expect(histogramDivergence(a, half, { outside: 'dropped' }).kullbackLeibler).toBeLessThan(0.05);
    expect(histogramDivergence(a, half).kullbackLeibler).toBeGreaterThan(0.6);
  });

  it('has its value for two bins by hand', () => {
    // Counts 3 and 1 against 1 and 3 with almost no smoothing: 3/4 ln 3 - 1/4 ln 3.
    const a = matrix(4, 1, Float64Array.of(0, 0, 0, 1));
    const b = matrix(4, 1, Float64Array.of(0, 1, 1, 1));
    const { kullbackLeibler, jensenShannon } = histogramDivergence(a, b, { bins: 2, smoothing: 1e-9 });
    expect(Math.abs(kullbackLeibler - 0.5 * Math.log(3))).toBeLessThan(1e-6);
    expect(Math.abs(jensenShannon - (0.75 * Math.log(1.5) + 0.25 * Math.log(0.5)))).toBeLessThan(1e-6);
  });

  it('refuses other units and too many dimensions', () => {
    expect(() => histogramDivergence(matrix(5, 2), matrix(5, 3))).toThrow('units');
    expect(() => histogramDivergence(matrix(5, 7), matrix(5, 7))).toThrow('mixtureDivergence');
  });
});

describe('mixtureDivergence', () => {
  it('is that of two Gaussians that are one state each, however far', () => {
    // The reference's two states have deviation 1; the model's mixture is one Gaussian at a distance of 40.
    const a = matrix(2, 1, Float64Array.of(-1, 1));
    const far = matrix(1, 1, Float64Array.of(41));
    // ln p - ln q for x ~ p, q one Gaussian at 41: E (x - 41)^2 / 2 - what p itself has.
    const found = mixtureDivergence(a, far, { samples: 20000 });
    expect(Math.abs(found.kullbackLeibler / 841 - 1)).toBeLessThan(0.01);
    expect(found.jensenShannon).toBeCloseTo(Math.LN2, 3);
    // Without states whose likelihood underflows there is nothing left, or next to nothing: not a small number.
    expect(mixtureDivergence(a, moved(far, 1, 1000), { underflow: 'dropped' }).kullbackLeibler).toBe(Infinity);
  });

  it('is near 0 for states of the same law and grows with the shift', () => {
    const a = gaussian(1000, 8, 5);
    expect(mixtureDivergence(a, a).kullbackLeibler).toBe(0);
    const [same, near, further] = [0, 0.5, 1.5].map(
      (shift) => mixtureDivergence(a, moved(gaussian(1000, 8, 6), 1, shift)).kullbackLeibler,
    );
    expect(Math.abs(same ?? 1)).toBeLessThan(0.1);
    // Gaussians of variance 2 at a distance of shift sqrt 8: 8 shift^2 / 4.
    expect(Math.abs((near ?? 0) - 0.5)).toBeLessThan(0.2);
    expect(Math.abs((further ?? 0) / 4.5 - 1)).toBeLessThan(0.3);
  });
});

describe('stateSpaceDivergence', () => {
  it('uses histograms of all dimensions where they are few, and of components where they are many', () => {
    expect(stateSpaceDivergence(gaussian(500, 3, 1), gaussian(500, 3, 2)).mixture).toBeNull();
    const many = stateSpaceDivergence(gaussian(500, 9, 1), gaussian(500, 9, 2));
    expect(many.mixture?.jensenShannon ?? 1).toBeLessThan(0.1);
    expect(many.histogram.jensenShannon).toBeLessThan(Math.LN2);
  });
});
