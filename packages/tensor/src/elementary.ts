/**
 * Elementary functions for the loops over blocks: within 1e-15 relative of the exact value, like the ones of `Math`,
 * at less than half of their cost, since they are plain arithmetic that the compiler puts into the loop. All come from
 * one decomposition: with h = k (log 2) / 2 + x, |x| <= (log 2) / 4, e^2h = 2^k e^2x, and
 * e^2x = (Q + P) / (Q - P), tanh x = P / Q by six levels of Lambert's continued fraction (error below 1e-18). So every
 * function is one quotient of polynomials.
 */

const stepsPerUnit = 2 / Math.LN2;
/** (log 2) / 2 in two parts, the first with so many zero bits that k times it is exact (Cody and Waite 1980). */
const stepHigh = 6.9314718036912382e-1 / 2;
const stepLow = 1.9082149292705877e-10 / 2;

/** Powers of two: 2^-k to below the smallest subnormal, and 2^k as far as tanh needs it. */
const down = Float64Array.from({ length: 1200 }, (_, k) => 2 ** -k);
const up = Float64Array.from({ length: 64 }, (_, k) => 2 ** k);
/** From here on e^-2h is 0. */
const vanishing = 400;

/** k of an h >= 0; 0 for NaN. */
const steps = (h: number): number => (h * stepsPerUnit + 0.5) | 0;
const rest = (h: number, k: number): number => h - k * stepHigh - k * stepLow;
/** P(x) and Q(x) with u = x^2. */
const odd = (x: number, u: number): number => x * (10395 + u * (1260 + 21 * u));
const even = (u: number): number => 10395 + u * (4725 + u * (210 + u));

/** tanh z = N / (N + 2 D) with N / D = e^2|z| - 1. */
export const tanhNumber = (z: number): number => {
  const size = Math.abs(z);
  if (size < 1e-8) return z;
  const h = size > 20 ? 20 : size;
  const k = steps(h);
  const x = rest(h, k);
  const u = x * x;
  const p = odd(x, u);
  const d = even(u) - p;
  const power = up[k]!;
  const n = 2 * power * p + (power - 1) * d;
  const value = n / (n + 2 * d);
  return z < 0 ? -value : value;
};

/** 1 / (1 + e^-z). */
export const logisticNumber = (z: number): number => {
  const half = Math.abs(z) / 2;
  const h = half > vanishing ? vanishing : half;
  const k = steps(h);
  const x = rest(h, k);
  const u = x * x;
  const p = odd(x, u);
  const q = even(u);
  const large = q + p;
  const small = down[k]! * (q - p);
  return (z < 0 ? small : large) / (large + small);
};

/**
 * log(1 + e^-2h), h >= 0, as 2 artanh s with s = e^-2h / (2 + e^-2h) <= 1/3; the polynomial in s^2 is the Chebyshev fit
 * of (artanh(s) / s - 1) / s^2 (error below 5e-18 of the result).
 */
const logTail = (argument: number): number => {
  const h = argument > vanishing ? vanishing : argument;
  const k = steps(h);
  const x = rest(h, k);
  const u = x * x;
  const p = odd(x, u);
  const q = even(u);
  const small = down[k]! * (q - p);
  const s = small / (2 * (q + p) + small);
  const v = s * s;
  const v2 = v * v;
  const v4 = v2 * v2;
  // In pairs (Estrin 1960), so that the multiplications need not wait for each other.
  const series =
    0.3333333333333333 +
    0.2000000000000729 * v +
    v2 * (0.14285714283554379 + 0.1111111135871393 * v) +
    v4 * (0.0909089471806643 + 0.07692785032479312 * v + v2 * (0.06657072104827468 + 0.06000536404795356 * v)) +
    v4 * v4 * (0.04400369243072337 + 0.08082022805971767 * v);
  return 2 * s * (1 + v * series);
};

/** log(2 cosh z) = |z| + log(1 + e^-2|z|). */
export const log2coshNumber = (z: number): number => {
  const size = Math.abs(z);
  return size + logTail(size);
};

/** log(1 + e^z) = max(z, 0) + log(1 + e^-|z|). */
export const softplusNumber = (z: number): number => (z > 0 ? z : 0) + logTail(Math.abs(z) / 2);

/**
 * tanh z - tanh y without cancellation. With p = e^-2 low, low the smaller magnitude, and e = e^-2 gap, the size is
 * 2 p (1 - e) / ((1 + p)(1 + p e)) for equal signs (gap = high - low), and 2 (1 - e) / ((1 + p)(1 + q)) for unequal
 * ones (gap = high + low, q = e^-2 high). As p = A / B and e = C / D are quotients, one division is enough.
 */
export const transferDifferenceNumber = (z: number, y: number): number => {
  if (z === y) return 0;
  const a = Math.abs(z);
  const b = Math.abs(y);
  const low = a < b ? a : b;
  const high = a < b ? b : a;
  const equal = z > 0 === y > 0;
  const between = equal ? high - low : high + low;

  const h = low > vanishing ? vanishing : low;
  const k = steps(h);
  const x = rest(h, k);
  const u = x * x;
  const pLow = odd(x, u);
  const qLow = even(u);
  const numerator = down[k]! * (qLow - pLow);
  const denominator = qLow + pLow;

  const gap = between > vanishing ? vanishing : between;
  const kGap = steps(gap);
  const xGap = rest(gap, kGap);
  const uGap = xGap * xGap;
  const pGap = odd(xGap, uGap);
  const qGap = even(uGap);
  const power = down[kGap]!;
  const below = qGap + pGap;
  const fall = (1 - power) * qGap + (1 + power) * pGap;

  let size: number;
  if (equal) {
    const decay = power * (qGap - pGap);
    size =
      (2 * numerator * denominator * fall) / ((numerator + denominator) * (denominator * below + numerator * decay));
  } else {
    const top = high > vanishing ? vanishing : high;
    const kTop = steps(top);
    const xTop = rest(top, kTop);
    const uTop = xTop * xTop;
    const pTop = odd(xTop, uTop);
    const qTop = even(uTop);
    const tail = down[kTop]! * (qTop - pTop);
    const whole = qTop + pTop;
    size = (2 * fall * denominator * whole) / (below * (numerator + denominator) * (whole + tail));
  }
  return z > y ? size : -size;
};
