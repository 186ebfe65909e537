import { qr } from '@drnn/linalg';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demixedComponents, demixedDecoding, type DemixedTrial } from './index.js';

const gaussian = (rows: number, columns: number, seed: number): Matrix => {
  const a = matrix(rows, columns);
  fillGaussian(randomStream(seed, 'test')(0), 1, a.data);
  return a;
};

const factors = ['stimulus', 'decision'];
const [TIME, UNITS] = [20, 10];

/** Time, stimulus and decision on a direction each; decision from half of the trial on. */
const trialsOf = (
  directions: Matrix,
  noise: number,
  counts: (stimulus: number, decision: number) => number,
): readonly DemixedTrial[] => {
  const trials: DemixedTrial[] = [];
  for (let s = 0; s < 3; s++) {
    for (let d = 0; d < 2; d++) {
      for (let k = 0; k < counts(s, d); k++) {
        const rates = matrix(
          TIME,
          UNITS,
          gaussian(TIME, UNITS, 100 * s + 10 * d + k + 1).data.map((x) => noise * x),
        );
        for (let t = 0; t < TIME; t++) {
          const parts = [Math.sin(t / 4), (s - 1) * (1 + t / TIME), t >= TIME / 2 ? d - 0.5 : 0];
          for (let i = 0; i < UNITS; i++) {
            parts.forEach((part, p) => (rates.data[t * UNITS + i]! += part * directions.data[i * 3 + p]!));
          }
        }
        trials.push({ rates, condition: [s, d === 0 ? 'left' : 'right'] });
      }
    }
  }
  return trials;
};

const orthonormal = qr(gaussian(UNITS, 3, 5)).orthogonal;

const sineOf = (a: Float64Array, directions: Matrix, p: number): number => {
  const b = Float64Array.from({ length: UNITS }, (_, i) => directions.data[i * 3 + p]!);
  const dot = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const scale = dot / b.reduce((sum, value) => sum + value * value, 0);
  return Math.hypot(...a.map((value, i) => value - scale * b[i]!)) / Math.hypot(...a);
};

describe('demixedComponents', () => {
  it('takes the variance apart without a rest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1, max: 3 }), (seed, count) => {
        const trials = Array.from({ length: 2 ** count * 2 }, (_, k): DemixedTrial => ({
          rates: gaussian(4, 3, seed + k),
          condition: Array.from({ length: count }, (__, f) => (k >> f) & 1),
        }));
        const { marginalisations } = demixedComponents(trials, { ridge: 0.1 });
        expect(marginalisations.length).toBe(2 ** count);
        const sum = marginalisations.reduce((all, { variance }) => all + variance, 0);
        expect(Math.abs(sum - 1)).toBeLessThan(1e-12);
      }),
      { numRuns: 30 },
    );
  });

  it('recovers directions of an additive mixture, orthogonal or not', () => {
    const oblique = matrix(UNITS, 3, orthonormal.data.slice());
    for (let i = 0; i < UNITS; i++) oblique.data[i * 3 + 1]! += 0.8 * orthonormal.data[i * 3 + 2]!;
    for (const directions of [orthonormal, oblique]) {
      const { components, marginalisations } = demixedComponents(
        trialsOf(directions, 0, () => 1),
        {
          factors,
          ridge: 0,
        },
      );
      expect(marginalisations.map(({ name }) => name)).toEqual(['time', 'stimulus', 'decision', 'stimulus x decision']);
      expect(marginalisations[3]?.variance).toBeLessThan(1e-24);
      ['time', 'stimulus', 'decision'].forEach((name, p) => {
        const own = components.find(({ marginalisation }) => marginalisation === name);
        // The encoder lies along the direction; the decoder reads nothing of the others.
        expect(sineOf(own?.encoder ?? new Float64Array(UNITS), directions, p)).toBeLessThan(1e-6);
        expect(Math.abs((own?.purity ?? 0) - 1)).toBeLessThan(1e-10);
      });
    }
  });

  it('counts every condition alike, however many trials it has', () => {
    const even = demixedComponents(
      trialsOf(orthonormal, 0, () => 2),
      { factors, ridge: 1e-3 },
    );
    const uneven = demixedComponents(
      trialsOf(orthonormal, 0, (s, d) => 1 + s + 2 * d),
      { factors, ridge: 1e-3 },
    );
    even.marginalisations.forEach(({ variance }, k) => {
      expect(Math.abs(variance - (uneven.marginalisations[k]?.variance ?? 9))).toBeLessThan(1e-12);
    });
    even.components.slice(0, 3).forEach(({ explained }, k) => {
      expect(Math.abs(explained - (uneven.components[k]?.explained ?? 9))).toBeLessThan(1e-9);
    });
  });

  it('chooses a ridge that predicts held-out trials, larger with more noise', () => {
    const chosen = [0.05, 3].map((noise) => {
      const { ridge, errors } = demixedComponents(
        trialsOf(orthonormal, noise, () => 5),
        { factors, components: 1 },
      );
      const best = errors?.find((each) => each.ridge === ridge)?.error ?? Infinity;
      expect(errors?.every(({ error }) => error >= best)).toBe(true);
      return ridge;
    });
    expect(chosen[1]).toBeGreaterThan(chosen[0] ?? 0);
  });

  it('refuses all that is wrong at once, and names the condition that is missing', () => {
    const [first, ...rest] = trialsOf(orthonormal, 0, () => 1);
    expect(() => demixedComponents(rest, { factors })).toThrow('0, left');
    expect(() => demixedComponents([])).toThrow('trials');
    expect(() =>
      demixedComponents([first!, { rates: matrix(3, 2), condition: [0] }, { rates: matrix(3, 2), condition: [0] }]),
    ).toThrow(/trials\[1\][^]*trials\[2\]/);
    expect(() => demixedComponents([first!], { ridge: -1 })).toThrow('ridge');
    expect(() => demixedDecoding([first!, ...rest], { factors })).toThrow('single');
  });
});

describe('demixedDecoding', () => {
  it('tells levels when they are there, and not before', () => {
    const found = demixedDecoding(
      trialsOf(orthonormal, 0.15, () => 6),
      { factors, ridge: 1e-2, repeats: 5 },
    );
    const of = (name: string): (typeof found)[number] | undefined =>
      found.find(({ marginalisation }) => marginalisation === name);
    const times = (from: number, to: number, mask: Uint8Array | undefined): number =>
      mask?.slice(from, to).reduce((sum, value) => sum + value, 0) ?? -1;
    expect(times(0, TIME, of('stimulus')?.isSignificant)).toBe(TIME);
    expect(times(TIME / 2, TIME, of('decision')?.isSignificant)).toBe(TIME / 2);
    expect(times(0, TIME / 2, of('decision')?.isSignificant)).toBeLessThanOrEqual(2);
    // There is no interaction.
    expect(times(0, TIME, of('stimulus x decision')?.isSignificant)).toBeLessThanOrEqual(3);
  });
});
