import * as Plot from '@observablehq/plot';
import { centred, linearTick, wholeTicks } from './axis.js';
import { blue, grey } from './colours.js';
import type { Draw } from './drawing.js';
import { html, shortened } from './escape.js';
import { type Figure, key } from './figure.js';
import { counted, formatCount, formatNumber, formatPercent } from './numbers.js';
import type { ReportData } from './report-data.js';

/** Of a Gaussian law, 95% lie within so many standard deviations. */
const sides = 1.96;
/** Weights drawn of a unit. */
const mostDrawn = 150;

interface Row {
  readonly unit: number;
  /** Weights that were fitted and whose errors are finite, ascending. */
  readonly weights: readonly { readonly weight: number; readonly error: number }[];
  readonly medianError: number;
}

/**
 * The incoming weights of three units with their 95% intervals, sorted: of the unit whose weights are known best, the one
 * in the middle, and the one known worst. Null where no unit has a weight with a finite error.
 */
export const intervalsFigure = (draw: Draw, { intervals, W, Win, unitNames }: ReportData): Figure | null => {
  if (intervals === null) return null;
  const errors = intervals.standardErrors;
  const rows = Array.from({ length: W.rows }, (_, unit): Row => {
    const weights = [
      { of: W, by: errors.W },
      { of: Win, by: errors.Win },
    ].flatMap(({ of, by }) =>
      Array.from({ length: of.columns }, (__, p) => ({
        weight: of.data[unit * of.columns + p] ?? Number.NaN,
        error: by.data[unit * of.columns + p] ?? Number.NaN,
      })),
    );
    const known = weights
      .filter(({ weight, error }) => Number.isFinite(weight) && error > 0 && error < Infinity)
      .sort((a, b) => a.weight - b.weight);
    const sizes = known.map(({ error }) => error).sort((a, b) => a - b);
    return { unit, weights: known, medianError: sizes[sizes.length >> 1] ?? Number.NaN };
  })
    .filter(({ weights }) => weights.length > 0)
    .sort((a, b) => a.medianError - b.medianError || a.unit - b.unit);
  if (rows.length === 0) return null;
  const shown = [...new Set([0, (rows.length - 1) >> 1, rows.length - 1])].flatMap((k) => rows.slice(k, k + 1));
  const ends = shown.flatMap(({ weights }) =>
    weights.flatMap(({ weight, error }) => [weight - sides * error, weight + sides * error]),
  );
  const [lowest, highest] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const air = 0.04 * (highest - lowest);
  const all = rows.flatMap(({ weights }) => weights);
  const clear = all.filter(({ weight, error }) => Math.abs(weight) > sides * error).length;
  const most = Math.max(...shown.map(({ weights }) => weights.length));
  const panels = shown.map(({ unit, weights }, k) => {
    const stride = Math.max(1, Math.ceil(weights.length / mostDrawn));
    const points = weights.flatMap(({ weight, error }, i) =>
      i % stride === 0 ? [{ rank: i + 1, weight, low: weight - sides * error, high: weight + sides * error }] : [],
    );
    const clearOfZero = points.filter(({ low, high }) => low > 0 || high < 0);
    const others = points.filter(({ low, high }) => low <= 0 && high >= 0);
    const name = shortened(unitNames[unit] ?? `unit ${unit}`, 24);
    const thin = points.length > 60 ? 0.8 : 1.2;
    return draw(`Weights of ${name} with 95% intervals, sorted.`, {
      width: k === 0 ? 250 : 232,
      height: 230,
      marginLeft: k === 0 ? 52 : 34,
      marginRight: 6,
      marginTop: 22,
      marginBottom: 42,
      x: { domain: [0, weights.length + 1] },
      y: { domain: [lowest - air, highest + air] },
      marks: [
        Plot.ruleY([0], { stroke: '#333' }),
        Plot.ruleX(others, { x: 'rank', y1: 'low', y2: 'high', stroke: grey, strokeWidth: thin }),
        Plot.ruleX(clearOfZero, { x: 'rank', y1: 'low', y2: 'high', stroke: blue, strokeWidth: thin }),
        Plot.dot(others, { x: 'rank', y: 'weight', r: 1.4, fill: grey }),
        Plot.dot(clearOfZero, { x: 'rank', y: 'weight', r: 1.4, fill: blue }),
        Plot.text([{ rank: 0, at: highest + air, name }], {
          x: 'rank',
          y: 'at',
          text: 'name',
          textAnchor: 'start',
          dy: -12,
          fontWeight: 'bold',
        }),
        Plot.axisX(wholeTicks(1, weights.length, 4), {
          label: 'weight, from low to high',
          ...centred,
          tickFormat: linearTick,
        }),
        Plot.axisY({ label: k === 0 ? 'weight' : null, ...centred, ticks: 5, tickFormat: linearTick }),
      ],
    });
  });
  return {
    title: 'Weights with 95% intervals',
    picture: html`<p class="legend">${[key('clear', 'interval without zero'), key('unclear', 'interval with zero')]}</p>
      <div class="row">${panels}</div>`,
    caption: html`Incoming weights (W and Win, in scaled units) of the unit whose weights are known best, of the one in
    the middle, and of the one known worst, by the median standard error; bars are ±1.96 standard errors
    (${intervals.method})${most > mostDrawn ? '; not every weight is drawn' : ''}. The intervals of
    ${formatCount(clear)} of ${counted(all.length, 'weight')} (${formatPercent(clear / all.length)}) leave zero out; if
    all weights were zero, 5% would. The median standard error is ${formatNumber(intervals.medianStandardError)}, n =
    ${counted(rows.length, 'unit')}.`,
  };
};
