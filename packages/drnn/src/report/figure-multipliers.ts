import * as Plot from '@observablehq/plot';
import { centred, linearTick } from './axis.js';
import { blue, grey, ink, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { type Html, html } from './escape.js';
import { type Figure, key } from './figure.js';
import { counted, formatCount } from './numbers.js';

type Complex = readonly [re: number, im: number];

export interface MultiplierPoint {
  readonly isStable: boolean;
  readonly multipliers: readonly Complex[];
}

/** Multipliers of the reference and the fit at a pair of points, in pairs where that is known. */
export interface MultiplierPair {
  readonly reference: readonly Complex[];
  readonly fit: readonly Complex[];
  readonly slow: readonly { readonly reference: Complex; readonly fit: Complex }[];
}

interface Dot {
  readonly x: number;
  readonly y: number;
}

const dot = ([x, y]: Complex): Dot => ({ x, y });

/** More dots than this are thinned: the bulk of a large network is one cloud. */
const MOST = 4000;

const thinned = (dots: readonly Dot[]): readonly Dot[] => {
  const step = Math.max(1, Math.ceil(dots.length / MOST));
  return dots.filter((_, k) => k % step === 0);
};

const unitCircle = Array.from({ length: 1441 }, (_, k) => ({
  x: Math.cos((2 * Math.PI * k) / 1440),
  y: Math.sin((2 * Math.PI * k) / 1440),
}));

/** The square window about the dots and the point 1, symmetric about the real axis. */
const windowOf = (dots: readonly Dot[]): { readonly x: [number, number]; readonly y: [number, number] } => {
  const low = dots.reduce((end, { x }) => Math.min(end, x), 1);
  const high = dots.reduce((end, { x }) => Math.max(end, x), 1);
  const tall = dots.reduce((end, { y }) => Math.max(end, Math.abs(y)), 0);
  const half = 1.12 * Math.max((high - low) / 2, tall, 0.02);
  return { x: [(low + high) / 2 - half, (low + high) / 2 + half], y: [-half, half] };
};

const plane = (draw: Draw, label: string, dots: readonly Dot[], marks: readonly Plot.Markish[]): Html => {
  const window = windowOf(dots);
  const inside = unitCircle.map(({ x, y }) =>
    x >= window.x[0] && x <= window.x[1] && Math.abs(y) <= window.y[1] ? { x, y } : { x: Number.NaN, y: Number.NaN },
  );
  return draw(label, {
    width: 420,
    height: 420,
    marginLeft: 54,
    marginRight: 8,
    marginTop: 8,
    marginBottom: 46,
    x: { domain: window.x },
    y: { domain: window.y },
    marks: [
      Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
      Plot.ruleY([0], { stroke: '#000', strokeOpacity: 0.15 }),
      Plot.line(inside, { x: 'x', y: 'y', stroke: vermillion, strokeDasharray: '5,3' }),
      Plot.ruleX([1], { stroke: vermillion, strokeWidth: 1.2 }),
      ...marks,
      Plot.axisX({ label: 'real part', ...centred, ticks: 6, tickFormat: linearTick }),
      Plot.axisY({ label: 'imaginary part', ...centred, ticks: 6, tickFormat: linearTick }),
    ],
  });
};

const borders = html`One step multiplies a mode by μ: it decays inside the dashed unit circle. The solid line Re μ = 1
is the border of the flow, for steps without length; multipliers left of it and outside the circle turn or flip too fast
for the step.`;

/** Multipliers of all points in the complex plane, with both borders of stability. */
export const multipliersFigure = (draw: Draw, points: readonly MultiplierPoint[]): Figure | null => {
  const of = (isStable: boolean): readonly Dot[] =>
    thinned(points.filter((point) => point.isStable === isStable).flatMap(({ multipliers }) => multipliers.map(dot)));
  const [stable, unstable] = [of(true), of(false)];
  const all = [...stable, ...unstable];
  if (all.length === 0) return null;
  const count = points.reduce((sum, { multipliers }) => sum + multipliers.length, 0);
  return {
    title: 'Multipliers at the points',
    picture: html`<p class="legend">
        ${[
          stable.length === 0 ? null : key('stable', 'at a stable point'),
          unstable.length === 0 ? null : key('unstable-open', 'at an unstable point'),
          key('border', 'Re μ = 1'),
          key('exact-border', '|μ| = 1'),
        ]}
      </p>
      ${plane(draw, 'Multipliers of the network at its points, in the complex plane, with the unit circle.', all, [
        Plot.dot(unstable, { x: 'x', y: 'y', r: 3.6, stroke: vermillion, strokeWidth: 1.1 }),
        Plot.dot(stable, { x: 'x', y: 'y', r: 2, fill: ink, fillOpacity: 0.8 }),
      ])}`,
    caption: html`${borders} n = ${formatCount(count)} multipliers of ${counted(points.length, 'point')}.`,
  };
};

/** Multipliers of matched points of two networks, those that stand for each other joined. */
export const matchedMultipliersFigure = (draw: Draw, pairs: readonly MultiplierPair[]): Figure | null => {
  const reference = thinned(pairs.flatMap((pair) => pair.reference.map(dot)));
  const fit = thinned(pairs.flatMap((pair) => pair.fit.map(dot)));
  const links = pairs.flatMap(({ slow }) =>
    slow.map((pair) => ({ x1: pair.reference[0], y1: pair.reference[1], x2: pair.fit[0], y2: pair.fit[1] })),
  );
  if (reference.length === 0) return null;
  return {
    title: 'Multipliers of the reference and of the fit at matched points',
    picture: html`<p class="legend">
        ${[key('stable', 'reference'), key('median-blue', 'fit'), key('clear', 'slow modes, joined'), key('border', 'Re μ = 1'), key('exact-border', '|μ| = 1')]}
      </p>
      ${plane(
        draw,
        'Multipliers of two networks at matched points, in the complex plane.',
        [...reference, ...fit],
        [
          Plot.link(links, { x1: 'x1', y1: 'y1', x2: 'x2', y2: 'y2', stroke: blue, strokeWidth: 1.2 }),
          Plot.dot(fit, { x: 'x', y: 'y', r: 3.4, stroke: blue, strokeWidth: 0.9, strokeOpacity: 0.8 }),
          Plot.dot(reference, { x: 'x', y: 'y', r: 2, fill: ink, stroke: grey, strokeWidth: 0.3 }),
        ],
      )}`,
    caption: html`${borders} ${counted(pairs.length, 'pair')} of points. The bulk follows the noise of a fit; slow
    modes, whose multipliers stand apart, are what the dynamics consist of.`,
  };
};
