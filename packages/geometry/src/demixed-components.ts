import { product } from '@drnn/linalg';
import { randomStream, uniform } from '@drnn/simulator';
import { type Matrix, matrix, refuse } from '@drnn/tensor';
import { axesOf, prepare, reconstructed, squares } from './demixed-axes.js';
import { canLeaveOneOut, type DemixedTrial, type Design, designOf, leaveOneOut, lessMean } from './demixed-design.js';

export interface DemixedComponentsOptions {
  /** Names of the factors. Default `factor 0`, and so on. */
  readonly factors?: readonly string[];
  /** Components of each marginalisation. Default 3. */
  readonly components?: number;
  /**
   * lambda, the ridge (lambda |X|_F)^2; or by cross-validation, which leaves one trial of every condition out and needs two
   * of each. Default cross-validated where that can be, else 1e-6.
   */
  readonly ridge?: number;
  /** What cross-validation chooses among. Default 13 from 1e-6 to 1. */
  readonly ridges?: readonly number[];
  /** Trials left out in turn. Default 5. */
  readonly folds?: number;
  /** Default 1. */
  readonly seed?: number;
}

export interface DemixedComponent {
  /** `time`, a factor, or `stimulus x decision`; with time in each. */
  readonly marginalisation: string;
  /** `[unit]`: the activity is read with `decoder` and put back along `encoder`. */
  readonly decoder: Float64Array;
  readonly encoder: Float64Array;
  /** The part of the variance of the condition means that encoder x decoder explains. */
  readonly explained: number;
  /** Of the variance of what the decoder reads, the part that is of its own marginalisation: 1 where it is demixed. */
  readonly purity: number;
}

export interface Marginalisation {
  readonly name: string;
  /** The part of the variance of the condition means that is of it; they add up to 1. */
  readonly variance: number;
}

export interface DemixedComponents {
  /** All, the one that explains most first. */
  readonly components: readonly DemixedComponent[];
  readonly marginalisations: readonly Marginalisation[];
  /** `[unit]`: what is subtracted before decoding. */
  readonly mean: Float64Array;
  readonly ridge: number;
  /** Cross-validated error of each of `ridges`; null where the ridge was given. */
  readonly errors: readonly { readonly ridge: number; readonly error: number }[] | null;
}

const crossValidate = (
  design: Design,
  { ridges, folds, count, seed }: { ridges: readonly number[]; folds: number; count: number; seed: number },
): readonly { readonly ridge: number; readonly error: number }[] => {
  const stream = randomStream(seed, 'demixed components');
  const errors = new Float64Array(ridges.length);
  for (let fold = 0; fold < folds; fold++) {
    const generator = stream(fold);
    const { rest, out } = leaveOneOut(design, () => uniform(generator));
    const prepared = prepare(rest);
    const held = lessMean(out, prepared.mean);
    ridges.forEach((ridge, k) => {
      for (const [, part] of prepared.parts) {
        const guess = reconstructed(held, axesOf(prepared, part, ridge, count));
        for (let i = 0; i < part.data.length; i++) {
          errors[k]! += (part.data[i]! - guess.data[i]!) ** 2 / (prepared.total * folds);
        }
      }
    });
  }
  return ridges.map((ridge, k) => ({ ridge, error: errors[k]! }));
};

const RIDGES = Array.from({ length: 13 }, (_, k) => 10 ** (k / 2 - 6));

/**
 * Demixed principal components (dPCA) of trials with a condition each: activity is taken apart by what it depends on (time,
 * each factor, their interactions, time with each), and for every part phi decoders D and encoders F of low rank minimise
 * |X_phi - F D X|^2 over trials, so that few directions show one dependence each. Closed form: a ridge regression, then a
 * singular value decomposition; the noise of trials about their mean enters as its covariance. Every condition counts alike,
 * however many trials it has. Cost: N^3 for each fold, ridge and part. Errors: trials of other shapes; a condition
 * without trials; a ridge below 0. Source: Kobak et al. 2016.
 */
export const demixedComponents = (
  trials: readonly DemixedTrial[],
  options: DemixedComponentsOptions = {},
): DemixedComponents => {
  const { components: count = 3, ridges = RIDGES, folds = 5, seed = 1 } = options;
  const design = designOf(trials, options.factors);
  refuse([
    ...(Number.isInteger(count) && count >= 1
      ? []
      : [{ path: 'components', seen: `${count}`, expected: 'a whole number, 1 or more' }]),
    ...(options.ridge === undefined || (options.ridge >= 0 && options.ridge < Infinity)
      ? []
      : [{ path: 'ridge', seen: `${options.ridge}`, expected: 'a finite number, 0 or more' }]),
  ]);
  const errors =
    options.ridge === undefined && canLeaveOneOut(design)
      ? crossValidate(design, { ridges, folds, count, seed })
      : null;
  const best = errors?.reduce((a, b) => (b.error < a.error ? b : a));
  const ridge = options.ridge ?? best?.ridge ?? 1e-6;
  const prepared = prepare(design);
  const { means, mean, parts, total } = prepared;
  const found = parts.flatMap(([marginalisation, part]): readonly DemixedComponent[] => {
    const axes = axesOf(prepared, part, ridge, count);
    const { encoders, decoders } = axes;
    const columnOf = (a: Matrix, q: number): Float64Array =>
      Float64Array.from({ length: a.rows }, (_, i) => a.data[i * a.columns + q]!);
    return Array.from({ length: encoders.columns }, (_, q) => {
      const one = (a: Matrix): Matrix => matrix(a.rows, 1, columnOf(a, q));
      const guess = reconstructed(means, { encoders: one(encoders), decoders: one(decoders) });
      let error = 0;
      for (let k = 0; k < guess.data.length; k++) error += (means.data[k]! - guess.data[k]!) ** 2;
      const read = squares(product(means, one(decoders)));
      return {
        marginalisation,
        encoder: columnOf(encoders, q),
        decoder: columnOf(decoders, q),
        explained: total === 0 ? 0 : 1 - error / total,
        purity: read === 0 ? 0 : squares(product(part, one(decoders))) / read,
      };
    });
  });
  return {
    components: found.toSorted((a, b) => b.explained - a.explained),
    marginalisations: parts.map(([name, part]) => ({ name, variance: total === 0 ? 0 : squares(part) / total })),
    mean,
    ridge,
    errors,
  };
};
