import type { Issue } from '@drnn/tensor';
import { fillGaussian, fillLaplace, fillPoisson, randomStream } from './random.js';

/** Noise on every unit and time step: its law, its size, and how it is correlated. */
export interface Noise {
  readonly kind: 'gaussian' | 'laplace' | 'poisson';
  /**
   * gaussian: standard deviation; laplace: scale s (sd s sqrt 2); poisson: rate, the mean count a step (sd its square
   * root). Poisson noise is not centred: its mean is the rate. 0 = no noise.
   */
  readonly size: number;
  /**
   * Widths (standard deviations) of a Gaussian smoothing kernel: `time` in steps, `space` in unit indexes. Default 0:
   * white. White noise w of standard deviation s and mean m becomes
   *
   *     m + sum_{p,q} k_time[p] k_space[q] (w[t+p, j+q] - m),   sum k^2 = 1 for each kernel,
   *
   * so every entry keeps mean m and standard deviation s exactly, at the edges too (the white field goes on beyond the
   * first and last unit and before time 0), and entries a lag l apart are correlated by exp(-l^2 / (4 width^2)). Kernels
   * are cut at 4 widths. Smoothing keeps the law for Gaussian noise only; smoothed Laplace noise is nearer to a Gaussian
   * and smoothed Poisson noise is not a whole number any more.
   */
  readonly correlation?: { readonly time?: number; readonly space?: number };
}

/** Writes the noise of step `time` into `out` `[unit]`. */
export type NoiseSampler = (time: number, out: Float64Array) => void;

const LONGEST_WIDTH = 1000;
const HIGHEST_RATE = 1e9;

/** What is wrong with a noise description, if anything. */
export const noiseIssues = (path: string, noise: Noise): Issue[] => {
  const issues: Issue[] = [];
  const kind: string = noise.kind;
  if (kind !== 'gaussian' && kind !== 'laplace' && kind !== 'poisson') {
    issues.push({ path: `${path}.kind`, seen: kind, expected: 'gaussian, laplace or poisson' });
  }
  if (!(noise.size >= 0 && noise.size < Number.POSITIVE_INFINITY)) {
    issues.push({ path: `${path}.size`, seen: `${noise.size}`, expected: 'a finite number, 0 or more' });
  } else if (kind === 'poisson' && noise.size > HIGHEST_RATE) {
    issues.push({ path: `${path}.size`, seen: `${noise.size}`, expected: `a rate of at most ${HIGHEST_RATE}` });
  }
  for (const axis of ['time', 'space'] as const) {
    const width = noise.correlation?.[axis] ?? 0;
    if (width >= 0 && width <= LONGEST_WIDTH) continue;
    issues.push({
      path: `${path}.correlation.${axis}`,
      seen: `${width}`,
      expected: `a width from 0 (none) to ${LONGEST_WIDTH}`,
    });
  }
  return issues;
};

/** The Gaussian kernel of a width, cut at 4 widths, with unit sum of squares; [1] for width 0. */
const unitKernel = (width: number): Float64Array => {
  const radius = Math.ceil(4 * width);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    i === radius ? 1 : Math.exp(-0.5 * ((i - radius) / width) ** 2),
  );
  const norm = Math.sqrt(kernel.reduce((sum, k) => sum + k * k, 0));
  return kernel.map((k) => k / norm);
};

/**
 * The sampler of a noise for `units` units on the stream `name` of `seed`. What it writes depends on (seed, name, time)
 * only: rows of the smoothing window are remembered between calls to save work, never to carry state. Cost a step
 * O(unit x (1 + time window + space window)) when called for successive times.
 */
export const noiseSampler = (noise: Noise, units: number, seed: number, name: string): NoiseSampler => {
  const stream = randomStream(seed, name);
  const { kind, size } = noise;
  const white: NoiseSampler = (time, out) => {
    if (kind === 'gaussian') fillGaussian(stream(time), size, out);
    else if (kind === 'laplace') fillLaplace(stream(time), size, out);
    else fillPoisson(stream(time), size, out);
  };
  const timeKernel = unitKernel(noise.correlation?.time ?? 0);
  const spaceKernel = unitKernel(noise.correlation?.space ?? 0);
  if (timeKernel.length === 1 && spaceKernel.length === 1) return white;

  const mean = kind === 'poisson' ? size : 0;
  const wide = new Float64Array(units + spaceKernel.length - 1);
  const smoothInSpace: NoiseSampler = (time, out) => {
    white(time, wide);
    out.fill(0);
    for (let q = 0; q < spaceKernel.length; q++) {
      const k = spaceKernel[q]!;
      for (let j = 0; j < units; j++) out[j]! += k * (wide[j + q]! - mean);
    }
  };

  const window = timeKernel.length;
  const radius = (window - 1) / 2;
  const rows = new Float64Array(window * units);
  const timeOfSlot = new Float64Array(window).fill(Number.NaN);
  return (time, out) => {
    out.fill(mean);
    for (let p = 0; p < window; p++) {
      const at = time + p - radius;
      const slot = ((at % window) + window) % window;
      const row = rows.subarray(slot * units, (slot + 1) * units);
      if (timeOfSlot[slot] !== at) {
        smoothInSpace(at, row);
        timeOfSlot[slot] = at;
      }
      const k = timeKernel[p]!;
      for (let j = 0; j < units; j++) out[j]! += k * row[j]!;
    }
  };
};
