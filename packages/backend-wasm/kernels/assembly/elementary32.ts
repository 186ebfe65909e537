import {
  atanh64,
  expm164,
  log1p64,
  softplusIntegral64,
} from './elementary64';
import { madd } from './vector';

/**
 * Elementary functions on four float32 at a time: tanh, exp and log within 2 units of 2^-23, the others within 4. All
 * exponentials are 2^k (1 + E), E = e^r - 1 with |r| <= (log 2) / 2 by a fit of (e^r - 1 - r) / r^2 that leaves E a
 * relative error below 1.4e-8. Where a tail falls below 2^-126 it stays near there: of subnormal results only those of
 * exp are right. Functions that no hot loop uses are computed in float64 and rounded.
 */

const STEPS: f32 = 1.4426950408889634;
const LOG_TWO: f32 = 0.6931471805599453;
/** log 2 in two parts, the first of 10 bits, so that k times it is exact (Cody and Waite 1980). */
const STEP_HIGH: f32 = 0.693359375;
const STEP_LOW: f32 = -2.12194440054690581e-4;
/** Adding it rounds to a whole number, which then stands in the low bits. */
const ROUND: f32 = 12582912.0;
const SIGN: u32 = 0x80000000;

// @ts-ignore: decorator
@inline
function c(x: f32): v128 {
  return f32x4.splat(x);
}
// @ts-ignore: decorator
@inline
function bits(x: u32): v128 {
  return i32x4.splat(x);
}
// @ts-ignore: decorator
@inline
function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}
// @ts-ignore: decorator
@inline
function sub(a: v128, b: v128): v128 {
  return f32x4.sub(a, b);
}
// @ts-ignore: decorator
@inline
function mul(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}
// @ts-ignore: decorator
@inline
function div(a: v128, b: v128): v128 {
  return f32x4.div(a, b);
}
// @ts-ignore: decorator
@inline
function signOf(a: v128): v128 {
  return v128.and(a, bits(SIGN));
}
/** The smaller of a and a bound; NaN where a is. */
// @ts-ignore: decorator
@inline
function atMost(a: v128, bound: v128): v128 {
  return f32x4.pmin(a, bound);
}
/** The larger of a and a bound; NaN where a is. */
// @ts-ignore: decorator
@inline
function atLeast(a: v128, bound: v128): v128 {
  return f32x4.pmax(a, bound);
}
// @ts-ignore: decorator
@inline
function steps(z: v128): v128 {
  return add(mul(z, c(STEPS)), c(ROUND));
}
// @ts-ignore: decorator
@inline
function rest(z: v128, k: v128): v128 {
  return sub(sub(z, mul(k, c(STEP_HIGH))), mul(k, c(STEP_LOW)));
}
/** With log 2 in one part: wrong by k units of 2^-25. */
// @ts-ignore: decorator
@inline
function nearRest(z: v128, k: v128): v128 {
  return sub(z, mul(k, c(LOG_TWO)));
}
/** 2^k from k + ROUND, for k within +-126. */
// @ts-ignore: decorator
@inline
function power(rounded: v128): v128 {
  return i32x4.shl(i32x4.add(rounded, bits(127)), 23);
}
/** a 2^k, for k within +-250: in two factors, so that subnormal results are right. */
// @ts-ignore: decorator
@inline
function scaled(a: v128, k: v128): v128 {
  const half = add(mul(k, c(0.5)), c(ROUND));
  const other = add(sub(k, sub(half, c(ROUND))), c(ROUND));
  return mul(mul(a, power(half)), power(other));
}
/** e^r - 1. */
// @ts-ignore: decorator
@inline
function excess(r: v128): v128 {
  const r2 = mul(r, r);
  const low = madd<f32>(r, c(0.16666543632704667), c(0.49999998154311476));
  const high = madd<f32>(r, c(0.008366518998096083), c(0.0416671998083878));
  return madd<f32>(r2, madd<f32>(r2, madd<f32>(r2, c(0.0013882521807100474), high), low), r);
}

/**
 * tanh z = E / (E + 2) with E = e^2|z| - 1; up to |z| = 0.55, where its three roundings are too many for 2 units in the last
 * place, z + z^3 times a fit of (tanh(z) / z - 1) / z^2 (error of tanh below 4e-8 of it). One part of log 2 is enough, as
 * tanh flattens faster than the error grows.
 */
// @ts-ignore: decorator
@inline
export function tanh32(z: v128): v128 {
  const a = f32x4.abs(z);
  const t = atMost(add(a, a), c(20));
  const rounded = steps(t);
  const two = power(rounded);
  const m = excess(nearRest(t, sub(rounded, c(ROUND))));
  const e = madd<f32>(two, m, sub(two, c(1)));
  const far = v128.or(div(e, add(e, c(2))), signOf(z));
  const u = mul(z, z);
  const low = madd<f32>(u, c(0.13320725052603793), c(-0.3333294663643145));
  const high = madd<f32>(u, c(0.016437580698470143), c(-0.05267181329745338));
  const near = madd<f32>(mul(z, u), madd<f32>(mul(u, u), high, low), z);
  return v128.bitselect(near, far, f32x4.lt(a, c(0.55)));
}

/** e^z. */
// @ts-ignore: decorator
@inline
export function exp32(z: v128): v128 {
  const t = atLeast(atMost(z, c(100)), c(-110));
  const k = sub(steps(t), c(ROUND));
  return scaled(add(excess(rest(t, k)), c(1)), k);
}

/** e^-t for t >= 0; what is smaller than any normal number is e^-87. */
// @ts-ignore: decorator
@inline
function decay(t: v128): v128 {
  const s = f32x4.neg(atMost(t, c(87)));
  const rounded = steps(s);
  const two = power(rounded);
  return madd<f32>(two, excess(rest(s, sub(rounded, c(ROUND)))), two);
}

/** 1 / (1 + e^-z). */
// @ts-ignore: decorator
@inline
export function logistic32(z: v128): v128 {
  const q = decay(f32x4.abs(z));
  return div(v128.bitselect(q, c(1), f32x4.lt(z, c(0))), add(q, c(1)));
}

/** log(1 + e^-h), h >= 0, as 2 artanh s with s = e^-h / (2 + e^-h) <= 1/3. */
// @ts-ignore: decorator
@inline
function logTail(h: v128): v128 {
  const q = decay(h);
  const s = div(q, add(q, c(2)));
  const v = mul(s, s);
  const v2 = mul(v, v);
  const low = madd<f32>(v, c(0.1999985316596486), c(0.3333333366026371));
  const high = madd<f32>(v2, c(0.11612164612011809), madd<f32>(v, c(0.10853287900440169), c(0.14296178997151418)));
  const series = madd<f32>(v2, high, low);
  const s2 = add(s, s);
  return madd<f32>(mul(s2, v), series, s2);
}

/** log(2 cosh z) = |z| + log(1 + e^-2|z|). */
// @ts-ignore: decorator
@inline
export function log2cosh32(z: v128): v128 {
  const size = f32x4.abs(z);
  return add(size, logTail(add(size, size)));
}

/** log(1 + e^z) = max(z, 0) + log(1 + e^-|z|). */
// @ts-ignore: decorator
@inline
export function softplus32(z: v128): v128 {
  return add(atLeast(z, c(0)), logTail(f32x4.abs(z)));
}

/** log z, as log64. */
// @ts-ignore: decorator
@inline
export function log32(z: v128): v128 {
  const subnormal = f32x4.lt(z, c(1.1754943508222875e-38));
  const normal = v128.bitselect(mul(z, c(8388608.0)), z, subnormal);
  const shifted = i32x4.sub(normal, bits(0x3f3504f3));
  const exponent = i32x4.shr_s(shifted, 23);
  const m = i32x4.sub(normal, i32x4.shl(exponent, 23));
  const k = sub(f32x4.convert_i32x4_s(exponent), v128.and(subnormal, c(23)));
  const f = sub(m, c(1));
  const s = div(f, add(f, c(2)));
  const v = mul(s, s);
  const low = madd<f32>(v, c(0.20000060919903062), c(0.33333333277248545));
  const high = madd<f32>(v, c(0.11665233608151389), c(0.1427541040798036));
  const series = madd<f32>(mul(v, v), high, low);
  // log m = f - s (f - 2 v series), in which f is exact.
  const twice = mul(add(v, v), series);
  const logM = sub(f, mul(s, sub(f, twice)));
  const value = madd<f32>(k, c(STEP_HIGH), madd<f32>(k, c(STEP_LOW), logM));
  const ordinary = v128.and(f32x4.gt(z, c(0)), f32x4.lt(z, c(Infinity)));
  const special = v128.bitselect(
    c(-Infinity),
    v128.bitselect(z, c(NaN), f32x4.eq(z, c(Infinity))),
    f32x4.eq(z, c(0)),
  );
  return v128.bitselect(value, special, ordinary);
}

/** tanh z - tanh y without cancellation, as transferDifference64. */
// @ts-ignore: decorator
@inline
export function transferDifference32(z: v128, y: v128): v128 {
  const a = f32x4.abs(z);
  const b = f32x4.abs(y);
  const unequal = i32x4.shr_s(v128.xor(z, y), 31);
  const bound = v128.bitselect(c(10), c(43), unequal);
  const low = f32x4.pmin(f32x4.pmin(a, b), bound);
  const top = f32x4.pmax(b, a);
  const high = v128.bitselect(f32x4.pmin(top, bound), top, unequal);
  // -2 between and -2 low.
  const between = v128.bitselect(add(high, low), sub(high, low), unequal);
  const t = atLeast(mul(between, c(-2)), c(-86));
  const s = mul(low, c(-2));

  const lowSteps = steps(s);
  const lowTwo = power(lowSteps);
  const p = madd<f32>(lowTwo, excess(rest(s, sub(lowSteps, c(ROUND)))), lowTwo);
  const rounded = steps(t);
  const two = power(rounded);
  // One part of log 2 is enough here too: e counts beside 1 and beside p.
  const scaledExcess = mul(two, excess(nearRest(t, sub(rounded, c(ROUND)))));
  const e = add(scaledExcess, two);
  // 1 - e without cancellation.
  const drop = sub(sub(c(1), two), scaledExcess);
  const whole = v128.bitselect(add(p, e), madd<f32>(p, e, c(1)), unequal);
  const size = div(mul(add(p, p), drop), mul(add(p, c(1)), whole));
  const signed = v128.or(size, v128.and(f32x4.lt(z, y), bits(SIGN)));
  return v128.andnot(signed, f32x4.eq(z, y));
}

/** Float64 halves of four float32. */
// @ts-ignore: decorator
@inline
function lowHalf(z: v128): v128 {
  return f64x2.promote_low_f32x4(z);
}
// @ts-ignore: decorator
@inline
function highHalf(z: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<u64>(z, z, 1, 1));
}
// @ts-ignore: decorator
@inline
function joined(low: v128, high: v128): v128 {
  return v128.shuffle<u64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

// @ts-ignore: decorator
@inline
export function expm132(z: v128): v128 {
  return joined(expm164(lowHalf(z)), expm164(highHalf(z)));
}
// @ts-ignore: decorator
@inline
export function log1p32(z: v128): v128 {
  return joined(log1p64(lowHalf(z)), log1p64(highHalf(z)));
}
// @ts-ignore: decorator
@inline
export function atanh32(z: v128): v128 {
  return joined(atanh64(lowHalf(z)), atanh64(highHalf(z)));
}
// @ts-ignore: decorator
@inline
export function softplusIntegral32(z: v128): v128 {
  return joined(softplusIntegral64(lowHalf(z)), softplusIntegral64(highHalf(z)));
}
