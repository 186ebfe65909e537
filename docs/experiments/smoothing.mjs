// What smoothing a recording does to the fitted weights. Run from a checkout after `npm run build`:
//     node docs/experiments/smoothing.mjs [units] [steps] [seeds]
// A known network is simulated (gain 3, alpha 0.1, input noise 0.01), its rates, or Poisson spikes drawn from them, are
// smoothed with a Gaussian kernel of width s frames, and the smoothed record is fitted. Means over the seeds.
import { correlation, fit, randomNetwork, simulate } from '../../packages/drnn/dist/index.js';

const [units = 50, steps = 10000, seeds = 3] = process.argv.slice(2).map(Number);
const alpha = 0.1;

/** sum_p k[p] r[t + p], k a Gaussian of width s cut at 4 s and normalised; the ends are cut off. */
const smooth = ({ rows, columns, data }, width, causal) => {
  if (width === 0) return { rows, columns, data };
  const radius = Math.ceil(4 * width);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    causal && i > radius ? 0 : Math.exp(-0.5 * ((i - radius) / width) ** 2),
  );
  const total = kernel.reduce((a, b) => a + b, 0);
  const length = rows - 2 * radius;
  const result = { rows: length, columns, data: new Float64Array(length * columns) };
  kernel.forEach((weight, p) => {
    for (let i = 0; i < result.data.length; i++) result.data[i] += (weight / total) * data[p * columns + i];
  });
  return result;
};

/** A small generator of uniform numbers, so that the experiment repeats. */
const uniform = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

/** Counts with mean `most` (1 + r) / 2 a frame, mapped back to (-1, 1): an unbiased but noisy reading of r. */
const spikes = ({ rows, columns, data }, most, seed) => {
  const draw = uniform(seed);
  const poisson = (mean) => {
    let [count, product] = [0, draw()];
    for (const limit = Math.exp(-mean); product > limit; count++) product *= draw();
    return count;
  };
  return { rows, columns, data: data.map((r) => (2 * poisson((most * (1 + r)) / 2)) / most - 1) };
};

/** Off the diagonal: correlation and slope with the truth, and the least-squares shares of W_ij and W_ji in the fit. */
const compare = (fitted, truth) => {
  const [a, b, c] = [[], [], []];
  for (let i = 0; i < units; i++) {
    for (let j = 0; j < units; j++) {
      if (i === j) continue;
      a.push(fitted[i * units + j]);
      b.push(truth[i * units + j]);
      c.push(truth[j * units + i]);
    }
  }
  const dot = (x, y) => x.reduce((sum, value, k) => sum + value * y[k], 0);
  const [bb, bc, ab, ac] = [dot(b, b), dot(b, c), dot(a, b), dot(a, c)];
  const determinant = bb * bb - bc * bc;
  return {
    correlation: correlation(Float64Array.from(a), Float64Array.from(b)),
    slope: (ab * bb - ac * bc) / determinant,
    reverse: (ac * bb - ab * bc) / determinant,
  };
};

const trial = async ({ record, width, causal = false, noise = 0.01 }, seed) => {
  const { W, initial } = randomNetwork({ units, gain: 3, seed });
  const inputNoise = { kind: 'gaussian', size: noise };
  const { rates } = simulate({ W, alpha, steps, initial, inputNoise, seed });
  const observed = smooth(record === 'rates' ? rates : spikes(rates, record, seed), width, causal);
  const result = await fit(
    { rates: observed },
    { alpha, scale: 'none', estimator: 'convex', refit: false, tolerance: 1e-5 },
  );
  const { outsideBefore } = result.scaling;
  const { condition } = result.identifiability;
  return {
    ...compare(result.model.W.data, W.data),
    drive: result.scores.drive.pooled,
    outside: outsideBefore,
    condition,
  };
};

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
console.log(`units ${units}, steps ${steps}, seeds 1-${seeds}, alpha ${alpha}`);
const columns = ['record', 's (frames)', 'correlation with W', 'slope on W_ij', 'slope on W_ji', 'held-out drive R2'];
const row = (cells) => console.log(`| ${cells.join(' | ')} |`);
row([...columns, 'targets outside (-1, 1)', "condition of X'X"]);
row(Array.from({ length: 8 }, () => '---'));
const cases = [
  ...[0, 1, 2, 5, 10].map((width) => ({ name: 'rates', record: 'rates', width })),
  // Half a Gaussian: its own standard deviation is 0.6 of the width, here 5 frames.
  { name: 'rates, kernel of the past only', record: 'rates', width: 8.3, causal: true },
  ...[0, 5].map((width) => ({ name: 'rates, simulated without noise', record: 'rates', width, noise: 0 })),
  ...[0, 2, 5].map((width) => ({ name: 'rates, input noise 0.3', record: 'rates', width, noise: 0.3 })),
  ...[5, 20].map((width) => ({ name: 'spikes, at most 1 a frame on average', record: 1, width })),
  { name: 'spikes, at most 10 a frame on average', record: 10, width: 5 },
];
for (const each of cases) {
  const runs = [];
  for (let seed = 1; seed <= seeds; seed++) runs.push(await trial(each, seed));
  const average = (name) => mean(runs.map((run) => run[name]));
  const numbers = ['correlation', 'slope', 'reverse', 'drive'].map((key) => average(key).toFixed(3));
  const outside = `${(100 * average('outside')).toFixed(1)}%`;
  row([each.name, each.width, ...numbers, outside, average('condition').toExponential(1)]);
}
