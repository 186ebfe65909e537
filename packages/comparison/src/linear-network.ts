import { product, svd } from '@drnn/linalg';
import { firstNonFinite, type Matrix, matrix, refuse, rowRange } from '@drnn/tensor';

/** r+ = A r + B u + c. */
export interface LinearNetwork {
  /** `[unit + input + 1, unit]`: A, B and c, transposed, one below the other. */
  readonly map: Matrix;
  /** On from a recorded frame, with the recorded inputs: `[steps + 1, unit]`. */
  readonly run: (start: number, steps: number) => Matrix;
}

/** Over the mean square of the predictors: activity that fills few directions leaves the others open. */
const RIDGE = 1e-9;
/** Beyond so many times what was recorded a run has left it. */
const BEYOND = 1e3;

/**
 * The linear network that predicts a recording `[time, unit]` best one step ahead, with its inputs `[time, input]`, by least
 * squares over `steps` steps from frame `first`. It has one attractor and no nonlinearity: what it reaches in a comparison is
 * no merit of a nonlinear fit. Null where there are no more steps than unknowns, or where it grows without bound. Cost T (N
 * + M)^2. Errors: frames that are not finite; too few of them for `steps`.
 */
export const linearNetwork = (
  recording: Matrix,
  inputs: Matrix | null,
  { first, steps }: { readonly first: number; readonly steps: number },
): LinearNetwork | null => {
  const n = recording.columns;
  const m = inputs?.columns ?? 0;
  const width = n + m + 1;
  refuse([
    ...(firstNonFinite(recording.data) < 0 && recording.rows > first + steps
      ? []
      : [
          {
            path: 'recording',
            seen: `${recording.rows} frames`,
            expected: `at least ${first + steps + 1}, finite numbers`,
          },
        ]),
    ...(inputs === null || inputs.rows >= first + steps
      ? []
      : [{ path: 'inputs', seen: `${inputs.rows} rows`, expected: `at least ${first + steps}` }]),
  ]);
  if (steps <= width) return null;
  const before = matrix(steps, width);
  for (let t = 0; t < steps; t++) {
    const row = before.data.subarray(t * width, (t + 1) * width);
    row.set(recording.data.subarray((first + t) * n, (first + t + 1) * n));
    if (inputs !== null) row.set(inputs.data.subarray((first + t) * m, (first + t + 1) * m), n);
    row[width - 1] = 1;
  }
  const after = rowRange(recording, first + 1, first + steps + 1);
  const { values, right } = svd(product(before, before, { transposeA: true }));
  const image = product(right, product(before, after, { transposeA: true }), { transposeA: true });
  for (let k = 0; k < width; k++) {
    const size = values[k]! + RIDGE * (values[0] ?? 0);
    for (let j = 0; j < n; j++) image.data[k * n + j]! /= size > 0 ? size : 1;
  }
  const map = product(right, image);
  const run = (start: number, count: number): Matrix => {
    const states = matrix(count + 1, n);
    states.data.set(recording.data.subarray(start * n, (start + 1) * n));
    for (let t = 0; t < count; t++) {
      const next = states.data.subarray((t + 1) * n, (t + 2) * n);
      next.set(map.data.subarray((width - 1) * n, width * n));
      for (let i = 0; i < width - 1; i++) {
        const value = i < n ? states.data[t * n + i]! : inputs!.data[(start + t) * m + i - n]!;
        for (let j = 0; j < n; j++) next[j]! += value * map.data[i * n + j]!;
      }
    }
    return states;
  };
  const size = (of: Float64Array): number => of.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return size(run(first, steps).data) < BEYOND * (size(recording.data) + 1) ? { map, run } : null;
};
