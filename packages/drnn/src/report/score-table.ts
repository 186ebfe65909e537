import { type Comparison, shortcomings } from './comparisons.js';
import { type Html, html, type Part } from './escape.js';
import { formatScore } from './numbers.js';
import type { Score, Scores } from './report-data.js';
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
    <table>
      <caption>
        Held-out scores and what trivial predictors get on the same samples
      </caption>
      <thead>
        <tr>
          <th scope="col">Prediction</th>
          <th scope="col">By</th>
          <th scope="col" class="number">R², pooled</th>
          <th scope="col" class="number">R², median</th>
        </tr>
      </thead>
      ${all.map(
        ({ name, model, baselines }) =>
          html`<tbody>
            <tr>
              <th scope="rowgroup" rowspan="${String(1 + baselines.length)}">${name}</th>
              ${scoreCells(html`<b>model</b>`, model)}
            </tr>
            ${baselines.map(
              (baseline) =>
                html`<tr class="quiet">
                  ${scoreCells(baseline.name, baseline.score)}
                </tr>`,
            )}
          </tbody>`,
      )}
    </table>
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

const scoreCells = (by: Part, { pooled, median }: Score): Html =>
  html`<td>${by}</td>
    <td class="number">${formatScore(pooled)}</td>
    <td class="number">${formatScore(median)}</td>`;

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
