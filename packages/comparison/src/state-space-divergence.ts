import { columnMeans, principalComponents } from '@drnn/geometry';
import { randomStream, uniform } from '@drnn/simulator';
import { firstNonFinite, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';

/** How far the distributions of two clouds of states are apart; nats. */
export interface Divergence {
  /** KL(reference || model). */
  readonly kullbackLeibler: number;
  /** Jensen and Shannon's, symmetric, at most ln 2. */
  readonly jensenShannon: number;
}

const statesIssues = (reference: Matrix, model: Matrix): readonly Issue[] => [
  ...(reference.columns === model.columns
    ? []
    : [{ path: 'model', seen: `${model.columns} units`, expected: `${reference.columns}, as the reference` }]),
  ...(reference.rows >= 2 && model.rows >= 1
    ? []
    : [{ path: 'reference, model', seen: `${reference.rows} and ${model.rows} states`, expected: 'at least 2 and 1' }]),
  ...([reference, model].every(({ data }) => firstNonFinite(data) < 0)
    ? []
    : [{ path: 'reference, model', seen: 'NaN or infinity', expected: 'finite numbers' }]),
];

const deviationsOf = ({ rows, columns, data }: Matrix, mean: Float64Array): Float64Array => {
  const square = new Float64Array(columns);
  for (let k = 0; k < data.length; k++) square[k % columns]! += (data[k]! - mean[k % columns]!) ** 2 / rows;
  return square.map(Math.sqrt);
};

export interface HistogramOptions {
  /** Bins of each dimension. Default 30. */
  readonly bins?: number;
  /** Added to every count (Laplace). Default 1e-5. */
  readonly smoothing?: number;
  /**
   * `data`: from the least value of the reference less a tenth of its standard deviation to the largest and a tenth;
   * `legacy`: two standard deviations about 0. Default data.
   */
  readonly range?: 'data' | 'legacy';
  /** What becomes of states out of range: counted as a bin of their own, or dropped as the published measure does. */
  readonly outside?: 'counted' | 'dropped';
}

/**
 * The divergence of two clouds `[time, unit]` from their histograms. All bins count, empty ones of both too, through the
 * smoothing. Cost T. Errors: other units; more than six dimensions, whose bins are too many. Source: Koppe et al. 2019;
 * dropping what is out of range hides that a model ran away, so that it is not the default.
 */
export const histogramDivergence = (reference: Matrix, model: Matrix, options: HistogramOptions = {}): Divergence => {
  const { bins = 30, smoothing = 1e-5, range = 'data', outside = 'counted' } = options;
  const { columns } = reference;
  refuse([
    ...statesIssues(reference, model),
    ...(columns >= 1 && columns <= 6
      ? []
      : [{ path: 'reference', seen: `${columns} dimensions`, expected: '1 to 6', hint: 'use mixtureDivergence' }]),
  ]);
  const deviations = deviationsOf(reference, columnMeans(reference));
  const ends = Array.from({ length: columns }, (_, j): readonly [number, number] => {
    if (range === 'legacy') return [-2 * deviations[j]!, 2 * deviations[j]!];
    let [low, high] = [Infinity, -Infinity];
    for (let k = j; k < reference.data.length; k += columns) {
      low = Math.min(low, reference.data[k]!);
      high = Math.max(high, reference.data[k]!);
    }
    const margin = 0.1 * deviations[j]! || 0.5;
    return [low - margin, high + margin];
  });
  const out = -1;
  const countsOf = ({ rows, data }: Matrix): { readonly counts: Map<number, number>; readonly total: number } => {
    const counts = new Map<number, number>();
    let total = 0;
    for (let t = 0; t < rows; t++) {
      let cell = 0;
      for (let j = 0; j < columns && cell !== out; j++) {
        const [low, high] = ends[j]!;
        const part = (data[t * columns + j]! - low) / (high - low);
        cell = part >= 0 && part <= 1 ? cell * bins + Math.min(bins - 1, Math.floor(part * bins)) : out;
      }
      if (cell === out && outside === 'dropped') continue;
      counts.set(cell, (counts.get(cell) ?? 0) + 1);
      total += 1;
    }
    return { counts, total };
  };
  const [p, q] = [countsOf(reference), countsOf(model)];
  const cells = bins ** columns + (outside === 'counted' ? 1 : 0);
  const share = (of: typeof p, count: number): number => (count + smoothing) / (of.total + smoothing * cells);
  const visited = new Set([...p.counts.keys(), ...q.counts.keys()]);
  let [forward, symmetric] = [0, 0];
  const add = (a: number, b: number, times: number): void => {
    const middle = (a + b) / 2;
    forward += times * a * Math.log(a / b);
    symmetric += (times * (a * Math.log(a / middle) + b * Math.log(b / middle))) / 2;
  };
  for (const cell of visited) add(share(p, p.counts.get(cell) ?? 0), share(q, q.counts.get(cell) ?? 0), 1);
  add(share(p, 0), share(q, 0), cells - visited.size);
  return { kullbackLeibler: forward, jensenShannon: Math.max(0, symmetric) };
};

export interface MixtureOptions {
  /** Of each Gaussian, in units of the reference's variance along every dimension. Default 1. */
  readonly variance?: number;
  /** States of each that the mixtures are of, at most, evenly taken. Default 2000. */
  readonly most?: number;
  /** Random states. Default 1000. */
  readonly samples?: number;
  /** Default 1. */
  readonly seed?: number;
  /** The published measure drops samples whose likelihood underflows, which hides a total mismatch. Default kept. */
  readonly underflow?: 'kept' | 'dropped';
}

/** States less the reference's mean over its deviation, at most `most` of them. */
const standardised = (a: Matrix, mean: Float64Array, deviation: Float64Array, most: number): Matrix => {
  const count = Math.min(most, a.rows);
  const result = matrix(count, a.columns);
  for (let k = 0; k < count; k++) {
    const t = Math.floor((k * a.rows) / count);
    for (let j = 0; j < a.columns; j++) {
      result.data[k * a.columns + j] = (a.data[t * a.columns + j]! - mean[j]!) / (deviation[j]! || 1);
    }
  }
  return result;
};

/**
 * The divergence of two clouds from mixtures with a Gaussian at each state, by sampling: for many dimensions, where
 * histograms have no counts. Likelihoods are sums of logarithms and never underflow. Cost samples T N, twice. Errors:
 * other units. Source: Brenner et al. 2022.
 */
export const mixtureDivergence = (reference: Matrix, model: Matrix, options: MixtureOptions = {}): Divergence => {
  refuse(statesIssues(reference, model));
  const { variance = 1, most = 2000, samples = 1000, seed = 1, underflow = 'kept' } = options;
  const n = reference.columns;
  const mean = columnMeans(reference);
  const deviation = deviationsOf(reference, mean);
  const [p, q] = [reference, model].map((a) => standardised(a, mean, deviation, most));
  if (p === undefined || q === undefined) return { kullbackLeibler: 0, jensenShannon: 0 };
  const stream = randomStream(seed, 'divergence');
  /** ln of the mean of exp(-|x - c|^2 / (2 s^2)) over centres c; the constant is the same in both. */
  const logDensity = ({ rows, data }: Matrix, x: Float64Array): number => {
    let nearest = Infinity;
    for (let k = 0; k < rows; k++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += (data[k * n + j]! - x[j]!) ** 2;
      squares[k] = sum;
      nearest = Math.min(nearest, sum);
    }
    let total = 0;
    for (let k = 0; k < rows; k++) total += Math.exp((nearest - squares[k]!) / (2 * variance));
    return Math.log(total / rows) - nearest / (2 * variance);
  };
  const squares = new Float64Array(Math.max(p.rows, q.rows));
  const x = new Float64Array(n);
  const draw = ({ rows, data }: Matrix, k: number): void => {
    const generator = stream(k);
    const centre = Math.floor(uniform(generator) * rows);
    for (let j = 0; j < n; j += 2) {
      // Box and Muller's two at once.
      const size = Math.sqrt(-2 * variance * Math.log(1 - uniform(generator)));
      const angle = 2 * Math.PI * uniform(generator);
      x[j] = data[centre * n + j]! + size * Math.cos(angle);
      if (j + 1 < n) x[j + 1] = data[centre * n + j + 1]! + size * Math.sin(angle);
    }
  };
  // exp of this times the Gaussian's constant is 0 in float64.
  const least = -745 + (n / 2) * Math.log(2 * Math.PI * variance);
  let [forward, count, symmetric] = [0, 0, 0];
  for (let k = 0; k < samples; k++) {
    draw(p, 2 * k);
    const [own, other] = [logDensity(p, x), logDensity(q, x)];
    if (underflow === 'kept' || (own > least && other > least)) {
      forward += own - other;
      count += 1;
    }
    symmetric += Math.LN2 - Math.log1p(Math.exp(other - own));
    draw(q, 2 * k + 1);
    symmetric += Math.LN2 - Math.log1p(Math.exp(logDensity(p, x) - logDensity(q, x)));
  }
  return {
    kullbackLeibler: count === 0 ? Infinity : forward / count,
    jensenShannon: Math.min(Math.LN2, Math.max(0, symmetric / (2 * samples))),
  };
};

export interface StateSpaceDivergence {
  /** Of histograms: in all dimensions up to five, else in the reference's first three principal components. */
  readonly histogram: Divergence;
  /** Of mixtures; null up to five dimensions. */
  readonly mixture: Divergence | null;
}

/** Both, as the number of dimensions asks for. */
export const stateSpaceDivergence = (
  reference: Matrix,
  model: Matrix,
  options: HistogramOptions & MixtureOptions = {},
): StateSpaceDivergence => {
  refuse(statesIssues(reference, model));
  if (reference.columns < 6) return { histogram: histogramDivergence(reference, model, options), mixture: null };
  const { project } = principalComponents(reference);
  return {
    histogram: histogramDivergence(project(reference), project(model), options),
    mixture: mixtureDivergence(reference, model, options),
  };
};
