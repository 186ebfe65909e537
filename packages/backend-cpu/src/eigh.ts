import { expectSquare, failure, type Host, matrix, transpose } from '@drnn/tensor';

/**
 * What diagonalises a symmetric matrix of order n with entries of at most 1, both triangles filled: `a` is overwritten
 * with eigenvectors as rows, in any order, their values in `values`. False where it does not converge.
 */
export type Diagonaliser = (a: Float64Array, n: number, values: Float64Array) => boolean;

/**
 * All eigenvalues and eigenvectors by a kernel that need not care for the scale, the order or the side: the matrix is
 * scaled by a power of two to entries of at most 1, so that squares neither overflow nor vanish; NaN or infinity is
 * refused.
 */
export const eighWith =
  (diagonalise: Diagonaliser): Host['eigh'] =>
  (source) => {
    const n = expectSquare('eigh', source);
    const a = new Float64Array(n * n);
    let top = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        const value = source.data[i * n + j]!;
        if (!Number.isFinite(value)) {
          throw failure({ path: `eigh [${i}, ${j}]`, seen: `${value}`, expected: 'finite entries' });
        }
        top = Math.max(top, Math.abs(value));
        a[i * n + j] = value;
        a[j * n + i] = value;
      }
    }
    const exponent = top === 0 ? 0 : Math.floor(Math.log2(top)) + 1;
    // In two factors, as 2^-exponent itself may be outside of the range.
    const half = Math.trunc(exponent / 2);
    const [up, rest] = [2 ** -half, 2 ** -(exponent - half)];
    for (let i = 0; i < n * n; i++) a[i] = a[i]! * up * rest;

    const diagonal = new Float64Array(n);
    if (!diagonalise(a, n, diagonal)) {
      throw failure({ path: 'eigh', seen: `no convergence in ${60 * n} QR steps`, expected: 'at most 60 a value' });
    }
    const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[i]! - diagonal[j]!);
    const values = new Float64Array(n);
    const rows = matrix(n, n);
    order.forEach((from, to) => {
      values[to] = diagonal[from]! / up / rest;
      rows.data.set(a.subarray(from * n, (from + 1) * n), to * n);
    });
    return { values, vectors: transpose(rows) };
  };

/**
 * Householder tridiagonalisation, then implicit symmetric QR with Wilkinson's shift (Golub and Van Loan, sections 8.3.1
 * and 8.3.3). Eigenvectors are kept as rows while they are rotated, so that every inner loop runs along memory. Cost
 * about 9 n^3.
 */
export const eigh: Host['eigh'] = eighWith((a, n, diagonal) => {
  const beside = new Float64Array(n);
  const y = tridiagonalise(a, n, diagonal, beside);
  const found = diagonalise(diagonal, beside, y, n);
  a.set(y);
  return found;
});

/**
 * A = Q T Q', T with `diagonal` and, beside it, T[k, k + 1] = `beside[k]`. `a` is overwritten. Returns Q' (its rows
 * become the eigenvectors).
 */
const tridiagonalise = (a: Float64Array, n: number, diagonal: Float64Array, beside: Float64Array): Float64Array => {
  const reflectors = new Float64Array(n * n);
  const scales = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    diagonal[k] = a[k * n + k]!;
    if (k === n - 1) break;
    // The reflector v, with H = I - scale v v', takes column k below the diagonal to a multiple of its first entry.
    const v = reflectors.subarray(k * n, (k + 1) * n);
    let norm = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = a[k * n + i]!;
      norm = Math.max(norm, Math.abs(v[i]!));
    }
    let tail = 0;
    for (let i = k + 2; i < n; i++) tail = Math.max(tail, Math.abs(v[i]!));
    if (tail === 0) {
      beside[k] = v[k + 1]!;
      v.fill(0);
      continue;
    }
    let squares = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = v[i]! / norm;
      squares += v[i]! * v[i]!;
    }
    const length = Math.sqrt(squares);
    const head = v[k + 1]!;
    const image = head > 0 ? -length : length;
    beside[k] = image * norm;
    v[k + 1] = head - image;
    const scale = 1 / (length * (length + Math.abs(head)));
    scales[k] = scale;

    let product = 0;
    for (let i = k + 1; i < n; i++) {
      let sum = 0;
      let more = 0;
      let j = k + 1;
      for (; j + 1 < n; j += 2) {
        sum += a[i * n + j]! * v[j]!;
        more += a[i * n + j + 1]! * v[j + 1]!;
      }
      if (j < n) sum += a[i * n + j]! * v[j]!;
      p[i] = scale * (sum + more);
      product += p[i]! * v[i]!;
    }
    const shift = (scale * product) / 2;
    for (let i = k + 1; i < n; i++) p[i] = p[i]! - shift * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const vi = v[i]!;
      const pi = p[i]!;
      for (let j = k + 1; j < n; j++) a[i * n + j] = a[i * n + j]! - (vi * p[j]! + pi * v[j]!);
    }
  }

  // Q = H_0 H_1 ..., from the last, so that each reflector meets only the corner that is not the identity yet.
  const q = a.fill(0);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    const scale = scales[k]!;
    if (scale === 0) continue;
    const v = reflectors.subarray(k * n, (k + 1) * n);
    p.fill(0, k + 1);
    for (let i = k + 1; i < n; i++) for (let j = k + 1; j < n; j++) p[j] = p[j]! + v[i]! * q[i * n + j]!;
    for (let i = k + 1; i < n; i++) {
      const f = scale * v[i]!;
      for (let j = k + 1; j < n; j++) q[i * n + j] = q[i * n + j]! - f * p[j]!;
    }
  }
  return transpose({ rows: n, columns: n, data: q }).data;
};

/** Diagonalises T by implicit QR steps on its unreduced blocks; the rotations act on the rows of `y`. */
const diagonalise = (d: Float64Array, e: Float64Array, y: Float64Array, n: number): boolean => {
  // Entries are at most 1: below this a coupling can no longer be squared.
  const smallest = 1e-150;
  const negligible = (k: number): boolean =>
    Math.abs(e[k]!) <= Math.max(smallest, (Number.EPSILON / 2) * (Math.abs(d[k]!) + Math.abs(d[k + 1]!)));
  let high = n - 1;
  let left = 60 * n;
  while (high > 0) {
    if (negligible(high - 1)) {
      e[--high] = 0;
      continue;
    }
    let low = high - 1;
    while (low > 0 && !negligible(low - 1)) low--;
    if (low > 0) e[low - 1] = 0;
    if (left-- === 0) return false;
    // The eigenvalue of the last 2 x 2 block that is closer to its last entry.
    const half = (d[high - 1]! - d[high]!) / 2;
    const coupling = e[high - 1]!;
    const root = Math.sqrt(half * half + coupling * coupling);
    const shift = d[high]! - (coupling * coupling) / (half + (half < 0 ? -root : root));
    let x = d[low]! - shift;
    let bulge = e[low]!;
    for (let k = low; k < high; k++) {
      const r = Math.sqrt(x * x + bulge * bulge);
      const c = r === 0 ? 1 : x / r;
      const s = r === 0 ? 0 : bulge / r;
      if (k > low) e[k - 1] = r;
      const [first, second, between] = [d[k]!, d[k + 1]!, e[k]!];
      const change = s * (s * (second - first) + 2 * c * between);
      d[k] = first + change;
      d[k + 1] = second - change;
      e[k] = c * s * (second - first) + (c * c - s * s) * between;
      if (k + 1 < high) {
        bulge = s * e[k + 1]!;
        e[k + 1] = c * e[k + 1]!;
        x = e[k]!;
      }
      rotate(y, k * n, (k + 1) * n, n, c, s);
    }
  }
  return true;
};

/** Rows a and b of y become c a + s b and c b - s a. */
const rotate = (y: Float64Array, a: number, b: number, n: number, c: number, s: number): void => {
  for (let j = 0; j < n; j++) {
    const p = y[a + j]!;
    const q = y[b + j]!;
    y[a + j] = c * p + s * q;
    y[b + j] = c * q - s * p;
  }
};
