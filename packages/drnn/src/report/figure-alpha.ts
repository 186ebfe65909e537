import type { AlphaProfile } from '@drnn/estimators';
import * as Plot from '@observablehq/plot';
import { centred, linearTick, powerTick, powerTicks, wholeTicks } from './axis.js';
import { blue, grey, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { type Html, html } from './escape.js';
import { columnWidth, type Figure, key } from './figure.js';
import { counted, formatCount, formatNumber } from './numbers.js';

const errorLabel = 'error relative to persistence';
const ticks = [0.02, 0.05, 0.1, 0.2, 0.5, 1];
/** On a logarithmic axis Plot leaves labels out unless it is told of endless ticks. */
const everyTick = { ticks: Infinity, tickFormat: linearTick } as const;
/** An alpha this much larger or smaller is what the search calls another one. */
const another = 2.4;
/** Errors beyond this many times the span from the best one to that of persistence are cut off. */
const room = 1.5;
/** Of log10 alpha: a fifth of a factor of ten. */
const binWidth = 0.2;

/** The held-out error against alpha, what was chosen, and with one alpha each how they spread; null where none is finite. */
export const alphaFigure = (draw: Draw, profile: AlphaProfile): Figure | null => {
  const { mode, values, flat, atEnd } = profile;
  const path = profile.path.filter(({ alpha, score }) => Number.isFinite(alpha) && Number.isFinite(score));
  const [first] = path;
  if (first === undefined) return null;
  const best = path.reduce((low, point) => (point.score < low.score ? point : low), first);
  const shared = mode === 'shared';
  const worst = path.reduce((high, { score }) => Math.max(high, score), 1);
  const highest = Math.min(1.05 * worst, Math.max(1, best.score) + room * Math.max(Math.abs(1 - best.score), 0.05));
  const logarithmic = best.score > 0 && highest / best.score > 20;
  const lowest = logarithmic ? 0.8 * best.score : best.score - 0.1 * (highest - best.score);
  const powers = powerTicks(Math.ceil(Math.log10(lowest)), Math.max(0, Math.floor(Math.log10(highest))));
  const cut = path.filter(({ score }) => score > highest).length;
  const chosen = shared ? (values[0] ?? best.alpha) : best.alpha;
  const panel = draw(
    `Held-out error one step ahead against alpha, logarithmic; the lowest at ${formatNumber(chosen)}.`,
    {
      width: shared ? columnWidth : 380,
      height: 240,
      marginLeft: 62,
      marginRight: 14,
      marginTop: 10,
      marginBottom: 42,
      x: { type: 'log', domain: [0.018, 1.1] },
      y: { type: logarithmic ? 'log' : 'linear', domain: [lowest, highest] },
      marks: [
        Plot.ruleY([1], { stroke: grey, strokeDasharray: '4,3' }),
        Plot.ruleX([chosen], { stroke: vermillion, strokeWidth: 1.5 }),
        Plot.line(
          path.map((point) => (point.score > highest ? { ...point, score: Number.NaN } : point)),
          { x: 'alpha', y: 'score', stroke: blue, strokeWidth: 1.5 },
        ),
        Plot.dot(
          path.filter(({ score }) => score <= highest),
          { x: 'alpha', y: 'score', r: 3, fill: blue },
        ),
        Plot.axisX(ticks, { label: 'alpha = dt / τ', ...centred, ...everyTick }),
        logarithmic
          ? Plot.axisY(powers, { label: errorLabel, ...centred, tickFormat: powerTick })
          : Plot.axisY({ label: errorLabel, ...centred, ticks: 5, tickFormat: linearTick }),
      ],
    },
  );
  return {
    title: 'The search for alpha',
    picture: html`<p class="legend">
        ${[key('one-step', 'held-out error'), key('border', shared ? 'chosen' : 'best for all'), key('level', 'persistence')]}
      </p>
      ${shared ? panel : html`<div class="row">${[panel, spreadOf(draw, values)]}</div>`}`,
    caption: html`${shared ? '' : 'Left: t'}${shared ? 'T' : ''}he squared error one step ahead over that of
    persistence, the mean over units, on the last fifth of the training rows, against alpha (both without unit;
    ${logarithmic ? 'both' : 'alpha'} logarithmic), n = ${counted(path.length, 'alpha')} tried on
    ${counted(values.length, 'unit')}.
    ${cut === 0 ? '' : `${counted(cut, 'alpha')} with a larger error ${cut === 1 ? 'is' : 'are'} above the frame. `}${shared ? `Chosen: ${formatNumber(chosen)}, error ${formatNumber(best.score)}.` : `The best for all is ${formatNumber(chosen)}.`}
    ${flatness(profile)}${atEnd.length === 0 ? '' : ` ${shared ? 'It' : `That of ${counted(atEnd.length, 'unit')}`} lies at an end of the range that was searched, 0.02 to 1.`}${shared ? '' : ` Right: the alphas of the units${flat.length === 0 ? '' : ', those undetermined at the best for all'}.`}`,
  };
};

const flatness = ({ mode, flat, values }: AlphaProfile): string => {
  if (mode === 'shared') {
    return flat.length > 0
      ? `The profile is flat: an alpha ${String(another)} times as large or as small does as well, as far as chance lets one tell, so that these data hardly determine it.`
      : `On both sides the error is larger at an alpha ${String(another)} times as large or as small, beyond what chance explains.`;
  }
  return flat.length === 0
    ? 'The data determine the alpha of every unit.'
    : `The data hardly determine the alpha of ${formatCount(flat.length)} of ${counted(values.length, 'unit')}: a factor of ${String(another)} makes no difference beyond chance.`;
};

/** How many units have which alpha. */
const spreadOf = (draw: Draw, values: Float64Array): Html => {
  const counts = new Map<number, number>();
  for (const alpha of values) {
    if (!(alpha > 0)) continue;
    const bin = Math.floor(Math.log10(alpha) / binWidth + 1e-9);
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  const bins = Array.from(counts, ([bin, count]) => ({
    from: 10 ** (bin * binWidth),
    to: 10 ** ((bin + 1) * binWidth),
    count,
  }));
  const most = Math.max(1, ...counts.values());
  return draw('Histogram of the alphas of the units, logarithmic.', {
    width: 320,
    height: 240,
    marginLeft: 50,
    marginRight: 14,
    marginTop: 10,
    marginBottom: 42,
    x: { type: 'log', domain: [0.015, 1.7] },
    y: { domain: [0, most] },
    marks: [
      Plot.rectY(bins, { x1: 'from', x2: 'to', y: 'count', fill: blue, fillOpacity: 0.55, inset: 0.3 }),
      Plot.ruleY([0], { stroke: '#333' }),
      Plot.axisX(ticks, { label: 'alpha', ...centred, ...everyTick }),
      Plot.axisY(wholeTicks(0, most, 5), { label: 'number of units', ...centred, tickFormat: linearTick }),
    ],
  });
};
