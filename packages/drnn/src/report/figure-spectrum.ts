import * as Plot from '@observablehq/plot';
import { blue, grey, ink, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { html } from './escape.js';
import { type Figure, key } from './figure.js';
import { counted, formatCount, formatNumber, formatSetting } from './numbers.js';
import { centred, linearTick } from './axis.js';
import type { ReportData } from './report-data.js';
import { symmetricHistogram, weightStatistics } from './weight-statistics.js';

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Eigenvalues of W in the complex plane with the stability border of the origin, and the distribution of weights. */
export const spectrumFigure = (draw: Draw, data: ReportData): Figure | null => {
  const { re, im } = data.spectrum;
  const eigenvalues = Array.from(re, (x, index) => ({ x, y: im[index] ?? Number.NaN })).filter(
    ({ x, y }) => Number.isFinite(x) && Number.isFinite(y),
  );
  const statistics = weightStatistics(data.W);
  if (eigenvalues.length === 0 && statistics.count === 0) return null;
  // Girko's circular law, for the weights that may differ from zero.
  const radius = statistics.deviation * Math.sqrt(statistics.count / data.units);
  const random = statistics.count > 8 && radius > 0;
  const uniform = data.alpha.lowest === data.alpha.highest && data.alpha.lowest > 0;
  const largest = Math.max(0, ...eigenvalues.map(({ x, y }) => Math.hypot(x, y)));
  const comparable = random && radius < 2 * largest ? radius : 0;
  const window = square([...eigenvalues, { x: 1, y: 0 }, { x: -comparable, y: 0 }, { x: comparable, y: comparable }]);
  const inWindow = clipTo(window);
  const unstable = eigenvalues.filter(({ x, y }) =>
    uniform ? Math.hypot(1 - data.alpha.lowest + data.alpha.lowest * x, data.alpha.lowest * y) > 1 : x > 1,
  ).length;

  const plane = draw(
    'Eigenvalues of the recurrent weights in the complex plane, with the stability border of the origin.',
    {
      width: 390,
      height: 390,
      marginLeft: 50,
      marginRight: 8,
      marginTop: 8,
      marginBottom: 48,
      x: { domain: window.x },
      y: { domain: window.y },
      marks: [
        Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
        Plot.ruleX([0], { stroke: '#000', strokeOpacity: 0.15 }),
        Plot.ruleY([0], { stroke: '#000', strokeOpacity: 0.15 }),
        Plot.line(random ? inWindow(circle(0, radius, window.y[1])) : [], {
          x: 'x',
          y: 'y',
          stroke: grey,
          strokeDasharray: '2,3',
        }),
        Plot.line(uniform ? inWindow(circle(1 - 1 / data.alpha.lowest, 1 / data.alpha.lowest, window.y[1])) : [], {
          x: 'x',
          y: 'y',
          stroke: vermillion,
          strokeDasharray: '5,3',
        }),
        Plot.ruleX([1], { stroke: vermillion, strokeWidth: 1.2 }),
        Plot.dot(eigenvalues, {
          x: 'x',
          y: 'y',
          r: eigenvalues.length > 300 ? 1.6 : 2.4,
          fill: blue,
          fillOpacity: 0.75,
        }),
        Plot.axisX({ label: 'real part', ...centred, ticks: 6, tickFormat: linearTick }),
        Plot.axisY({
          label: 'imaginary part',
          ...centred,
          ticks: 6,
          tickFormat: linearTick,
        }),
      ],
    },
  );

  const limit = statistics.largest * 1.0001;
  const bins = symmetricHistogram(data.W.data, limit, Math.min(61, 2 * Math.ceil(statistics.count ** (1 / 3)) + 5));
  const binWidth = (2 * limit) / bins.length;
  const gaussian = Array.from({ length: 121 }, (_, index) => {
    const x = limit * ((2 * index) / 120 - 1);
    const density =
      Math.exp(-0.5 * ((x - statistics.mean) / statistics.deviation) ** 2) /
      (statistics.deviation * Math.sqrt(2 * Math.PI));
    return { x, y: statistics.count * binWidth * density };
  });
  const distribution =
    statistics.count === 0
      ? null
      : draw('Histogram of the recurrent weights that are not exactly zero.', {
          width: 318,
          height: 390,
          marginLeft: 66,
          marginRight: 8,
          marginTop: 8,
          marginBottom: 48,
          x: { domain: [-limit, limit] },
          y: { nice: true },
          insetTop: 6,
          marks: [
            Plot.rectY(bins, { x1: 'from', x2: 'to', y: 'count', fill: blue, fillOpacity: 0.55, inset: 0.3 }),
            Plot.line(random ? gaussian : [], {
              x: 'x',
              y: 'y',
              stroke: ink,
              strokeDasharray: '4,3',
            }),
            Plot.ruleY([0], { stroke: ink }),
            Plot.axisX({
              label: 'weight',
              ...centred,
              ticks: 5,
              tickFormat: linearTick,
            }),
            Plot.axisY({
              label: 'number of weights',
              ...centred,
              ticks: 5,
              tickFormat: linearTick,
            }),
          ],
        });

  const histogram =
    distribution === null
      ? ''
      : `The ${counted(statistics.count, 'weight')} not exactly zero, mean ${formatNumber(statistics.mean)}, standard deviation ${formatNumber(statistics.deviation)}${random ? '; the dashed curve is a normal distribution with these two' : ''}; no unit, n = ${formatCount(statistics.count)} weights of ${counted(data.units, 'unit')}.`;
  if (eigenvalues.length === 0) {
    return {
      title: 'Distribution of the recurrent weights',
      picture: html`<p class="legend">${random ? key('gaussian', 'normal') : null}</p>
        <div class="row">${distribution}</div>`,
      caption: html`${histogram} The eigenvalues were not computed.`,
    };
  }
  const rate = formatSetting(data.alpha.lowest);
  const border = uniform
    ? html`The dashed red curve, |1 − a + aλ| = 1 with a = ${rate}, is the exact border for steps of one frame; the
      solid line Re λ = 1 is its limit for a small a. ${counted(unstable, 'eigenvalue')} of
      ${formatCount(eigenvalues.length)} ${unstable === 1 ? 'lies' : 'lie'} beyond the dashed curve`
    : html`Units have different leaks, so the line Re λ = 1 is the border for real eigenvalues only, and a guide for the
      others. ${counted(unstable, 'eigenvalue')} of ${formatCount(eigenvalues.length)}
      ${unstable === 1 ? 'lies' : 'lie'} right of it`;
  const randomMatrix = random
    ? ` The grey circle has radius √(n / N) × sd = ${formatNumber(radius)} (n weights, N units): there the spectrum of independent random weights of the same spread would end, so that eigenvalues far outside it point to structure.`
    : '';
  return {
    title: 'Eigenvalues and distribution of the recurrent weights',
    picture: html`<p class="legend">
        ${[key('pooled', 'eigenvalue'), key('border', 'Re λ = 1'), ...(uniform ? [key('exact-border', 'border at this a')] : []), ...(random ? [key('restart', 'random matrix'), key('gaussian', 'normal')] : [])]}
      </p>
      <div class="row">${plane}${distribution}</div>`,
    caption: html`Left: eigenvalues λ of W, n = ${formatCount(eigenvalues.length)}, no unit; the spectral radius is
    ${formatNumber(largest)}. Without bias and input, and with a transfer function of slope 1 at zero, activity near the
    origin grows along eigenvectors beyond the border and decays along the others.
    ${border}.${randomMatrix}${histogram === '' ? '' : ` Right: t${histogram.slice(1)}`}`,
  };
};

interface Window {
  readonly x: [number, number];
  readonly y: [number, number];
}

/** The square window, symmetric about the real axis, that holds all `points` with a little room. */
const square = (points: readonly Point[]): Window => {
  const low = Math.min(...points.map((point) => point.x));
  const high = Math.max(...points.map((point) => point.x));
  const half = 1.08 * Math.max((high - low) / 2, ...points.map((point) => Math.abs(point.y)), 0.1);
  const middle = (low + high) / 2;
  return { x: [middle - half, middle + half], y: [-half, half] };
};

/** Points outside the window become gaps in their line. */
const clipTo =
  ({ x, y }: Window) =>
  (points: readonly Point[]): readonly Point[] =>
    points.map((point) =>
      point.x >= x[0] && point.x <= x[1] && point.y >= y[0] && point.y <= y[1]
        ? point
        : { x: Number.NaN, y: Number.NaN },
    );

/** The circle about (centre, 0), finely drawn where |y| <= height, which matters when it is far larger than the window. */
const circle = (centre: number, radius: number, height: number): readonly Point[] => {
  if (!Number.isFinite(radius) || !Number.isFinite(centre)) return [];
  const steep = Math.asin(Math.min(1, height / radius));
  const angles = Array.from({ length: 161 }, (_, index) => steep * (index / 80 - 1));
  const at = (angle: number): Point => ({ x: centre + radius * Math.cos(angle), y: radius * Math.sin(angle) });
  return [
    ...angles.map(at),
    ...(steep < Math.PI / 2 ? [{ x: Number.NaN, y: Number.NaN }] : []),
    ...angles.map((angle) => at(Math.PI + angle)),
  ];
};
