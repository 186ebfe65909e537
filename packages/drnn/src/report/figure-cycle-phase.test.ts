import { cycles, type FoundCycle } from '@drnn/attractors';
import { matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { drawingBoard } from './drawing.js';
import { cyclePhaseFigure } from './figure-cycle-phase.js';

const board = drawingBoard();
const turning = cycles({ W: matrixOf([[1.3, -0.75], [0.75, 1.3]]), alpha: 0.1 }, { seeds: 2 }).cycles; // prettier-ignore

const count = (found: readonly FoundCycle[], pattern: RegExp): number =>
  cyclePhaseFigure(board.draw, found, 'rate')?.picture.html.match(pattern)?.length ?? 0;

/** Without its phase response. */
const mapOnly = turning.map((cycle) => ({ ...cycle, flow: null }));

describe('cyclePhaseFigure', () => {
  it('draws the harmonics that there are: of a cycle that is its own image the odd ones', () => {
    expect(turning.map(({ mirror }) => mirror)).toEqual([0]);
    const odd = Array.from(turning[0]?.harmonics ?? []).filter((share, k) => k % 2 === 0 && share > 1e-8);
    expect(odd.length).toBeGreaterThan(1);
    // The frame is a rectangle too.
    expect(count(mapOnly, /<rect/g)).toBe(odd.length + 1);
  });

  it('draws a phase response where there is one', () => {
    expect(count(turning, /aria-label="Phase response/g)).toBe(1);
    expect(count(mapOnly, /aria-label="Phase response/g)).toBe(0);
    expect(count(mapOnly, /<svg/g)).toBe(1);
    const both = cyclePhaseFigure(board.draw, [...turning, ...mapOnly.map((c) => ({ ...c, mirror: 1 }))], 'current');
    expect(both?.caption.html).toMatch(/push of the current.*there is none/s);
  });

  it('draws nothing of two states in turn, nor of no cycle', () => {
    const flip = cycles({ W: matrixOf([[-2]]), alpha: 1 }, { seeds: 2 }).cycles;
    expect(flip.length).toBe(1);
    expect(cyclePhaseFigure(board.draw, flip, 'rate')).toBeNull();
    expect(cyclePhaseFigure(board.draw, [], 'rate')).toBeNull();
  });
});
