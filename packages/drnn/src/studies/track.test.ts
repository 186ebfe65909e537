import { matrix, type Matrix } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { follow, type Probe, type TrackOptions } from './track.js';

/** A clock that only moves when it is told to. */
const clock = () => {
  let time = 100;
  return {
    now: () => time,
    pass: (seconds: number): void => void (time += seconds),
  };
};

const theta = (value: number): Matrix => matrix(1, 1, Float64Array.of(value));

/** Judging a state takes an hour. */
const options = (time: ReturnType<typeof clock>, more: Partial<TrackOptions> = {}): TrackOptions => ({
  limit: 1000,
  now: time.now,
  accuracyOf: (at) => {
    time.pass(3600);
    return { correlation: at.data[0]!, slope: 0, relativeError: 0 };
  },
  ...more,
});

const steps =
  (time: ReturnType<typeof clock>, count: number, each = 1) =>
  async (probe: Probe) => {
    for (let step = 0; step <= count; step++) {
      time.pass(each);
      if (!probe.state(step, theta(step))) break;
    }
    return 'finished' as const;
  };

describe('follow', () => {
  it('counts the time of the method and not that of the judge', async () => {
    const time = clock();
    const { points, ending } = await follow(steps(time, 5), options(time));
    expect(points.map(({ seconds }) => seconds)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(points.map(({ correlation }) => correlation)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(ending).toBe('finished');
  });

  it('keeps the first states, milestones, the last, and of the others those 5% of the time apart', async () => {
    const time = clock();
    const { points } = await follow(steps(time, 500), options(time, { milestones: [402] }));
    const kept = points.map(({ step }) => step);
    expect(kept.slice(0, 21)).toEqual(Array.from({ length: 21 }, (_, k) => k));
    expect(kept).toContain(402);
    expect(kept.at(-1)).toBe(500);
    expect(kept.length).toBeLessThan(100);
    for (let k = 22; k < kept.length - 1; k++) {
      if (kept[k] === 402) continue;
      expect(kept[k]! + 1).toBeGreaterThanOrEqual(1.05 * (kept[k - 1]! + 1) - 1e-9);
    }
  });

  it('tells a method to end at the limit, and keeps the state that it had then', async () => {
    const time = clock();
    const { points, ending, theta: last } = await follow(steps(time, 500), options(time, { limit: 50.5 }));
    expect(ending).toBe('time-limit');
    expect(points.at(-1)).toMatchObject({ step: 50, seconds: 51 });
    expect(last.data[0]).toBe(50);
  });

  it('lets a method take a step, however long its start took', async () => {
    const time = clock();
    const { points, ending } = await follow(steps(time, 500, 60), options(time, { limit: 50 }));
    expect(ending).toBe('time-limit');
    expect(points.map(({ step }) => step)).toEqual([0, 1]);
  });

  it('ends at a state that is not finite with the one before', async () => {
    const time = clock();
    const {
      points,
      ending,
      theta: last,
    } = await follow(async (probe) => {
      expect(probe.state(0, theta(3))).toBe(true);
      expect(probe.state(1, theta(Number.NaN))).toBe(false);
      expect(probe.state(2, theta(4))).toBe(false);
      return 'converged';
    }, options(time));
    expect(ending).toBe('non-finite');
    expect(points.map(({ correlation }) => correlation)).toEqual([3]);
    expect(last.data[0]).toBe(3);
  });

  it('judges the last state as it was told, whatever the method does with its memory', async () => {
    const time = clock();
    const { points } = await follow(async (probe) => {
      const own = theta(0);
      for (let step = 0; step < 60; step++) {
        own.data[0] = step;
        time.pass(0.001);
        probe.state(step, own);
      }
      own.data[0] = -1;
      return 'finished';
    }, options(time));
    expect(points.at(-1)).toMatchObject({ step: 59, correlation: 59 });
  });

  it('ends where it is aborted', async () => {
    const time = clock();
    const controller = new AbortController();
    controller.abort();
    const { ending } = await follow(steps(time, 9), options(time, { signal: controller.signal }));
    expect(ending).toBe('aborted');
  });
});
