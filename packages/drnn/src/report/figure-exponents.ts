import type { Lyapunov } from '@drnn/attractors';
import * as Plot from '@observablehq/plot';
import { centred, linearTick, wholeTicks } from './axis.js';
import { blue, grey, ink, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { type Html, html } from './escape.js';
import { type Figure, key } from './figure.js';
import { counted, formatCount, formatNumber } from './numbers.js';

interface Exponent {
  readonly index: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The exponents that are numbers, from the first, those of superstable directions left out. */
const finite = (exponents: Float64Array, errors: Float64Array): readonly Exponent[] =>
  Array.from(exponents, (value, k) => {
    const error = Number.isFinite(errors[k]) ? 2 * errors[k]! : 0;
    return { index: k + 1, value, low: value - error, high: value + error };
  }).filter(({ value }) => Number.isFinite(value));

/** Lyapunov exponents by their index, and that over the number of units, of every start, and their sums, which cross 0 at the dimension. */
export const exponentsFigure = (draw: Draw, lyapunov: Lyapunov, units: number): Figure | null => {
  const spectrum = finite(lyapunov.exponents, lyapunov.errors);
  if (spectrum.length === 0) return null;
  const { dimension, length, entropyBits, runs, isConsistent } = lyapunov;
  const last = spectrum.at(-1)?.index ?? 1;
  let total = 0;
  const sums = spectrum.map(({ index, value }) => ({ index, value: (total += value) }));
  // Parts of N, at which networks of different sizes are alike.
  const parts = wholeTicks(0, (1e4 * (last + 1)) / units, 6).map((part) => (part * units) / 1e4);
  const crossing = dimension !== null && dimension > 0 ? [dimension] : [];

  const panel = (label: string, name: string, marks: readonly Plot.Markish[]): Html =>
    draw(label, {
      width: 350,
      height: 292,
      marginLeft: 66,
      marginRight: 10,
      marginTop: 40,
      marginBottom: 42,
      x: { domain: [0, last + 1] },
      y: { nice: true },
      marks: [
        Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
        Plot.ruleY([0], { stroke: vermillion, strokeDasharray: '5,3' }),
        ...marks,
        Plot.axisX(wholeTicks(0, last + 1, 6), { label: 'index', ...centred, tickFormat: linearTick }),
        Plot.axisX(parts, {
          anchor: 'top',
          label: `index / N, N = ${formatCount(units)}`,
          ...centred,
          tickFormat: (index: number) => linearTick(index / units),
        }),
        Plot.axisY({ label: name, ...centred, ticks: 6, tickFormat: linearTick }),
      ],
    });

  const others = runs.slice(1).flatMap((run) => finite(run.exponents, run.errors));
  const dimensionText = lyapunov.errors.includes(Infinity)
    ? html`The run was too short for errors, and for a dimension.`
    : dimension === null
      ? html`They do not sum to less than 0: of the dimension more exponents are needed.`
      : dimension === 0
        ? html`All are negative: the attractor is a point.`
        : html`The sum of the first ${formatNumber(dimension)} is 0: the dimension of the attractor by Kaplan and Yorke,
          ${formatNumber(dimension / units)} a unit.`;
  return {
    title: 'Lyapunov exponents',
    picture: html`<p class="legend">
        ${[
          key('stable', 'first start, ± two errors'),
          others.length === 0 ? null : key('median-blue', 'other starts'),
          key('exact-border', '0'),
          crossing.length === 0 ? null : key('clear', 'dimension'),
        ]}
      </p>
      <div class="row">
        ${panel('Lyapunov exponents against their index.', 'nats a step', [
          Plot.ruleX(crossing, { stroke: blue, strokeWidth: 1.5 }),
          Plot.dot(others, { x: 'index', y: 'value', r: 4, stroke: blue, strokeWidth: 0.9 }),
          Plot.link(spectrum, { x1: 'index', x2: 'index', y1: 'low', y2: 'high', stroke: grey, strokeWidth: 1.2 }),
          Plot.dot(spectrum, { x: 'index', y: 'value', r: 2, fill: ink }),
        ])}
        ${panel('Sums of the first Lyapunov exponents against their number.', 'sum, nats a step', [
          Plot.ruleX(crossing, { stroke: blue, strokeWidth: 1.5 }),
          Plot.line(sums, { x: 'index', y: 'value', stroke: ink }),
          Plot.dot(sums, { x: 'index', y: 'value', r: 2, fill: ink }),
        ])}
      </div>`,
    caption: html`Left: the mean rates at which small differences grow, or below 0 die away. Right: their sums, at which
    volumes of so many dimensions grow. ${dimensionText} The positive ones sum to ${formatNumber(entropyBits)} bits a
    step, no less than the entropy rate. n = ${counted(spectrum.length, 'exponent')} over ${formatCount(length)} steps,
    from
    ${counted(runs.length, 'start')}${isConsistent ? '' : ', which disagree: there are several attractors, or the runs are too short'}.`,
  };
};
