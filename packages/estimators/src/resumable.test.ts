import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resumable } from './resumable.js';

describe('resumable work', () => {
  it('does in each go what fits, every piece once and in order', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 20 }),
        fc.integer({ min: 9, max: 30 }),
        async (costs, budget) => {
          let left = 0;
          const done: number[] = [];
          const work = resumable(async (turn) => {
            for (const [k, cost] of costs.entries()) {
              await turn(() => cost <= left);
              left -= cost;
              done.push(k);
              await Promise.resolve();
            }
          });
          let goes = 0;
          for (let ended = false; !ended; goes++) {
            left = budget;
            ended = await work.proceed();
            expect(left).toBeGreaterThanOrEqual(0);
            if (!ended) expect(left).toBeLessThan(costs[done.length]!);
          }
          expect(done).toEqual([...costs.keys()]);
          expect(goes).toBeLessThanOrEqual(1 + costs.length);
        },
      ),
    ));

  it('passes errors on, and rests in vain after it was abandoned', async () => {
    const failing = resumable(async () => {
      throw new Error('of the work');
    });
    await expect(failing.proceed()).rejects.toThrow('of the work');

    let reached = false;
    const work = resumable(async (turn) => {
      await turn(() => false);
      reached = true;
    });
    expect(await work.proceed()).toBe(false);
    expect(await work.proceed()).toBe(false);
    await work.abandon();
    await work.abandon();
    expect(reached).toBe(false);
    await resumable(async () => undefined).abandon();
  });

  it('an error on the way out of what is abandoned is not lost', async () => {
    const work = resumable(async (turn) => {
      try {
        await turn(() => false);
      } finally {
        await Promise.reject(new Error('on the way out'));
      }
    });
    await work.proceed();
    await expect(work.abandon()).rejects.toThrow('on the way out');
  });
});
