import type { Basin } from '@drnn/attractors';
import * as Plot from '@observablehq/plot';
import { centred, linearTick } from './axis.js';
import { blue, grey, ink } from './colours.js';
import type { Draw } from './drawing.js';
import { type Html, html } from './escape.js';
import { columnWidth, type Figure, key } from './figure.js';
import { counted, formatCount } from './numbers.js';

/** The shares of runs that end at one place: of a network alone, or of two from the same states. */
export interface BasinPlace {
  /** The number of the point, or what else is there. */
  readonly label: string;
  readonly reference: Basin | null;
  readonly fit: Basin | null;
}

export interface BasinRuns {
  /** Where the runs began. */
  readonly from: string;
  readonly starts: number;
  readonly places: readonly BasinPlace[];
}

const MOST_PLACES = 30;
/** Characters that fit below the bars. */
const CHARACTERS = 95;
/** Of the room of a place, the bars of both networks together. */
const WIDTH = 0.7;

const shareOf = ({ reference, fit }: BasinPlace): number => Math.max(reference?.fraction ?? 0, fit?.fraction ?? 0);

/** Places of one network or two, the points that stand for each other as one; runs that ended at no stable point last. */
export const basinPlaces = (
  reference: readonly Basin[],
  fit: readonly Basin[] = [],
  pairs: readonly { readonly reference: number; readonly fit: number }[] = [],
): readonly BasinPlace[] => {
  const partnerOf = new Map(pairs.map((pair) => [pair.reference, pair.fit]));
  const own = reference.filter(({ point }) => point !== null);
  const taken = new Set(own.flatMap(({ point }) => (point === null ? [] : [partnerOf.get(point) ?? -1])));
  const none = (shares: readonly Basin[]): Basin | null => shares.find(({ point }) => point === null) ?? null;
  const elsewhere = { label: 'none', reference: none(reference), fit: none(fit) };
  return [
    ...own.map((basin) => ({
      label: String(basin.point),
      reference: basin,
      fit: fit.find(({ point }) => point !== null && point === partnerOf.get(basin.point ?? -1)) ?? null,
    })),
    ...fit.flatMap((basin) =>
      basin.point === null || taken.has(basin.point)
        ? []
        : [{ label: `fit ${basin.point}`, reference: null, fit: basin }],
    ),
    ...(elsewhere.reference === null && elsewhere.fit === null ? [] : [elsewhere]),
  ];
};

const panel = (draw: Draw, { from, places }: BasinRuns, isCompared: boolean): Html => {
  const width = isCompared ? WIDTH / 2 : WIDTH;
  const bars = places.flatMap((place, k) => {
    const beside = [place.reference, place.fit].filter((basin) => basin !== null);
    return beside.map((basin, order) => {
      const x1 = k + (order - beside.length / 2) * width;
      const fill = basin === place.fit ? blue : place.label === 'none' && !isCompared ? grey : ink;
      const [low, high] = basin.interval;
      return { x1, x2: x1 + width, middle: x1 + width / 2, share: basin.fraction, low, high, fill };
    });
  });
  const longest = Math.max(...places.map(({ label }) => label.length));
  const isCrowded = places.length * (longest + 1) > CHARACTERS;
  const top = Math.max(...bars.map(({ high }) => high), 0);
  return draw(`The share of runs from ${from} that end at each stable point, with 95% intervals.`, {
    width: columnWidth,
    height: isCrowded ? 234 : 220,
    marginLeft: 60,
    marginRight: 10,
    marginTop: 8,
    marginBottom: isCrowded ? 56 : 42,
    x: { domain: [-0.6, places.length - 0.4] },
    y: { domain: [0, 1.04 * top] },
    marks: [
      Plot.gridY({ stroke: '#000', strokeOpacity: 0.1, ticks: 5 }),
      Plot.rectY(bars, { x1: 'x1', x2: 'x2', y1: () => 0, y2: 'share', fill: 'fill', fillOpacity: 0.7 }),
      Plot.link(bars, { x1: 'middle', x2: 'middle', y1: 'low', y2: 'high', stroke: '#000', strokeWidth: 1.2 }),
      Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
      Plot.axisX(
        places.map((_, k) => k),
        {
          label: `stable point, from ${from}`,
          ...centred,
          tickFormat: (k: number) => places[k]?.label ?? '',
          tickSize: 0,
          ...(isCrowded ? { tickRotate: -45 } : {}),
        },
      ),
      Plot.axisY({ label: 'share of the starts', ...centred, ticks: 5, tickFormat: linearTick }),
    ],
  });
};

/** Shares of basins as bars with 95% intervals, of one network, or of two side by side. */
export const basinsFigure = (draw: Draw, all: readonly BasinRuns[]): Figure | null => {
  const runs = all.filter(({ places }) => places.length > 0);
  if (runs.length === 0) return null;
  const isCompared = runs.some(({ places }) => places.some(({ fit }) => fit !== null));
  const shown = runs.map(({ places, ...rest }) => {
    // The largest, in the order of the points.
    const least = places.map(shareOf).toSorted((a, b) => b - a)[MOST_PLACES - 1] ?? 0;
    return { ...rest, places: places.filter((place) => shareOf(place) >= least).slice(0, MOST_PLACES) };
  });
  const left = runs.reduce((sum, { places }, k) => sum + places.length - (shown[k]?.places.length ?? 0), 0);
  const hasNone = shown.some(({ places }) => places.some(({ label }) => label === 'none'));
  const starts = runs.map(({ starts: count, from }) => `${counted(count, 'start')} from ${from}`).join(' and ');
  return {
    title: `Basins of attraction${isCompared ? ' of the reference and of the fit' : ''}`,
    picture: html`<p class="legend">
        ${[
          key('bar-reference', isCompared ? 'reference' : 'share'),
          isCompared ? key('bar-fit', 'the fit') : null,
          hasNone && !isCompared ? key('bar-none', 'ended at none') : null,
          key('baseline', '95% interval'),
        ]}
      </p>
      ${shown.map((each) => panel(draw, each, isCompared))}`,
    caption: html`The share of ${starts} from which runs with the input held end at each stable point, with Wilson’s 95%
    interval.${isCompared ? ' Points of the fit stand beside those of the reference that they are partners of, by the number of the latter, others as such of the fit; both networks run from the same states, so that their shares differ by less than the intervals say where they are alike.' : ''}${hasNone ? ' None: on a cycle, in chaos, at a point that was not found, or still on the way.' : ''}${left > 0 ? ` ${formatCount(left)} smaller ones are not drawn.` : ''}`,
  };
};
