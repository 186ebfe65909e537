import { type Comparison, shortcomings } from './comparisons.js';
import { type Html, html } from './escape.js';
import { formatScore } from './numbers.js';
import type { Scores } from './report-data.js';
import { dataTable } from './table.js';
import { worstUnits } from './worst-units.js';

/** Scores beside baselines as numbers, and in words where a baseline is not beaten. */
export const scoreTable = (all: readonly Comparison[]): Html => {
  const failings = shortcomings(all);
  const compared = all.every(({ model, baselines }) =>
    [model, ...baselines.map(({ score }) => score)].every(({ pooled, median }) => Number.isFinite(pooled + median)),
  );
  return html`<p>
      R² = 1 − SSE / SST over held-out samples, pooled over units and as the median over units. One-step predictions
      profit from the leak, which carries most of the state to the next frame, so that persistence alone scores high
      there: the drive d = (r[t+1] − (1 − a) r[t]) / a and the closed loop say more about the weights.
    </p>
    ${dataTable(
      'Held-out scores and what trivial predictors get on the same samples',
      ['Prediction', 'By', 'R², pooled', 'R², median'],
      all.flatMap(({ name, model, baselines }) => [
        [name, html`<b>model</b>`, formatScore(model.pooled), formatScore(model.median)],
        ...baselines.map((baseline) => [
          html`<span class="quiet">${name}</span>`,
          baseline.name,
          formatScore(baseline.score.pooled),
          formatScore(baseline.score.median),
        ]),
      ]),
      ['R², pooled', 'R², median'],
    )}
    ${
      failings.length > 0
        ? html`<ul class="failings">
            ${failings.map((sentence) => html`<li>${sentence}</li>`)}
          </ul>`
        : html`<p>
            ${compared ? 'Every score is above its baselines.' : 'No score that could be computed is below its baseline.'}
          </p>`
    }`;
};

/** The units predicted worst, by name. */
export const worstTable = (scores: Scores, unitNames: readonly string[]): Html | null => {
  const worst = worstUnits(scores.byUnit.drive, 5);
  if (worst.length === 0) return null;
  return dataTable(
    'The units whose drive is predicted worst',
    ['Unit', 'R² of the drive', 'R² one step ahead'],
    worst.map((unit) => [
      html`<span class="name">${unitNames[unit] ?? String(unit)}</span>`,
      formatScore(scores.byUnit.drive[unit] ?? Number.NaN),
      formatScore(scores.byUnit.oneStep[unit] ?? Number.NaN),
    ]),
    ['R² of the drive', 'R² one step ahead'],
  );
};
