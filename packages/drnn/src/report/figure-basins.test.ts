import { type Basin, basinShares } from '@drnn/attractors';
import { describe, expect, it } from 'vitest';
import { drawingBoard } from './drawing.js';
import { basinPlaces, basinsFigure } from './figure-basins.js';

const board = drawingBoard();
const shares = basinShares([0, 0, 0, 2, 2, -1], [0, 2]);
const pictureOf = (places: ReturnType<typeof basinPlaces>): string =>
  basinsFigure(board.draw, [{ from: 'random states', starts: 6, places }])?.picture.html ?? '';

describe('basinPlaces', () => {
  it('puts partners side by side, and has a place for those without and for none', () => {
    const places = basinPlaces(shares, basinShares([1, 1, 1, 1, 4, 4], [1, 4]), [{ reference: 2, fit: 1 }]);
    const numbers = ({ label, reference, fit }: (typeof places)[number]): readonly unknown[] => [
      label,
      reference?.starts,
      fit?.starts,
    ];
    expect(places.map(numbers)).toEqual([
      ['0', 3, undefined],
      ['2', 2, 4],
      ['fit 4', undefined, 2],
      ['none', 1, undefined],
    ]);
  });

  it('keeps every share once', () => {
    const fit = basinShares([3, 3, 2, 2, -1, -1], [2, 3]);
    const places = basinPlaces(shares, fit, [
      { reference: 0, fit: 3 },
      { reference: 1, fit: 2 },
    ]);
    const all = (pick: (place: (typeof places)[number]) => Basin | null): number =>
      places.reduce((sum, place) => sum + (pick(place)?.fraction ?? 0), 0);
    expect(all(({ reference }) => reference)).toBeCloseTo(1, 12);
    expect(all((place) => place.fit)).toBeCloseTo(1, 12);
  });
});

describe('basinsFigure', () => {
  it('draws bars as high as the shares, each with its interval', () => {
    const picture = pictureOf(basinPlaces(shares));
    const heights = [...picture.matchAll(/<rect[^>]*fill="#(?:333333|8a8a8a)"[^>]*>/g)].map(([bar]) =>
      Number(/ height="([\d.]+)"/.exec(bar)?.[1]),
    );
    expect(heights.length).toBe(3);
    const [a = 0, b = 0, none = 0] = heights;
    expect([a / none, b / none].map(Math.round)).toEqual([3, 2]);
    expect(picture).not.toContain('key-bar-fit');
    expect(picture).toContain('key-bar-none');
  });

  it('leaves the smallest out where there are many, and draws nothing of nothing', () => {
    const ends = Array.from({ length: 50 }, (_, k) => Array.from({ length: k + 1 }, () => k)).flat();
    const many = basinPlaces(basinShares(ends, []));
    const figure = basinsFigure(board.draw, [{ from: 'random states', starts: ends.length, places: many }]);
    expect(figure?.picture.html.match(/<rect[^>]*fill="#333333"/g)?.length).toBe(30);
    expect(figure?.caption.html).toContain('20 smaller ones are not drawn');
    expect(basinsFigure(board.draw, [{ from: 'random states', starts: 0, places: [] }])).toBeNull();
    expect(basinsFigure(board.draw, [])).toBeNull();
  });
});
