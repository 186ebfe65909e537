import * as Plot from '@observablehq/plot';
import { blue, grey, ink, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { html } from './escape.js';
import { columnWidth, type Figure, key } from './figure.js';
import { counted } from './numbers.js';
import { centred, linearTick } from './axis.js';
import { comparisons } from './comparisons.js';
import type { ReportData, Scores } from './report-data.js';

/** Scores below this are drawn at the edge: an unstable closed loop can be at minus thousands. */
const floor = -1;

/** Every score beside its baselines, on one axis. */
export const scoresFigure = (draw: Draw, scores: Scores, data: ReportData): Figure => {
  const rows = comparisons(scores, data.samplingInterval);
  const visible = (value: number): boolean => Number.isFinite(value);
  const clamp = (value: number): number => Math.max(floor, value);
  const values = rows.flatMap((row) => [row.model, ...row.baselines.map((baseline) => baseline.score)]);
  const all = values.flatMap((score) => [score.pooled, score.median]).filter(visible);
  const lowest = Math.max(floor, Math.min(0, ...all));
  const offScale = all.some((value) => value < floor);
  const models = rows.filter((row) => visible(row.model.pooled)).map((row) => ({ row: row.name, x: row.model.pooled }));
  const medians = rows
    .filter((row) => visible(row.model.median))
    .map((row) => ({ row: row.name, x: row.model.median }));
  const baselines = rows.flatMap((row) =>
    row.baselines.flatMap(({ score }) => (visible(score.pooled) ? [{ row: row.name, x: score.pooled }] : [])),
  );
  const beyond = [...models, ...medians, ...baselines].filter((point) => point.x < floor);
  return {
    title: 'Held-out scores and their baselines',
    picture: html`<p class="legend">
        ${[key('pooled', 'model, pooled over units'), key('median', 'model, median over units'), key('baseline', 'baseline, pooled')]}
      </p>
      ${draw(
        'Coefficients of determination of the model and of its baselines; the numbers are in the table of scores.',
        {
          width: columnWidth,
          height: 44 + 26 * rows.length,
          marginLeft: 196,
          insetLeft: 16,
          marginRight: 16,
          marginTop: 4,
          marginBottom: 40,
          x: { domain: [lowest, 1], nice: true },
          y: { domain: rows.map((row) => row.name), label: null, padding: 0.3 },
          marks: [
            Plot.gridX({ stroke: '#000', strokeOpacity: 0.1 }),
            Plot.ruleX([0], { stroke: grey }),
            Plot.tickX(baselines, {
              x: (d: { x: number }) => clamp(d.x),
              y: 'row',
              stroke: ink,
              strokeWidth: 2,
              insetTop: 0,
            }),
            Plot.dot(medians, {
              x: (d: { x: number }) => clamp(d.x),
              y: 'row',
              r: 5,
              stroke: vermillion,
              strokeWidth: 1.5,
            }),
            Plot.dot(models, { x: (d: { x: number }) => clamp(d.x), y: 'row', r: 4, fill: blue }),
            Plot.text(beyond, { x: () => floor, y: 'row', text: () => '◂', textAnchor: 'end', dx: -6 }),
            Plot.axisX({
              label: 'R² (1 = perfect, 0 = the training mean)',
              ...centred,
              tickFormat: linearTick,
            }),
            Plot.axisY({ label: null, tickSize: 0 }),
          ],
        },
      )}`,
    caption: html`R² = 1 − SSE / SST over held-out samples, SST about the training mean; n =
    ${counted(data.units, 'unit')}. Black bars are predictions that need no network. A model is useful only where its
    dots stand right of them.${offScale ? ' An arrow marks scores below −1.' : ''}`,
  };
};
