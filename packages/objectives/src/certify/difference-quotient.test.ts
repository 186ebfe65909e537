import { abs, evaluate, type Expression, type Interval, max, parts, variable, where, less, add } from '@drnn/tensor';
import { arbitraryExpression } from '@drnn/tensor/laws';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical } from './canonical.js';
import { contract } from './contract.js';
import { behaviourOn, halves } from './difference-quotient.js';
import { assume, gateway, meeting, resolve } from './switches.js';

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const interval = fc
  .tuple(fc.double({ min: -4, max: 4, noNaN: true }), fc.double({ min: 0, max: 3, noNaN: true }))
  .map(([low, width]): Interval => ({ low, high: low + width }));
const boxes = fc.record({ z: interval, d: interval, w: interval });
const within = ({ low, high }: Interval, t: number): number => Math.min(high, Math.max(low, low + (high - low) * t));

const ordinary = (e: Expression, at: Readonly<Record<string, number>>): boolean =>
  Number.isFinite(evaluate(e, at)) && parts(e).every((part) => ordinary(part, at));

/** Half of them jump where z passes d. */
const withJump = fc
  .tuple(arbitraryExpression({ depth: 3 }), arbitraryExpression({ depth: 2 }), fc.boolean())
  .map(([a, b, jump]) => (jump ? where(less(variable('z'), variable('d')), a, b) : a));

describe('difference quotients', () => {
  it('hold those of every pair of points, across jumps and kinks', () => {
    let jumps = 0;
    fc.assert(
      fc.property(withJump, boxes, fc.tuple(fraction, fraction), fraction, fraction, (drawn, box, ends, t, u) => {
        const store = canonical();
        const e = store.of(drawn);
        const { quotient } = behaviourOn(box, 'z', meeting(store))(e);
        const [z1, z2] = [within(box.z, Math.min(...ends)), within(box.z, Math.max(...ends))];
        const data = { d: within(box.d, t), w: within(box.w, u) };
        const [first, second] = [
          { ...data, z: z1 },
          { ...data, z: z2 },
        ];
        if (!(z2 - z1 > 1e-6) || !ordinary(e, first) || !ordinary(e, second)) return;
        const [f1, f2] = [evaluate(e, first), evaluate(e, second)];
        if (Math.max(Math.abs(f1), Math.abs(f2)) > 1e6) return;
        if (quotient.low === -Infinity || quotient.high === Infinity) jumps++;
        const slack = 1e-7 * (1 + Math.abs(f1) + Math.abs(f2));
        expect(f2 - f1).toBeGreaterThanOrEqual(quotient.low * (z2 - z1) - slack);
        expect(f2 - f1).toBeLessThanOrEqual(quotient.high * (z2 - z1) + slack);
      }),
      { numRuns: 1000 },
    );
    expect(jumps).toBeGreaterThan(0);
  });

  it('are bounded from below across a jump upward, and from above across one downward', () => {
    const store = canonical();
    const z = variable('z');
    const at = behaviourOn({ z: { low: -1, high: 1 } }, 'z', meeting(store));
    expect(at(store.of(where(less(0, z), add(z, 2), z))).quotient).toEqual({ low: 1, high: Infinity });
    expect(at(store.of(where(less(0, z), z, add(z, 2)))).quotient).toEqual({ low: -Infinity, high: 1 });
    expect(at(store.of(max(z, 0))).quotient).toMatchObject({ low: 0, high: 1 });
    expect(at(store.of(where(less(0, z), z, 0))).quotient).toMatchObject({ low: 0, high: 1 });
    expect(at(store.of(abs(z))).quotient).toMatchObject({ low: -1, high: 1 });
  });

  it('halve a box until nothing can be halved', () => {
    const z = variable('z');
    expect(halves({ z: { low: -Infinity, high: Infinity } }, [z], 'z')).toEqual([
      { z: { low: -Infinity, high: 0 } },
      { z: { low: 0, high: Infinity } },
    ]);
    expect(halves({ z: { low: 1, high: Infinity } }, [z], 'z')[0]).toEqual({ z: { low: 1, high: 3 } });
    expect(halves({ z: { low: 1, high: 1 } }, [z], 'z')).toEqual([]);
  });
});

describe('rewriting', () => {
  const points = fc.record({
    z: fc.double({ min: -4, max: 4, noNaN: true }),
    d: fc.double({ min: -4, max: 4, noNaN: true }),
    w: fc.double({ min: -4, max: 4, noNaN: true }),
  });
  const close = (a: number, b: number, scale: number): void => {
    expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * (1 + scale));
  };
  /** The largest value of any part: what rounding is relative to. */
  const scaleOf = (e: Expression, at: Readonly<Record<string, number>>): number =>
    Math.max(Math.abs(evaluate(e, at)), ...parts(e).map((part) => scaleOf(part, at)));
  /** Whether a tie or near tie could make rounding choose another branch. */
  const decided = (e: Expression, at: Readonly<Record<string, number>>): boolean =>
    (e.kind !== 'where' || Math.abs(evaluate(e.left, at) - evaluate(e.right, at)) > 1e-6 * (1 + scaleOf(e.left, at))) &&
    parts(e).every((part) => decided(part, at));

  it('to canonical form, by resolution on a box and through a gateway keeps the value', () => {
    fc.assert(
      fc.property(arbitraryExpression({ depth: 3 }), points, (drawn, at) => {
        if (!ordinary(drawn, at) || !decided(drawn, at)) return;
        const scale = scaleOf(drawn, at);
        if (scale > 1e6) return;
        const store = canonical();
        const e = store.of(drawn);
        const value = evaluate(drawn, at);
        close(evaluate(e, at), value, scale);
        expect(store.of(e)).toBe(e);
        const near = (x: number): Interval => ({ low: x - 0.1, high: x + 0.1 });
        const box = { z: near(at.z), d: near(at.d), w: near(at.w) };
        close(evaluate(resolve(e, behaviourOn(box, 'z', meeting(store)), store), at), value, scale);
        const part = gateway(e, 'z', store);
        if (part === undefined) return;
        const outer = store.replace(e, part, store.variable('u'));
        expect(store.dependsOn(outer, 'z')).toBe(false);
        close(evaluate(outer, { ...at, u: evaluate(part, at) }), value, scale);
      }),
      { numRuns: 500 },
    );
  });

  it('under a condition keeps the value where the condition holds', () => {
    fc.assert(
      fc.property(
        arbitraryExpression({ depth: 2 }),
        arbitraryExpression({ depth: 2 }),
        arbitraryExpression({ depth: 1 }),
        arbitraryExpression({ depth: 1 }),
        points,
        (yes, no, a, b, at) => {
          const drawn = where(less(a, b), max(a, b), add(yes, where(less(a, b), no, abs(a))));
          if (!ordinary(drawn, at) || !decided(drawn, at) || scaleOf(drawn, at) > 1e6) return;
          const store = canonical();
          const e = store.of(drawn);
          if (e.kind !== 'where') return;
          const truth = evaluate(e.left, at) < evaluate(e.right, at);
          close(evaluate(assume(e, e, truth, store), at), evaluate(drawn, at), scaleOf(drawn, at));
        },
      ),
    );
  });

  it('of a box to a fact loses no point where the fact holds', () => {
    let shrunk = 0;
    fc.assert(
      fc.property(
        arbitraryExpression({ depth: 2 }),
        arbitraryExpression({ depth: 2 }),
        boxes,
        fraction,
        fraction,
        fraction,
        (a, b, box, s, t, u) => {
          const store = canonical();
          const [left, right] = [store.of(a), store.of(b)];
          const at = { z: within(box.z, s), d: within(box.d, t), w: within(box.w, u) };
          if (!ordinary(left, at) || !ordinary(right, at)) return;
          const gap = evaluate(left, at) - evaluate(right, at);
          if (!(Math.abs(gap) > 1e-9 * (1 + scaleOf(left, at) + scaleOf(right, at)))) return;
          const relation = gap < 0 ? 'below' : 'above';
          const rest = contract(box, { left, right, relation }, behaviourOn(box, 'z', meeting(store)));
          expect(rest).toBeDefined();
          if (rest === undefined) return;
          for (const name of ['z', 'd', 'w'] as const) {
            const range = rest[name];
            expect(range !== undefined && range.low <= at[name] && at[name] <= range.high).toBe(true);
            if (range !== undefined && range.high - range.low < box[name].high - box[name].low) shrunk++;
          }
        },
      ),
      { numRuns: 700 },
    );
    expect(shrunk).toBeGreaterThan(0);
  });
});
