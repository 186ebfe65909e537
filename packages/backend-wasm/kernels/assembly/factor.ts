import { multiply, packB } from './gemm';

/** Columns factored at once. */
const PANEL: i32 = 32;

// @ts-ignore: decorator
@inline
function at(a: usize, n: i32, i: i32, j: i32): usize {
  return a + (((i as usize) * (n as usize) + (j as usize)) << 3);
}

/** The sum of x y over `count` float64. */
// @ts-ignore: decorator
@inline
function dot(x: usize, y: usize, count: i32): f64 {
  let sum = f64x2.splat(0);
  let more = f64x2.splat(0);
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    sum = f64x2.add(sum, f64x2.mul(v128.load(x), v128.load(y)));
    more = f64x2.add(more, f64x2.mul(v128.load(x, 16), v128.load(y, 16)));
    x += 32;
    y += 32;
  }
  sum = f64x2.add(sum, more);
  let total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  for (; k < count; ++k) {
    total += load<f64>(x) * load<f64>(y);
    x += 8;
    y += 8;
  }
  return total;
}

/**
 * The factor L of a symmetric positive definite A [n, n] = L L', over A's lower triangle; what is above the diagonal
 * becomes 0. Left-looking by panels: all but n^2 PANEL of its n^3 / 3 multiplications are products. Returns -1, or the
 * pivot at which A was found not positive definite. `scratch` as of a product, `packed` for [n, PANEL].
 */
export function cholesky(n: i32, a: usize, scratch: usize, packed: usize): i32 {
  const stride = n as usize;
  for (let k = 0; k < n; k += PANEL) {
    const width = min(PANEL, n - k);
    const end = k + width;
    if (k > 0) {
      packB<f64, f64>(packed, at(a, n, k, 0), 1, stride, k, width, 0);
      multiply<f64, f64>(n - k, width, k, at(a, n, k, 0), stride, 1, packed, at(a, n, k, k), stride, -1, 1, true, 0, scratch);
    }
    for (let j = k; j < end; ++j) {
      const row = at(a, n, j, k);
      const pivot = load<f64>(at(a, n, j, j)) - dot(row, row, j - k);
      if (!(pivot > 0 && pivot < Infinity)) return j;
      const root = Math.sqrt(pivot);
      store<f64>(at(a, n, j, j), root);
      const inverse = 1.0 / root;
      for (let i = j + 1; i < end; ++i) {
        const place = at(a, n, i, j);
        store<f64>(place, (load<f64>(place) - dot(at(a, n, i, k), row, j - k)) * inverse);
      }
      for (let i = k; i < j; ++i) store<f64>(at(a, n, i, j), 0);
    }
    for (let i = end; i < n; ++i) {
      const row = at(a, n, i, k);
      for (let j = 0; j < width; ++j) {
        const place = row + ((j as usize) << 3);
        const value = load<f64>(place) - dot(row, at(a, n, k + j, k), j);
        store<f64>(place, value / load<f64>(at(a, n, k + j, k + j)));
      }
    }
    for (let i = 0; i < k; ++i) for (let j = k; j < end; ++j) store<f64>(at(a, n, i, j), 0);
  }
  return -1;
}

/** y -= f x over `count` float64. */
// @ts-ignore: decorator
@inline
function subtract(y: usize, f: f64, x: usize, count: i32): void {
  const factor = f64x2.splat(f);
  let k = 0;
  for (; k + 2 <= count; k += 2) {
    v128.store(y, f64x2.sub(v128.load(y), f64x2.mul(factor, v128.load(x))));
    x += 16;
    y += 16;
  }
  if (k < count) store<f64>(y, load<f64>(y) - f * load<f64>(x));
}

// @ts-ignore: decorator
@inline
function divide(y: usize, by: f64, count: i32): void {
  const divisor = f64x2.splat(by);
  let k = 0;
  for (; k + 2 <= count; k += 2) {
    v128.store(y, f64x2.div(v128.load(y), divisor));
    y += 16;
  }
  if (k < count) store<f64>(y, load<f64>(y) / by);
}

/**
 * Solves L X = B, or L' X = B, in place on B [n, columns] (rows \`stride\` numbers apart); only the lower triangle of L is
 * read. By block rows, all but the diagonal blocks products. `packed` for [n, columns].
 */
export function triangularSolve(
  n: i32,
  columns: i32,
  lower: usize,
  b: usize,
  stride: usize,
  transposed: bool,
  scratch: usize,
  packed: usize,
): void {
  const order = n as usize;
  const bytes = stride << 3;
  const blocks = (n + PANEL - 1) / PANEL;
  for (let q = 0; q < blocks; ++q) {
    const k = (transposed ? blocks - 1 - q : q) * PANEL;
    const width = min(PANEL, n - k);
    const rows = b + (k as usize) * bytes;
    if (transposed) {
      const rest = n - k - width;
      if (rest > 0) {
        packB<f64, f64>(packed, rows + (width as usize) * bytes, stride, 1, rest, columns, 0);
        multiply<f64, f64>(width, columns, rest, at(lower, n, k + width, k), 1, order, packed, rows, stride, -1, 1, false, 0, scratch);
      }
      for (let i = width - 1; i >= 0; --i) {
        const y = rows + (i as usize) * bytes;
        for (let l = i + 1; l < width; ++l)
          subtract(y, load<f64>(at(lower, n, k + l, k + i)), rows + (l as usize) * bytes, columns);
        divide(y, load<f64>(at(lower, n, k + i, k + i)), columns);
      }
    } else {
      if (k > 0) {
        packB<f64, f64>(packed, b, stride, 1, k, columns, 0);
        multiply<f64, f64>(width, columns, k, at(lower, n, k, 0), order, 1, packed, rows, stride, -1, 1, false, 0, scratch);
      }
      for (let i = 0; i < width; ++i) {
        const y = rows + (i as usize) * bytes;
        for (let l = 0; l < i; ++l)
          subtract(y, load<f64>(at(lower, n, k + i, k + l)), rows + (l as usize) * bytes, columns);
        divide(y, load<f64>(at(lower, n, k + i, k + i)), columns);
      }
    }
  }
}
