import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derivative } from './derivative.js';
import { evaluate } from './evaluate.js';
import {
  abs,
  clamp,
  type Expression,
  log2cosh,
  mul,
  softplus,
  softplusIntegral,
  square,
  sub,
  tanh,
  transferDifference,
  variable,
} from './expression.js';
import { arbitraryExpression } from './laws/index.js';

const z = variable('z');
/** Off the round numbers at which random switches lie. */
const point = fc.integer({ min: -(2 ** 30), max: 2 ** 30 }).map((n) => (2.5 * (n + 0.37)) / 2 ** 30);

/** A derivative by differences of four widths, extrapolated (Ridders 1982), and an estimate of its own error. */
const byDifferences = (f: (x: number) => number, x: number): { readonly slope: number; readonly error: number } => {
  let best = { slope: Number.NaN, error: Infinity };
  let previous: number[] = [];
  for (let level = 0; level < 8; level++) {
    const h = 0.1 / 2 ** level;
    const row = [(f(x + h) - f(x - h)) / (2 * h)];
    for (let k = 0; k < previous.length; k++) {
      const [finer, coarser] = [row[k] ?? NaN, previous[k] ?? NaN];
      const next = finer + (finer - coarser) / (4 ** (k + 1) - 1);
      row.push(next);
      const error = Math.max(Math.abs(next - finer), Math.abs(next - coarser));
      if (error < best.error) best = { slope: next, error };
    }
    previous = row;
  }
  return best;
};

describe('derivative', () => {
  it('agrees with differences on random smooth expressions', () => {
    let compared = 0;
    fc.assert(
      fc.property(arbitraryExpression({ smooth: true, depth: 3 }), point, point, point, (e, at, d, w) => {
        const f = (x: number) => evaluate(e, { z: x, d, w });
        const { slope, error } = byDifferences(f, at);
        const symbolic = evaluate(derivative(e, 'z'), { z: at, d, w });
        // Where differences are themselves lost there is nothing to compare with.
        const slack = 1e-6 * Math.abs(slope) + 20 * error + 1e-12 * Math.abs(f(at)) + 1e-9;
        if (!(error < 1e-4 * Math.abs(slope) + 1e-6)) return;
        compared++;
        expect(Math.abs(symbolic - slope)).toBeLessThanOrEqual(slack);
      }),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(300);
  });

  it('agrees with differences on piecewise expressions, away from the switches', () => {
    const near = 1e-5;
    fc.assert(
      fc.property(arbitraryExpression({ depth: 3 }), point, point, point, (e, at, d, w) => {
        const f = (x: number) => evaluate(e, { z: x, d, w });
        const slopes = [-1, -0.5, 0.5, 1].map((k) => (f(at + (k + 0.5) * near) - f(at + (k - 0.5) * near)) / near);
        const [low, high] = [Math.min(...slopes), Math.max(...slopes)];
        const symbolic = evaluate(derivative(e, 'z'), { z: at, d, w });
        const slack =
          2 * (high - low) + 1e-5 * (Math.abs(high) + Math.abs(low)) + (1e-15 / near) * (1 + Math.abs(f(at))) * 50;
        expect(symbolic).toBeGreaterThanOrEqual(low - slack);
        expect(symbolic).toBeLessThanOrEqual(high + slack);
      }),
      { numRuns: 300 },
    );
  });

  it('knows its table', () => {
    const at = { z: 0.7, d: 0.2 };
    const cases: readonly (readonly [Expression, number])[] = [
      [log2cosh(z), Math.tanh(0.7)],
      [softplus(z), 1 / (1 + Math.exp(-0.7))],
      [softplusIntegral(z), Math.log(1 + Math.exp(0.7))],
      [transferDifference(z, variable('d')), 1 - Math.tanh(0.7) ** 2],
      [square(tanh(z)), 2 * Math.tanh(0.7) * (1 - Math.tanh(0.7) ** 2)],
      [abs(sub(z, 1)), -1],
      [clamp(mul(2, z), -1, 1), 0],
    ];
    for (const [e, wanted] of cases) expect(evaluate(derivative(e, 'z'), at)).toBeCloseTo(wanted, 14);
    expect(evaluate(derivative(transferDifference(z, variable('d')), 'd'), at)).toBeCloseTo(
      Math.tanh(0.2) ** 2 - 1,
      14,
    );
    expect(derivative(log2cosh(variable('d')), 'z')).toEqual({ kind: 'constant', value: 0 });
  });
});
