import { svd } from '@drnn/linalg';
import { failure, firstNonFinite, matrix, type Matrix } from '@drnn/tensor';

/** What a rule says of a network that holds a cue: it comes to rest after the trial, or goes on in circles. */
export type MemoryRuleClass = 'slow-point' | 'limit-cycle';

export interface MemoryRule {
  readonly class: MemoryRuleClass;
  /** What is compared with the threshold. */
  readonly index: number;
}

const expectTable = (path: string, a: Matrix, rows: number): void => {
  if (a.rows < rows || a.columns < 1 || firstNonFinite(a.data) >= 0) {
    throw failure({
      path,
      seen: `[${a.rows}, ${a.columns}]`,
      expected: `at least ${rows} frames of finite numbers`,
    });
  }
};

const lastRows = ({ rows, columns, data }: Matrix, count: number): Matrix =>
  matrix(count, columns, data.slice((rows - count) * columns));

/**
 * Rule A of Kurtkaya et al. 2025 (arXiv 2502.17433): of outputs `[time, output]`, run on for 5 or 9 trials without input,
 * the root mean square about their mean in the last trial; above 0.1 a limit cycle. Errors: fewer frames than a trial.
 */
export const outputRule = (outputs: Matrix, trialLength: number): MemoryRule => {
  expectTable('outputs', outputs, Math.max(1, trialLength));
  const { rows, columns, data } = lastRows(outputs, trialLength);
  let sum = 0;
  for (let k = 0; k < columns; k++) {
    let mean = 0;
    for (let t = 0; t < rows; t++) mean += data[t * columns + k]! / rows;
    for (let t = 0; t < rows; t++) sum += (data[t * columns + k]! - mean) ** 2;
  }
  const index = Math.sqrt(sum / (rows * columns));
  return { class: index > 0.1 ? 'limit-cycle' : 'slow-point', index };
};

/**
 * Rule B of the same: rates `[time, unit]` of 9 trials on their first two principal directions, not centred; the matrix of
 * correlations between the two coordinates of each two frames, and the part of its two-dimensional power within radius 3
 * of frequency 0; below 0.5 a limit cycle. Two coordinates correlate to +-1, so that the matrix is s s' with s = sign(p1 -
 * p2), and the index sum of P(f) P(g) over f^2 + g^2 <= 9, over the square of all power P of s: it counts changes of one
 * sign, and depends on the signs of the directions, which are arbitrary (here their largest entry is positive). Kept for
 * comparison. Errors: fewer than 2 frames or units.
 */
export const mechanismRule = (rates: Matrix): MemoryRule => {
  expectTable('rates', rates, 2);
  const { rows, columns, data } = rates;
  if (columns < 2)
    throw failure({ path: 'rates', seen: '1 unit', expected: 'at least 2, for two principal directions' });
  const centred = matrix(rows, columns, data.slice());
  for (let j = 0; j < columns; j++) {
    let mean = 0;
    for (let t = 0; t < rows; t++) mean += data[t * columns + j]! / rows;
    for (let t = 0; t < rows; t++) centred.data[t * columns + j]! -= mean;
  }
  const { right } = svd(centred);
  const direction = (k: number): Float64Array => {
    const v = Float64Array.from({ length: columns }, (_, j) => right.data[j * right.columns + k]!);
    const largest = v.reduce((top, value) => (Math.abs(value) > Math.abs(top) ? value : top), 0);
    return largest < 0 ? v.map((value) => -value) : v;
  };
  const [p, q] = [direction(0), direction(1)];
  const s = Float64Array.from({ length: rows }, (_, t) => {
    let difference = 0;
    for (let j = 0; j < columns; j++) difference += data[t * columns + j]! * (p[j]! - q[j]!);
    return Math.sign(difference);
  });
  const power = (f: number): number => {
    let [re, im] = [0, 0];
    for (let t = 0; t < rows; t++) {
      const angle = (2 * Math.PI * ((f * t) % rows)) / rows;
      re += s[t]! * Math.cos(angle);
      im += s[t]! * Math.sin(angle);
    }
    return re * re + im * im;
  };
  // Parseval: all power is T times the sum of squares.
  const whole = rows * s.reduce((sum, value) => sum + value * value, 0);
  const reach = Math.min(3, Math.floor((rows - 1) / 2));
  const powers = Array.from({ length: reach + 1 }, (_, f) => power(f));
  let near = 0;
  for (let f = -reach; f <= reach; f++) {
    for (let g = -reach; g <= reach; g++) {
      if (f * f + g * g <= 9) near += powers[Math.abs(f)]! * powers[Math.abs(g)]!;
    }
  }
  const index = whole === 0 ? 1 : near / (whole * whole);
  return { class: index < 0.5 ? 'limit-cycle' : 'slow-point', index };
};

/**
 * The direct rule: of rates `[time, unit]` without noise, the mean over units of what each covers in the last two trials;
 * above 0.1 a limit cycle. Errors: fewer frames than two trials.
 */
export const rangeRule = (rates: Matrix, trialLength: number): MemoryRule => {
  expectTable('rates', rates, Math.max(1, 2 * trialLength));
  const { rows, columns, data } = lastRows(rates, 2 * trialLength);
  let sum = 0;
  for (let j = 0; j < columns; j++) {
    let [low, high] = [Infinity, -Infinity];
    for (let t = 0; t < rows; t++) {
      const value = data[t * columns + j]!;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    sum += high - low;
  }
  const index = sum / columns;
  return { class: index > 0.1 ? 'limit-cycle' : 'slow-point', index };
};
