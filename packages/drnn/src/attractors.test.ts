import { decodeModel, encodeModel, encodeNpz, MODEL_SCHEMA, numericArray } from '@drnn/recordings';
import { areNear, cycles, fixedPoints } from '@drnn/attractors';
import { fillGaussian, randomNetwork, randomStream } from '@drnn/simulator';
import { DrnnError, matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { attractors, predict } from './index.js';

const W = matrixOf([
  [2, 0],
  [0, 2],
]);

const issuesOf = (run: () => unknown): readonly string[] => {
  try {
    run();
  } catch (error) {
    if (error instanceof DrnnError) return error.issues.map(({ path }) => path);
    throw error;
  }
  return [];
};

describe('attractors', () => {
  it('takes a file with W and alpha alone, and says that the input is 0', () => {
    const file = encodeNpz({ W: numericArray([2, 2], W.data), alpha: numericArray([], Float64Array.of(0.1)) });
    const found = attractors(decodeModel(file));
    expect(found.points.length).toBe(9);
    expect(found.points.filter(({ linearisation }) => linearisation.isMapStable).length).toBe(4);
    expect([found.indexSum, found.isInputGiven, found.form, found.input.length]).toEqual([1, false, 'rate', 0]);
  });

  it('holds the input, the same at every lag', () => {
    const Win = matrixOf([
      [0.3, 0.2],
      [0, 0],
    ]);
    const late = attractors({ W, alpha: 0.1, Win, inputLags: [0, 2] }, { input: [1] });
    const plain = attractors({ W, alpha: 0.1, b: Float64Array.of(0.5, 0) });
    const states = (set: typeof late): readonly string[] =>
      set.points.map(({ state }) => [...state].map((value) => value.toFixed(12)).join(' ')).toSorted();
    expect(states(late)).toEqual(states(plain));
    expect(late.isInputGiven).toBe(true);
  });

  it('reads the form of a network from its file, and has the same multipliers in both', () => {
    const skew = matrixOf([
      [1.5, -1],
      [1, 1.5],
    ]);
    const read = decodeModel(encodeModel({ W: skew, alpha: 0.5, form: 'current' }));
    expect(read.form).toBe('current');
    const [current, rate] = [attractors(read), attractors(read, { form: 'rate' })];
    expect([current.form, rate.form]).toEqual(['current', 'rate']);
    expect(current.points.map(({ state }) => state)).toEqual(rate.points.map(({ state }) => state));
    current.points.forEach(({ linearisation }, k) => {
      const other = rate.points[k]!.linearisation.multipliers;
      linearisation.multipliers.forEach(([re, im], m) => {
        expect(Math.hypot(re - other[m]![0], im - other[m]![1])).toBeLessThan(1e-13);
      });
    });
    // From a recorded rate the current is known, and the leak acts on it.
    const run = predict(read, matrixOf([[0.5, 0]]), { steps: 1 });
    const x = [0.5 * Math.atanh(0.5) + 0.5 * 1.5 * 0.5, 0.5 * 0.5];
    x.forEach((value, j) => expect(run.data[2 + j]).toBeCloseTo(Math.tanh(value), 12));
    const file = encodeNpz({
      W: numericArray([2, 2], W.data),
      alpha: numericArray([], Float64Array.of(0.1)),
      form: numericArray([], Float64Array.of(1)),
    });
    expect(issuesOf(() => decodeModel(file, 'm'))).toEqual(['m: form']);
  });

  it('starts from a recording in its own units, gaps left out', () => {
    const recording = matrix(50, 2);
    for (let t = 0; t < 50; t++)
      recording.data.set([10 + 4 * Math.sin(t), t === 7 ? Number.NaN : 4 * Math.cos(2 * t)], 2 * t);
    const parts = { W, alpha: 0.1, scale: Float64Array.of(4, 4), offset: Float64Array.of(10, 0) };
    expect(attractors(parts, { recording }).points.length).toBe(9);
    expect(issuesOf(() => attractors(parts, { recording: matrix(5, 3) }))).toEqual(['recording']);
    const empty = matrix(1, 2, Float64Array.of(Number.NaN, 1));
    expect(issuesOf(() => attractors(parts, { recording: empty }))).toEqual(['recording']);
  });

  it('finds the cycle around a point that is unstable, and exponents when asked', () => {
    const turning = matrixOf([
      [1.3, -0.75],
      [0.75, 1.3],
    ]);
    const found = attractors({ W: turning, alpha: 0.1 }, { cycleSeeds: 2, lyapunov: { steps: 2000 } });
    expect(found.points.map(({ linearisation }) => linearisation.kind)).toEqual(['source']);
    expect(found.cycles.map(({ class: kind, hits }) => [kind, hits])).toEqual([['circle', 3]]);
    expect([found.cycleSearch.starts, found.lyapunov?.zero]).toEqual([3, 1]);
    const plain = attractors({ W, alpha: 0.1 }, { cycleSeeds: 2 });
    expect([plain.cycles, plain.lyapunov, plain.cycleSearch.unsettled]).toEqual([[], null, 0]);
  });

  it('has the stable points that runs end at, where the search missed them', () => {
    const network = { W: randomNetwork({ units: 40, gain: 4, seed: 5 }).W, alpha: 0.3 };
    const alone = fixedPoints(network, { seeds: 8 }).points;
    const { points, cycleSearch } = attractors(network, { seeds: 8, cycleSeeds: 4 });
    const { rests } = cycles(network, { seeds: 4 });
    expect(rests.rows).toBeGreaterThan(0);
    for (let k = 0; k < rests.rows; k++) {
      const rest = rests.data.subarray(40 * k, 40 * (k + 1));
      expect(alone.some(({ state }) => areNear(state, rest))).toBe(false);
      expect(points.find(({ state }) => areNear(state, rest))?.linearisation.isMapStable).toBe(true);
    }
    expect(cycleSearch.atFixedPoints).toBeGreaterThanOrEqual(rests.rows);
    for (const { state } of alone) expect(points.some((point) => areNear(point.state, state))).toBe(true);
  });

  it('ends every part in time, and says which it ended', () => {
    const big = matrix(300, 300);
    const generator = randomStream(1, 'W')(0);
    fillGaussian(generator, 2.5 / Math.sqrt(300), big.data);
    const began = performance.now();
    const found = attractors({ W: big, alpha: 0.1 }, { timeLimit: 0.4, lyapunov: true, seeds: 100_000 });
    // Without the limit it takes minutes; the least that exponents need, and one step of the search, come on top.
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(found.cut).toContain('points');
    expect(found.cut).toContain('cycles');
    expect(found.stoppedBecause).toBe('time');
    expect(found.cycleSearch.stoppedBecause).toBe('time');
    expect(found.cut.includes('linearisation')).toBe(found.unexamined.length > 0);
    expect(found.unexamined.length + found.points.length).toBeGreaterThan(0);
    const whole = attractors({ W, alpha: 0.1 }, { timeLimit: 1e6, basinSeeds: 100 });
    expect([whole.cut, whole.unexamined, whole.points.length]).toEqual([[], [], 9]);
  });

  it('leaves exponents out, and says so, where no time is left', () => {
    const found = attractors({ W, alpha: 0.1 }, { timeLimit: 1e-9, lyapunov: true, basinSeeds: 10 });
    expect([found.lyapunov, found.points]).toEqual([null, []]);
    expect(found.cut.toSorted()).toEqual(['basins', 'cycles', 'linearisation', 'lyapunov', 'points']);
    // The origin is a fixed point without any search.
    expect(found.unexamined.map(({ class: kind }) => kind)).toEqual(['fixed']);
  });

  it('refuses options before it searches', () => {
    const options = { cycleSeeds: -1, basinSeeds: 0.5, timeLimit: 0, seeds: 1e9, exhaustive: true };
    expect(issuesOf(() => attractors({ W, alpha: 0.1 }, options))).toEqual(['cycleSeeds', 'basinSeeds', 'timeLimit']);
  });

  it('refuses a model of another transfer function than tanh', () => {
    const record = {
      schema: MODEL_SCHEMA,
      status: 'converged',
      options: { loss: { value: 'softplus', given: true } },
      sources: [],
      versions: {},
      scores: null,
      details: {},
    } as const;
    expect(issuesOf(() => attractors({ W, alpha: 0.1, record }))).toEqual(['model']);
  });
});
