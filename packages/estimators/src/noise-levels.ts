import type { Matrix } from '@drnn/tensor';
import { medianOf } from './median.js';

/**
 * Two kinds of noise on d = phi(z + input noise) + output noise, told apart by where they show: to first order
 *
 *     Var(d | z) = input^2 phi'(z)^2 + output^2.
 */
export interface NoiseLevels {
  /** s_in, the standard deviation inside the nonlinearity, in units of the current. */
  readonly input: number;
  /** s_c, the standard deviation outside, in units of the target. */
  readonly output: number;
}

/** Below these a level says more about rounding and the trim than about noise. */
const leastInput = 1e-4;
const leastOutput = 1e-5;

/** 1 / Phi^-1(3/4): the standard deviation of a Gaussian over its median absolute value. */
const gaussianScale = 1.4826;

/** Entries looked at: the median absolute value of a twelfth of them is good to 1 %. */
const mostEntries = 100_000;

/** Quantile bins of phi'. */
const bins = 12;
/** Keys that the quantiles are taken of, about: where a bin ends matters little. */
const mostSorted = 5000;
const reweightings = 20;

/**
 * The noise levels from the residuals of a fit: the entries are put into 12 bins by phi'(z), the median absolute residual
 * of each gives its variance (so that rare jumps do not count), divided by 1 - `parameters` / rows for what the fit
 * took up, and input^2 and output^2 are fitted to the bins by non-negative least squares with relative errors. `means`
 * is phi(z), `slopes` phi'(z) [row, unit]; entries where `observed` is 0 are left out. Cost: sorts, O(rows x units log).
 */
export const noiseLevels = (
  { means, slopes, targets, observed }: Residuals,
  freedom: { readonly parameters: number; readonly rows: number },
): NoiseLevels => {
  const stride = Math.max(1, Math.floor(slopes.data.length / mostEntries) | 1);
  const keys = new Float64Array(Math.ceil(slopes.data.length / stride));
  const sizes = new Float64Array(keys.length);
  let count = 0;
  for (let i = 0; i < slopes.data.length; i += stride) {
    if (observed?.data[i] === 0) continue;
    keys[count] = slopes.data[i]!;
    sizes[count] = Math.abs(targets.data[i]! - means.data[i]!);
    count++;
  }
  const binned = intoBins(keys.subarray(0, count), sizes);
  const left = Math.max(1 - freedom.parameters / freedom.rows, 0.2);
  const squares = binned.map((bin) => bin.square);
  const variances = binned.map((bin) => (gaussianScale * medianOf(bin.sizes)) ** 2 / left);
  const [input, output] = nonNegativeFit(squares, variances);
  return { input: Math.max(Math.sqrt(input), leastInput), output: Math.max(Math.sqrt(output), leastOutput) };
};

/** Residuals of a fit, [row, unit]. */
export interface Residuals {
  readonly means: Matrix;
  readonly slopes: Matrix;
  readonly targets: Matrix;
  /** 0 where there is none; null where all are. */
  readonly observed: Matrix | null;
}

/** The mean square of the keys of each quantile bin, and the sizes that belong to them; bins without members are left out. */
const intoBins = (
  keys: Float64Array,
  sizes: Float64Array,
): readonly { readonly square: number; readonly sizes: Float64Array }[] => {
  const step = Math.max(1, Math.floor(keys.length / mostSorted));
  const sorted = new Float64Array(Math.ceil(keys.length / step));
  for (let i = 0; i < sorted.length; i++) sorted[i] = keys[i * step]!;
  sorted.sort();
  const ends = Float64Array.from({ length: bins - 1 }, (_, k) => sorted[Math.floor(((k + 1) * sorted.length) / bins)]!);
  const binOf = new Uint8Array(keys.length);
  const counts = new Int32Array(bins);
  for (let i = 0; i < keys.length; i++) {
    let bin = 0;
    while (bin < ends.length && keys[i]! >= ends[bin]!) bin++;
    binOf[i] = bin;
    counts[bin]!++;
  }
  const members = Array.from(counts, (count) => new Float64Array(count));
  const sums = new Float64Array(bins);
  const filled = new Int32Array(bins);
  for (let i = 0; i < keys.length; i++) {
    const bin = binOf[i]!;
    sums[bin]! += keys[i]! ** 2;
    members[bin]![filled[bin]!++] = sizes[i]!;
  }
  return members.flatMap((own, bin) => (own.length === 0 ? [] : [{ square: sums[bin]! / own.length, sizes: own }]));
};

/** a, c >= 0 with a x + c near y, errors relative to the fit of the time before: iterated weighted least squares. */
const nonNegativeFit = (x: readonly number[], y: readonly number[]): readonly [number, number] => {
  const tiny = 1e-14;
  const [first, last] = [0, x.length - 1];
  let a = Math.max(y[last]! / Math.max(x[last]!, tiny), tiny);
  let c = Math.max(y[first]! - a * x[first]!, tiny);
  for (let k = 0; k < reweightings; k++) {
    let [xx, x1, oneone, xy, oney] = [0, 0, 0, 0, 0];
    for (let i = 0; i < x.length; i++) {
      const w = 1 / (a * x[i]! + c) ** 2;
      xx += w * x[i]! * x[i]!;
      x1 += w * x[i]!;
      oneone += w;
      xy += w * x[i]! * y[i]!;
      oney += w * y[i]!;
    }
    const determinant = xx * oneone - x1 * x1;
    const both: readonly [number, number] = [
      (xy * oneone - oney * x1) / determinant,
      (oney * xx - xy * x1) / determinant,
    ];
    // At most two unknowns: where one comes out negative, the other alone is the non-negative solution.
    const inside = determinant > 1e-12 * xx * oneone && both[0] >= 0 && both[1] >= 0;
    const alone = { slope: xx > 0 ? xy / xx : 0, level: oney / oneone };
    const slopeOnly = xx > 0 ? (xy * xy) / xx : 0;
    const levelOnly = (oney * oney) / oneone;
    const [nextA, nextC] = inside ? both : slopeOnly >= levelOnly ? [alone.slope, 0] : [0, alone.level];
    a = Math.max(nextA, tiny);
    c = Math.max(nextC, tiny);
  }
  return [a, c];
};
