import type { Equations } from './equations.js';
import { directSolve, type LinearSolve, type NewtonSpace } from './newton.js';

/** Krylov vectors before a restart. */
const RESTART = 60;
/** Products with J after which LU is taken instead. */
const MOST_PRODUCTS = 120;
/** From here on a product is so much cheaper than a factor that Krylov's way is tried first. */
const KRYLOV_FROM = 128;
/** After so many failures in a row it is not tried again. */
const PATIENCE = 3;

interface KrylovSpace {
  /** Orthonormal vectors `[vector, unknown]`. */
  readonly basis: Float64Array;
  /** Column j of the triangle after the rotations, at j * (RESTART + 1). */
  readonly triangle: Float64Array;
  readonly cosine: Float64Array;
  readonly sine: Float64Array;
  readonly rotated: Float64Array;
  readonly solution: Float64Array;
  readonly residual: Float64Array;
  readonly right: Float64Array;
}

const krylovSpace = (n: number): KrylovSpace => ({
  basis: new Float64Array((RESTART + 1) * n),
  triangle: new Float64Array(RESTART * (RESTART + 1)),
  cosine: new Float64Array(RESTART),
  sine: new Float64Array(RESTART),
  rotated: new Float64Array(RESTART + 1),
  solution: new Float64Array(n),
  residual: new Float64Array(n),
  right: new Float64Array(n),
});

const norm = (x: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return Math.sqrt(sum);
};

const dot = (x: Float64Array, y: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
};

/**
 * GMRES (Saad and Schultz 1986) on J x = p, restarted after 60 products, until |p - J x| <= tolerance |p|: p becomes x.
 * False, with p as it was, after 120 products. Cost of a product 2 n^2, and 2 n for each vector before it.
 */
const gmres = (equations: Equations, p: Float64Array, tolerance: number, space: KrylovSpace): boolean => {
  const n = equations.order;
  const { basis, triangle, cosine, sine, rotated, solution, residual, right } = space;
  const vector = (k: number): Float64Array => basis.subarray(k * n, (k + 1) * n);
  right.set(p);
  solution.fill(0);
  residual.set(p);
  const goal = tolerance * norm(p);
  let size = norm(p);
  let products = 0;
  while (size > goal) {
    if (products >= MOST_PRODUCTS) return false;
    const first = vector(0);
    for (let i = 0; i < n; i++) first[i] = residual[i]! / size;
    rotated.fill(0);
    rotated[0] = size;
    let width = 0;
    for (; width < RESTART && Math.abs(rotated[width]!) > goal; width++) {
      const next = vector(width + 1);
      equations.times(vector(width), next);
      products += 1;
      const column = width * (RESTART + 1);
      for (let k = 0; k <= width; k++) {
        const before = vector(k);
        const h = dot(next, before);
        triangle[column + k] = h;
        for (let i = 0; i < n; i++) next[i]! -= h * before[i]!;
      }
      const length = norm(next);
      if (length > 0) for (let i = 0; i < n; i++) next[i]! /= length;
      for (let k = 0; k < width; k++) {
        const upper = triangle[column + k]!;
        const lower = triangle[column + k + 1]!;
        triangle[column + k] = cosine[k]! * upper + sine[k]! * lower;
        triangle[column + k + 1] = cosine[k]! * lower - sine[k]! * upper;
      }
      const diagonal = triangle[column + width]!;
      const radius = Math.hypot(diagonal, length);
      if (!(radius > 0)) return false;
      cosine[width] = diagonal / radius;
      sine[width] = length / radius;
      triangle[column + width] = radius;
      rotated[width + 1] = -sine[width]! * rotated[width]!;
      rotated[width]! *= cosine[width]!;
    }
    for (let k = width - 1; k >= 0; k--) {
      const weight = rotated[k]! / triangle[k * (RESTART + 1) + k]!;
      const column = k * (RESTART + 1);
      for (let i = 0; i < k; i++) rotated[i]! -= weight * triangle[column + i]!;
      const direction = vector(k);
      for (let i = 0; i < n; i++) solution[i]! += weight * direction[i]!;
    }
    equations.times(solution, residual);
    for (let i = 0; i < n; i++) residual[i] = right[i]! - residual[i]!;
    const next = norm(residual);
    // Rounding, not another product, decides from here on.
    if (!(next < size)) return false;
    size = next;
  }
  p.set(solution);
  return true;
};

/**
 * The linear systems of Newton's method: by LU below 128 unknowns; above, by GMRES to min(0.01, sqrt|G|) of the right
 * side (Dembo, Eisenstat and Steihaug 1982), which takes few products where W is noise on few directions, and by LU where
 * that does not suffice.
 */
export const newtonSolve = (space: NewtonSpace, order: number): LinearSolve => {
  const direct = directSolve(space);
  if (order < KRYLOV_FROM) return direct;
  let krylov: KrylovSpace | null = null;
  let failures = 0;
  return (equations, p, size) => {
    if (failures < PATIENCE) {
      krylov ??= krylovSpace(order);
      if (gmres(equations, p, Math.max(1e-8, Math.min(1e-2, Math.sqrt(size))), krylov)) {
        failures = 0;
        return true;
      }
      failures += 1;
    }
    return direct(equations, p, size);
  };
};
