import { fillGaussian, randomStream, uniform } from '@drnn/simulator';
import type { Matrix } from '@drnn/tensor';
import { currentsOf } from './currents.js';
import type { HeldNetwork } from './network.js';
import { relax } from './relax.js';

/** Steps of the flow that a relaxed start has run. */
const RELAXED = 300;

const clampToCube = (r: Float64Array): void => {
  for (let i = 0; i < r.length; i++) r[i] = Math.min(1, Math.max(-1, r[i]!));
};

/** rms distance of the samples `[time, unit]` from their mean, for each unit. */
export const spread = ({ rows, columns, data }: Matrix): number => {
  let sum = 0;
  for (let j = 0; j < columns; j++) {
    let mean = 0;
    for (let t = 0; t < rows; t++) mean += data[t * columns + j]! / rows;
    for (let t = 0; t < rows; t++) sum += (data[t * columns + j]! - mean) ** 2;
  }
  return Math.sqrt(sum / (rows * columns));
};

/**
 * Start states of the search, each a function of (seed, index) alone, so that more of them go on where fewer ended. Of
 * twenty, without trajectories: seven are uniform in the cube, two drawn from there towards the origin, nine are images
 * tanh(g W x + c) of uniform x with currents of a random size up to 3, two are such images after 300 steps of the flow.
 * Images matter in large networks: of a uniform state W averages nearly everything out. With trajectories `[time, unit]`:
 * five are samples, four samples with Gaussian noise of half their spread, five random affine combinations of three
 * samples, two uniform, two images, two images that have run.
 */
export const startStates = (
  held: HeldNetwork,
  seed: number,
  trajectories: Matrix | undefined,
): ((index: number, r: Float64Array) => void) => {
  const { units: n, W, drive } = held;
  const stream = randomStream(seed, 'attractors');
  const other = new Float64Array(n);
  const noise = trajectories === undefined ? 0 : spread(trajectories) / 2;
  return (index, r) => {
    const generator = stream(index);
    const kind = index % 20;
    const cube = (out: Float64Array, size: number): void => {
      for (let i = 0; i < n; i++) out[i] = size * (2 * uniform(generator) - 1);
    };
    const sample = (weight: number): void => {
      if (trajectories === undefined) return;
      const row = Math.floor(uniform(generator) * trajectories.rows) * n;
      for (let i = 0; i < n; i++) r[i]! += weight * trajectories.data[row + i]!;
    };
    r.fill(0);
    if (trajectories !== undefined && kind < 14) {
      if (kind < 5) sample(1);
      else if (kind < 9) {
        fillGaussian(generator, noise, r);
        sample(1);
      } else {
        const a = 3 * uniform(generator) - 1;
        const b = (1 - a) * (2 * uniform(generator) - 0.5);
        sample(a);
        sample(b);
        sample(1 - a - b);
      }
      clampToCube(r);
      return;
    }
    const isSmall = trajectories === undefined && (kind === 7 || kind === 8);
    cube(r, isSmall ? uniform(generator) : 1);
    if (kind < (trajectories === undefined ? 9 : 16)) return;
    currentsOf(W.data, n, n, r, null, other);
    let square = 0;
    for (let i = 0; i < n; i++) square += other[i]! * other[i]!;
    // Of size 0 to 3, however much of a random state W averages out.
    const gain = square === 0 ? 0 : 3 * uniform(generator) * Math.sqrt(n / square);
    for (let i = 0; i < n; i++) r[i] = Math.tanh(gain * other[i]! + drive[i]!);
    if (kind >= 18) relax(held, r, other, RELAXED);
  };
};
