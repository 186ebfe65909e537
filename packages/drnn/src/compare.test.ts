import { randomStream, uniform } from '@drnn/simulator';
import { DrnnError, matrix, matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { compare } from './index.js';

const W = matrixOf([
  [2, 0],
  [0, 2],
]);
const near = matrixOf([
  [2.05, 0.02],
  [-0.03, 1.98],
]);

describe('compare', () => {
  it('takes a second fit as the ceiling', () => {
    const alone = compare({ W, alpha: 0.1 }, { W: near, alpha: 0.1 }, { seeds: 200 });
    expect([alone.ceilingOf, alone.verdict.displacement?.ceiling]).toEqual(['reference', 0]);
    const again = compare({ W, alpha: 0.1 }, { W: near, alpha: 0.1 }, { seeds: 200, again: { W, alpha: 0.1 } });
    expect(again.ceilingOf).toBe('second fit');
    // Fit against fit: as far apart as the fit and the reference, which the second fit equals.
    expect(again.verdict.displacement?.ceiling ?? 0).toBeGreaterThan(0.001);
    expect(compare({ W, alpha: 0.1 }, { W, alpha: 0.1 }, { seeds: 64, judged: false }).ceilingOf).toBeNull();
  });

  it('speaks of both networks in the units of the recording', () => {
    const scale = Float64Array.of(3, 3);
    const offset = Float64Array.of(10, -4);
    const same = compare(
      { W, alpha: 0.1, scale, offset },
      { W, alpha: 0.1, scale, offset },
      { seeds: 200, judged: false },
    );
    expect([same.match.typed.f1, same.match.largestDisplacement]).toEqual([1, 0]);
    // Rates three times the size: the reference's saturation is at 0.96, the fit's at 2.9.
    const other = compare({ W, alpha: 0.1 }, { W, alpha: 0.1, scale }, { seeds: 200, judged: false });
    expect([other.match.pairs.length, other.weights]).toEqual([1, null]);
    const proof = other.match.persistence?.[other.match.pairs[0]?.reference ?? 0];
    expect([proof?.isProven, proof?.predictedDisplacement]).toEqual([true, null]);
  });

  it('finds by one network what the search in the other missed', () => {
    // A single start of each search: the rest is told by the other's points.
    const few = compare({ W, alpha: 0.1 }, { W: near, alpha: 0.1 }, { seeds: 1, judged: false });
    const many = compare({ W, alpha: 0.1 }, { W: near, alpha: 0.1 }, { seeds: 400, judged: false });
    expect(many.match.pairs.length).toBe(9);
    expect(few.match.unmatchedReference).toEqual([]);
  });

  it('runs a fit beside a recording only where it can', () => {
    const recording = matrix(400, 2);
    for (let t = 0; t < 400; t++) recording.data.set([0.9575 * Math.sign(Math.sin(t / 30)), 0.9575], 2 * t);
    const options = { seeds: 64, judged: false, recording } as const;
    expect(compare({ W, alpha: 0.1 }, { W, alpha: 0.1 }, options).activity).not.toBeNull();
    expect(compare({ W, alpha: 0.1 }, { W, alpha: 0.1, form: 'current' }, options).activity).toBeNull();
    const Win = matrix(2, 1);
    expect(compare({ W, alpha: 0.1 }, { W, alpha: 0.1, Win }, options).activity).toBeNull();
  });

  it('refuses options before it searches, all at once', () => {
    let seen: readonly string[] = [];
    try {
      compare(
        { W, alpha: 0.1 },
        { W, alpha: 0.1, Win: matrix(2, 1) },
        {
          gate: -1,
          timeLimit: 0,
          seeds: 0.5,
          input: [Number.NaN],
          inputs: matrix(5, 1),
          onProgress: () => expect.unreachable(),
        },
      );
    } catch (error) {
      seen = error instanceof DrnnError ? error.issues.map(({ path }) => path) : ['another error'];
    }
    expect(seen).toEqual(['gate', 'timeLimit', 'seeds', 'input', 'input', 'input', 'inputs']);
  });

  it('measures chance by shuffled time and by a linear network, where they say something', () => {
    // A noisy switch: two states, which no linear network holds.
    const recording = matrix(1200, 2);
    const inputs = matrix(1200, 1);
    const Win = matrixOf([[1], [0]]);
    const state = [0.9, 0.9];
    const noise = randomStream(1, 'switch')(0);
    for (let t = 0; t < 1200; t++) {
      recording.data.set(state, 2 * t);
      inputs.data[t] = t % 150 < 15 ? (t % 300 < 150 ? 2 : -2) : 0;
      const currents = [2 * state[0]! + inputs.data[t]!, 2 * state[1]!];
      currents.forEach((z, i) => (state[i] = 0.9 * state[i]! + 0.1 * Math.tanh(z + uniform(noise) - 0.5)));
    }
    const model = { W, Win, alpha: 0.1 };
    const { verdict } = compare(model, { ...model, W: near }, { seeds: 64, recording, inputs });
    expect(Object.keys(verdict.predictionHorizon?.floors ?? {})).toEqual(['weights', 'time', 'linear']);
    expect(Object.keys(verdict.powerSpectrumError?.floors ?? {})).toEqual(['weights', 'time', 'linear']);
    // Frames in any order have the same states; a linear network has linear dynamics.
    expect(Object.keys(verdict.stateSpaceDivergence?.floors ?? {})).toEqual(['weights', 'linear']);
    expect(verdict.dynamicalSimilarity?.floors.linear).toBeUndefined();
    const horizon = verdict.predictionHorizon;
    expect(horizon?.floors.time ?? 9).toBeLessThan(5);
    expect(horizon?.value ?? 0).toBeGreaterThan(2 * (horizon?.floors.linear ?? Infinity));
    expect(horizon?.floor).toBe(Math.max(...Object.values(horizon?.floors ?? {})));
  });

  it('compares a fit of some units by those', () => {
    // The reference's third unit follows the first two, which the fit has in the other order.
    const reference = {
      W: matrixOf([
        [2, 0, 0],
        [0, 2, 0],
        [0.5, 0.5, 0],
      ]),
      alpha: 0.1,
    };
    const fit = { W: near, alpha: 0.1 };
    const seen = compare(reference, fit, { seeds: 300, observed: [1, 0] });
    expect([seen.match.pairs.length, seen.match.typed.f1, seen.observed]).toEqual([9, 1, [1, 0]]);
    expect([seen.match.persistence, seen.basins, seen.weights]).toEqual([null, null, null]);
    const recording = matrix(400, 3);
    for (let t = 0; t < 400; t++) {
      const [x, y] = [0.9575 + 0.01 * Math.sin(7 * t), 0.9575 + 0.01 * Math.cos(5 * t)];
      recording.data.set([x * Math.sign(Math.sin(t / 30)), y, 0.2], 3 * t);
    }
    const near3 = compare(reference, fit, { seeds: 300, observed: [1, 0], recording, judged: false });
    expect(near3.match.supported?.reference.length).toBe(2);
    expect(() => compare(reference, fit, { observed: [0, 3] })).toThrow('observed');
    expect(() => compare(reference, fit, { observed: [0] })).toThrow('as observed');
    expect(() => compare(reference, fit, { observed: [0, 1], recording: matrix(50, 5) })).toThrow('recording');
  });

  it('refuses other units, in the second fit too', () => {
    const three = { W: matrix(3, 3), alpha: 0.1 };
    try {
      compare({ W, alpha: 0.1 }, three, { again: three });
      expect.unreachable();
    } catch (error) {
      expect(error instanceof DrnnError ? error.issues.map(({ path }) => path) : []).toEqual(['fit', 'again']);
    }
  });
});
