import type { Matrix } from '@drnn/tensor';

/** A closed curve K(theta), theta in turns, that is a trigonometric polynomial. */
export interface TrigonometricCurve {
  readonly dimension: number;
  readonly harmonics: number;
  /** Fourier coefficients, `[harmonic, re and im, dimension]`. */
  readonly coefficients: Float64Array;
  /** out = K(theta), and slope = dK/dtheta where it is asked for. */
  at(turns: number, out: Float64Array, slope?: Float64Array): void;
  /** The turns at which the curve is nearest to x, near a guess; without one it is sought all round. */
  nearest(x: Float64Array, guess?: number): number;
  /** The largest coefficient among the last quarter of the harmonics, over the length of the first: what is cut off. */
  tail(): number;
}

const STEPS = 30;
/** After a move of no more turns the phase of a point on the curve is right to rounding. */
const SETTLED = 1e-9;

/** The curve through nodes `[phase, dimension]` at equal phases, of which there is an odd number. */
export const curveThrough = ({ rows, columns: n, data }: Matrix): TrigonometricCurve => {
  const harmonics = rows >> 1;
  const coefficients = new Float64Array((harmonics + 1) * 2 * n);
  const cosines = Float64Array.from({ length: rows }, (_, p) => Math.cos((2 * Math.PI * p) / rows));
  const sines = Float64Array.from({ length: rows }, (_, p) => Math.sin((2 * Math.PI * p) / rows));
  for (let h = 0; h <= harmonics; h++) {
    const at = h * 2 * n;
    for (let p = 0; p < rows; p++) {
      const c = cosines[(h * p) % rows]! / rows;
      const s = sines[(h * p) % rows]! / rows;
      for (let i = 0; i < n; i++) {
        coefficients[at + i]! += c * data[p * n + i]!;
        coefficients[at + n + i]! -= s * data[p * n + i]!;
      }
    }
  }
  return trigonometricCurve(n, harmonics, coefficients);
};

/** The curve of Fourier coefficients `[harmonic, re and im, dimension]`, those of e^{2 pi i h theta}. */
export const trigonometricCurve = (
  dimension: number,
  harmonics: number,
  coefficients: Float64Array,
): TrigonometricCurve => {
  const n = dimension;
  const point = new Float64Array(n);
  const slope = new Float64Array(n);
  const at = (turns: number, out: Float64Array, derivative?: Float64Array): void => {
    const turn = 2 * Math.PI * (turns - Math.floor(turns));
    const stepRe = Math.cos(turn);
    const stepIm = Math.sin(turn);
    let re = 2;
    let im = 0;
    for (let i = 0; i < n; i++) out[i] = coefficients[i]!;
    derivative?.fill(0);
    for (let h = 1; h <= harmonics; h++) {
      const next = re * stepRe - im * stepIm;
      im = re * stepIm + im * stepRe;
      re = next;
      const a = h * 2 * n;
      const b = a + n;
      for (let i = 0; i < n; i++) out[i]! += re * coefficients[a + i]! - im * coefficients[b + i]!;
      if (derivative === undefined) continue;
      const w = 2 * Math.PI * h;
      for (let i = 0; i < n; i++) derivative[i]! -= w * (im * coefficients[a + i]! + re * coefficients[b + i]!);
    }
  };
  const looks = 2 * (2 * harmonics + 1);
  /** Points all round, made when they are first asked for. */
  let table: Float64Array | null = null;
  const allRound = (x: Float64Array): number => {
    if (table === null) {
      table = new Float64Array(looks * n);
      for (let p = 0; p < looks; p++) at(p / looks, table.subarray(p * n, (p + 1) * n));
    }
    let best = 0;
    let least = Infinity;
    for (let p = 0; p < looks; p++) {
      let away = 0;
      for (let i = 0; i < n; i++) away += (x[i]! - table[p * n + i]!) ** 2;
      if (away < least) [best, least] = [p, away];
    }
    return best / looks;
  };
  return {
    dimension: n,
    harmonics,
    coefficients,
    at,
    nearest: (x, guess) => {
      let turns = guess ?? allRound(x);
      // Gauss and Newton's method: as fast as Newton's where x is on the curve, as it will be.
      for (let step = 0; step < STEPS; step++) {
        at(turns, point, slope);
        let along = 0;
        let length = 0;
        for (let i = 0; i < n; i++) {
          along += (x[i]! - point[i]!) * slope[i]!;
          length += slope[i]! * slope[i]!;
        }
        if (!(length > 0)) return turns;
        const move = Math.max(-0.05, Math.min(0.05, along / length));
        turns += move;
        if (Math.abs(move) <= SETTLED) break;
      }
      return turns;
    },
    tail: () => {
      const largest = (h: number): number => Math.hypot(...coefficients.subarray(h * 2 * n, (h + 1) * 2 * n));
      let last = 0;
      for (let h = harmonics - (harmonics >> 2); h <= harmonics; h++) last = Math.max(last, largest(h));
      return last / largest(1);
    },
  };
};
