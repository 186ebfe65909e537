import { type Host, type Matrix, matrix, refuse } from '@drnn/tensor';
import type { Acceleration } from './acceleration.js';
import type { MapPoint } from './fixed-point-map.js';

/** Keeps the least squares well-posed: a relative addition to their diagonal, far below what it can resolve. */
const regularisation = 1e-10;

/**
 * Anderson acceleration of type II (Walker & Ni 2011), each unit on its own: with the last `memory` differences of
 * points dT_i and of steps dF_i, gamma minimises |F - sum gamma_i dF_i| in the metric, and the next point is
 * theta + F - sum gamma_i (dT_i + dF_i). In the metric A of the map A F = -g on the free coordinates, so that the inner
 * products <dF_i, A dF_k> = -dF_i . dg_k need no product with A. Cost 10 memory P N flop a step and three matrices of
 * the size of Theta for each of the `memory` pairs. Default 5, where more pairs stop paying (algorithms.md, 3).
 */
export const anderson = (memory = 5): Acceleration => {
  refuse(
    Number.isInteger(memory) && memory >= 1 && memory <= 16
      ? []
      : [{ path: 'anderson memory', seen: `${memory}`, expected: 'a whole number from 1 to 16' }],
  );
  return { name: `anderson(${memory})`, begin: (host, rows, units) => begin(host, rows, units, memory) };
};

interface Pair {
  readonly steps: Matrix;
  readonly points: Matrix;
  readonly gradients: Matrix;
}

const begin = (host: Host, rows: number, units: number, memory: number) => {
  const pairs: Pair[] = [];
  let oldest = 0;
  // M[j][i][k] = -dF_i . dg_k of unit j; a forgotten pair is a row and column of zeros, which the solve drops.
  const products = new Float64Array(units * memory * memory);
  const dots = new Float64Array(units);

  const forget = (j: number): void => {
    for (const pair of pairs) {
      for (const part of [pair.steps, pair.points, pair.gradients]) {
        for (let i = j; i < part.data.length; i += units) part.data[i] = 0;
      }
    }
    products.fill(0, j * memory * memory, (j + 1) * memory * memory);
  };

  const replace = (slot: number): void => {
    const own = pairs[slot]!;
    pairs.forEach((other, k) => {
      host.columnDot(own.steps, other.gradients, dots);
      for (let j = 0; j < units; j++) {
        products[(j * memory + slot) * memory + k] = -dots[j]!;
        products[(j * memory + k) * memory + slot] = -dots[j]!;
      }
    });
  };

  return {
    next: ({ theta, direction, gradient }: MapPoint): Matrix => {
      const count = pairs.length;
      const trial = matrix(rows, units);
      for (let i = 0; i < trial.data.length; i++) trial.data[i] = theta.data[i]! + direction.data[i]!;
      if (count === 0) return trial;
      const systems = new Float64Array(units * count * count);
      const gamma = new Float64Array(units * count);
      for (let j = 0; j < units; j++) {
        for (let i = 0; i < count; i++) {
          for (let k = 0; k < count; k++) {
            const value = products[(j * memory + i) * memory + k]!;
            systems[(j * count + i) * count + k] = i === k ? value * (1 + regularisation) : value;
          }
        }
      }
      pairs.forEach((pair, i) => {
        host.columnDot(pair.steps, gradient, dots);
        for (let j = 0; j < units; j++) gamma[j * count + i] = -dots[j]!;
      });
      host.solveBatch(systems, gamma, count, units);
      pairs.forEach((pair, i) => {
        for (let j = 0; j < units; j++) dots[j] = -gamma[j * count + i]!;
        host.columnScaleAdd(dots, pair.points, trial);
        host.columnScaleAdd(dots, pair.steps, trial);
      });
      return trial;
    },
    learn: (before: MapPoint, after: MapPoint, rejected: Uint8Array): void => {
      const slot = pairs.length < memory ? pairs.length : oldest;
      if (pairs.length < memory) {
        pairs.push({ steps: matrix(rows, units), points: matrix(rows, units), gradients: matrix(rows, units) });
      } else oldest = (oldest + 1) % memory;
      const { steps, points, gradients } = pairs[slot]!;
      for (let i = 0; i < steps.data.length; i++) {
        steps.data[i] = after.direction.data[i]! - before.direction.data[i]!;
        points.data[i] = after.theta.data[i]! - before.theta.data[i]!;
        gradients.data[i] = after.gradient.data[i]! - before.gradient.data[i]!;
      }
      replace(slot);
      rejected.forEach((was, j) => {
        if (was === 1) forget(j);
      });
    },
  };
};
