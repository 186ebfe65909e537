import { product } from '@drnn/linalg';
import { randomStream, uniform } from '@drnn/simulator';
import { type Matrix, matrix, refuse } from '@drnn/tensor';
import { axesOf, prepare } from './demixed-axes.js';
import { demixedComponents, type DemixedComponentsOptions } from './demixed-components.js';
import { canLeaveOneOut, type DemixedTrial, type Design, designOf, leaveOneOut, lessMean } from './demixed-design.js';

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
    const { rest, out } = leaveOneOut(design, draw);
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
    canLeaveOneOut(design)
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
