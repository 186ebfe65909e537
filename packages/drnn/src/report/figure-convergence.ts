import * as Plot from '@observablehq/plot';
import { blue, grey } from './colours.js';
import type { Draw } from './drawing.js';
import { html } from './escape.js';
import { type Figure } from './figure.js';
import { counted, formatNumber, formatSetting } from './numbers.js';
import { centred, linearTick, powerTick, powerTicks, wholeTicks } from './axis.js';
import type { ReportData } from './report-data.js';

const mostPoints = 600;

interface Point {
  readonly step: number;
  readonly value: number;
}

/** Residual, and objective above its lowest value, against the step, on logarithmic axes. */
export const convergenceFigure = (draw: Draw, data: ReportData, tolerance: number | null): Figure | null => {
  const every = Math.ceil(data.trace.length / mostPoints);
  const trace = data.trace.filter((_, index) => index % every === 0 || index === data.trace.length - 1);
  const positive = (points: readonly Point[]): readonly Point[] =>
    points.filter(({ step, value }) => Number.isFinite(step) && Number.isFinite(value) && value > 0);
  const residuals = positive(trace.map(({ step, residual }) => ({ step, value: residual })));
  const objectives = trace.map(({ objective }) => objective).filter((value) => Number.isFinite(value));
  const lowest = Math.min(...objectives);
  const excess = positive(trace.map(({ step, objective }) => ({ step, value: objective - lowest })));
  if (residuals.length === 0 && excess.length === 0) return null;
  const last = Math.max(...trace.map(({ step }) => step).filter((step) => Number.isFinite(step)), 1);

  const panel = (label: string, name: string, points: readonly Point[], rule: number | null) => {
    if (points.length === 0) return null;
    const values = [...points.map(({ value }) => value), ...(rule === null ? [] : [rule])];
    const low = Math.floor(Math.log10(Math.min(...values)));
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
    const ticks = powerTicks(low, high);
    return draw(label, {
      width: 350,
      height: 240,
      marginLeft: 62,
      marginRight: 10,
      marginTop: 8,
      marginBottom: 42,
      x: { domain: [0, last] },
      y: { type: 'log', domain: [10 ** low, 10 ** high] },
      marks: [
        Plot.gridY(ticks, { stroke: '#000', strokeOpacity: 0.1 }),
        Plot.ruleY(rule === null ? [] : [rule], { stroke: grey, strokeDasharray: '4,3' }),
        Plot.line(points, { x: 'step', y: 'value', stroke: blue, strokeWidth: 1.5 }),
        Plot.dot(points.length <= 80 ? points : [], { x: 'step', y: 'value', r: 2.2, fill: blue }),
        Plot.axisX(wholeTicks(0, last, 6), { label: 'step', ...centred, tickFormat: linearTick }),
        Plot.axisY(ticks, { label: name, ...centred, tickFormat: powerTick }),
      ],
    });
  };
  const ruled = tolerance === null ? '' : `; dashed: the tolerance, ${formatSetting(tolerance)}`;
  if (data.calibrated !== null) {
    const rounds = data.calibrated.rounds.length;
    return {
      title: 'Convergence',
      picture: html`${panel('Residual against the step, logarithmic.', 'residual', residuals, tolerance)}`,
      caption: html`Up to the last ${rounds === 1 ? 'point' : `${counted(rounds, 'point')}`}, steps of the pilot: the
      largest gradient over units relative to that at zero weights (no unit). Then the ${counted(rounds, 'round')}: what
      the worst unit has left of g′H⁻¹g, over the number of
      predictors${tolerance === null ? '' : `; dashed: ${formatSetting(tolerance)}, a tenth of a standard error, asked of the last round`}.
      Each round has a problem of its own, so that it may begin higher than the last one ended. n =
      ${counted(data.trace.length, 'recorded step')} of one fit of ${counted(data.units, 'unit')}.`,
    };
  }
  return {
    title: 'Convergence',
    picture: html`<div class="row">
      ${panel('Residual against the step, logarithmic.', 'residual', residuals, tolerance)}
      ${panel('Objective above its lowest value against the step, logarithmic.', 'objective − lowest', excess, null)}
    </div>`,
    caption: html`Left: the largest gradient over units relative to that at zero weights (no unit)${ruled}. Right: the
    objective above its lowest value, ${formatNumber(lowest, 6)} in the objective’s own unit. n =
    ${counted(data.trace.length, 'recorded step')} of one fit of ${counted(data.units, 'unit')}.`,
  };
};
