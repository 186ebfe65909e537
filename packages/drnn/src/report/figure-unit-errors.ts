import * as Plot from '@observablehq/plot';
import { blue, grey, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { html, shortened } from './escape.js';
import { columnWidth, type Figure, key } from './figure.js';
import { counted } from './numbers.js';
import { centred, linearTick, powerTick, powerTicks, wholeTicks } from './axis.js';
import type { Scores } from './report-data.js';
import { worstUnits } from './worst-units.js';

/** The fraction of each unit's held-out variance that is not predicted, 1 - R2, sorted by that of the drive. */
export const unitErrorsFigure = (draw: Draw, scores: Scores, unitNames: readonly string[]): Figure | null => {
  const { oneStep, drive } = scores.byUnit;
  const order = Array.from(drive.keys())
    .filter((unit) => Number.isFinite(drive[unit]))
    .sort((a, b) => drive[b]! - drive[a]! || a - b);
  if (order.length === 0) return null;
  const nameOf = (unit: number): string => shortened(unitNames[unit] ?? String(unit), 40);
  const points = (values: Float64Array): readonly { rank: number; error: number; name: string }[] =>
    order.flatMap((unit, index) => {
      const error = 1 - values[unit]!;
      return Number.isFinite(error) ? [{ rank: index + 1, error: Math.max(error, 1e-12), name: nameOf(unit) }] : [];
    });
  const [driveErrors, oneStepErrors] = [points(drive), points(oneStep)];
  const errors = [...driveErrors, ...oneStepErrors].map((point) => point.error);
  const low = Math.floor(Math.log10(Math.min(...errors, 0.5)));
  const high = Math.log10(Math.max(...errors, 1) * 1.15);
  const levels = powerTicks(low, Math.max(0, Math.floor(high)), 6);
  const worst = worstUnits(drive, 1);
  const labels = worst.map((unit) => ({
    rank: order.indexOf(unit) + 1,
    error: Math.max(1 - drive[unit]!, 1e-12),
    name: shortened(unitNames[unit] ?? String(unit), 24),
  }));
  const missing = drive.length - order.length;
  const radius = order.length > 300 ? 1.5 : order.length > 100 ? 2 : 3;
  return {
    title: 'Error by unit',
    picture: html`<p class="legend">
        ${[key('pooled', 'drive'), key('triangle', 'one step ahead'), key('level', 'no better than the mean')]}
      </p>
      ${draw('Fraction of held-out variance not predicted, for each unit, sorted by that of the drive.', {
        width: columnWidth,
        height: 240,
        marginLeft: 60,
        marginRight: 16,
        marginTop: 12,
        marginBottom: 40,
        x: { domain: [0.5, order.length + 0.5] },
        y: { type: 'log', domain: [10 ** low, 10 ** high] },
        marks: [
          Plot.gridY(levels, { stroke: '#000', strokeOpacity: 0.1 }),
          Plot.ruleY([1], { stroke: grey, strokeDasharray: '4,3' }),
          Plot.dot(oneStepErrors, {
            x: 'rank',
            y: 'error',
            r: radius,
            symbol: 'triangle',
            stroke: vermillion,
            title: 'name',
          }),
          Plot.dot(driveErrors, { x: 'rank', y: 'error', r: radius, fill: blue, title: 'name' }),
          Plot.text(labels, { x: 'rank', y: 'error', text: 'name', textAnchor: 'end', dx: -8, dy: -8 }),
          Plot.axisX(wholeTicks(1, order.length), {
            label: 'unit, from the best to the worst predicted',
            ...centred,
            tickFormat: linearTick,
          }),
          Plot.axisY(levels, { label: '1 − R²', ...centred, tickFormat: powerTick }),
        ],
      })}`,
    caption: html`Fraction of held-out variance that is not predicted (1 − R², no unit, logarithmic), n =
    ${counted(order.length, 'unit')}${missing > 0 ? `; ${counted(missing, 'unit')} did not vary and ${missing === 1 ? 'has' : 'have'} no score` : ''}.
    The worst by drive is named.`,
  };
};
