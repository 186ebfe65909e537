import {
  abs,
  add,
  clamp,
  derivative,
  div,
  DrnnError,
  evaluate,
  evaluateInterval,
  exp,
  type Expression,
  less,
  lessEqual,
  log,
  log1p,
  log2cosh,
  logistic,
  max,
  min,
  mul,
  negate,
  pointInterval,
  power,
  softplus,
  softplusIntegral,
  sqrt,
  square,
  sub,
  tanh,
  transferDifference,
  variable,
  where,
} from '@drnn/tensor';
import { arbitraryExpression, uniforms } from '@drnn/tensor/laws';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Certificate, certifyLoss, certifySlope, type Domain } from './certify.js';

const [z, d, w, y] = [variable('z'), variable('d'), variable('w'), variable('y')];
const inside = 1 - 1e-6;
const domain: Domain = {
  d: { low: -inside, high: inside },
  w: { low: 0, high: Infinity },
  y: { low: -8, high: 8 },
  tau: { low: 0, high: Infinity },
};
const anyTarget: Domain = { ...domain, d: { low: -Infinity, high: Infinity } };
const positive: Domain = { ...domain, d: { low: 0, high: Infinity } };

const shipped: readonly { name: string; transfer: Expression; primitive: Expression; domain: Domain }[] = [
  { name: 'tanh', transfer: tanh(z), primitive: log2cosh(z), domain },
  { name: 'logistic', transfer: logistic(z), primitive: softplus(z), domain: { ...domain, d: { low: 0, high: 1 } } },
  { name: 'softplus', transfer: softplus(z), primitive: softplusIntegral(z), domain: positive },
  { name: 'relu', transfer: max(z, 0), primitive: div(square(max(z, 0)), 2), domain: positive },
  { name: 'identity', transfer: z, primitive: div(square(z), 2), domain: anyTarget },
  { name: 'exp', transfer: exp(z), primitive: exp(z), domain: positive },
];

/** The median time of some calls, in milliseconds. */
const medianTime = (call: () => unknown): number => {
  const times = Array.from({ length: 7 }, () => {
    const start = performance.now();
    call();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[3] ?? Infinity;
};

const expectConvex = (certificate: Certificate): void => {
  expect(certificate).toMatchObject({ verdict: 'convex' });
};

/** Evaluates the witness again, from nothing but the loss and what the witness says. */
const expectRefuted = (certificate: Certificate, of: { slope: Expression } | { loss: Expression }): void => {
  expect(certificate.verdict).toBe('not-convex');
  if (certificate.verdict !== 'not-convex') return;
  const { z1, z2, data, slope1, slope2, chord } = certificate.witness;
  expect(z1).toBeLessThan(z2);
  expect(slope1).toBeGreaterThan(slope2);
  const at = (e: Expression, value: number): number => evaluate(e, { ...data, z: value });
  if (chord === undefined) {
    const slope = 'slope' in of ? of.slope : derivative(of.loss, 'z');
    const size = Math.max(Math.abs(slope1), Math.abs(slope2));
    expect(Math.abs(at(slope, z1) - slope1)).toBeLessThanOrEqual(1e-9 * size);
    expect(Math.abs(at(slope, z2) - slope2)).toBeLessThanOrEqual(1e-9 * size);
    return;
  }
  expect('loss' in of).toBe(true);
  if (!('loss' in of)) return;
  const [a, b, c] = chord;
  expect(a < b && b < c && a === z1 && c === z2).toBe(true);
  const loss = of.loss;
  expect((at(loss, b) - at(loss, a)) / (b - a)).toBe(slope1);
  expect((at(loss, c) - at(loss, b)) / (c - b)).toBe(slope2);
};

describe('certify: the shipped slopes', () => {
  for (const { name, transfer, primitive, domain: range } of shipped) {
    const slope = mul(w, sub(transfer, d));
    it(`proves ${name}: weighted, clipped, with a ridge, and its loss`, () => {
      for (const weights of [
        { low: 0, high: Infinity },
        { low: 0, high: 5.1e5 },
      ]) {
        const options = { domain: { ...range, w: weights } };
        expectConvex(certifySlope(slope, options));
        for (const tau of [1e-3, 0.2, 7]) expectConvex(certifySlope(clamp(slope, -tau, tau), options));
        expectConvex(certifySlope(add(clamp(slope, -0.2, 0.2), mul(1e-5, z)), options));
        expectConvex(certifySlope(add(slope, mul(0.3, z)), options));
        expectConvex(certifyLoss(mul(w, sub(primitive, mul(d, z))), options));
      }
    });
    it(`takes less than 50 ms for ${name}`, () => {
      const clipped = add(clamp(slope, -0.2, 0.2), mul(1e-5, z));
      expect(medianTime(() => certifySlope(clipped, { domain: range }))).toBeLessThan(50);
      expect(medianTime(() => certifyLoss(mul(w, sub(primitive, mul(d, z))), { domain: range }))).toBeLessThan(50);
    });
  }

  it('proves the slope from the inverted target, the weight inside, and a clip at a variable bound', () => {
    const slope = mul(w, sub(tanh(z), d));
    expectConvex(certifySlope(clamp(mul(w, transferDifference(z, y)), -0.2, 0.2), { domain }));
    expectConvex(certifySlope(div(sub(tanh(z), d), sub(1, square(d))), { domain }));
    expectConvex(certifySlope(clamp(slope, negate(variable('tau')), variable('tau')), { domain }));
    expectConvex(certifySlope(where(less(0.2, slope), 0.2, where(less(slope, -0.2), -0.2, slope)), { domain }));
  });

  it('states what it proved', () => {
    const certificate = certifySlope(mul(w, sub(tanh(z), d)), { domain });
    expect(certificate.verdict === 'convex' && certificate.proof.join('\n')).toMatch(
      /d in \[.*w in \[0, Infinity\).*z in \(-Infinity, Infinity\)/,
    );
    expect(certificate.verdict === 'convex' && certificate.proof.join('\n')).toMatch(/rises in z/);
  });
});

const r = sub(z, d);
const huber = (bound: number): Expression =>
  where(lessEqual(abs(r), bound), div(square(r), 2), sub(mul(bound, abs(r)), (bound * bound) / 2));

describe("certify: losses of one's own", () => {
  const tau = variable('tau');
  const capped = min(abs(r), 0.3);
  const convex: Readonly<Record<string, Expression>> = {
    'least squares': square(r),
    huber: huber(1),
    'huber, bound that float64 rounds': huber(0.3),
    'huber, bound as a variable': where(
      lessEqual(abs(r), tau),
      div(square(r), 2),
      sub(mul(tau, abs(r)), div(square(tau), 2)),
    ),
    'huber by min': mul(capped, sub(abs(r), div(capped, 2))),
    'scaled huber': mul(w, where(less(abs(r), 1.345), div(square(r), 2.69), sub(abs(r), 1.345 / 2))),
    'quantile huber': mul(where(less(r, 0), 0.3, 0.7), huber(0.5)),
    'elastic sum': add(add(mul(w, huber(1)), mul(0.1, abs(z))), mul(0.01, square(z))),
    absolute: mul(w, abs(r)),
    pinball: max(mul(0.3, r), mul(0.3 - 1, r)),
    'weighted pinball': mul(w, max(mul(0.3, sub(d, z)), mul(-0.7, sub(d, z)))),
    expectile: where(less(0, r), square(r), mul(0.25, square(r))),
    'insensitive zone': max(0, sub(abs(r), 0.1)),
    'log-cosh': mul(w, log2cosh(r)),
    'pseudo-huber': sqrt(add(1, square(r))),
    fair: sub(abs(r), log1p(abs(r))),
    poisson: sub(exp(z), mul(d, z)),
    'z^4': power(z, 4),
    'z^6 + z^2': add(power(z, 6), square(z)),
    'z^4 - z^3 + z^2': add(sub(power(z, 4), power(z, 3)), square(z)),
    '(z - 1)^4, expanded': add(sub(add(sub(power(z, 4), mul(4, power(z, 3))), mul(6, square(z))), mul(4, z)), 1),
    'two exponentials': add(exp(z), exp(negate(z))),
  };
  for (const [name, loss] of Object.entries(convex))
    it(`proves ${name}`, () => expectConvex(certifyLoss(loss, { domain: anyTarget })));

  const margin: Readonly<Record<string, Expression>> = {
    hinge: max(0, sub(1, mul(d, z))),
    'squared hinge': square(max(0, sub(1, mul(d, z)))),
    'weighted squared hinge': mul(w, square(max(0, sub(1, mul(d, z))))),
    logistic: softplus(negate(mul(d, z))),
    exponential: exp(negate(mul(d, z))),
  };
  for (const [name, loss] of Object.entries(margin))
    it(`proves the ${name} loss of the margin d z`, () => expectConvex(certifyLoss(loss, { domain })));

  it('proves slopes with jumps upward, and a slope whose branches have different domains', () => {
    expectConvex(certifySlope(where(less(0, z), add(z, 1), z), { domain }));
    expectConvex(certifySlope(where(less(0, z), log1p(z), negate(log1p(negate(z)))), { domain }));
    expectConvex(certifySlope(div(r, add(1, abs(r))), { domain: anyTarget }));
    expectConvex(certifySlope(sub(z, tanh(z)), { domain }));
  });

  const notConvex: Readonly<Record<string, Expression>> = {
    'squared error through tanh': div(square(sub(tanh(z), d)), 2),
    'squared error through softplus': square(sub(softplus(z), d)),
    cauchy: log1p(square(r)),
    welsch: sub(1, exp(negate(square(r)))),
    tukey: where(lessEqual(abs(r), 1), sub(1, power(sub(1, square(r)), 3)), 1),
    'truncated squares': min(square(r), 1),
    'z^3': power(z, 3),
    '-|z|': negate(abs(z)),
    'min(z^2, 1)': min(square(z), 1),
    'a sine by its series': add(sub(z, div(power(z, 3), 6)), div(power(z, 5), 120)),
    'a weight that depends on z': mul(exp(negate(square(z))), sub(log2cosh(z), mul(d, z))),
    'z tanh z': mul(z, tanh(z)),
    'exp minus a parabola': sub(exp(z), square(z)),
    'a jump of the value': where(less(0, z), add(square(z), 1), square(z)),
    'a jump downward': where(less(0, z), square(z), add(square(z), 1)),
    'a jump of 1e-13': where(less(0, z), add(square(z), 1e-13), square(z)),
    'a jump of one unit in the last place': where(less(0, z), 1 + 2 ** -52, 1),
    'a clipped loss with the constant left out': where(
      less(0.2, mul(w, sub(tanh(z), d))),
      mul(0.2, z),
      where(less(mul(w, sub(tanh(z), d)), -0.2), mul(-0.2, z), mul(w, sub(log2cosh(z), mul(d, z)))),
    ),
  };
  for (const [name, loss] of Object.entries(notConvex))
    it(`refutes ${name}`, () => expectRefuted(certifyLoss(loss, { domain: anyTarget }), { loss }));

  it('refutes the redescending threshold of the authors, and other downward jumps and folds of a slope', () => {
    const e = mul(w, sub(tanh(z), d));
    for (const slope of [
      where(less(0.2, abs(e)), 0, e),
      where(lessEqual(abs(e), 0.2), e, 0),
      where(less(0.2, e), 0, e),
      mul(e, less01(sub(0.2, abs(e)))),
      where(less(0, z), sub(z, 1e-14), z),
      where(lessEqual(z, 3), add(z, 1e-6), z),
      sub(z, mul(1.0001, tanh(z))),
      mul(r, exp(negate(abs(r)))),
    ])
      expectRefuted(certifySlope(slope, { domain }), { slope });
  });
});

/** 1 where x >= 0, else 0. */
function less01(x: Expression): Expression {
  return where(lessEqual(0, x), 1, 0);
}

describe('certify: never a proof of what is not convex', () => {
  it('z^4 - eps z^2 for any eps > 0', () => {
    const exponents = fc.double({ min: -300, max: 3, noNaN: true });
    fc.assert(
      fc.property(exponents, (exponent) => {
        const eps = 10 ** exponent;
        const loss = sub(power(z, 4), mul(eps, square(z)));
        const certificate = certifyLoss(loss, { domain: {}, maxBoxes: 200 });
        expect(certificate.verdict).not.toBe('convex');
        // Below, 4 z^3 underflows where the slope falls.
        if (eps >= 1e-200) expectRefuted(certificate, { loss });
      }),
      { numRuns: 20, examples: [[-300], [-200], [-12], [0], [3]] },
    );
  });

  it('a jump that only exact arithmetic can see stays undecided', () => {
    // 1 + 1e-16 rounds to 1 in float64: the slope falls by 1e-16 at 1, which no evaluation shows.
    const slope = where(less(1, z), z, add(z, 1e-16));
    const certificate = certifySlope(slope, { domain });
    expect(certificate).toMatchObject({ verdict: 'undecided', box: { z: { low: 1, high: 1 } }, bound: -1e-16 });
  });

  it('a slope or loss without a value somewhere', () => {
    for (const e of [log(z), sqrt(z), div(1, z), mul(where(less(0, z), 1, 0), log(z)), where(less(log(z), 0), 0, 1)])
      expect(certifySlope(e, { domain, maxBoxes: 200 }).verdict).not.toBe('convex');
    const sometimes = where(less(d, 0), NaN, square(z));
    expect(certifySlope(sometimes, { domain, maxBoxes: 200 }).verdict).not.toBe('convex');
    expect(certifyLoss(sometimes, { domain, maxBoxes: 200 }).verdict).not.toBe('convex');
    expect(certifyLoss(negate(log(z)), { domain, maxBoxes: 200 })).toMatchObject({ verdict: 'undecided' });
    // The weight is infinite at |d| = 1.
    const weighted = div(sub(tanh(z), d), sub(1, square(d)));
    expect(certifySlope(weighted, { domain: { d: { low: -1, high: 1 } }, maxBoxes: 200 }).verdict).not.toBe('convex');
    // Two jumps at one place, each hidden by the other at the place itself.
    const hidden = mul(where(less(z, 0), 1, 0), where(less(mul(3, z), 0), 1, 0));
    expect(certifyLoss(hidden, { domain, maxBoxes: 200 }).verdict).not.toBe('convex');
  });

  it('a loss that jumps beside a point where two switches meet', () => {
    const beside = where(less(0, z), where(lessEqual(max(0, z), 0), mul(d, z), exp(z)), mul(-2, z));
    expectRefuted(certifyLoss(beside, { domain }), { loss: beside });
    const isolated = where(lessEqual(square(z), 0), mul(5, z), square(z));
    expect(certifyLoss(isolated, { domain, maxBoxes: 200 }).verdict).not.toBe('not-convex');
  });

  it('a negative weight or a target through a fold', () => {
    const slope = mul(w, sub(tanh(z), d));
    expectRefuted(certifySlope(slope, { domain: { ...domain, w: { low: -1e-3, high: 1 } } }), { slope });
  });

  const random = arbitraryExpression({ depth: 3 });
  const box: Domain = { d: { low: -1, high: 1 }, w: { low: 0, high: 3 } };
  const verdicts = { convex: 0, 'not-convex': 0, undecided: 0 };
  const checkSlope = (slope: Expression, seed: number): void => {
    const certificate = certifySlope(slope, { domain: box, maxBoxes: 48 });
    verdicts[certificate.verdict]++;
    if (certificate.verdict === 'not-convex') {
      expectRefuted(certificate, { slope });
      const { z1, z2, data } = certificate.witness;
      const at = (value: number) =>
        evaluateInterval(
          slope,
          Object.fromEntries(Object.entries({ ...data, z: value }).map(([name, x]) => [name, pointInterval(x)])),
        );
      expect(at(z1).low).toBeGreaterThan(at(z2).high);
      for (const [name, value] of Object.entries(data)) {
        const range = box[name];
        expect(range !== undefined && range.low <= value && value <= range.high).toBe(true);
      }
    }
    if (certificate.verdict !== 'convex') return;
    const next = uniforms(seed);
    for (let k = 0; k < 2000; k++) {
      const data = { d: 2 * next() - 1, w: 3 * next() };
      const spread = 10 ** (6 * next() - 4);
      const z1 = (2 * next() - 1) * spread;
      const z2 = z1 + next() * 10 ** (6 * next() - 4);
      const [slope1, slope2] = [evaluate(slope, { ...data, z: z1 }), evaluate(slope, { ...data, z: z2 })];
      if (!Number.isFinite(slope1) || !Number.isFinite(slope2)) continue;
      if (slope1 <= slope2) continue;
      // A fall must be rounding: interval arithmetic at the two points decides.
      const [low, high] = [z1, z2].map((value) =>
        evaluateInterval(slope, { z: pointInterval(value), d: pointInterval(data.d), w: pointInterval(data.w) }),
      );
      expect(low !== undefined && high !== undefined && low.low <= high.high).toBe(true);
    }
  };

  it('random expressions: no pair violates a proof, every witness holds', () => {
    fc.assert(
      fc.property(random, fc.integer(), (slope, seed) => checkSlope(slope, seed)),
      { numRuns: 60 },
    );
    expect(verdicts.convex).toBeGreaterThan(0);
    expect(verdicts['not-convex']).toBeGreaterThan(0);
  });

  it('random piecewise slopes: switches compared rightly', () => {
    const line = fc.tuple(fc.integer({ min: -2, max: 3 }), fc.integer({ min: -3, max: 3 }));
    const cut = fc.integer({ min: -2, max: 2 });
    fc.assert(
      fc.property(line, line, line, cut, cut, fc.boolean(), ([a1, b1], [a2, b2], [a3, b3], c1, c2, strict) => {
        const [first, second] = [Math.min(c1, c2), Math.max(c1, c2)];
        const piece = (a: number, b: number): Expression => add(mul(a / 4, z), b / 4);
        const compare = strict ? less : lessEqual;
        const slope = where(compare(z, first), piece(a1, b1), where(compare(z, second), piece(a2, b2), piece(a3, b3)));
        const at = (a: number, b: number, x: number): number => (a * x + b) / 4;
        // What is so by hand: every piece rises, and no jump at a cut that is there falls.
        const middle = first < second;
        const truth =
          a1 >= 0 &&
          a3 >= 0 &&
          (!middle || a2 >= 0) &&
          (middle
            ? at(a1, b1, first) <= at(a2, b2, first) && at(a2, b2, second) <= at(a3, b3, second)
            : at(a1, b1, first) <= at(a3, b3, first));
        const { verdict } = certifySlope(slope, { domain: {} });
        if (truth && middle) expect(verdict).toBe('convex');
        else if (truth) expect(verdict).not.toBe('not-convex');
        else expect(verdict).toBe('not-convex');
      }),
      { numRuns: 100 },
    );
  });

  it('positive combinations of convex losses are proven, and fail with a concave part too many', () => {
    const blocks: readonly Expression[] = [
      huber(1),
      log2cosh(r),
      abs(r),
      mul(w, sub(log2cosh(z), mul(d, z))),
      square(z),
      max(mul(0.3, r), mul(-0.7, r)),
      softplus(z),
      exp(z),
    ];
    const factor = fc.double({ min: 0.01, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...blocks), factor), { minLength: 1, maxLength: 4 }), (parts) => {
        const loss = parts.map(([e, c]) => mul(c, e)).reduce((a, b) => add(a, b));
        expectConvex(certifyLoss(loss, { domain }));
        const total = parts.reduce((sum, [, c]) => sum + c, 0);
        // Curvature and kinks of the blocks without z^2 and exp are at most 1 and 2 each, far out none at all.
        const bent = sub(loss, mul(30 * total, square(z)));
        expectRefuted(certifyLoss(bent, { domain }), { loss: bent });
      }),
      { numRuns: 15 },
    );
  });
});

describe('certify: input', () => {
  it('names every variable without a usable range', () => {
    const slope = mul(w, sub(tanh(z), d));
    const attempt = (): unknown => certifySlope(slope, { domain: { w: { low: 1, high: 0 } }, maxBoxes: 0 });
    expect(attempt).toThrow(DrnnError);
    expect(attempt).toThrow(/domain\.d[\s\S]*domain\.w[\s\S]*maxBoxes/);
  });

  it('takes another name for the current', () => {
    const v = variable('v');
    expectConvex(certifySlope(sub(tanh(v), d), { domain, z: 'v' }));
    expect(certifySlope(sub(tanh(v), power(z, 2)), { domain: { z: { low: -1, high: 1 } }, z: 'v' }).verdict).toBe(
      'convex',
    );
  });
});
