import { mul, pointwise, sub, tanh, variable } from '@drnn/tensor';
import { drawnMatrix } from '@drnn/tensor/laws';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backend } from './backend.js';
import { createMachine, type Machine } from './machine.js';
import { partsOf, type Share, sweepRows } from './sweep.js';
import { alone, type Team } from './threads.js';

const sizes = { length: fc.integer({ min: 0, max: 20_000 }), threads: fc.integer({ min: 1, max: 9 }) };

describe('the parts of a sweep', () => {
  it('cover the rows once, none above the most, and end with small ones on several threads', () => {
    fc.assert(
      fc.property(sizes.length, sizes.threads, fc.integer({ min: 1, max: 2048 }), (length, threads, least) => {
        const ends = partsOf(length, threads, least, 2048);
        const counts = ends.map((end, k) => end - (ends[k - 1] ?? 0));
        expect(counts.every((count) => count > 0 && count <= 2048)).toBe(true);
        expect(ends.at(-1) ?? 0).toBe(length);
        if (threads > 1 && length > 0) expect(counts.at(-1)).toBeLessThanOrEqual(Math.max(least, length / threads) + 3);
      }),
    );
  });
});

/** A team that works off its queues at a pace drawn beforehand, and notes what was given to it. */
const drawnTeam = (count: number, paces: readonly number[]): Team => {
  const left = Array.from({ length: count }, () => 0);
  let moves = 0;
  let seen = 0;
  const move = (): void => {
    const thread = (paces[moves++ % paces.length] ?? 0) % count;
    if (thread === 0 || left[thread] === 0) return;
    left[thread] = left[thread]! - 1;
    seen++;
  };
  return {
    ...alone,
    count,
    give: (thread) => {
      left[thread] = left[thread]! + 1;
      move();
    },
    left: (thread) => left[thread] ?? 0,
    progress: () => seen,
    rest: (before) => {
      for (let tries = 0; seen === before; tries++) {
        if (tries > 10_000) throw new Error('nobody is at work');
        move();
      }
    },
    finish: () => left.fill(0),
  };
};

describe('a sweep', () => {
  it('takes every row once and folds the parts in order, whatever the pace of the threads', async () => {
    const machine = await createMachine(1);
    const paces = fc
      .array(fc.nat(8), { minLength: 1, maxLength: 40 })
      .map((drawn) => [...drawn, 1, 2, 3, 4, 5, 6, 7, 8]);
    fc.assert(
      fc.property(sizes.length, sizes.threads, paces, fc.integer({ min: 1, max: 3 }), (length, threads, pace, sums) => {
        const parts = partsOf(length, threads, 64, 2048);
        const team = drawnTeam(threads, pace);
        const kernels = { ...machine.kernels, passBlock64: () => undefined };
        const busy = new Map<string, number>();
        const taken: Share[] = [];
        const folded: number[] = [];
        const own = Array.from({ length: threads }, () => Array.from({ length: sums }, () => 0));
        const seen = Array.from({ length: threads }, () => Array.from({ length: sums }, () => 0));
        const played: Machine = { ...machine, team, kernels, threads };
        sweepRows(played, {
          kernel: 'passBlock64',
          parts,
          blockRows: 256,
          slots: 2,
          sums,
          fill: (share) => {
            const place = `${share.thread} ${share.slot}`;
            expect(busy.has(place)).toBe(false);
            busy.set(place, share.start);
            expect(share.count).toBeGreaterThan(0);
            expect(share.count).toBeLessThanOrEqual(256);
            return 64;
          },
          take: (share) => {
            busy.delete(`${share.thread} ${share.slot}`);
            taken.push(share);
            own[share.thread]![share.sums]! += share.count;
            seen[share.thread]![share.sums] = share.start + share.count;
          },
          fold: (thread, number) => {
            expect(seen[thread]![number]).toBe(parts[folded.length]);
            folded.push(own[thread]![number]!);
            own[thread]![number] = 0;
          },
        });
        expect(folded).toEqual(parts.map((end, k) => end - (parts[k - 1] ?? 0)));
        expect(busy.size).toBe(0);
        const starts = taken.toSorted((a, b) => a.start - b.start);
        expect(starts.reduce((row, { start, count }) => (row === start ? row + count : Number.NaN), 0)).toBe(length);
      }),
    );
    await machine.close();
  });

  it.each(['mixed', 'float64'] as const)(
    'gives the same numbers every time on three threads in %s',
    async (precision) => {
      const on = await backend({ threads: 3, precision });
      const [time, units] = [7001, 37];
      const design = await on.rows(drawnMatrix(time, units, 1));
      const d = await on.rows(drawnMatrix(time, units, 2));
      const theta = drawnMatrix(units, units, 3);
      const slope = pointwise(({ z, d: target }) => sub(tanh(z), target));
      const request = {
        currents: { z: theta },
        data: { d },
        backProject: [slope, variable('d')],
        columnSums: [pointwise(({ z, d: target }) => mul(z, target))],
      };
      const first = await on.pass(design, request);
      for (let run = 0; run < 10; run++) {
        const again = await on.pass(design, request);
        expect(again.backProject).toEqual(first.backProject);
        expect(again.columnSums).toEqual(first.columnSums);
        expect(await on.gram(design)).toEqual(await on.gram(design));
      }
      await on.close();
    },
  );

  it('goes on after a kernel failed in a thread', async () => {
    const machine = await createMachine(2);
    const beyond = 0x7fff_fff0;
    // A program of nothing over no elements.
    const layout = machine.layout();
    const [block, program] = [layout.words(2), layout.words(9)];
    const { words } = machine.reserve(layout);
    words.fill(0, program / 4, program / 4 + 9);
    words.set([program, 0], block / 4);
    const work = {
      kernel: 'programBlock64' as const,
      parts: [100, 200, 300, 400],
      blockRows: 50,
      slots: 2,
      sums: 2,
      take: () => undefined,
      fold: () => undefined,
    };
    expect(() => sweepRows(machine, { ...work, fill: ({ thread }) => (thread === 1 ? beyond : block) })).toThrow(
      /thread/,
    );
    expect(() => sweepRows(machine, { ...work, fill: ({ thread }) => (thread === 0 ? beyond : block) })).toThrow();
    expect(machine.team.left(1)).toBe(0);
    sweepRows(machine, { ...work, fill: () => block });
    await machine.close();
  });
});
