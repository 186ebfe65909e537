import { failure, firstNonFinite, type Matrix, matrix } from '@drnn/tensor';

/** Euclidean distances between states `[state, unit]`, `[state, state]`. Cost n^2 N / 2. */
export const distancesOf = (states: Matrix): Matrix => {
  const { rows: n, columns, data } = states;
  if (firstNonFinite(data) >= 0) throw failure({ path: 'states', seen: 'NaN or infinity', expected: 'finite numbers' });
  const result = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += (data[i * columns + k]! - data[j * columns + k]!) ** 2;
      result.data[i * n + j] = Math.sqrt(sum);
      result.data[j * n + i] = Math.sqrt(sum);
    }
  }
  return result;
};
