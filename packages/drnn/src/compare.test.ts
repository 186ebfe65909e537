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
