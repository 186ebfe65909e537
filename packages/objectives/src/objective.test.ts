import {
  abs,
  derivative,
  evaluate,
  type Expression,
  lessEqual,
  mul,
  power,
  pointwise,
  sub,
  tanh as tanhOf,
  where,
} from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  certify,
  certifySlope,
  crossEntropy,
  leastSquares,
  matching,
  objective,
  type Objective,
  poisson,
  transfers,
  weightExpression,
} from './index.js';

const weightings = ['none', 'variance', { kind: 'capped', cap: 10 }, { kind: 'calibrated', kappa: 0.01 }] as const;

/** Every shipped objective: each transfer, plain and clipped. */
const shipped: readonly (readonly [string, Objective])[] = Object.entries(transfers).flatMap(([name, transfer]) =>
  [null, 0.2].flatMap((clip) =>
    weightings.map((weights) => {
      const label = typeof weights === 'string' ? weights : weights.kind;
      return [`${name}, ${label}, clip ${clip ?? 'none'}`, matching(transfer, { weights, clip })] as const;
    }),
  ),
);

/** Targets well inside the range of the transfer, currents around, weights of all sizes. */
const points = ({ transfer }: Objective): fc.Arbitrary<{ z: number; d: number; w: number }> => {
  const low = Math.max(transfer?.range.low ?? -3, -3);
  const high = Math.min(transfer?.range.high ?? 3, 3);
  const inside = 0.02 * (high - low);
  return fc.record({
    z: fc.double({ min: -4, max: 4, noNaN: true }),
    d: fc.double({ min: low + inside, max: high - inside, noNaN: true }),
    w: fc.double({ min: 0.01, max: 50, noNaN: true }),
  });
};

const near = (actual: number, expected: number, size: number): void => {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(size * (1 + Math.abs(expected)));
};

/** The jump of a switch is no place for a difference quotient. */
const awayFromSwitch = ({ slope, clip, transfer }: Objective, at: { z: number; d: number; w: number }): boolean =>
  (clip === null || Math.abs(Math.abs(evaluate(slope, at)) - clip) > 1e-3) &&
  (transfer?.name !== 'relu' || Math.abs(at.z) > 1e-3);

describe.each(shipped)('%s', (_, of) => {
  it('value, slope and curvature agree with the derivatives of its own expression and with differences', () => {
    const [slope, curvature] = [derivative(of.loss, 'z'), derivative(of.slope, 'z')];
    fc.assert(
      fc.property(points(of), (at) => {
        fc.pre(awayFromSwitch(of, at));
        near(evaluate(slope, at), evaluate(of.slope, at), 1e-9);
        near(evaluate(curvature, at), evaluate(of.curvature, at), 1e-9);
        const h = 1e-5;
        const difference = (e: Expression): number =>
          (evaluate(e, { ...at, z: at.z + h }) - evaluate(e, { ...at, z: at.z - h })) / (2 * h);
        fc.pre(awayFromSwitch(of, { ...at, z: at.z + h }) && awayFromSwitch(of, { ...at, z: at.z - h }));
        near(difference(of.loss), evaluate(of.slope, at), 1e-5 * (1 + at.w));
      }),
      { numRuns: 60 },
    );
  });

  it('convex along segments, and certified', () => {
    fc.assert(
      fc.property(
        points(of),
        fc.double({ min: -4, max: 4, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (at, z2, t) => {
          const value = (z: number): number => evaluate(of.loss, { ...at, z });
          const chord = t * value(at.z) + (1 - t) * value(z2);
          expect(value(t * at.z + (1 - t) * z2)).toBeLessThanOrEqual(chord + 1e-9 * (1 + Math.abs(chord)));
        },
      ),
      { numRuns: 60 },
    );
    expect(certify(of).verdict).toBe('convex');
  });

  it('its slope is the same from the inverted target', () => {
    const stable = of.slopeFromInverse;
    const { inverse } = of;
    if (stable === null || inverse === null) throw new Error('a matching loss has both');
    fc.assert(
      fc.property(points(of), (at) => {
        fc.pre(of.transfer?.name !== 'relu' || at.d > 0);
        near(evaluate(stable, { ...at, y: evaluate(inverse, at) }), evaluate(of.slope, at), 1e-9 * (1 + at.w));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a clipped loss', () => {
  it('is continuous, with the slope clipped, at both ends', () => {
    const of = crossEntropy({ clip: 0.2 });
    const data = { d: 0.3, w: 2 };
    for (const side of [1, -1]) {
      const edge = Math.atanh(data.d + (side * 0.2) / data.w);
      const value = (z: number): number => evaluate(of.loss, { ...data, z });
      near(value(edge + 1e-9), value(edge - 1e-9), 1e-8);
      near(value(edge + side) - value(edge), 0.2, 1e-12);
    }
  });
});

describe('weights', () => {
  it('are those of their definitions', () => {
    const at = (weights: Parameters<typeof weightExpression>[0], d: number): number => {
      const expression = weightExpression(weights, transfers.tanh);
      return expression === null ? Number.NaN : evaluate(expression, { d });
    };
    const q = 1 - 0.8 ** 2;
    near(at({ kind: 'variance' }, 0.8), 1 / q, 1e-14);
    near(at({ kind: 'capped', cap: 2 }, 0.8), 2, 1e-14);
    near(at({ kind: 'calibrated', kappa: 0.01 }, 0.8), q / (q * q + 0.01), 1e-14);
    expect(at({ kind: 'capped', cap: 10 }, 1)).toBe(10);
    expect(at({ kind: 'calibrated', kappa: 0.01 }, 1)).toBe(0);
  });
});

describe('certify', () => {
  it('refutes the thresholded slope of the published code', () => {
    const slope = crossEntropy().slope;
    const thresholded = where(lessEqual(abs(slope), 0.2), slope, 0);
    const certificate = certifySlope(thresholded, { domain: crossEntropy().domain });
    expect(certificate.verdict).toBe('not-convex');
    if (certificate.verdict !== 'not-convex') return;
    const { z1, z2, data } = certificate.witness;
    expect(z1).toBeLessThan(z2);
    expect(evaluate(thresholded, { ...data, z: z1 })).toBeGreaterThan(evaluate(thresholded, { ...data, z: z2 }));
  });

  it('never certifies z^4 - eps z^2 for eps > 0, and refutes it', () => {
    const quartic = (eps: number): Objective => objective({ loss: ({ z }) => sub(power(z, 4), mul(eps, power(z, 2))) });
    fc.assert(
      fc.property(fc.double({ min: -9, max: 2, noNaN: true }), (exponent) => {
        expect(certify(quartic(10 ** exponent)).verdict).toBe('not-convex');
      }),
      { numRuns: 30 },
    );
    for (const eps of [1e-300, 1e-100, 1e-30]) expect(certify(quartic(eps)).verdict).not.toBe('convex');
    expect(certify(quartic(0)).verdict).toBe('convex');
  });

  it('refutes the squared error of a saturating network', () => {
    const squared = objective({ loss: ({ z, d }) => power(sub(tanhOf(z), d), 2), domain: { d: { low: -1, high: 1 } } });
    expect(certify(squared).verdict).toBe('not-convex');
  });
});

describe('bad options', () => {
  it('are refused all at once', () => {
    expect(() =>
      matching(transfers.tanh, { clip: -1, ridge: -1, targetClip: 2, weights: { kind: 'capped', cap: 0 } }),
    ).toThrow(/clip.*\n.*targetClip.*\n.*weights\.cap.*\n.*ridge/s);
  });

  it('a loss in other variables, a clip on a loss of one’s own, weights without a transfer', () => {
    expect(() => objective({ loss: () => pointwise(({ y }) => y) })).toThrow(/variable y/);
    expect(() => objective({ loss: ({ z }) => power(z, 2), clip: 1 })).toThrow(/loss of your own/);
    expect(() => objective({ loss: ({ z }) => power(z, 2), weights: 'variance' })).toThrow(/without a transfer/);
  });

  it('named losses are the matching losses of their transfer', () => {
    expect(leastSquares().transfer).toBe(transfers.identity);
    expect(poisson().transfer).toBe(transfers.exp);
  });
});
