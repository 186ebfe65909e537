/**
 * All eigenvalues and eigenvectors of a symmetric matrix: Householder tridiagonalisation, then implicit symmetric QR
 * with Wilkinson's shift (Golub and Van Loan, sections 8.3.1 and 8.3.3). Eigenvectors are rows while they are rotated, so
 * that every inner loop runs along memory, two numbers at a time.
 */

const EPSILON: f64 = 2.220446049250313e-16;
/** Entries are at most 1: below this a coupling can no longer be squared. */
const SMALLEST: f64 = 1e-150;

// @ts-ignore: decorator
@inline
function get(a: usize, k: i32): f64 {
  return load<f64>(a + ((k as usize) << 3));
}
// @ts-ignore: decorator
@inline
function put(a: usize, k: i32, value: f64): void {
  store<f64>(a + ((k as usize) << 3), value);
}
// @ts-ignore: decorator
@inline
function row(a: usize, n: i32, i: i32): usize {
  return a + (((i as usize) * (n as usize)) << 3);
}

/** The sum of x y over entries [from, n). */
function dot(x: usize, y: usize, from: i32, n: i32): f64 {
  let sum = f64x2.splat(0);
  let more = f64x2.splat(0);
  let k = from;
  for (; k + 4 <= n; k += 4) {
    const at = (k as usize) << 3;
    sum = f64x2.add(sum, f64x2.mul(v128.load(x + at), v128.load(y + at)));
    more = f64x2.add(more, f64x2.mul(v128.load(x + at, 16), v128.load(y + at, 16)));
  }
  sum = f64x2.add(sum, more);
  let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  for (; k < n; ++k) total += get(x, k) * get(y, k);
  return total;
}

/** y += f x + g z over entries [from, n). */
function addTwo(y: usize, f: f64, x: usize, g: f64, z: usize, from: i32, n: i32): void {
  const factor = f64x2.splat(f);
  const other = f64x2.splat(g);
  let k = from;
  for (; k + 2 <= n; k += 2) {
    const at = (k as usize) << 3;
    const change = f64x2.add(f64x2.mul(factor, v128.load(x + at)), f64x2.mul(other, v128.load(z + at)));
    v128.store(y + at, f64x2.add(v128.load(y + at), change));
  }
  for (; k < n; ++k) put(y, k, get(y, k) + (f * get(x, k) + g * get(z, k)));
}

/** y += f x over entries [from, n). */
function addOne(y: usize, f: f64, x: usize, from: i32, n: i32): void {
  const factor = f64x2.splat(f);
  let k = from;
  for (; k + 2 <= n; k += 2) {
    const at = (k as usize) << 3;
    v128.store(y + at, f64x2.add(v128.load(y + at), f64x2.mul(factor, v128.load(x + at))));
  }
  for (; k < n; ++k) put(y, k, get(y, k) + f * get(x, k));
}

/** Rows p and q become c p + s q and c q - s p. */
function rotate(p: usize, q: usize, n: i32, c: f64, s: f64): void {
  const cosine = f64x2.splat(c);
  const sine = f64x2.splat(s);
  let k = 0;
  for (; k + 2 <= n; k += 2) {
    const a = v128.load(p);
    const b = v128.load(q);
    v128.store(p, f64x2.add(f64x2.mul(cosine, a), f64x2.mul(sine, b)));
    v128.store(q, f64x2.sub(f64x2.mul(cosine, b), f64x2.mul(sine, a)));
    p += 16;
    q += 16;
  }
  if (k < n) {
    const a = load<f64>(p);
    const b = load<f64>(q);
    store<f64>(p, c * a + s * b);
    store<f64>(q, c * b - s * a);
  }
}

/** A = Q T Q', T with diagonal d and e beside it; A is overwritten with Q'. `v` takes n x n reflectors, `p` 2 n. */
function tridiagonalise(n: i32, a: usize, d: usize, e: usize, v: usize, p: usize): void {
  const scales = p + ((n as usize) << 3);
  for (let k = 0; k < n; ++k) {
    put(scales, k, 0);
    const from = row(a, n, k);
    put(d, k, get(from, k));
    if (k == n - 1) break;
    const w = row(v, n, k);
    let norm: f64 = 0;
    let tail: f64 = 0;
    for (let i = k + 1; i < n; ++i) {
      const value = get(from, i);
      put(w, i, value);
      norm = max(norm, Math.abs(value));
      if (i > k + 1) tail = max(tail, Math.abs(value));
    }
    if (tail == 0) {
      put(e, k, get(w, k + 1));
      continue;
    }
    for (let i = k + 1; i < n; ++i) put(w, i, get(w, i) / norm);
    const length = Math.sqrt(dot(w, w, k + 1, n));
    const head = get(w, k + 1);
    const image = head > 0 ? -length : length;
    put(e, k, image * norm);
    put(w, k + 1, head - image);
    const scale = 1.0 / (length * (length + Math.abs(head)));
    put(scales, k, scale);
    for (let i = k + 1; i < n; ++i) put(p, i, scale * dot(row(a, n, i), w, k + 1, n));
    const shift = (scale * dot(p, w, k + 1, n)) / 2.0;
    addOne(p, -shift, w, k + 1, n);
    for (let i = k + 1; i < n; ++i) addTwo(row(a, n, i), -get(w, i), p, -get(p, i), w, k + 1, n);
  }
  // Q' = ... H_1 H_0 by rows: each reflector, from the last, meets only the corner that is not the identity yet.
  memory.fill(a, 0, ((n as usize) * (n as usize)) << 3);
  for (let i = 0; i < n; ++i) put(row(a, n, i), i, 1);
  for (let k = n - 2; k >= 0; --k) {
    const scale = get(scales, k);
    if (scale == 0) continue;
    const w = row(v, n, k);
    // Q' H = Q' - scale (Q' v) v', row by row.
    for (let i = k + 1; i < n; ++i) {
      const y = row(a, n, i);
      addOne(y, -scale * dot(y, w, k + 1, n), w, k + 1, n);
    }
  }
}

// @ts-ignore: decorator
@inline
function negligible(d: usize, e: usize, k: i32): bool {
  return Math.abs(get(e, k)) <= max(SMALLEST, (EPSILON / 2) * (Math.abs(get(d, k)) + Math.abs(get(d, k + 1))));
}

/** Diagonalises T by implicit QR steps on its unreduced blocks; the rotations act on the rows of y. */
function diagonalise(n: i32, d: usize, e: usize, y: usize): bool {
  let high = n - 1;
  let left = 60 * n;
  while (high > 0) {
    if (negligible(d, e, high - 1)) {
      put(e, --high, 0);
      continue;
    }
    let low = high - 1;
    while (low > 0 && !negligible(d, e, low - 1)) --low;
    if (low > 0) put(e, low - 1, 0);
    if (left-- == 0) return false;
    // The eigenvalue of the last 2 x 2 block that is closer to its last entry.
    const half = (get(d, high - 1) - get(d, high)) / 2;
    const coupling = get(e, high - 1);
    const root = Math.sqrt(half * half + coupling * coupling);
    const shift = get(d, high) - (coupling * coupling) / (half + (half < 0 ? -root : root));
    let x = get(d, low) - shift;
    let bulge = get(e, low);
    for (let k = low; k < high; ++k) {
      const r = Math.sqrt(x * x + bulge * bulge);
      const c = r == 0 ? 1 : x / r;
      const s = r == 0 ? 0 : bulge / r;
      if (k > low) put(e, k - 1, r);
      const first = get(d, k);
      const second = get(d, k + 1);
      const between = get(e, k);
      const change = s * (s * (second - first) + 2 * c * between);
      put(d, k, first + change);
      put(d, k + 1, second - change);
      put(e, k, c * s * (second - first) + (c * c - s * s) * between);
      if (k + 1 < high) {
        bulge = s * get(e, k + 1);
        put(e, k + 1, c * get(e, k + 1));
        x = get(e, k);
      }
      rotate(row(y, n, k), row(y, n, k + 1), n, c, s);
    }
  }
  return true;
}

/**
 * Of a symmetric A with entries of at most 1, both triangles filled: values in d, eigenvectors as rows in place of A, in
 * any order. `work` takes n x n + 3 n numbers. False where the iteration does not converge.
 */
export function eigen(n: i32, a: usize, d: usize, work: usize): bool {
  const e = work + (((n as usize) * (n as usize)) << 3);
  tridiagonalise(n, a, d, e, work, e + ((n as usize) << 3));
  return diagonalise(n, d, e, a);
}
