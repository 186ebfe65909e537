/** In-place transform of complex numbers, a power of two of them (Cooley and Tukey 1965). `sign` -1 forward, 1 back, unscaled. */
const radixTwo = (re: Float64Array, im: Float64Array, sign: 1 | -1): void => {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2;
    for (let k = 0; k < half; k++) {
      const angle = (sign * 2 * Math.PI * k) / size;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      for (let i = k; i < n; i += size) {
        const [x, y] = [re[i + half]!, im[i + half]!];
        const [u, v] = [x * c - y * s, x * s + y * c];
        re[i + half] = re[i]! - u;
        im[i + half] = im[i]! - v;
        re[i]! += u;
        im[i]! += v;
      }
    }
  }
};

/**
 * |sum_t x_t e^{-2 pi i k t / T}|^2 for k = 0 ... T/2, of any length: by convolution with a chirp where T is no power of
 * two (Bluestein 1970). Cost T log T.
 */
export const powerSpectrum = (x: Float64Array): Float64Array => {
  const n = x.length;
  const count = Math.floor(n / 2) + 1;
  if (n <= 1) return Float64Array.from({ length: n }, (_, k) => x[k]! ** 2);
  if ((n & (n - 1)) === 0) {
    const [re, im] = [x.slice(), new Float64Array(n)];
    radixTwo(re, im, -1);
    return Float64Array.from({ length: count }, (_, k) => re[k]! ** 2 + im[k]! ** 2);
  }
  let size = 1;
  while (size < 2 * n) size *= 2;
  // k t = (k^2 + t^2 - (k - t)^2) / 2; squares are taken modulo 2 n, where they are exact.
  const chirp = (t: number): number => (Math.PI * ((t * t) % (2 * n))) / n;
  const [re, im] = [new Float64Array(size), new Float64Array(size)];
  const [cosine, sine] = [new Float64Array(size), new Float64Array(size)];
  for (let t = 0; t < n; t++) {
    const angle = chirp(t);
    re[t] = x[t]! * Math.cos(angle);
    im[t] = -x[t]! * Math.sin(angle);
    cosine[t] = Math.cos(angle);
    sine[t] = Math.sin(angle);
    if (t > 0) {
      cosine[size - t] = cosine[t]!;
      sine[size - t] = sine[t]!;
    }
  }
  radixTwo(re, im, -1);
  radixTwo(cosine, sine, -1);
  for (let k = 0; k < size; k++) {
    const [p, q] = [re[k]!, im[k]!];
    re[k] = p * cosine[k]! - q * sine[k]!;
    im[k] = p * sine[k]! + q * cosine[k]!;
  }
  radixTwo(re, im, 1);
  // The chirp that is left has modulus 1.
  return Float64Array.from({ length: count }, (_, k) => (re[k]! ** 2 + im[k]! ** 2) / (size * size));
};
