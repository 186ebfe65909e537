import { failure, type Matrix } from '@drnn/tensor';

/**
 * `count` of the states `[state, unit]`, each as far as possible from those before it (maxmin), the first one the given: a
 * sparse outline of a cloud. Cost count n N. Errors: no states.
 */
export const landmarks = (states: Matrix, count: number, first = 0): Int32Array => {
  const { rows, columns, data } = states;
  if (!(first >= 0 && first < rows)) throw failure({ path: 'first', seen: `${first}`, expected: `0 to ${rows - 1}` });
  const chosen = new Int32Array(Math.min(count, rows));
  const distance = new Float64Array(rows).fill(Infinity);
  let next = first;
  for (let k = 0; k < chosen.length; k++) {
    chosen[k] = next;
    let furthest = 0;
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += (data[i * columns + j]! - data[chosen[k]! * columns + j]!) ** 2;
      distance[i] = Math.min(distance[i]!, sum);
      if (distance[i]! > distance[furthest]!) furthest = i;
    }
    next = furthest;
  }
  return chosen;
};
