/**
 * What `standardise` writes: the block a, b, c, d in standard form, the eigenvalues (re1, im1), (re2, im2), and the
 * rotation [cosine, sine; -sine, cosine] from the left (its transpose from the right) that made it.
 */
export const standardBlockSize = 10;

const epsilon = Number.EPSILON / 2;

/**
 * The Schur form of the real block [a, b; c, d]: c = 0 when its eigenvalues are real, else a = d and b c < 0, so that the
 * eigenvalues are a +- i sqrt(-b c). In the manner of Bai and Demmel (1993): which case it is gets decided by a scaled
 * discriminant that does not cancel.
 */
export const standardise = (a: number, b: number, c: number, d: number, out: Float64Array): void => {
  let cosine = 1;
  let sine = 0;
  if (c === 0) {
    // Triangular already.
  } else if (b === 0) {
    cosine = 0;
    sine = 1;
    [a, d] = [d, a];
    b = -c;
    c = 0;
  } else if (!(a === d && b < 0 !== c < 0)) {
    const difference = a - d;
    const half = difference / 2;
    const larger = Math.max(Math.abs(b), Math.abs(c));
    const smaller = Math.min(Math.abs(b), Math.abs(c)) * (b < 0 === c < 0 ? 1 : -1);
    const scale = Math.max(Math.abs(half), larger);
    const discriminant = (half / scale) * half + (larger / scale) * smaller;
    if (discriminant >= 4 * epsilon * scale) {
      // Real and apart.
      const root = Math.sqrt(scale) * Math.sqrt(discriminant);
      const z = half + (half < 0 ? -root : root);
      a = d + z;
      d -= (larger / z) * smaller;
      const length = Math.hypot(c, z);
      cosine = z / length;
      sine = c / length;
      b -= c;
      c = 0;
    } else {
      // Complex, or real and nearly equal: make the diagonal equal.
      const unit = Math.max(Math.abs(b + c), Math.abs(difference));
      const sigma = (b + c) / unit;
      const length = Math.hypot(sigma, difference / unit);
      cosine = Math.sqrt((1 + Math.abs(sigma) / length) / 2);
      sine = -(difference / unit / (2 * length * cosine)) * (sigma < 0 ? -1 : 1);
      const aa = a * cosine + b * sine;
      const bb = b * cosine - a * sine;
      const cc = c * cosine + d * sine;
      const dd = d * cosine - c * sine;
      b = bb * cosine + dd * sine;
      c = cc * cosine - aa * sine;
      const mean = (aa * cosine + cc * sine + (dd * cosine - bb * sine)) / 2;
      a = mean;
      d = mean;
      if (c !== 0 && b === 0) {
        b = -c;
        c = 0;
        [cosine, sine] = [-sine, cosine];
      } else if (c !== 0 && b < 0 === c < 0) {
        // Real after all.
        const rootB = Math.sqrt(Math.abs(b));
        const rootC = Math.sqrt(Math.abs(c));
        const shift = c < 0 ? -rootB * rootC : rootB * rootC;
        const inverse = 1 / Math.sqrt(Math.abs(b + c));
        a = mean + shift;
        d = mean - shift;
        b -= c;
        c = 0;
        const cosine2 = rootB * inverse;
        const sine2 = rootC * inverse;
        [cosine, sine] = [cosine * cosine2 - sine * sine2, cosine * sine2 + sine * cosine2];
      }
    }
  }
  const imaginary = c === 0 ? 0 : Math.sqrt(Math.abs(b)) * Math.sqrt(Math.abs(c));
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
  out[4] = a;
  out[5] = imaginary;
  out[6] = d;
  out[7] = imaginary === 0 ? 0 : -imaginary;
  out[8] = cosine;
  out[9] = sine;
};
