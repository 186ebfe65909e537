import { matrixOf } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { attractors } from '../attractors.js';
import { drawingBoard } from './drawing.js';
import { searchFigure } from './figure-search.js';

const board = drawingBoard();
const two = { W: matrixOf([[2, 0], [0, 2]]), alpha: 0.1 }; // prettier-ignore

/** Heights of the bars of hits. */
const barsOf = (picture: string): readonly number[] =>
  [...picture.matchAll(/<rect[^>]*fill="#(?:333333|d55e00|8a8a8a)"[^>]*>/g)].map(([bar]) =>
    Number(/ height="([\d.]+)"/.exec(bar)?.[1]),
  );

describe('searchFigure', () => {
  it('has a bar for each find, its height the root of its hits, and both curves', () => {
    const found = attractors(two, { seeds: 200, cycleSeeds: 0 });
    const picture = searchFigure(board.draw, found)?.picture.html ?? '';
    const bars = barsOf(picture);
    // The origin and four pairs.
    expect(bars.length).toBe(5);
    const total = bars.reduce((sum, height) => sum + height * height, 0);
    const [origin = 0, ...others] = found.points
      .map(({ hits }) => hits)
      .filter((_, k) => found.points[k]?.mirror === k);
    expect(others).toEqual([]);
    expect(
      Math.min(...bars.map((height) => Math.abs((height * height) / total - origin / found.converged))),
    ).toBeLessThan(0.003);
    expect(bars.toSorted((a, b) => b - a)).toEqual(bars);
    expect(picture.match(/<svg/g)?.length).toBe(3);
    expect(picture).toContain('aria-label="The sum of the indices');
  });

  it('has no index sum where a point is degenerate, and nothing to draw of one start', () => {
    const degenerate = searchFigure(board.draw, attractors({ W: matrixOf([[1]]), alpha: 0.1 }, { seeds: 40 }));
    expect(degenerate?.picture.html.match(/<svg/g)?.length).toBe(2);
    expect(degenerate?.caption.html).toContain('there is no index sum');
    expect(searchFigure(board.draw, attractors({ W: matrixOf([[0.5]]), alpha: 0.1 }))).toBeNull();
  });

  it('thins very many bars, and says so', () => {
    const found = attractors(two, { seeds: 200, cycleSeeds: 0 });
    const [point] = found.points;
    const points = Array.from({ length: 1000 }, (_, k) => ({ ...point!, mirror: null, hits: 1000 - k }));
    const figure = searchFigure(board.draw, { ...found, points });
    expect(barsOf(figure?.picture.html ?? '').length).toBe(250);
    expect(figure?.caption.html).toContain('One in 4 is drawn');
  });
});
