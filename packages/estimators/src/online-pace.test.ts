import { describe, expect, it } from 'vitest';
import { paceOf } from './online-pace.js';

/** A clock that stands still, and work that moves it on. */
const clockwork = () => {
  let time = 0;
  return {
    now: () => time,
    take: (milliseconds: number) => async () => {
      time += milliseconds;
    },
  };
};

const atOnce = async (): Promise<void> => undefined;

describe('paceOf', () => {
  it('knows long passes by their rows, and is not misled by short ones, which begin dearer', async () => {
    const { now, take } = clockwork();
    const pace = paceOf(100, now);
    pace.begin(now());
    await pace.pass(atOnce, 1000, 0, take(50));
    await pace.pass(atOnce, 10, 0, take(5));
    pace.end();
    expect(pace.passCost(1000)).toBeCloseTo(50);
    expect(pace.passCost(10)).toBe(5);
    pace.begin(now());
    await pace.pass(atOnce, 10, 0, take(8));
    pace.end();
    expect(pace.passCost(1000)).toBeCloseTo(50);
    expect(pace.passCost(10)).toBe(8);
  });

  it('lets a pass begin when it and what follows fit with a tenth to spare, beside what comes last', async () => {
    // 20 are spent and 10 come last: 70 are left for 20 of the pass and what follows, a tenth more than both.
    for (const [after, fits] of [
      [70 / 1.1 - 21, true],
      [70 / 1.1 - 19, false],
    ] as const) {
      const { now, take } = clockwork();
      const pace = paceOf(100, now);
      pace.begin(now());
      await pace.pass(atOnce, 100, 0, take(20));
      pace.note('ending', 10);
      const seen: boolean[] = [];
      await pace.pass(async (isFit) => void seen.push(isFit()), 100, after, take(0));
      expect(seen).toEqual([fits]);
    }
  });

  it('thinks that what did not fit has become cheaper, until it is tried again', () => {
    const { now } = clockwork();
    const pace = paceOf(10, now);
    pace.note('algebra', 50);
    for (let push = 0; push < 20; push++) {
      pace.begin(now());
      pace.fits(pace.cost('algebra'));
      pace.end();
    }
    pace.begin(now());
    expect(pace.fits(pace.cost('algebra'))).toBe(true);
  });

  it('counts what passes take apart from the rest', async () => {
    const { now, take } = clockwork();
    const pace = paceOf(1000, now);
    pace.begin(now());
    const { milliseconds } = await pace.besidesPasses(async () => {
      await take(7)();
      await pace.pass(atOnce, 100, 0, take(40));
      await take(5)();
    });
    expect(milliseconds).toBe(12);
  });
});
