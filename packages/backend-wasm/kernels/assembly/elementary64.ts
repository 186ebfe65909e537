import { madd } from './vector';

/**
 * Elementary functions on two float64 at a time, within 1e-15 relative. All come from one decomposition: with
 * h = k (log 2) / 2 + x, |x| <= (log 2) / 4, e^2h = 2^k e^2x, and e^2x = (Q + P) / (Q - P), tanh x = P / Q by six levels
 * of Lambert's continued fraction (error below 1e-18). So every function is one quotient of polynomials.
 */

const STEPS: f64 = 2.0 / 0.6931471805599453;
/** (log 2) / 2 in two parts, the first with so many zero bits that k times it is exact (Cody and Waite 1980). */
const STEP_HIGH: f64 = 6.9314718036912382e-1 / 2.0;
const STEP_LOW: f64 = 1.9082149292705877e-10 / 2.0;
/** Adding it rounds to a whole number, which then stands in the low bits. */
const ROUND: f64 = 6755399441055744.0;
/** From here on e^-2h is 0. */
const VANISHING: f64 = 400.0;
const SIGN: u64 = 0x8000000000000000;

// @ts-ignore: decorator
@inline
function c(x: f64): v128 {
  return f64x2.splat(x);
}
// @ts-ignore: decorator
@inline
function bits(x: u64): v128 {
  return i64x2.splat(x);
}
// @ts-ignore: decorator
@inline
function add(a: v128, b: v128): v128 {
  return f64x2.add(a, b);
}
// @ts-ignore: decorator
@inline
function sub(a: v128, b: v128): v128 {
  return f64x2.sub(a, b);
}
// @ts-ignore: decorator
@inline
function mul(a: v128, b: v128): v128 {
  return f64x2.mul(a, b);
}
// @ts-ignore: decorator
@inline
function div(a: v128, b: v128): v128 {
  return f64x2.div(a, b);
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
  return f64x2.pmin(a, bound);
}
/** The larger of a and a bound; NaN where a is. */
// @ts-ignore: decorator
@inline
function atLeast(a: v128, bound: v128): v128 {
  return f64x2.pmax(a, bound);
}
/** k + ROUND with k the number of steps in h. */
// @ts-ignore: decorator
@inline
function steps(h: v128): v128 {
  return add(mul(h, c(STEPS)), c(ROUND));
}
// @ts-ignore: decorator
@inline
function rest(h: v128, k: v128): v128 {
  return sub(sub(h, mul(k, c(STEP_HIGH))), mul(k, c(STEP_LOW)));
}
/** 2^k from k + ROUND, for k within +-1022. */
// @ts-ignore: decorator
@inline
function power(rounded: v128): v128 {
  return i64x2.shl(i64x2.add(rounded, bits(1023)), 52);
}
/** a 2^k from k and k + ROUND, for k within +-2000: in two factors, so that subnormal results are right. */
// @ts-ignore: decorator
@inline
function scaled(a: v128, k: v128): v128 {
  const half = add(mul(k, c(0.5)), c(ROUND));
  const other = add(sub(k, sub(half, c(ROUND))), c(ROUND));
  return mul(mul(a, power(half)), power(other));
}
// @ts-ignore: decorator
@inline
function odd(x: v128, u: v128): v128 {
  return mul(x, madd<f64>(u, madd<f64>(u, c(21), c(1260)), c(10395)));
}
// @ts-ignore: decorator
@inline
function even(u: v128): v128 {
  return madd<f64>(u, madd<f64>(u, add(u, c(210)), c(4725)), c(10395));
}

/** tanh z = N / (N + 2 D) with N / D = e^2|z| - 1. */
// @ts-ignore: decorator
@inline
export function tanh64(z: v128): v128 {
  const h = atMost(f64x2.abs(z), c(20));
  const rounded = steps(h);
  const x = rest(h, sub(rounded, c(ROUND)));
  const u = mul(x, x);
  const p = odd(x, u);
  const d = sub(even(u), p);
  const two = power(rounded);
  const n = madd<f64>(add(two, two), p, mul(sub(two, c(1)), d));
  return v128.or(div(n, add(n, add(d, d))), signOf(z));
}

/** e^z. */
// @ts-ignore: decorator
@inline
export function exp64(z: v128): v128 {
  const h = mul(atLeast(atMost(z, c(720)), c(-760)), c(0.5));
  const k = sub(steps(h), c(ROUND));
  const x = rest(h, k);
  const u = mul(x, x);
  const p = odd(x, u);
  const q = even(u);
  return scaled(div(add(q, p), sub(q, p)), k);
}

/** e^z - 1. */
// @ts-ignore: decorator
@inline
export function expm164(z: v128): v128 {
  const h = mul(atLeast(atMost(z, c(40)), c(-40)), c(0.5));
  const rounded = steps(h);
  const x = rest(h, sub(rounded, c(ROUND)));
  const u = mul(x, x);
  const p = odd(x, u);
  const d = sub(even(u), p);
  const two = power(rounded);
  const near = div(madd<f64>(add(two, two), p, mul(sub(two, c(1)), d)), d);
  return v128.bitselect(exp64(z), near, f64x2.gt(z, c(40)));
}

/** 1 / (1 + e^-z). */
// @ts-ignore: decorator
@inline
export function logistic64(z: v128): v128 {
  const h = atMost(mul(f64x2.abs(z), c(0.5)), c(VANISHING));
  const k = sub(steps(h), c(ROUND));
  const x = rest(h, k);
  const u = mul(x, x);
  const p = odd(x, u);
  const q = even(u);
  const large = add(q, p);
  const small = scaled(sub(q, p), f64x2.neg(k));
  return div(v128.bitselect(small, large, f64x2.lt(z, c(0))), add(large, small));
}

/**
 * log(1 + e^-2h), h >= 0, as 2 artanh s with s = e^-2h / (2 + e^-2h) <= 1/3; the polynomial in s^2 is the Chebyshev fit
 * of (artanh(s) / s - 1) / s^2 (error below 8e-18 of the result).
 */
// @ts-ignore: decorator
@inline
function logTail(argument: v128): v128 {
  const h = atMost(argument, c(VANISHING));
  const k = sub(steps(h), c(ROUND));
  const x = rest(h, k);
  const u = mul(x, x);
  const p = odd(x, u);
  const q = even(u);
  const small = scaled(sub(q, p), f64x2.neg(k));
  const large = add(q, p);
  const s = div(small, add(add(large, large), small));
  const v = mul(s, s);
  const v2 = mul(v, v);
  const v4 = mul(v2, v2);
  const low = madd<f64>(
    v2,
    madd<f64>(v, c(0.11111111358710496), c(0.1428571428355441)),
    madd<f64>(v, c(0.20000000000007292), c(0.3333333333333333)),
  );
  const middle = madd<f64>(
    v2,
    madd<f64>(v, c(0.060005358799965054), c(0.06657072165282142)),
    madd<f64>(v, c(0.07692785028390219), c(0.09090894718227875)),
  );
  const high = madd<f64>(v, c(0.08082017809547867), c(0.04400371733008162));
  const series = madd<f64>(v4, madd<f64>(v4, high, middle), low);
  const s2 = add(s, s);
  return madd<f64>(mul(s2, v), series, s2);
}

/** log(2 cosh z) = |z| + log(1 + e^-2|z|). */
// @ts-ignore: decorator
@inline
export function log2cosh64(z: v128): v128 {
  const size = f64x2.abs(z);
  return add(size, logTail(size));
}

/** log(1 + e^z) = max(z, 0) + log(1 + e^-|z|). */
// @ts-ignore: decorator
@inline
export function softplus64(z: v128): v128 {
  return add(atLeast(z, c(0)), logTail(mul(f64x2.abs(z), c(0.5))));
}

/**
 * log z: with z = 2^k m, m from sqrt(1/2) to sqrt 2, and s = (m - 1) / (m + 1), log m = 2 artanh s; the polynomial in
 * s^2 is the Chebyshev fit of (artanh(s) / s - 1) / s^2 (error below 6e-19 of the result).
 */
// @ts-ignore: decorator
@inline
export function log64(z: v128): v128 {
  const subnormal = f64x2.lt(z, c(2.2250738585072014e-308));
  const normal = v128.bitselect(mul(z, c(18014398509481984.0)), z, subnormal);
  // Counted from sqrt(1/2), so that the mantissa lies around 1.
  const shifted = i64x2.sub(normal, bits(0x3fe6a09e667f3bcd));
  const exponent = i64x2.shr_s(shifted, 52);
  const m = i64x2.sub(normal, i64x2.shl(exponent, 52));
  const whole = sub(i64x2.add(exponent, c(ROUND)), c(ROUND));
  const k = sub(whole, v128.and(subnormal, c(54)));
  const s = div(sub(m, c(1)), add(m, c(1)));
  const v = mul(s, s);
  const v2 = mul(v, v);
  const low = madd<f64>(
    v2,
    madd<f64>(v, c(0.1111111119597007), c(0.14285714285401116)),
    madd<f64>(v, c(0.2000000000000044), c(0.3333333333333333)),
  );
  const high = madd<f64>(
    v2,
    madd<f64>(v, c(0.06543431561208425), c(0.0663437442426692)),
    madd<f64>(v, c(0.07693120344487539), c(0.09090897809925928)),
  );
  const series = madd<f64>(mul(v2, v2), high, low);
  const s2 = add(s, s);
  const tail = madd<f64>(mul(s2, v), series, mul(k, c(1.9082149292705877e-10)));
  const value = madd<f64>(k, c(6.9314718036912382e-1), add(s2, tail));
  // log 0 = -Infinity, log Infinity = Infinity, NaN for the negative and NaN.
  const ordinary = v128.and(f64x2.gt(z, c(0)), f64x2.lt(z, c(Infinity)));
  const special = v128.bitselect(
    c(-Infinity),
    v128.bitselect(z, c(NaN), f64x2.eq(z, c(Infinity))),
    f64x2.eq(z, c(0)),
  );
  return v128.bitselect(value, special, ordinary);
}

/** log(1 + z) = log u + (z - (u - 1)) / u with u = 1 + z rounded: the second term is what the rounding lost. */
// @ts-ignore: decorator
@inline
export function log1p64(z: v128): v128 {
  const u = add(z, c(1));
  const lost = sub(z, sub(u, c(1)));
  const finite = v128.and(f64x2.gt(u, c(0)), f64x2.lt(u, c(Infinity)));
  const value = add(log64(u), v128.and(div(lost, u), finite));
  // At 0 the sign of z stays.
  return v128.bitselect(z, value, f64x2.eq(z, c(0)));
}

/** artanh z = log(1 + 2|z| / (1 - |z|)) / 2, with the sign of z. */
// @ts-ignore: decorator
@inline
export function atanh64(z: v128): v128 {
  const a = f64x2.abs(z);
  const value = mul(log1p64(div(add(a, a), sub(c(1), a))), c(0.5));
  return v128.or(value, signOf(z));
}

/**
 * -Li2(-e^z), the integral of softplus: for z <= 0 with u = log(1 + e^z) it is u + u^2/4 + a series in odd powers of u
 * (Lewin 1981, section 1.8); else pi^2/6 + z^2/2 minus that of -z.
 */
// @ts-ignore: decorator
@inline
export function softplusIntegral64(z: v128): v128 {
  const u = logTail(mul(f64x2.abs(z), c(0.5)));
  const v = mul(u, u);
  let series = madd<f64>(v, c(-1.0356517612181247e-17), c(4.518980029619918e-16));
  series = madd<f64>(v, series, c(-1.9939295860721074e-14));
  series = madd<f64>(v, series, c(8.921691020456453e-13));
  series = madd<f64>(v, series, c(-4.0647616451442256e-11));
  series = madd<f64>(v, series, c(1.0 / 526901760.0));
  series = madd<f64>(v, series, c(-1.0 / 10886400.0));
  series = madd<f64>(v, series, c(1.0 / 211680.0));
  series = madd<f64>(v, series, c(-1.0 / 3600.0));
  series = madd<f64>(v, series, c(1.0 / 36.0));
  const below = madd<f64>(v, madd<f64>(u, series, c(0.25)), u);
  const above = sub(madd<f64>(mul(z, z), c(0.5), c(1.6449340668482264)), below);
  return v128.bitselect(above, below, f64x2.gt(z, c(0)));
}

/**
 * tanh z - tanh y without cancellation. With p = e^-2 low = B / A, low the smaller magnitude, gap = high - low for equal
 * signs and high + low for unequal ones, e = e^-2 gap = C / D and D - C formed without cancellation, the size is
 * 2 p (1 - e) / ((1 + p)(1 + p e)), and for unequal signs 2 p (1 - e) / ((1 + p)(p + e)).
 */
// @ts-ignore: decorator
@inline
export function transferDifference64(z: v128, y: v128): v128 {
  const a = f64x2.abs(z);
  const b = f64x2.abs(y);
  const unequal = i64x2.shr_s(v128.xor(z, y), 63);
  // Unequal signs need no more than tanh needs; e^-2 low must not vanish there.
  const bound = v128.bitselect(c(20), c(VANISHING), unequal);
  const low = f64x2.pmin(f64x2.pmin(a, b), bound);
  const top = f64x2.pmax(b, a);
  const high = v128.bitselect(f64x2.pmin(top, bound), top, unequal);
  const between = atMost(v128.bitselect(add(high, low), sub(high, low), unequal), c(VANISHING));

  const k = sub(steps(low), c(ROUND));
  const x = rest(low, k);
  const u = mul(x, x);
  const p = odd(x, u);
  const q = even(u);
  const small = scaled(sub(q, p), f64x2.neg(k));
  const large = add(q, p);

  const kGap = sub(steps(between), c(ROUND));
  const xGap = rest(between, kGap);
  const uGap = mul(xGap, xGap);
  const pGap = odd(xGap, uGap);
  const qGap = even(uGap);
  const fall = scaled(c(1), f64x2.neg(kGap));
  const below = add(qGap, pGap);
  const decay = mul(fall, sub(qGap, pGap));
  const drop = madd<f64>(add(c(1), fall), pGap, mul(sub(c(1), fall), qGap));

  const first = v128.bitselect(small, large, unequal);
  const second = v128.bitselect(large, small, unequal);
  const whole = madd<f64>(first, below, mul(second, decay));
  const numerator = mul(mul(add(small, small), large), drop);
  const size = div(numerator, mul(add(large, small), whole));
  const signed = v128.or(size, v128.and(f64x2.lt(z, y), bits(SIGN)));
  return v128.bitselect(c(0), signed, f64x2.eq(z, y));
}
