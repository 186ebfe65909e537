import { backend } from '@drnn/backend-cpu';
import {
  allOf,
  crossEntropy,
  eachWeight,
  elasticNet,
  groups,
  l1,
  leastSquares,
  matching,
  nuclear,
  type Objective,
  type ObjectiveOptions,
  type Penalty,
  poisson,
  ridgeOf,
  type ScalarPenalty,
  transfers,
} from '@drnn/objectives';
import { simulate, type Transitions, transitions } from '@drnn/simulator';
import { type Backend, copyMatrix, matrix, type Matrix, transpose } from '@drnn/tensor';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  chooseSigns,
  type Iterate,
  iterate,
  newton,
  nesterov,
  plainProximalSharedNewton,
  problem,
  type Problem,
  proximalNewton,
  proximalSharedNewton,
  proximalSharedNewtonWith,
  proxNuclear,
  run,
  sharedNewton,
  singularValues,
  snapshot,
  type Solver,
  weightRows,
  withPolish,
} from './index.js';
import { relativeDifference, smallSamples, someTheta } from './small-samples.js';

const on: Backend = await backend();
afterAll(() => on.close());

const units = 8;
const base = { weights: 'variance', clip: 0.2 } as const;
const labels = ['a', 'a', 'a', 'b', 'b', 'c', 'c', 'c'];
const signs = [1, 1, -1, 1, -1, 0, 1, -1];
/** Every unit gets connections from most others, and none from one or two. */
const mask = matrix(
  units,
  units,
  Float64Array.from({ length: units * units }, (_, i) => ((3 * i + Math.floor(i / units)) % 5 === 0 ? 0 : 1)),
);
/** Half the size of each weight, but no more than 1: bends, then goes straight; kinked at 0. */
const capped: ScalarPenalty = {
  name: 'kinked Huber',
  value: (x) => Math.abs(x) / 2 + (Math.abs(x) > 1 ? Math.abs(x) - 0.5 : (x * x) / 2),
  prox: (v, step) => {
    const left = Math.max(0, Math.abs(v) - step / 2);
    return Math.sign(v) * (left > 1 + step ? left - step : left / (1 + step));
  },
  slopeBelow: (x) => (x > 0 ? 0.5 : -0.5) + Math.max(-1, Math.min(1, x)),
  slopeAbove: (x) => (x < 0 ? -0.5 : 0.5) + Math.max(-1, Math.min(1, x)),
};

const structures: Readonly<Record<string, ObjectiveOptions>> = {
  l1: { penalty: l1(0.02) },
  'elastic net': { penalty: elasticNet(0.04, 0.5) },
  groups: { penalty: groups({ labels, strength: 0.01 }) },
  'sparse groups': { penalty: allOf(groups({ labels, strength: 0.01 }), l1(0.01)) },
  own: { penalty: eachWeight(0.02, capped) },
  dale: { constraints: { signs } },
  box: { constraints: { box: { low: -0.1, high: 0.2 } } },
  'box away from 0': { constraints: { box: { low: 0.02, high: 0.2 } }, penalty: groups({ labels, strength: 0.01 }) },
  'dale, box, sparse groups': {
    penalty: allOf(groups({ labels, strength: 0.005 }), l1(0.005)),
    constraints: { signs, box: { low: -0.2, high: 0.2 } },
  },
  nuclear: { penalty: nuclear(0.02) },
  'nuclear, free diagonal': { penalty: nuclear(0.02), constraints: { zeroDiagonal: false } },
  'nuclear, dale, l1': { penalty: allOf(nuclear(0.01), l1(0.005)), constraints: { signs } },
};
const withMask = (options: ObjectiveOptions): ObjectiveOptions => ({
  ...options,
  constraints: { ...options.constraints, connections: mask },
});
const cases: readonly (readonly [string, ObjectiveOptions])[] = Object.entries(structures).flatMap(
  ([name, options]): readonly (readonly [string, ObjectiveOptions])[] => [
    [name, options],
    [`${name}, mask`, withMask(options)],
  ],
);
const samples = smallSamples({ seed: 3, units, steps: 200, noise: 0.3 });
const taskOf = (options: ObjectiveOptions, from: Transitions = samples): Promise<Problem> =>
  problem(on, from, crossEntropy({ ...base, ridge: 1e-3, ...options }));
/** Fewer where a mask is all that is new, and where each takes long. */
const solversFor = ({ structure }: Problem, few: boolean): readonly Solver<Iterate>[] => {
  const separable = structure?.nuclear === 0;
  return [
    proximalSharedNewton,
    ...(separable ? [proximalNewton] : []),
    ...(few ? [] : [proximalSharedNewtonWith(nesterov)]),
    ...(few || !separable ? [] : [plainProximalSharedNewton]),
  ];
};

const at = (a: Matrix, p: number, j: number): number => a.data[p * a.columns + j]!;
/** The whole objective, written out from the definitions and not from the structure. */
const composite = async (task: Problem, objective: Objective, theta: Matrix): Promise<number> => {
  const smooth = (await task.evaluate(theta)).value.reduce((a, b) => a + b, 0);
  const weights = units + task.shape.inputs;
  const value = (penalty: Penalty): number => {
    let sum = 0;
    const each = (h: (x: number) => number): number => {
      for (let p = 0; p < weights; p++) for (let j = 0; j < units; j++) sum += h(at(theta, p, j));
      return sum;
    };
    switch (penalty.kind) {
      case 'ridge':
        return 0;
      case 'l1':
        return penalty.strength * each(Math.abs);
      case 'elastic-net':
        return penalty.strength * penalty.ratio * each(Math.abs);
      case 'own':
        return penalty.strength * each((x) => penalty.each.value(x));
      case 'groups':
        for (let j = 0; j < units; j++) {
          for (const label of new Set(Array.from(penalty.labels))) {
            const members = Array.from(penalty.labels).flatMap((l, p) => (l === label ? [p] : []));
            sum += Math.sqrt(members.length) * Math.hypot(...members.map((p) => at(theta, p, j)));
          }
        }
        return penalty.strength * sum;
      case 'nuclear': {
        const { values } = on.host.eigh(on.host.gram(weightRows(theta, units)));
        return penalty.strength * values.reduce((total, square) => total + Math.sqrt(Math.max(square, 0)), 0);
      }
      case 'all-of':
        return penalty.parts.reduce((total, part) => total + value(part), 0);
    }
  };
  return smooth + task.shape.transitions * value(objective.penalty);
};

describe.each(cases)('%s', (name, options) => {
  const isMasked = name.endsWith('mask');

  it('every solver converges, from any start, to the same weights; nothing nearby is better', async () => {
    const task = await taskOf(options);
    const reference = await run(proximalSharedNewton, task);
    expect(reference.status).toBe('converged');
    for (const [k, solver] of solversFor(task, isMasked).entries()) {
      const start = someTheta(task.shape.predictors, units, k + 1, 1);
      const other = await run(solver, task, { start });
      expect(other.status).toBe('converged');
      expect(relativeDifference(other.theta, reference.theta)).toBeLessThan(1e-6);
    }
    // Independent of all subgradients: the optimum against feasible points around it.
    const least = await composite(task, task.objective, reference.theta);
    expect(Math.abs(least - reference.objective)).toBeLessThan(1e-6 * Math.abs(least));
    const bounds = task.structure;
    await fc.assert(
      fc.asyncProperty(fc.nat(1e6), fc.integer({ min: -5, max: 0 }), fc.boolean(), async (seed, exponent, sparse) => {
        const other = copyMatrix(reference.theta);
        const move = someTheta(other.rows, units, seed, 10 ** exponent);
        for (let i = 0; i < other.data.length; i++) {
          if (sparse && Math.abs(move.data[i]!) < 0.9 * 10 ** exponent) continue;
          const moved = other.data[i]! + move.data[i]!;
          other.data[i] = Math.max(bounds?.low.data[i] ?? 0, Math.min(bounds?.high.data[i] ?? 0, moved));
        }
        expect(await composite(task, task.objective, other)).toBeGreaterThanOrEqual(least - 1e-11 * Math.abs(least));
      }),
      { numRuns: 12 },
    );
    task.release();
  });

  it('no step raises the objective, and every iterate keeps the constraints', async () => {
    const task = await taskOf(options);
    const rounding = await task.rounding();
    const { structure } = task;
    if (structure === null) throw new Error('there is a structure');
    for (const [k, solver] of solversFor(task, isMasked).entries()) {
      const start = someTheta(task.shape.predictors, units, k + 9, 2);
      let previous: Iterate | null = null;
      for await (const state of iterate(solver, task, { start })) {
        state.theta.data.forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(structure.low.data[i]!);
          expect(value).toBeLessThanOrEqual(structure.high.data[i]!);
        });
        if (previous !== null && structure.nuclear === 0) {
          for (let j = 0; j < units; j++) {
            expect(state.value[j]).toBeLessThanOrEqual(previous.value[j]! + 2 * rounding[j]!);
          }
        } else if (previous !== null) {
          const noise = 1e-12 * Math.abs(state.objective);
          expect(state.objective).toBeLessThanOrEqual(previous.objective + noise);
        }
        previous = snapshot(state);
        if (state.step === (isMasked ? 6 : 12)) break;
      }
    }
    task.release();
  });
});

describe('optimality conditions, written out', () => {
  it('l1: |g_p| <= s where the weight is 0, g_p = -s sign elsewhere', async () => {
    const task = await taskOf(withMask({ penalty: l1(0.02) }));
    const { theta } = await run(proximalSharedNewton, task);
    const { gradient } = await task.evaluate(theta);
    const s = 0.02 * task.shape.transitions;
    let [zeros, others] = [0, 0];
    for (let p = 0; p < units; p++) {
      for (let j = 0; j < units; j++) {
        if (p === j || mask.data[j * units + p] === 0) {
          expect(at(theta, p, j)).toBe(0);
          continue;
        }
        const weight = at(theta, p, j);
        const g = at(gradient, p, j);
        if (weight === 0) {
          zeros++;
          expect(Math.abs(g)).toBeLessThanOrEqual(s * (1 + 1e-6));
        } else {
          others++;
          expect(Math.abs(g + s * Math.sign(weight))).toBeLessThan(1e-5 * s);
        }
      }
    }
    expect(Math.min(zeros, others)).toBeGreaterThan(3);
    // The bias is not penalised.
    for (let j = 0; j < units; j++) expect(Math.abs(at(gradient, units, j))).toBeLessThan(1e-5 * s);
    task.release();
  });

  it('Dale: no slope along free weights, and one that points out of the bounds at 0', async () => {
    const task = await taskOf({ constraints: { signs } });
    const { theta } = await run(proximalSharedNewton, task);
    const { gradient } = await task.evaluate(theta);
    const scale = Math.max(...(await task.evaluate(matrix(units + 1, units))).gradient.data.map(Math.abs));
    let held = 0;
    for (let p = 0; p < units; p++) {
      for (let j = 0; j < units; j++) {
        if (p === j) continue;
        const sign = signs[p]!;
        expect(sign * at(theta, p, j)).toBeGreaterThanOrEqual(0);
        if (sign !== 0 && at(theta, p, j) === 0) {
          held++;
          expect(sign * at(gradient, p, j)).toBeGreaterThanOrEqual(-1e-7 * scale);
        } else expect(Math.abs(at(gradient, p, j))).toBeLessThan(1e-6 * scale);
      }
    }
    expect(held).toBeGreaterThan(3);
    task.release();
  });

  it('groups: |g_G| <= s sqrt|G| where the block is 0, g_G = -s sqrt|G| theta_G / |theta_G| elsewhere', async () => {
    const task = await taskOf({ penalty: groups({ labels, strength: 0.02 }) });
    const { theta } = await run(proximalSharedNewton, task);
    const { gradient } = await task.evaluate(theta);
    let [zeros, others] = [0, 0];
    for (const label of ['a', 'b', 'c']) {
      const members = labels.flatMap((l, p) => (l === label ? [p] : []));
      const s = 0.02 * task.shape.transitions * Math.sqrt(members.length);
      for (let j = 0; j < units; j++) {
        const free = members.filter((p) => p !== j);
        const size = Math.hypot(...free.map((p) => at(theta, p, j)));
        if (size === 0) {
          zeros++;
          expect(Math.hypot(...free.map((p) => at(gradient, p, j)))).toBeLessThanOrEqual(s * (1 + 1e-6));
        } else {
          others++;
          for (const p of free) {
            expect(Math.abs(at(gradient, p, j) + (s * at(theta, p, j)) / size)).toBeLessThan(1e-5 * s);
          }
        }
      }
    }
    expect(Math.min(zeros, others)).toBeGreaterThan(2);
    task.release();
  });

  it('nuclear: -g is a subgradient of the norm: U V on the span, of norm at most s off it', async () => {
    const task = await taskOf({ penalty: nuclear(0.02), constraints: { zeroDiagonal: false } });
    const { theta } = await run(proximalSharedNewton, task);
    const { gradient } = await task.evaluate(theta);
    const { host } = on;
    const s = 0.02 * task.shape.transitions;
    const g = weightRows(gradient, units);
    const { values, vectors, scaled } = singularValues(host, weightRows(theta, units));
    const largest = Math.max(...values);
    const kept = Array.from(values.keys()).filter((i) => values[i]! > 1e-7 * largest);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(units);
    const left = host.matMul(vectors, g, { transposeA: true });
    for (const i of kept) {
      for (let j = 0; j < units; j++) {
        expect(Math.abs(left.data[i * units + j]! + (s * scaled.data[i * units + j]!) / values[i]!)).toBeLessThan(
          1e-5 * s,
        );
      }
    }
    expect(Math.max(...singularValues(host, g).values)).toBeLessThan(s * (1 + 1e-6));
    task.release();
  });
});

describe('closed forms under an orthogonal design', () => {
  const [transitionsCount, n] = [40, 5];
  /** X with X'X = I by Gram-Schmidt, and any targets. */
  const orthogonal = (seed: number): Transitions => {
    const x = transpose(someTheta(transitionsCount, n, seed, 1));
    for (let p = 0; p < n; p++) {
      const row = x.data.subarray(p * transitionsCount, (p + 1) * transitionsCount);
      for (let twice = 0; twice < 2; twice++) {
        for (let q = 0; q < p; q++) {
          const other = x.data.subarray(q * transitionsCount, (q + 1) * transitionsCount);
          const product = row.reduce((total, value, t) => total + value * other[t]!, 0);
          row.forEach((value, t) => (row[t] = value - product * other[t]!));
        }
      }
      const size = Math.hypot(...row);
      row.forEach((value, t) => (row[t] = value / size));
    }
    return {
      ...smallSamples({ seed: 1, units: n, steps: transitionsCount + 1 }),
      predictors: transpose(x),
      targets: someTheta(transitionsCount, n, seed + 7, 1),
    };
  };
  const fitted = async (from: Transitions, penalty: Penalty): Promise<{ theta: Matrix; product: Matrix }> => {
    const objective = leastSquares({ penalty, ridge: 0, constraints: { zeroDiagonal: false } });
    const task = await problem(on, from, objective, { bias: false });
    const { theta, status } = await run(proximalSharedNewton, task);
    expect(status).toBe('converged');
    task.release();
    return { theta, product: on.host.matMul(from.predictors, from.targets, { transposeA: true }) };
  };

  it('l1, elastic net, groups, nuclear', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1e5 }),
        fc.double({ min: 0.05, max: 1.5, noNaN: true }),
        async (seed, s) => {
          const from = orthogonal(seed);
          const per = s / transitionsCount;
          const lasso = await fitted(from, l1(per));
          lasso.product.data.forEach((v, i) => {
            expect(lasso.theta.data[i]).toBeCloseTo(Math.sign(v) * Math.max(0, Math.abs(v) - s), 7);
          });
          const net = await fitted(from, elasticNet(per, 0.25));
          net.product.data.forEach((v, i) => {
            const expected = (Math.sign(v) * Math.max(0, Math.abs(v) - s / 4)) / (1 + (3 / 4) * s);
            expect(net.theta.data[i]).toBeCloseTo(expected, 7);
          });
          const grouped = await fitted(from, groups({ labels: [0, 1, 0, 1, 0], strength: per }));
          for (let j = 0; j < n; j++) {
            for (const members of [
              [0, 2, 4],
              [1, 3],
            ]) {
              const size = Math.hypot(...members.map((p) => at(grouped.product, p, j)));
              const shrink = Math.max(0, 1 - (s * Math.sqrt(members.length)) / size);
              for (const p of members) {
                expect(at(grouped.theta, p, j)).toBeCloseTo(shrink * at(grouped.product, p, j), 7);
              }
            }
          }
          const low = await fitted(from, nuclear(per));
          expect(relativeDifference(low.theta, proxNuclear(on.host, low.product, s))).toBeLessThan(1e-6);
        },
      ),
      { numRuns: 5 },
    );
  });
});

describe('the prox of the nuclear norm', () => {
  const drawn = fc.tuple(fc.nat(1e6), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }));

  it('is nonexpansive, and the rest is in the dual ball (Moreau)', () => {
    fc.assert(
      fc.property(drawn, fc.double({ min: 0, max: 3, noNaN: true }), ([seed, rows, columns], threshold) => {
        const of = (k: number): Matrix =>
          matrix(
            rows,
            columns,
            Float64Array.from({ length: rows * columns }, (_, i) => 2 * Math.sin(12.9898 * (i + k + seed))),
          );
        const [a, b] = [of(1), of(50)];
        const [pa, pb] = [proxNuclear(on.host, a, threshold), proxNuclear(on.host, b, threshold)];
        const distance = (x: Matrix, y: Matrix) => Math.hypot(...x.data.map((value, i) => value - y.data[i]!));
        expect(distance(pa, pb)).toBeLessThanOrEqual(distance(a, b) + 1e-12);
        const rest = matrix(
          rows,
          columns,
          a.data.map((value, i) => value - pa.data[i]!),
        );
        expect(Math.max(0, ...singularValues(on.host, rest).values)).toBeLessThanOrEqual(threshold + 1e-12);
        const inner = rest.data.reduce((total, value, i) => total + value * pa.data[i]!, 0);
        const norm = singularValues(on.host, pa).values.reduce((total, value) => total + value, 0);
        expect(Math.abs(inner - threshold * norm)).toBeLessThan(1e-10);
      }),
      { numRuns: 50 },
    );
  });

  it('singular values keep their digits, however small', () => {
    const known = [3, 1e-3, 1e-7, 1e-12, 0];
    const q = on.host.eigh(on.host.gram(someTheta(9, 5, 4, 1))).vectors;
    const r = on.host.eigh(on.host.gram(someTheta(9, 5, 8, 1))).vectors;
    const scaled = copyMatrix(r);
    known.forEach((value, i) => {
      for (let c = 0; c < 5; c++) scaled.data[i * 5 + c]! *= value;
    });
    const { values } = singularValues(on.host, on.host.matMul(q, scaled));
    const sorted = Array.from(values).toSorted((a, b) => b - a);
    known.forEach((value, i) => expect(Math.abs(sorted[i]! - value)).toBeLessThan(1e-9 * value + 1e-14));
  });
});

describe('without effect', () => {
  it.each([
    ['a box that nothing touches', { constraints: { box: { low: -1e6, high: 1e6 } } }],
    ['signs that are all unknown', { constraints: { signs: new Int8Array(units) } }],
    ['an l1 penalty of next to nothing', { penalty: l1(1e-13) }],
    ['a nuclear norm of next to nothing', { penalty: nuclear(1e-13) }],
    ['groups of next to nothing', { penalty: groups({ labels, strength: 1e-13 }) }],
  ] as const)('%s: the weights of the fit without it', async (_, options) => {
    const [plain, task] = [await taskOf({}), await taskOf(options)];
    const [expected, found] = [await run(newton, plain), await run(proximalSharedNewton, task)];
    expect(found.status).toBe('converged');
    expect(relativeDifference(found.theta, expected.theta)).toBeLessThan(1e-6);
    plain.release();
    task.release();
  });

  it('strength 0 leaves a smooth problem', async () => {
    const task = await taskOf({ penalty: allOf(l1(0), nuclear(0), groups({ labels, strength: 0 })) });
    expect(task.structure).toBeNull();
    expect((await run(sharedNewton, task)).status).toBe('converged');
    await expect(run(proximalSharedNewton, task)).rejects.toThrow(/smooth objective/);
    task.release();
  });
});

describe('a structure is not left out in silence', () => {
  it.each([sharedNewton.name, newton.name])('by %s', async (name) => {
    const solver: Solver<Iterate> = name === newton.name ? newton : sharedNewton;
    const task = await taskOf({ penalty: l1(0.1) });
    await expect(run(solver, task)).rejects.toThrow(/proximal-shared-newton/);
    task.release();
  });

  it('without a bound on the curvature proximal Newton solves it; a nuclear norm is refused with a hint', async () => {
    const from = smallSamples({ seed: 5, units: 6, transfer: 'exp' });
    const sparse = await problem(
      on,
      from,
      poisson({ penalty: l1(0.02), ridge: 1e-3, constraints: { signs: [1, 1, -1, 0, 0, 1] } }),
    );
    await expect(run(proximalSharedNewton, sparse)).rejects.toThrow(/no known bound/);
    const reference = await run(proximalNewton, sparse);
    expect(reference.status).toBe('converged');
    const other = await run(proximalNewton, sparse, { start: someTheta(7, 6, 3, 1) });
    expect(relativeDifference(other.theta, reference.theta)).toBeLessThan(1e-6);
    const { gradient } = await sparse.evaluate(reference.theta);
    const s = 0.02 * sparse.shape.transitions;
    for (let i = 0; i < 6 * 6; i++) {
      const weight = reference.theta.data[i]!;
      if (weight !== 0) expect(Math.abs(gradient.data[i]! + s * Math.sign(weight))).toBeLessThan(1e-5 * s);
    }
    const low = await problem(on, from, matching(transfers.exp, { penalty: nuclear(0.02) }));
    await expect(run(proximalNewton, low)).rejects.toThrow(/couples the units/);
    sparse.release();
    low.release();
  });

  it('in mixed precision a fit goes on in float64 to the same weights', async () => {
    const mixed = await backend({ precision: 'mixed' });
    const objective = crossEntropy({ ...base, ridge: 1e-3, penalty: l1(0.02), constraints: { signs } });
    const exact = await problem(on, samples, objective);
    const rounded = await problem(mixed, samples, objective);
    const reference = await run(proximalSharedNewton, exact);
    const polished = await run(withPolish(on)(proximalSharedNewton), rounded);
    expect(polished.status).toBe('converged');
    expect(relativeDifference(polished.theta, reference.theta)).toBeLessThan(1e-6);
    exact.release();
    await mixed.close();
  });

  it('keeps the ridge in the smooth part', async () => {
    const task = await taskOf({ penalty: l1(0.02) });
    expect(task.ridge[0]).toBe(ridgeOf(task.objective.penalty) * task.shape.transitions);
    expect(task.ridge[0]).toBeGreaterThan(0);
    expect(task.ridge[units]).toBe(0);
    task.release();
  });
});

describe('recovery of what was there', () => {
  /** Gaussian numbers enough for a test: sums of sines would be of low rank. */
  const noise = (seed: number): (() => number) => {
    let state = seed;
    const uniform = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state + 0.5) / 2 ** 32;
    };
    return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  };
  const recorded = (W: Matrix, steps: number, size: number, seed: number): Transitions => {
    const { rates } = simulate({
      W,
      alpha: 0.3,
      steps,
      seed,
      initial: new Float64Array(W.rows).fill(0.1),
      inputNoise: { kind: 'gaussian', size },
    });
    return transitions({ rates, alpha: 0.3 });
  };
  const weightsOfFit = (theta: Matrix, n: number): Matrix => transpose(weightRows(theta, n));
  const error = (fitted: Matrix, truth: Matrix): number =>
    Math.hypot(...fitted.data.map((value, i) => value - truth.data[i]!)) / Math.hypot(...truth.data);
  const fitOf = async (from: Transitions, options: ObjectiveOptions): Promise<Matrix> => {
    const task = await problem(on, from, crossEntropy({ ...base, ...options }));
    const solver: Solver<Iterate> = task.structure === null ? newton : proximalSharedNewton;
    const solution = await run(solver, task);
    expect(solution.status).toBe('converged');
    task.release();
    return weightsOfFit(solution.theta, from.units);
  };

  it("Dale's law: the signs are found, and knowing them helps", async () => {
    const n = 24;
    const next = noise(11);
    const truth = Array.from({ length: n }, (_, p) => (p % 4 === 3 ? -1 : 1));
    const W = matrix(n, n);
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < n; p++) {
        if (p !== j && next() > 0)
          W.data[j * n + p] = (truth[p]! * Math.abs(next()) * (truth[p]! < 0 ? 3 : 1) * 1.2) / Math.sqrt(n);
      }
    }
    const from = recorded(W, 1000, 0.3, 11);
    const task = await problem(on, from, crossEntropy({ ...base }));
    const { theta } = await run(newton, task);
    const chosen = await chooseSigns(task, theta);
    task.release();
    expect(Array.from(chosen.signs)).toEqual(truth);
    expect(Math.min(...chosen.clarity)).toBeGreaterThan(0);
    expect(Math.max(...chosen.clarity)).toBeLessThanOrEqual(1);
    const [free, signed] = [
      error(weightsOfFit(theta, n), W),
      error(await fitOf(from, { constraints: { signs: chosen.signs } }), W),
    ];
    // Informative: most of W is recovered either way.
    expect(free).toBeLessThan(0.5);
    expect(signed).toBeLessThan(0.8 * free);
  });

  it('l1: the connections that are there, and a smaller error than ridge at its best', async () => {
    const n = 24;
    const next = noise(21);
    const W = matrix(n, n);
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < n; p++)
        if (p !== j && (7 * j + 3 * p) % 10 === 0) W.data[j * n + p] = next() > 0 ? 0.8 : -0.8;
    }
    const from = recorded(W, 1000, 1, 21);
    const sparse = await fitOf(from, { penalty: l1(0.003), ridge: 1e-6 });
    let [found, missed, extra, absent] = [0, 0, 0, 0];
    W.data.forEach((value, i) => {
      const isFitted = sparse.data[i] !== 0;
      if (value !== 0 && isFitted) found++;
      else if (value !== 0) missed++;
      else if (isFitted) extra++;
      else absent++;
    });
    expect(found / (found + missed)).toBeGreaterThan(0.98);
    expect(absent / (absent + extra)).toBeGreaterThan(0.8);
    const ridges = [];
    for (const strength of [1e-4, 1e-3, 1e-2, 3e-2, 1e-1])
      ridges.push(error(await fitOf(from, { ridge: strength }), W));
    expect(error(sparse, W)).toBeLessThan(0.8 * Math.min(...ridges));
  });

  it('nuclear: the rank, and a smaller error than ridge at its best', async () => {
    const [n, rank] = [20, 2];
    const next = noise(31);
    const [u, v] = [matrix(n, rank), matrix(n, rank)];
    for (const part of [u, v]) part.data.forEach((_unused, i) => (part.data[i] = next()));
    const W = on.host.matMul(u, v, { transposeB: true, alpha: 2 / n });
    const from = recorded(W, 1000, 0.5, 31);
    const constraints = { zeroDiagonal: false };
    const low = await fitOf(from, { penalty: nuclear(0.01), ridge: 1e-6, constraints });
    const { values } = singularValues(on.host, low);
    const largest = Math.max(...values);
    expect(values.filter((value) => value > 1e-6 * largest).length).toBe(rank);
    const ridges = [];
    for (const strength of [1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 0.3]) {
      ridges.push(error(await fitOf(from, { ridge: strength, constraints }), W));
    }
    // What is strong enough to leave no rank but the true one also shrinks it; a weaker one predicts best.
    const weaker = await fitOf(from, { penalty: nuclear(0.004), ridge: 1e-6, constraints });
    expect(error(weaker, W)).toBeLessThan(0.8 * Math.min(...ridges));
  });

  it('groups: the populations that are connected', async () => {
    const n = 20;
    const next = noise(41);
    const population = Array.from({ length: n }, (_, p) => p % 4);
    // Population k receives from itself and from k + 1 only.
    const connected = (target: number, source: number): boolean =>
      [0, 1].includes((population[source]! - population[target]! + 4) % 4);
    const W = matrix(n, n);
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < n; p++) if (p !== j && connected(j, p)) W.data[j * n + p] = (1.2 * next()) / Math.sqrt(n / 2);
    }
    const from = recorded(W, 1000, 0.5, 41);
    const grouped = await fitOf(from, { penalty: groups({ labels: population, strength: 0.002 }), ridge: 1e-6 });
    let [right, all] = [0, 0];
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < 4; k++) {
        const members = population.flatMap((l, p) => (l === k && p !== j ? [p] : []));
        const fittedBlock = members.some((p) => grouped.data[j * n + p] !== 0);
        const trueBlock = members.some((p) => W.data[j * n + p] !== 0);
        all++;
        if (fittedBlock === trueBlock) right++;
      }
    }
    expect(right / all).toBeGreaterThan(0.9);
  });
});
