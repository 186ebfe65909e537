import { product, svd } from '@drnn/linalg';
import { randomStream, uniform } from '@drnn/simulator';
import { firstNonFinite, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';

export interface DemixedTrial {
  /** `[time, unit]`. */
  readonly rates: Matrix;
  /** The level of each factor `[factor]`: whole numbers or text. */
  readonly condition: readonly (string | number)[];
}

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

/** Trials by condition: cells in the order of their levels, the last factor fastest. */
interface Design {
  readonly factors: readonly string[];
  readonly levels: readonly number[];
  readonly cells: readonly (readonly Matrix[])[];
  readonly time: number;
  readonly units: number;
}

const designOf = (trials: readonly DemixedTrial[], names?: readonly string[]): Design => {
  const [first] = trials;
  const [time, units] = [first?.rates.rows ?? 0, first?.rates.columns ?? 0];
  const count = first?.condition.length ?? 0;
  const issues: Issue[] = [];
  if (!(time >= 1 && units >= 1 && count >= 1)) {
    issues.push({ path: 'trials', seen: `${trials.length}`, expected: 'trials [time, unit] with one factor or more' });
  }
  if (names !== undefined && names.length !== count) {
    issues.push({ path: 'factors', seen: `${names.length}`, expected: `${count}, as many as conditions have` });
  }
  trials.forEach(({ rates, condition }, k) => {
    if (
      rates.rows !== time ||
      rates.columns !== units ||
      condition.length !== count ||
      firstNonFinite(rates.data) >= 0
    ) {
      issues.push({
        path: `trials[${k}]`,
        seen: `[${rates.rows}, ${rates.columns}] with ${condition.length} factors`,
        expected: `[time=${time}, unit=${units}] with ${count}, finite numbers`,
      });
    }
  });
  refuse(issues);
  const values = Array.from({ length: count }, (_, f) => [
    ...new Set(trials.map(({ condition }) => String(condition[f]))),
  ]);
  const cells = Array.from({ length: values.reduce((all, { length }) => all * length, 1) }, (): Matrix[] => []);
  for (const { rates, condition } of trials) {
    const place = values.reduce((at, own, f) => at * own.length + own.indexOf(String(condition[f])), 0);
    cells[place]!.push(rates);
  }
  const nameOf = (cell: number): string => {
    const parts: string[] = [];
    let rest = cell;
    for (const own of values.toReversed()) {
      parts.unshift(own[rest % own.length]!);
      rest = Math.floor(rest / own.length);
    }
    return parts.join(', ');
  };
  refuse(
    cells.flatMap((cell, k): readonly Issue[] =>
      cell.length > 0
        ? []
        : [{ path: 'trials', seen: `none of condition (${nameOf(k)})`, expected: 'one or more of every condition' }],
    ),
  );
  const factors = values.map((_, f) => names?.[f] ?? `factor ${f}`);
  return { factors, levels: values.map(({ length }) => length), cells, time, units };
};

/** Condition means `[cell x time, unit]`, each of equal weight however many trials it has. */
const meansOf = ({ cells, time, units }: Design): Matrix => {
  const means = matrix(cells.length * time, units);
  cells.forEach((trials, c) => {
    for (const { data } of trials) {
      for (let k = 0; k < data.length; k++) means.data[c * time * units + k]! += data[k]! / trials.length;
    }
  });
  return means;
};

/** The grand mean over conditions and time. */
const grandMean = ({ rows, columns, data }: Matrix): Float64Array => {
  const mean = new Float64Array(columns);
  for (let k = 0; k < data.length; k++) mean[k % columns]! += data[k]! / rows;
  return mean;
};

const lessMean = (a: Matrix, mean: Float64Array): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.data.map((value, k) => value - mean[k % a.columns]!),
  );

/**
 * The parts of condition means by what they depend on, time with each: for a set S of factors the mean over all others,
 * less the parts of all smaller sets. They add up to the whole and are orthogonal to each other.
 */
const marginalise = (
  { factors, levels, time, units }: Design,
  means: Matrix,
): readonly (readonly [string, Matrix])[] => {
  const cells = means.rows / time;
  const strides = levels.map((_, f) => levels.slice(f + 1).reduce((all, count) => all * count, 1));
  const averaged = Array.from({ length: 2 ** levels.length }, (_, set): Matrix => {
    const inSet = (f: number): boolean => ((set >> f) & 1) === 1;
    const keyOf = (cell: number): number =>
      levels.reduce(
        (key, count, f) => (inSet(f) ? key + strides[f]! * (Math.floor(cell / strides[f]!) % count) : key),
        0,
      );
    const share = levels.reduce((all, count, f) => (inSet(f) ? all : all / count), 1);
    const sums = matrix(means.rows, units);
    const width = time * units;
    for (let c = 0; c < cells; c++) {
      const to = keyOf(c) * width;
      for (let k = 0; k < width; k++) sums.data[to + k]! += share * means.data[c * width + k]!;
    }
    const spread = matrix(means.rows, units);
    for (let c = 0; c < cells; c++)
      spread.data.set(sums.data.subarray(keyOf(c) * width, (keyOf(c) + 1) * width), c * width);
    return spread;
  });
  return averaged.map((_, set) => {
    const part = matrix(means.rows, units);
    averaged.forEach((mean, subset) => {
      if ((subset & set) !== subset) return;
      let missing = 0;
      for (let bits = set & ~subset; bits > 0; bits &= bits - 1) missing += 1;
      const sign = missing % 2 === 0 ? 1 : -1;
      for (let k = 0; k < part.data.length; k++) part.data[k]! += sign * mean.data[k]!;
    });
    const names = factors.filter((__, f) => ((set >> f) & 1) === 1);
    return [names.length === 0 ? 'time' : names.join(' x '), part] as const;
  });
};

/** Less than this part of the variance is rounding. */
const NOTHING = 1e-20;

const squares = ({ data }: Matrix): number => data.reduce((sum, value) => sum + value * value, 0);

/** Everything of a fit that does not depend on the ridge. */
interface Prepared {
  readonly means: Matrix;
  readonly mean: Float64Array;
  readonly parts: readonly (readonly [string, Matrix])[];
  /** X'X + (cell x time) C, C the covariance of trials about their condition's mean, as Q diag(g) Q'. */
  readonly basis: Matrix;
  readonly sizes: Float64Array;
  readonly total: number;
}

const prepare = (design: Design): Prepared => {
  const raw = meansOf(design);
  const mean = grandMean(raw);
  const means = lessMean(raw, mean);
  const gram = product(means, means, { transposeA: true });
  const { cells, time, units } = design;
  cells.forEach((trials, c) => {
    for (const { data } of trials) {
      const residual = matrix(
        time,
        units,
        data.map((value, k) => value - raw.data[c * time * units + k]!),
      );
      const scatter = product(residual, residual, { transposeA: true });
      for (let k = 0; k < gram.data.length; k++) gram.data[k]! += scatter.data[k]! / trials.length;
    }
  });
  const { values, right } = svd(gram);
  return { means, mean, parts: marginalise(design, means), basis: right, sizes: values, total: squares(means) };
};

interface Axes {
  /** `[unit, component]`. */
  readonly encoders: Matrix;
  readonly decoders: Matrix;
}

/**
 * F D with D of rank q that comes nearest to X_phi from X, noise and ridge counted: A = X_phi' X G^-1 of the regression, cut
 * to the leading eigenvectors F of A G A'; D = F' A.
 */
const axesOf = ({ means, basis, sizes, total }: Prepared, part: Matrix, ridge: number, count: number): Axes => {
  const least = 1e-12 * (sizes[0] ?? 0);
  const cross = product(product(part, means, { transposeA: true }), basis);
  const n = basis.rows;
  const whitened = matrix(n, n);
  const solved = matrix(n, n);
  for (let j = 0; j < n; j++) {
    // Directions without activity have none to give.
    const size = sizes[j]! > least ? sizes[j]! + ridge * ridge * total : Infinity;
    for (let i = 0; i < n; i++) {
      whitened.data[i * n + j] = cross.data[i * n + j]! / Math.sqrt(size);
      solved.data[i * n + j] = cross.data[i * n + j]! / size;
    }
  }
  const { left, values } = svd(whitened);
  const kept = Math.min(count, values.filter((value) => value * value > NOTHING * total).length);
  const encoders = matrix(n, kept);
  for (let i = 0; i < n; i++)
    for (let q = 0; q < kept; q++) encoders.data[i * kept + q] = left.data[i * left.columns + q]!;
  const map = product(solved, basis, { transposeB: true });
  return { encoders, decoders: product(map, encoders, { transposeA: true }) };
};

const reconstructed = (states: Matrix, { encoders, decoders }: Axes): Matrix =>
  product(product(states, decoders), encoders, { transposeB: true });

/** One trial of each condition out, at random. */
const split = (design: Design, draw: () => number): { readonly rest: Design; readonly out: Matrix } => {
  const chosen = design.cells.map(({ length }) => Math.min(length - 1, Math.floor(draw() * length)));
  const out = matrix(design.cells.length * design.time, design.units);
  chosen.forEach((k, c) => out.data.set(design.cells[c]![k]!.data, c * design.time * design.units));
  return {
    rest: { ...design, cells: design.cells.map((trials, c) => trials.filter((_, k) => k !== chosen[c])) },
    out,
  };
};

const canSplit = ({ cells }: Design): boolean => cells.every(({ length }) => length >= 2);

const crossValidate = (
  design: Design,
  { ridges, folds, count, seed }: { ridges: readonly number[]; folds: number; count: number; seed: number },
): readonly { readonly ridge: number; readonly error: number }[] => {
  const stream = randomStream(seed, 'demixed components');
  const errors = new Float64Array(ridges.length);
  for (let fold = 0; fold < folds; fold++) {
    const generator = stream(fold);
    const { rest, out } = split(design, () => uniform(generator));
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
    options.ridge === undefined && canSplit(design) ? crossValidate(design, { ridges, folds, count, seed }) : null;
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

export interface DemixedDecodingOptions extends DemixedComponentsOptions {
  /** Times that one trial of every condition is left out and decoded. Default 10. */
  readonly repeats?: number;
  /** Surrogates, whose trials have each other's conditions. Default 20. */
  readonly shuffles?: number;
}

export interface DemixedDecoding {
  readonly marginalisation: string;
  /** `[time]`: the part of held-out trials whose levels the component tells. */
  readonly accuracy: Float64Array;
  /** `[time]`: the best that any surrogate reached. */
  readonly chance: Float64Array;
  /** `[time]`: 1 where accuracy is above chance. */
  readonly isSignificant: Uint8Array;
}

/** Accuracy `[time]` of each marginalisation that has a factor, by its first component. */
const decode = (
  design: Design,
  { ridge, repeats, draw }: { ridge: number; repeats: number; draw: () => number },
): readonly (readonly [string, Float64Array])[] => {
  const { time } = design;
  const cells = design.cells.length;
  const hits = new Map<string, Float64Array>();
  for (let repeat = 0; repeat < repeats; repeat++) {
    const { rest, out } = split(design, draw);
    const prepared = prepare(rest);
    const held = lessMean(out, prepared.mean);
    prepared.parts.forEach(([name, part], set) => {
      if (set === 0) return;
      const { decoders } = axesOf(prepared, part, ridge, 1);
      const accuracy = hits.get(name) ?? new Float64Array(time);
      hits.set(name, accuracy);
      if (decoders.columns === 0) return;
      const read = product(held, decoders).data;
      // The mean over all other factors, which cells of the same levels share.
      const expected = product(marginalMean(design, prepared.means, set), decoders).data;
      for (let t = 0; t < time; t++) {
        for (let c = 0; c < cells; c++) {
          let nearest = 0;
          for (let other = 1; other < cells; other++) {
            const distance = Math.abs(read[c * time + t]! - expected[other * time + t]!);
            if (distance < Math.abs(read[c * time + t]! - expected[nearest * time + t]!)) nearest = other;
          }
          if (isSameLevel(design, set, c, nearest)) accuracy[t]! += 1 / (cells * repeats);
        }
      }
    });
  }
  return [...hits];
};

const levelsOf = ({ levels }: Design, set: number, cell: number): number => {
  let key = 0;
  let rest = cell;
  for (let f = levels.length - 1; f >= 0; f--) {
    if (((set >> f) & 1) === 1) key = key * levels[f]! + (rest % levels[f]!);
    rest = Math.floor(rest / levels[f]!);
  }
  return key;
};

const isSameLevel = (design: Design, set: number, a: number, b: number): boolean =>
  levelsOf(design, set, a) === levelsOf(design, set, b);

const marginalMean = (design: Design, means: Matrix, set: number): Matrix => {
  const cells = design.cells.length;
  const width = design.time * design.units;
  const result = matrix(means.rows, means.columns);
  for (let c = 0; c < cells; c++) {
    const alike = Array.from({ length: cells }, (_, k) => k).filter((k) => isSameLevel(design, set, c, k));
    for (const k of alike) {
      for (let i = 0; i < width; i++) result.data[c * width + i]! += means.data[k * width + i]! / alike.length;
    }
  }
  return result;
};

/**
 * When the first demixed component of each factor, and of each interaction, tells its levels: trials that had no part in it
 * are given to the condition whose mean they are nearest to, beside the same with the conditions of all trials shuffled.
 * Cost: repeats x (1 + shuffles) fits. Errors: those of `demixedComponents`; a condition with a single trial. Source: Kobak
 * et al. 2016.
 */
export const demixedDecoding = (
  trials: readonly DemixedTrial[],
  options: DemixedDecodingOptions = {},
): readonly DemixedDecoding[] => {
  const { repeats = 10, shuffles = 20, seed = 1 } = options;
  const design = designOf(trials, options.factors);
  refuse(
    canSplit(design)
      ? []
      : [{ path: 'trials', seen: 'a condition with a single trial', expected: 'two or more of every condition' }],
  );
  const ridge = options.ridge ?? demixedComponents(trials, options).ridge;
  const stream = randomStream(seed, 'demixed decoding');
  const drawOf = (k: number): (() => number) => {
    const generator = stream(k);
    return () => uniform(generator);
  };
  const found = decode(design, { ridge, repeats, draw: drawOf(0) });
  const chances = found.map(() => new Float64Array(design.time));
  for (let shuffle = 1; shuffle <= shuffles; shuffle++) {
    const draw = drawOf(shuffle);
    const all = design.cells.flat();
    for (let k = all.length - 1; k > 0; k--) {
      const other = Math.floor(draw() * (k + 1));
      [all[k], all[other]] = [all[other]!, all[k]!];
    }
    const cells = design.cells.map(({ length }) => all.splice(0, length));
    decode({ ...design, cells }, { ridge, repeats, draw }).forEach(([, accuracy], m) => {
      for (let t = 0; t < design.time; t++) chances[m]![t] = Math.max(chances[m]![t]!, accuracy[t]!);
    });
  }
  return found.map(([marginalisation, accuracy], m) => ({
    marginalisation,
    accuracy,
    chance: chances[m]!,
    isSignificant: Uint8Array.from(accuracy, (value, t) => (value > chances[m]![t]! + 1e-9 ? 1 : 0)),
  }));
};
