/**
 * Elementary functions in WGSL from additions, multiplications, fma and divisions only. What drivers bring for exp, log
 * and tanh may be wrong by 1e-5, or overflow for large arguments; these are within 5e-7 relative wherever a device
 * rounds additions and products correctly and divides within 2.5 units, as WGSL demands (section 15.7.4).
 */

/**
 * With x = k log 2 + r, |r| <= (log 2) / 2: e^r - 1 by its series to r^7 (error 2e-8). log 2 is in two parts, the first
 * with so few bits that k times it is exact (Cody and Waite 1980); fma is not reassociated.
 */
const reduction = `
fn drnnSteps(x : f32) -> f32 { return round(x * 1.44269504f); }
fn drnnRest(x : f32, k : f32) -> f32 { return fma(k, 2.12194440e-4f, fma(k, -0.693359375f, x)); }
fn drnnSeries(r : f32) -> f32 {
  let p = fma(r, fma(r, fma(r, fma(r, fma(r, 1.98412698e-4f, 1.38888889e-3f), 8.33333333e-3f), 4.16666667e-2f), 1.66666667e-1f), 0.5f);
  return fma(r * r, p, r);
}
fn drnnPower(k : i32) -> f32 { return bitcast<f32>(u32(k + 127) << 23u); }
`;

const exp = `
fn drnnExp(x : f32) -> f32 {
  let limited = clamp(x, -104.0f, 89.0f);
  let k = drnnSteps(limited);
  let e = 1.0f + drnnSeries(drnnRest(limited, k));
  let half = i32(k) / 2;
  return (e * drnnPower(half)) * drnnPower(i32(k) - half);
}
`;

/** 2^k q + (2^k - 1), halved and doubled so that 2^128 does not occur. */
const expm1 = `
fn drnnExpm1(x : f32) -> f32 {
  let limited = clamp(x, -30.0f, 89.0f);
  let k = drnnSteps(limited);
  let q = drnnSeries(drnnRest(limited, k));
  let s = drnnPower(i32(k) - 1);
  return select(2.0f * fma(s, q, s - 0.5f), q, k == 0.0f);
}
`;

/** log(1 + f) + k log 2 with s = f / (2 + f): 2 artanh s by its series to s^13. */
const logarithm = `
fn drnnLogParts(f : f32, k : f32) -> f32 {
  let s = f / (2.0f + f);
  let z = s * s;
  let r = z * fma(z, fma(z, fma(z, fma(z, fma(z, 0.153846154f, 0.181818182f), 0.222222222f), 0.285714286f), 0.4f), 0.666666667f);
  return fma(k, 0.693359375f, fma(k, -2.12194440e-4f, fma(s, r, 2.0f * s)));
}
fn drnnLog(x : f32) -> f32 {
  let bits = bitcast<u32>(x) + 0x004afb0du;
  let k = f32(i32(bits >> 23u) - 127);
  let m = bitcast<f32>((bits & 0x007fffffu) + 0x3f3504f3u);
  let finite = select(drnnLogParts(m - 1.0f, k), x, x >= uniforms.INFINITY);
  return select(select(finite, -uniforms.INFINITY, x == 0.0f), uniforms.NAN, x < 0.0f);
}
`;

const log1p = `
fn drnnLog1p(x : f32) -> f32 { return select(drnnLog(1.0f + x), drnnLogParts(x, 0.0f), abs(x) <= 0.4f); }
`;

const tanh = `
fn drnnTanh(x : f32) -> f32 {
  let t = drnnExpm1(2.0f * min(abs(x), 10.0f));
  let size = t / (t + 2.0f);
  return select(size, -size, x < 0.0f);
}
`;

const atanh = `
fn drnnAtanh(x : f32) -> f32 {
  let a = abs(x);
  let finite = 0.5f * drnnLog1p(2.0f * a / (1.0f - a));
  let size = select(select(finite, uniforms.INFINITY, a == 1.0f), uniforms.NAN, a > 1.0f);
  return select(size, -size, x < 0.0f);
}
`;

const logistic = `
fn drnnLogistic(x : f32) -> f32 {
  let e = drnnExp(-abs(x));
  return select(1.0f, e, x < 0.0f) / (1.0f + e);
}
`;

/** All of them; a compiler drops what a program does not call. */
export const functions = [reduction, exp, expm1, logarithm, log1p, tanh, atanh, logistic].join('');
