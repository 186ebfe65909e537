import { matrix, type Matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { asymptotics, classifyMemory, mechanismRule, outputRule, rangeRule } from './index.js';
import { gaussianWeights } from './known-networks.test.data.js';

const rotation = (gain: number, degrees: number): Matrix => {
  const [c, s] = [gain * Math.cos((degrees * Math.PI) / 180), gain * Math.sin((degrees * Math.PI) / 180)];
  return matrixOf([
    [c, -s],
    [s, c],
  ]);
};

const table = (rows: number, columns: number, of: (t: number, k: number) => number): Matrix =>
  matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, (_, i) => of(Math.floor(i / columns), i % columns)),
  );

describe('classifyMemory', () => {
  it('calls the passage of a ghost a slow point, and sees the ghost', () => {
    // Just beyond the fold at b = 0.5328 a unit creeps past r = -0.7071 and then jumps.
    const network = { W: matrixOf([[2]]), alpha: 0.1, b: Float64Array.of(0.532839975354 + 1e-3) };
    const found = classifyMemory(
      network,
      { inputs: matrix(800, 0), initial: Float64Array.of(-0.95) },
      { readout: { weights: matrixOf([[1]]) }, replays: 4 },
    );
    expect(found.class).toBe('slow-point');
    expect(found.end.kind).toBe('fixed-point');
    expect(found.votes['slow-point']).toBe(4);
    expect(found.entropy).toBe(0);
    expect(found.slowest?.smallestSingularValue).toBeLessThan(0.05);
    expect(found.slowest?.speed).toBeLessThan(2e-3);
    expect(found.rules.a?.class).toBe('slow-point');
    expect(found.rules.range.class).toBe('slow-point');
    expect(found.rules.b).toBeNull();
  });

  it('of a ghost has no reactivation, and a ghost that grows fainter is passed faster', () => {
    const passage = (beyond: number): number => {
      let r = -Math.SQRT1_2;
      let t = 0;
      for (; r < 0; t++) r += 0.1 * (Math.tanh(2 * r + 0.532839975354 + beyond) - r);
      return t;
    };
    // The time goes as 1 / sqrt of the distance from the fold.
    expect(passage(1e-5) / passage(1e-3)).toBeGreaterThan(8);
    expect(passage(1e-5) / passage(1e-3)).toBeLessThan(12);
    const network = { W: matrixOf([[2]]), alpha: 0.1, b: Float64Array.of(0.54) };
    const trial = { inputs: matrix(800, 0), initial: Float64Array.of(-0.9) };
    expect(classifyMemory(network, trial, { readout: { weights: matrixOf([[1]]) }, replays: 0 }).reactivations).toBe(0);
  });

  it('calls rotation a limit cycle, with its period, and counts the returns of the readout', () => {
    const length = 57;
    const network = { W: rotation(1.5, 30), alpha: 0.1 };
    const found = classifyMemory(
      network,
      { inputs: matrix(length, 0), initial: Float64Array.of(0.2, 0.05) },
      { readout: { weights: matrixOf([[1, 0]]) }, replays: 3 },
    );
    expect(found.class).toBe('limit-cycle');
    expect(Math.abs((found.periodOverTrial ?? 0) * length - 113.3905669)).toBeLessThan(2e-4);
    expect([found.votes['limit-cycle'], found.entropy]).toEqual([3, 0]);
    const rest = 8 * length;
    expect(Math.abs((found.reactivations ?? 0) - rest / 113.39)).toBeLessThanOrEqual(1);
    expect(found.rules.a?.class).toBe('limit-cycle');
    expect(found.rules.range.class).toBe('limit-cycle');
  });

  it('takes exponents for it where no closed curve was found, and nothing else', () => {
    const network = { W: rotation(1.5, 30), alpha: 0.1 };
    const trial = { inputs: matrix(30, 0), initial: Float64Array.of(0.2, 0.05) };
    const held = asymptotics(network, trial.initial, { limit: 1 });
    // After a single step nothing can be said but by exponents: of a rotation one is 0, the other below it.
    expect([held.kind, held.kind === 'unresolved' ? held.spectrum?.zero : -1]).toEqual(['unresolved', 1]);
    expect(classifyMemory(network, trial, { replays: 0, end: () => held }).class).toBe('limit-cycle');
    if (held.kind !== 'unresolved' || held.spectrum === null) return;
    const { spectrum } = held;
    for (const [zero, positive] of [
      [0, 0],
      [2, 0],
      [1, 1],
    ] as const) {
      const other = { ...held, spectrum: { ...spectrum, zero, positive } };
      expect(classifyMemory(network, trial, { replays: 0, end: () => other }).class).toBe('unresolved');
    }
  });

  it('does so in the current form, with a cue, and names a split vote', () => {
    const network = { W: rotation(1.5, 30), Win: matrixOf([[1], [0]]), alpha: 0.1, form: 'current' as const };
    const inputs = table(60, 1, (t) => (t < 5 ? 1 : 0));
    const found = classifyMemory(network, { inputs, initial: new Float64Array(2) }, { replays: 2, deviation: 0.01 });
    expect(found.class).toBe('limit-cycle');
    expect(Math.abs((found.periodOverTrial ?? 0) * 60 - 113.3905669)).toBeLessThan(2e-4);
    expect(found.slowest?.step).toBeGreaterThanOrEqual(5);
    // Without the cue nothing leaves the origin, an unstable fixed point.
    const silent = classifyMemory(network, { inputs: matrix(60, 1), initial: new Float64Array(2) }, { replays: 0 });
    expect(silent.class).toBe('slow-point');
  });

  it('takes another way of telling the end, and refuses what does not fit, all at once', () => {
    const network = { W: rotation(1.5, 30), alpha: 0.1 };
    const trial = { inputs: matrix(20, 0), initial: Float64Array.of(0.5, 0) };
    const end = () => ({ kind: 'unresolved', reason: 'nobody looked', spectrum: null, steps: 0 }) as const;
    expect(classifyMemory(network, trial, { end, replays: 2 })).toMatchObject({ class: 'unresolved', entropy: 0 });
    expect(() =>
      classifyMemory(network, { inputs: matrix(1, 2), initial: new Float64Array(2) }, { replays: -1, deviation: NaN }),
    ).toThrow(/inputs[^]*replays[^]*deviation/);
  });
});

describe('the published rules', () => {
  it('A looks at the last trial alone', () => {
    const rest = table(500, 2, (t) => (t < 400 ? Math.sin(t) : 0.7));
    expect(outputRule(rest, 100)).toEqual({ class: 'slow-point', index: expect.closeTo(0, 12) });
    const turning = outputRule(
      table(500, 1, (t) => Math.sin((2 * Math.PI * t) / 50)),
      100,
    );
    expect(turning.class).toBe('limit-cycle');
    expect(turning.index).toBeCloseTo(Math.SQRT1_2, 10);
    expect(() => outputRule(rest, 501)).toThrow(/501 frames/);
  });

  it('B is the share of slow power in the correlation matrix, as its two-dimensional transform has it', () => {
    const rates = gaussianWeights(40, 1, 3);
    const columns = table(40, 3, (t, k) => rates.data[t * 40 + k]! + (k === 0 ? Math.sin(t / 3) : 0));
    const { index } = mechanismRule(columns);
    // The same by its definition: correlations of pairs of frames, a plain transform of the whole matrix.
    const { data } = columns;
    const mean = [0, 1, 2].map((k) =>
      Array.from({ length: 40 }, (_, t) => data[t * 3 + k]! / 40).reduce((a, b) => a + b),
    );
    const C = [0, 1, 2].map((j) =>
      [0, 1, 2].map((k) =>
        Array.from({ length: 40 }, (_, t) => (data[t * 3 + j]! - mean[j]!) * (data[t * 3 + k]! - mean[k]!)).reduce(
          (a, b) => a + b,
        ),
      ),
    );
    const times = (v: readonly number[]): number[] => C.map((row) => row.reduce((sum, c, k) => sum + c * v[k]!, 0));
    const unit = (v: readonly number[]): number[] => v.map((x) => x / Math.hypot(...v));
    let p = unit([1, 0.3, 0.2]);
    let q = unit([0.1, 1, 0.5]);
    for (let k = 0; k < 5000; k++) {
      p = unit(times(p));
      const next = times(q);
      const overlap = next.reduce((sum, x, i) => sum + x * p[i]!, 0);
      q = unit(next.map((x, i) => x - overlap * p[i]!));
    }
    const fixed = (v: readonly number[]): readonly number[] => {
      const largest = v.reduce((top, x) => (Math.abs(x) > Math.abs(top) ? x : top), 0);
      return v.map((x) => x * Math.sign(largest));
    };
    const along = (v: readonly number[], t: number): number => v.reduce((sum, x, k) => sum + x * data[t * 3 + k]!, 0);
    const points = Array.from({ length: 40 }, (_, t) => [along(fixed(p), t), along(fixed(q), t)] as const);
    const correlate = (a: readonly [number, number], b: readonly [number, number]): number =>
      Math.sign(a[0] - a[1]) * Math.sign(b[0] - b[1]);
    let [near, whole] = [0, 0];
    for (let f = 0; f < 40; f++) {
      for (let g = 0; g < 40; g++) {
        let [re, im] = [0, 0];
        for (let s = 0; s < 40; s++) {
          for (let t = 0; t < 40; t++) {
            const value = correlate(points[s]!, points[t]!);
            const angle = (2 * Math.PI * (f * s + g * t)) / 40;
            re += value * Math.cos(angle);
            im += value * Math.sin(angle);
          }
        }
        const wrapped = (k: number): number => Math.min(k, 40 - k);
        const power = re * re + im * im;
        whole += power;
        if (wrapped(f) ** 2 + wrapped(g) ** 2 <= 9) near += power;
      }
    }
    expect(index).toBeCloseTo(near / whole, 9);
  });

  it('B and the direct rule tell rest from rotation', () => {
    const turning = table(450, 4, (t, k) => Math.cos(t / 6 + k));
    const resting = table(450, 4, (t, k) => (k + 1) * Math.exp(-t / 40) + 0.1 * k);
    expect(mechanismRule(turning).class).toBe('limit-cycle');
    expect(mechanismRule(resting).class).toBe('slow-point');
    expect(rangeRule(turning, 50).index).toBeCloseTo(2, 1);
    expect(rangeRule(resting, 50).class).toBe('slow-point');
    expect(() => mechanismRule(table(10, 1, (t) => t))).toThrow(/at least 2/);
    expect(mechanismRule(matrix(20, 3))).toEqual({ class: 'slow-point', index: 1 });
  });
});
