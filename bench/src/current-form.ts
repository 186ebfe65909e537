/**
 * A recording of a network in the current form, fitted as it is (the rate form), through the leak (`form` current), and by
 * least squares on x = atanh r, whose targets (x[t+1] - (1-a) x[t]) / a are exact without noise on the record. Correlation
 * with the true weights and slope on them, off the diagonal, by the kind of noise and its size: in the currents, on the
 * rates that are recorded and sent, on the record. `node bench/dist/current-form.js [--units 50] [--steps 4000]
 * [--networks 3] [--gain 3] [--alpha 0.1]`.
 */
import { leastSquares } from '@drnn/linalg';
import { matrix, type Matrix } from '@drnn/tensor';
import { correlation, fit, randomNetwork, simulate } from 'drnn';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    units: { type: 'string', default: '50' },
    steps: { type: 'string', default: '4000' },
    networks: { type: 'string', default: '3' },
    gain: { type: 'string', default: '3' },
    alpha: { type: 'string', default: '0.1' },
  },
});
const [units, steps, networks, gain, alpha] = [
  Number(values.units),
  Number(values.steps),
  Number(values.networks),
  Number(values.gain),
  Number(values.alpha),
];

const cases = [
  { name: 'no noise' },
  { name: 'currents 0.01', inputNoise: 0.01 },
  { name: 'currents 0.1', inputNoise: 0.1 },
  { name: 'currents 0.5', inputNoise: 0.5 },
  { name: 'currents 2', inputNoise: 2 },
  { name: 'sent 0.01', outputNoise: 0.01 },
  { name: 'sent 0.1', outputNoise: 0.1 },
  { name: 'record 0.001', observationNoise: 0.001 },
  { name: 'record 0.01', observationNoise: 0.01 },
  { name: 'record 0.1', observationNoise: 0.1 },
] as const;

const gaussian = (size: number | undefined) => (size === undefined ? undefined : ({ kind: 'gaussian', size } as const));

const offDiagonal = (W: Matrix): Float64Array => W.data.filter((_, i) => Math.floor(i / W.columns) !== i % W.columns);

/** [correlation, slope] of fitted weights on the true ones. */
const judged = (fitted: Matrix, truth: Matrix): readonly [number, number] => {
  const [x, y] = [offDiagonal(truth), offDiagonal(fitted)];
  const xx = x.reduce((sum, value) => sum + value * value, 0);
  return [correlation(y, x), y.reduce((sum, value, i) => sum + value * x[i]!, 0) / xx];
};

/** W by least squares on currents: no ridge, a bias, rates beyond +-(1 - 1e-6) moved there. */
const byCurrents = (rates: Matrix): Matrix => {
  const rows = rates.rows - 1;
  const X = matrix(rows, units + 1);
  const D = matrix(rows, units);
  const x = rates.data.map((r) => Math.atanh(Math.max(-1 + 1e-6, Math.min(1 - 1e-6, r))));
  for (let t = 0; t < rows; t++) {
    X.data.set(rates.data.subarray(t * units, (t + 1) * units), t * (units + 1));
    X.data[t * (units + 1) + units] = 1;
    for (let j = 0; j < units; j++) {
      D.data[t * units + j] = (x[(t + 1) * units + j]! - (1 - alpha) * x[t * units + j]!) / alpha;
    }
  }
  const theta = leastSquares(X, D);
  const W = matrix(units, units);
  for (let j = 0; j < units; j++) for (let p = 0; p < units; p++) W.data[j * units + p] = theta.data[p * units + j]!;
  return W;
};

const means = (pairs: readonly (readonly [number, number])[]): string => {
  const mean = (k: 0 | 1): string => (pairs.reduce((sum, pair) => sum + pair[k], 0) / pairs.length).toFixed(3);
  return `${mean(0)} (${mean(1)})`;
};

console.log('correlation (slope); calibrated unless said');
console.log(['noise', 'as rates', 'leak, convex', 'leak', 'atanh'].join(' | '));
for (const each of cases) {
  const { name, inputNoise, outputNoise, observationNoise } = {
    inputNoise: undefined,
    outputNoise: undefined,
    observationNoise: undefined,
    ...each,
  };
  const results: (readonly [number, number])[][] = [[], [], [], []];
  for (let seed = 1; seed <= networks; seed++) {
    const { W, initial } = randomNetwork({ units, gain, seed });
    const noises = Object.entries({ inputNoise, outputNoise, observationNoise }).flatMap(([key, size]) => {
      const noise = gaussian(size);
      return noise === undefined ? [] : [[key, noise] as const];
    });
    const { rates } = simulate({
      W,
      alpha,
      steps,
      initial: initial.map(Math.atanh),
      form: 'current',
      seed,
      ...Object.fromEntries(noises),
    });
    const shared = { alpha, scale: 'none', refit: false, backend: 'cpu' } as const;
    const rate = await fit({ rates }, shared);
    const convex = await fit({ rates }, { ...shared, form: 'current', estimator: 'convex' });
    const current = await fit({ rates }, { ...shared, form: 'current' });
    [rate.model.W, convex.model.W, current.model.W, byCurrents(rates)].forEach((fitted, k) =>
      results[k]?.push(judged(fitted, W)),
    );
  }
  console.log([name, ...results.map(means)].join(' | '));
}
