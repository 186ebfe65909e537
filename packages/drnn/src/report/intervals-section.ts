import type { WeightIntervals } from '../weight-intervals.js';
import type { Draw } from './drawing.js';
import { type Html, html, type Part } from './escape.js';
import { innovationsFigure } from './figure-innovations.js';
import { intervalsFigure } from './figure-intervals.js';
import type { Figure } from './figure.js';
import { counted, formatNumber } from './numbers.js';
import type { ReportData } from './report-data.js';

/** The intervals of the weights, whether to trust them, and what that judgement rests on. */
export const intervalsSection = (
  draw: Draw,
  data: ReportData,
  intervals: WeightIntervals,
  show: (figure: Figure | null) => Html | null,
): Part => {
  const { calibration, undetermined, check } = intervals;
  const { trustworthy, reasons, residuals } = calibration;
  return [
    trustworthy
      ? html`<p>
          Held-out residuals are what the intervals take for granted: independent and normal, of the size that noise
          levels and posterior say. Nothing seen here speaks against reading them as 95% intervals. A bias that noise on
          the record or a wrong alpha puts into all weights does not show in them.
        </p>`
      : html`<p><strong>Do not read these as 95% intervals:</strong></p>
          <ul class="failings">
            ${reasons.map((reason) => html`<li>${reason}</li>`)}
          </ul>`,
    undetermined.length === 0
      ? null
      : html`<p>
          Neither data nor prior determine some weight of ${counted(undetermined.length, 'unit')}: its error is
          infinite.
        </p>`,
    check === null
      ? null
      : html`<p>
          The standard errors come from one basis shared by all units, corrected by the exact ones of
          ${counted(check.units.length, 'unit')}, of which 95% lie between ${formatNumber(check.spread[0])} and
          ${formatNumber(check.spread[1])} times these.
        </p>`,
    show(intervalsFigure(draw, data)) ?? html`<p>No weight has a finite standard error: there is nothing to draw.</p>`,
    residuals === null ? null : show(innovationsFigure(draw, residuals)),
  ];
};
