import { copyMatrix, type Host, matrix, type Matrix, rowRange } from '@drnn/tensor';

/** A = U diag(values) V': U [row, row], and `scaled` = U'A, whose row i is values[i] times row i of V'. */
export interface SingularValues {
  readonly values: Float64Array;
  readonly vectors: Matrix;
  readonly scaled: Matrix;
}

/** Below this fraction of the largest, singular values from A A' have lost too many digits and are made anew. */
const resolved = 1e-2;

/**
 * Singular values of A by the eigenvectors of A A', which halve the digits: those below 1/100 of the largest are taken
 * from what is left of A on their own vectors, again and again, so that all are known to some 1e-14 of the largest. Cost
 * 9 n^3 and 6 n^2 columns flop, a fraction of it again for small ones. Values are in no order.
 */
export const singularValues = (host: Host, a: Matrix): SingularValues => {
  const n = a.rows;
  const vectors = matrix(n, n);
  const scaled = matrix(n, a.columns);
  const values = new Float64Array(n);
  let basis: Matrix | null = null;
  let rest = a;
  let done = 0;
  while (done < n) {
    const largest = largestSize(rest);
    const unit = largest > 0 ? largest : 1;
    const normalised = matrix(
      rest.rows,
      rest.columns,
      rest.data.map((value) => value / unit),
    );
    const { values: squares, vectors: inner } = host.eigh(host.matMul(normalised, normalised, { transposeB: true }));
    // Ascending: what is too small to be resolved comes first.
    const most = Math.sqrt(Math.max(squares.at(-1) ?? 0, 0));
    let small = 0;
    while (small < rest.rows - 1 && Math.sqrt(Math.max(squares[small]!, 0)) < resolved * most) small++;
    if (largest === 0) small = 0;
    const turned = host.matMul(inner, rest, { transposeA: true });
    const directions: Matrix = basis === null ? inner : host.matMul(basis, inner);
    for (let k = small; k < rest.rows; k++, done++) {
      let square = 0;
      for (let c = 0; c < a.columns; c++) {
        const value = turned.data[k * a.columns + c]!;
        scaled.data[done * a.columns + c] = value;
        square += value * value;
      }
      values[done] = Math.sqrt(square);
      for (let p = 0; p < n; p++) vectors.data[p * n + done] = directions.data[p * rest.rows + k]!;
    }
    if (small === 0) break;
    const kept = matrix(n, small);
    for (let p = 0; p < n; p++) {
      for (let k = 0; k < small; k++) kept.data[p * small + k] = directions.data[p * rest.rows + k]!;
    }
    basis = kept;
    rest = host.matMul(kept, a, { transposeA: true });
  }
  return { values, vectors, scaled };
};

const largestSize = ({ data }: Matrix): number => {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i]!));
  return most;
};

/** U diag(map(values)) V': a function of the singular values, with map(0) = 0. */
const mapSingularValues = (
  host: Host,
  { values, vectors, scaled }: SingularValues,
  map: (value: number) => number,
): Matrix => {
  const right = copyMatrix(scaled);
  for (let i = 0; i < right.rows; i++) {
    const factor = values[i]! > 0 ? map(values[i]!) / values[i]! : 0;
    for (let c = 0; c < right.columns; c++) right.data[i * right.columns + c]! *= factor;
  }
  return host.matMul(vectors, right);
};

/** argmin over X of |X - A|^2 / 2 + threshold |X|_*: singular values soft-thresholded (Cai, Candes & Shen 2010). */
export const proxNuclear = (host: Host, a: Matrix, threshold: number): Matrix =>
  mapSingularValues(host, singularValues(host, a), (value) => Math.max(0, value - threshold));

/** Each unit's share of the nuclear norm of A [source, unit], theta_j' (A A')^-1/2 theta_j; their sum is the norm. */
export const nuclearShares = ({ values, scaled }: SingularValues): Float64Array => {
  const shares = new Float64Array(scaled.columns);
  for (let i = 0; i < scaled.rows; i++) {
    if (!(values[i]! > 0)) continue;
    for (let j = 0; j < scaled.columns; j++) shares[j]! += scaled.data[i * scaled.columns + j]! ** 2 / values[i]!;
  }
  return shares;
};

/** The rows of Theta that hold W', as a view. */
export const weightRows = (theta: Matrix, units: number): Matrix => rowRange(theta, 0, units);
