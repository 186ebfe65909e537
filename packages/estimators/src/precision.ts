import { principalSubmatrix } from '@drnn/solvers';
import type { CholeskyFactor, Host, Matrix } from '@drnn/tensor';

/** (gram + Lambda)_SS. */
export const precisionOn = (set: Int32Array, gram: Matrix, ridge: Float64Array): Matrix => {
  const result = principalSubmatrix(gram, set);
  set.forEach((p, a) => (result.data[a * set.length + a]! += ridge[p]!));
  return result;
};

/** L of A = L L', in place of A; null where A is not positive definite: a pivot below the rounding of its entry is no pivot. */
export const precisionFactor = (host: Host, a: Matrix): CholeskyFactor | null => {
  const n = a.rows;
  const diagonal = Float64Array.from({ length: n }, (_, k) => a.data[k * n + k]!);
  const result = host.cholesky(a, a);
  const isPivot = (entry: number, k: number): boolean => a.data[k * n + k]! ** 2 > n * Number.EPSILON * entry;
  return result.ok && diagonal.every(isPivot) ? result.factor : null;
};
