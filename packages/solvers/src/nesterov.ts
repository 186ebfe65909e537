import { type Host, type Matrix, matrix } from '@drnn/tensor';
import type { Acceleration } from './acceleration.js';
import type { MapPoint } from './fixed-point-map.js';

/**
 * Nesterov acceleration in the metric (Nesterov 1983; Beck & Teboulle 2009, eqs. 4.1-4.3), each unit on its own, with
 * the gradient restart of O'Donoghue & Candes (2015): x = y + s F(y), y' = x + beta (x - x_old), and a unit whose slope
 * along x - x_old is positive starts its momentum afresh. The step s is the safe one, which the convergence proof needs.
 */
export const nesterov: Acceleration = {
  name: 'nesterov',
  begin: (host: Host, rows: number, units: number, safeStep: number) => {
    let previous: Matrix | null = null;
    const momentum = new Float64Array(units).fill(1);
    return {
      next: ({ theta, direction, gradient }: MapPoint): Matrix => {
        const x = matrix(rows, units);
        for (let i = 0; i < x.data.length; i++) x.data[i] = theta.data[i]! + safeStep * direction.data[i]!;
        const trial = matrix(rows, units);
        trial.data.set(x.data);
        if (previous !== null) {
          const change = matrix(rows, units);
          for (let i = 0; i < change.data.length; i++) change.data[i] = x.data[i]! - previous.data[i]!;
          const slope = host.columnDot(gradient, change);
          const beta = slope.map((s, j) => {
            const t = s > 0 ? 1 : momentum[j]!;
            const next = (1 + Math.sqrt(1 + 4 * t * t)) / 2;
            momentum[j] = next;
            return s > 0 ? 0 : (t - 1) / next;
          });
          host.columnScaleAdd(beta, change, trial);
        }
        previous = x;
        return trial;
      },
      learn: (_before: MapPoint, after: MapPoint, rejected: Uint8Array): void => {
        rejected.forEach((was, j) => {
          if (was === 0 || previous === null) return;
          momentum[j] = 1;
          for (let i = j; i < previous.data.length; i += units) previous.data[i] = after.theta.data[i]!;
        });
      },
    };
  },
};
