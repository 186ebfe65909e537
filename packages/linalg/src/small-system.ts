/**
 * Solves A x = b for a small A [n, n] by elimination with complete pivoting, in place: `b` becomes x, `a` is spent. A
 * pivot below `floor` is raised to it. Returns the smallest pivot met.
 */
export const solveSmall = (a: Float64Array, b: Float64Array, n: number, floor: number): number => {
  let least = Infinity;
  // Unknown `place[k]` stands in column k.
  const place = [0, 1, 2, 3, 4, 5, 6, 7].slice(0, n);
  for (let k = 0; k < n; k++) {
    let [row, column] = [k, k];
    for (let i = k; i < n; i++) {
      for (let j = k; j < n; j++) {
        if (Math.abs(a[i * n + j]!) > Math.abs(a[row * n + column]!)) [row, column] = [i, j];
      }
    }
    for (let j = 0; j < n; j++) [a[k * n + j], a[row * n + j]] = [a[row * n + j]!, a[k * n + j]!];
    [b[k], b[row]] = [b[row]!, b[k]!];
    for (let i = 0; i < n; i++) [a[i * n + k], a[i * n + column]] = [a[i * n + column]!, a[i * n + k]!];
    [place[k], place[column]] = [place[column] ?? 0, place[k] ?? 0];
    const size = Math.abs(a[k * n + k]!);
    least = Math.min(least, size);
    if (size < floor) a[k * n + k] = floor;
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k]! / a[k * n + k]!;
      for (let j = k; j < n; j++) a[i * n + j] = a[i * n + j]! - factor * a[k * n + j]!;
      b[i] = b[i]! - factor * b[k]!;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i]!;
    for (let j = i + 1; j < n; j++) sum -= a[i * n + j]! * b[j]!;
    b[i] = sum / a[i * n + i]!;
  }
  const ordered = b.slice(0, n);
  for (let k = 0; k < n; k++) b[place[k] ?? 0] = ordered[k]!;
  return least;
};
