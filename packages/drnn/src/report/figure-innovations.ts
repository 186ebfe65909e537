import { type CalibrationCheck, innovationBins } from '@drnn/estimators';
import * as Plot from '@observablehq/plot';
import { centred, linearTick, powerTick, powerTicks } from './axis.js';
import { blue, grey, ink } from './colours.js';
import type { Draw } from './drawing.js';
import { html } from './escape.js';
import { columnWidth, type Figure, key } from './figure.js';
import { counted, formatNumber, formatPercent } from './numbers.js';

const { from, width, count: binCount } = innovationBins;
const to = from + binCount * width;

/** What bins of a standard normal law would hold, at their middles. */
const gaussian = (samples: number): readonly { readonly e: number; readonly count: number }[] =>
  Array.from({ length: 161 }, (_, i) => {
    const e = from + (i * (to - from)) / 160;
    return { e, count: (samples * width * Math.exp((-e * e) / 2)) / Math.sqrt(2 * Math.PI) };
  });

/**
 * Standardised residuals of held-out samples as a histogram with logarithmic counts, where tails show, against the normal
 * law that the intervals assume; and their autocorrelation. Null where there are none.
 */
export const innovationsFigure = (draw: Draw, check: CalibrationCheck): Figure | null => {
  const { samples, histogram, autocorrelation, spread, deviation, excessKurtosis, beyond } = check;
  if (!(samples > 0)) return null;
  const bins = Array.from(histogram, (count, k) => ({
    from: from + k * width,
    to: from + (k + 1) * width,
    count,
  })).filter(({ count }) => count > 0);
  const high = Math.ceil(Math.log10(Math.max(...bins.map(({ count }) => count), (samples * width) / 2.5)));
  const ticks = powerTicks(0, high);
  const expected = gaussian(samples).filter(({ count }) => count >= 0.5);
  const [below, above] = [histogram[0] ?? 0, histogram[binCount - 1] ?? 0];
  const laws = draw('Histogram of standardised held-out residuals against the normal law, counts logarithmic.', {
    width: columnWidth - 290,
    height: 250,
    marginLeft: 58,
    marginRight: 10,
    marginTop: 10,
    marginBottom: 42,
    x: { domain: [from, to] },
    y: { type: 'log', domain: [0.5, 10 ** high] },
    marks: [
      Plot.gridY(ticks, { stroke: '#000', strokeOpacity: 0.1 }),
      Plot.rect(bins, { x1: 'from', x2: 'to', y1: () => 0.5, y2: 'count', fill: blue, fillOpacity: 0.55, inset: 0.3 }),
      Plot.line(expected, { x: 'e', y: 'count', stroke: ink, strokeDasharray: '4,3' }),
      Plot.axisX({ label: 'standardised residual', ...centred, ticks: 8, tickFormat: linearTick }),
      Plot.axisY(ticks, { label: 'number of residuals', ...centred, tickFormat: powerTick }),
    ],
  });
  const lags = Array.from(autocorrelation, (rho, k) => ({ lag: k + 1, rho }));
  const extreme = Math.max(0.12, ...lags.map(({ rho }) => Math.abs(rho))) * 1.1;
  const memory = draw('Autocorrelation of the standardised residuals by lag.', {
    width: 280,
    height: 250,
    marginLeft: 62,
    marginRight: 8,
    marginTop: 10,
    marginBottom: 42,
    x: { domain: [0, lags.length + 1] },
    y: { domain: [-extreme, extreme] },
    marks: [
      Plot.ruleY([-0.1, 0.1], { stroke: grey, strokeDasharray: '4,3' }),
      Plot.ruleY([0], { stroke: ink }),
      Plot.ruleX(lags, { x: 'lag', y1: 0, y2: 'rho', stroke: blue, strokeWidth: 3 }),
      Plot.axisX({ label: 'lag (frames)', ...centred, ticks: 5, tickFormat: linearTick }),
      Plot.axisY({ label: 'autocorrelation', ...centred, ticks: 5, tickFormat: linearTick }),
    ],
  });
  return {
    title: 'Held-out residuals against what the intervals assume',
    picture: html`<p class="legend">
        ${[key('bar', 'residuals'), key('gaussian', 'normal law'), key('level', 'correlation that is tolerated')]}
      </p>
      <div class="row">${[laws, memory]}</div>`,
    caption: html`Left: errors of prediction on rows that were not fitted, each over the standard deviation that noise
    levels and the posterior of the weights give it (no unit), counts logarithmic; under the model they follow the
    dashed normal
    law.${below + above === 0 ? '' : ` The outermost bars hold what lies beyond ±7.75: ${counted(below + above, 'residual')}.`}
    Their spread (from the median size) is ${formatNumber(spread)}, their standard deviation ${formatNumber(deviation)},
    both 1 under the model; their excess kurtosis is ${formatNumber(excessKurtosis)} (0); ${formatPercent(beyond.two)}
    lie beyond 2 spreads (4.6%) and ${formatPercent(beyond.four)} beyond 4 (0.006%). Right: correlation with the same
    unit’s residual some frames before, drawn in to ±4. n = ${counted(samples, 'residual')} of up to 20 units.`,
  };
};
