import { describe, expect, it } from 'vitest';
import { fillGaussian, fillLaplace, fillPoisson, randomStream, uniform } from './random.js';

const COUNT = 40_000;

/** Kolmogorov's statistic times sqrt(n): above 1.63 with probability 0.01, above 1.95 with 0.001. */
const kolmogorov = (sample: Float64Array, cdf: (x: number) => number): number => {
  const sorted = sample.slice().sort();
  let worst = 0;
  sorted.forEach((x, i) => {
    worst = Math.max(worst, cdf(x) - i / sorted.length, (i + 1) / sorted.length - cdf(x));
  });
  return worst * Math.sqrt(sorted.length);
};

/** The normal distribution function by Marsaglia's (2004) series, exact to 1e-15 in the middle. */
const normalCdf = (x: number): number => {
  if (Math.abs(x) > 7) return x > 0 ? 1 : 0;
  let sum = x;
  let term = x;
  for (let i = 3; Math.abs(term) > 1e-17; i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-0.5 * x * x - 0.5 * Math.log(2 * Math.PI));
};

const laplaceCdf = (x: number): number => (x < 0 ? Math.exp(x) / 2 : 1 - Math.exp(-x) / 2);

const moments = (x: Float64Array): { mean: number; variance: number; fourth: number } => {
  const mean = x.reduce((s, v) => s + v, 0) / x.length;
  const central = (p: number): number => x.reduce((s, v) => s + (v - mean) ** p, 0) / x.length;
  return { mean, variance: central(2), fourth: central(4) };
};

const correlation = (x: Float64Array, y: Float64Array): number => {
  const [a, b] = [moments(x), moments(y)];
  const cross = x.reduce((s, v, i) => s + (v - a.mean) * ((y[i] ?? Number.NaN) - b.mean), 0) / x.length;
  return cross / Math.sqrt(a.variance * b.variance);
};

/** The first draw of each time step: what the hash alone gives. */
const across = (seed: number, name: string, from = 0, step = 1): Float64Array => {
  const stream = randomStream(seed, name);
  return Float64Array.from({ length: COUNT }, (_, i) => uniform(stream(from + i * step)));
};

const filled = (fill: (out: Float64Array) => void): Float64Array => {
  const out = new Float64Array(COUNT);
  fill(out);
  return out;
};

describe('randomStream', () => {
  it('is uniform along time, seed and within a step', () => {
    const identity = (x: number): number => x;
    const generator = randomStream(5, 'a')(0);
    const samples = [
      filled((out) => out.forEach((_, i) => (out[i] = uniform(generator)))),
      across(5, 'a'),
      across(5, 'a', -COUNT),
      across(5, 'a', 0, 2 ** 33),
      Float64Array.from({ length: COUNT }, (_, seed) => uniform(randomStream(seed, 'a')(7))),
    ];
    for (const sample of samples) expect(kolmogorov(sample, identity)).toBeLessThan(1.95);
  });

  it('is independent across times, seeds and streams', () => {
    const base = across(1, 'input-noise');
    const others = [
      across(1, 'input-noise', 1),
      across(1, 'input-noise', COUNT),
      across(2, 'input-noise'),
      across(-1, 'input-noise'),
      across(1 + 2 ** 32, 'input-noise'),
      across(1, 'output-noise'),
      across(1, 'input-noisf'),
    ];
    for (const other of others) {
      expect(Math.abs(correlation(base, other)) * Math.sqrt(COUNT)).toBeLessThan(3.3);
      const together = base.map((x, i) => (x + (other[i] ?? Number.NaN)) % 1);
      expect(kolmogorov(together, (x) => x)).toBeLessThan(1.95);
    }
  });

  it('gives the same draws for the same key, in any order of asking', () => {
    const stream = randomStream(3, 'x');
    const later = uniform(stream(9));
    uniform(stream(2));
    expect(uniform(stream(9))).toBe(later);
    expect(uniform(randomStream(3, 'x')(9))).toBe(later);
    const states = new Set(
      [3, 4, -3, 3 + 2 ** 32].flatMap((seed) =>
        ['', 'x', 'xx', 'y'].flatMap((name) =>
          [0, 1, -1, 2 ** 32, 9].map((time) => randomStream(seed, name)(time).getState().join()),
        ),
      ),
    );
    expect(states.size).toBe(4 * 4 * 5);
  });
});

describe('laws', () => {
  it('gaussian', () => {
    const x = filled((out) => fillGaussian(randomStream(1, 'g')(0), 1, out));
    const { mean, variance, fourth } = moments(x);
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(COUNT));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / COUNT));
    expect(Math.abs(fourth - 3)).toBeLessThan(4 * Math.sqrt(96 / COUNT));
    expect(kolmogorov(x, normalCdf)).toBeLessThan(1.63);
    // The two of a pair are independent, squares included.
    const even = x.filter((_, i) => i % 2 === 0);
    const odd = x.filter((_, i) => i % 2 === 1);
    const bound = 4 / Math.sqrt(COUNT / 2);
    expect(Math.abs(correlation(even, odd))).toBeLessThan(bound);
    expect(
      Math.abs(
        correlation(
          even.map((v) => v * v),
          odd.map((v) => v * v),
        ),
      ),
    ).toBeLessThan(bound);
  });

  it('gaussian and laplace scale by their size, and an entry does not depend on the length', () => {
    for (const fill of [fillGaussian, fillLaplace]) {
      const one = new Float64Array(7);
      const three = new Float64Array(4);
      fill(randomStream(2, 's')(0), 1, one);
      fill(randomStream(2, 's')(0), 3, three);
      three.forEach((value, j) => expect(value).toBeCloseTo(3 * (one[j] ?? Number.NaN), 12));
    }
  });

  it('laplace', () => {
    const x = filled((out) => fillLaplace(randomStream(1, 'l')(0), 1, out));
    const { mean, variance } = moments(x);
    expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(2 / COUNT));
    expect(Math.abs(variance - 2)).toBeLessThan(4 * Math.sqrt(20 / COUNT));
    expect(kolmogorov(x, laplaceCdf)).toBeLessThan(1.63);
  });

  it.each([0, 0.001, 0.01, 0.7, 4, 9.99, 10, 11.3, 40, 1000, 1e6])('poisson %d', (rate) => {
    const x = filled((out) => fillPoisson(randomStream(1, 'p')(0), rate, out));
    expect(x.every((k) => Number.isInteger(k) && k >= 0)).toBe(true);
    const { mean, variance } = moments(x);
    expect(Math.abs(mean - rate)).toBeLessThanOrEqual(4 * Math.sqrt(rate / COUNT));
    expect(Math.abs(variance - rate)).toBeLessThanOrEqual(4 * Math.sqrt((rate + 2 * rate * rate) / COUNT));

    // Pearson's test against probabilities from a plain recurrence around the mode, cells joined to at least 10 each.
    if (rate === 0) return;
    const mode = Math.floor(rate);
    const reach = Math.ceil(12 * Math.sqrt(rate) + 20);
    const low = Math.max(0, mode - reach);
    const relative = new Float64Array(mode + reach - low + 1);
    relative[mode - low] = 1;
    for (let k = mode; k > low; k--) relative[k - 1 - low] = ((relative[k - low] ?? 0) * k) / rate;
    for (let k = mode + 1; k <= mode + reach; k++) relative[k - low] = ((relative[k - 1 - low] ?? 0) * rate) / k;
    const total = relative.reduce((s, v) => s + v, 0);
    const counts = new Float64Array(relative.length);
    for (const k of x) counts[k - low]! += 1;
    expect(counts.reduce((s, v) => s + v, 0)).toBe(COUNT);
    let [chiSquare, cells, expected, seen, left] = [0, 0, 0, 0, COUNT];
    for (let i = 0; i < relative.length; i++) {
      expected += ((relative[i] ?? 0) / total) * COUNT;
      seen += counts[i] ?? 0;
      left -= ((relative[i] ?? 0) / total) * COUNT;
      const last = i === relative.length - 1;
      if ((expected < 10 || left < 10) && !last) continue;
      chiSquare += (seen - expected) ** 2 / expected;
      cells++;
      expected = 0;
      seen = 0;
    }
    const freedom = cells - 1;
    if (freedom < 1) return;
    // Wilson and Hilferty: the cube root of a chi-square is nearly normal; 3.1 is the 0.001 point.
    const score = (Math.cbrt(chiSquare / freedom) - (1 - 2 / (9 * freedom))) / Math.sqrt(2 / (9 * freedom));
    expect(score).toBeLessThan(3.1);
  });
});
