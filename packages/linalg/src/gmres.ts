import { type Issue, refuse } from '@drnn/tensor';

/** A linear map: writes A x into `out`. `x` must not be changed. */
export type LinearMap = (x: Float64Array, out: Float64Array) => void;

/** When to stop, and what helps. */
export interface GmresOptions {
  /** |b - A x| / |b| at which it stops. Default 1e-10. */
  readonly tolerance?: number;
  /** Vectors between restarts: memory is restart x n. Default 50. */
  readonly restart?: number;
  /** Applications of A at most. Default 10 n, at least 1000. */
  readonly maxSteps?: number;
  /** An approximate inverse of A, applied on the right, so that the residual stays the true one. */
  readonly precondition?: LinearMap;
  /** Where to start. Default 0. */
  readonly start?: Float64Array;
}

/** What was reached: `converged`, or why not. */
export interface GmresResult {
  readonly solution: Float64Array;
  /** |b - A x| / |b|, computed anew at the end; 0 for b = 0. */
  readonly residual: number;
  readonly steps: number;
  /** `stalled`: a restart gained nothing. `non-finite`: the map gave NaN or infinity; `solution` is the best before. */
  readonly status: 'converged' | 'max-steps' | 'stalled' | 'non-finite';
}

/**
 * Solves A x = b for a map that is only applied, by restarted GMRES (Saad and Schultz 1986): the x of least residual in
 * the Krylov space, with modified Gram-Schmidt done twice and Givens rotations. Cost a step: one application, 4 n k
 * with k vectors since the restart. Errors: b not finite, options out of range.
 */
export const gmres = (apply: LinearMap, b: Float64Array, options: GmresOptions = {}): GmresResult => {
  const n = b.length;
  const tolerance = options.tolerance ?? 1e-10;
  const restart = Math.min(options.restart ?? 50, Math.max(n, 1));
  const maxSteps = options.maxSteps ?? Math.max(1000, 10 * n);
  refuse(issuesOf(b, options, restart, maxSteps));

  const solution = options.start?.slice() ?? new Float64Array(n);
  const size = lengthOf(b);
  if (size === 0) return { solution: new Float64Array(n), residual: 0, steps: 0, status: 'converged' };
  const basis = Array.from({ length: restart + 1 }, () => new Float64Array(n));
  // Column k of the Hessenberg matrix at k * (restart + 1), made triangular as it grows.
  const h = new Float64Array(restart * (restart + 1));
  const cosines = new Float64Array(restart);
  const sines = new Float64Array(restart);
  const rest = new Float64Array(restart + 1);
  const preconditioned = new Float64Array(n);
  const image = new Float64Array(n);
  const candidate = new Float64Array(n);
  const stride = restart + 1;

  const residualOf = (x: Float64Array, into: Float64Array): number => {
    apply(x, into);
    for (let i = 0; i < n; i++) into[i] = b[i]! - into[i]!;
    return lengthOf(into);
  };

  let steps = 0;
  const first = basis[0]!;
  let residual = residualOf(solution, first);
  const end = (status: GmresResult['status']): GmresResult => ({ solution, residual: residual / size, steps, status });
  if (!Number.isFinite(residual)) return end('non-finite');
  while (residual > tolerance * size) {
    if (steps >= maxSteps) return end('max-steps');
    for (let i = 0; i < n; i++) first[i] = first[i]! / residual;
    rest.fill(0);
    rest[0] = residual;
    let k = 0;
    while (k < restart && steps < maxSteps) {
      const next = basis[k + 1]!;
      if (options.precondition === undefined) apply(basis[k]!, next);
      else {
        options.precondition(basis[k]!, preconditioned);
        apply(preconditioned, next);
      }
      steps += 1;
      const column = k * stride;
      h.fill(0, column, column + stride);
      for (let round = 0; round < 2; round++) {
        for (let j = 0; j <= k; j++) {
          const vector = basis[j]!;
          let dot = 0;
          for (let i = 0; i < n; i++) dot += vector[i]! * next[i]!;
          h[column + j] = h[column + j]! + dot;
          for (let i = 0; i < n; i++) next[i] = next[i]! - dot * vector[i]!;
        }
      }
      const length = lengthOf(next);
      if (!Number.isFinite(length)) return end('non-finite');
      for (let j = 0; j < k; j++) {
        const x = h[column + j]!;
        const y = h[column + j + 1]!;
        h[column + j] = cosines[j]! * x + sines[j]! * y;
        h[column + j + 1] = cosines[j]! * y - sines[j]! * x;
      }
      const diagonal = Math.hypot(h[column + k]!, length);
      // A zero column: A is singular on what is reached, and the rest of the space adds nothing.
      if (diagonal === 0) break;
      cosines[k] = h[column + k]! / diagonal;
      sines[k] = length / diagonal;
      h[column + k] = diagonal;
      rest[k + 1] = -sines[k]! * rest[k]!;
      rest[k] = cosines[k]! * rest[k]!;
      k += 1;
      if (Math.abs(rest[k]!) <= 0.5 * tolerance * size || length <= 1e-15 * diagonal) break;
      for (let i = 0; i < n; i++) next[i] = next[i]! / length;
    }
    for (let j = k - 1; j >= 0; j--) {
      let sum = rest[j]!;
      for (let i = j + 1; i < k; i++) sum -= h[i * stride + j]! * rest[i]!;
      rest[j] = sum / h[j * stride + j]!;
    }
    image.fill(0);
    for (let j = 0; j < k; j++) {
      const vector = basis[j]!;
      const weight = rest[j]!;
      for (let i = 0; i < n; i++) image[i] = image[i]! + weight * vector[i]!;
    }
    if (options.precondition !== undefined) {
      options.precondition(image, preconditioned);
      image.set(preconditioned);
    }
    for (let i = 0; i < n; i++) candidate[i] = solution[i]! + image[i]!;
    const before = residual;
    const after = residualOf(candidate, first);
    if (!Number.isFinite(after)) return end('non-finite');
    if (after < before) {
      solution.set(candidate);
      residual = after;
    }
    if (!(after < before * (1 - 1e-6))) return end(residual <= tolerance * size ? 'converged' : 'stalled');
  }
  return end('converged');
};

const issuesOf = (b: Float64Array, options: GmresOptions, restart: number, maxSteps: number): readonly Issue[] => {
  const issues: Issue[] = [];
  const bad = b.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) issues.push({ path: 'gmres b', seen: `${b[bad]} at ${bad}`, expected: 'finite numbers' });
  if (options.start !== undefined && options.start.length !== b.length) {
    issues.push({ path: 'gmres start', seen: `${options.start.length} numbers`, expected: `${b.length}` });
  }
  const { tolerance = 1e-10 } = options;
  if (!(tolerance > 0)) issues.push({ path: 'gmres tolerance', seen: `${tolerance}`, expected: 'a positive number' });
  for (const [name, value] of [
    ['restart', restart],
    ['maxSteps', maxSteps],
  ] as const) {
    if (!(value >= 1)) issues.push({ path: `gmres ${name}`, seen: `${value}`, expected: 'at least 1' });
  }
  return issues;
};

const lengthOf = (x: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return Math.sqrt(sum);
};
