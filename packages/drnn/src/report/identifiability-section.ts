import { type Html, html } from './escape.js';
import { counted, formatCount, formatNumber, formatPercent, notAvailable } from './numbers.js';
import type { ReportData } from './report-data.js';
import { dataTable } from './table.js';

const mostWeak = 15;

/** Which weights the data leave open, in plain words. */
export const identifiabilitySection = ({ identifiability, samples }: ReportData): Html => {
  const { condition, effectiveDirections, predictors, weak } = identifiability;
  const open = predictors - effectiveDirections;
  const digits = Math.log10(condition);
  return html`<p>
      Each unit’s weights are found from how the ${counted(predictors, 'predictor')} (units, inputs, bias) varied over
      ${counted(samples, 'transition')}. Where two predictors always moved together, no fit can tell their weights
      apart: only the ridge chooses among all networks that predict equally well.
    </p>
    <ul>
      <li>
        Condition of X′X (largest over smallest eigenvalue): ${formatNumber(condition)}.
        ${
          Number.isFinite(digits)
            ? `The most and the least varied direction of the recorded activity differ by a factor of ${formatNumber(Math.sqrt(condition), 2)} in amplitude; weights along the least varied one are that much more sensitive to noise.`
            : 'It is not finite, or was not computed: some direction of activity may not have varied at all, and weights along it are set by the ridge alone.'
        }
      </li>
      <li>
        Directions that the data rather than the ridge determine: ${formatNumber(effectiveDirections, 4)} of
        ${formatCount(predictors)}${Number.isFinite(effectiveDirections) ? `, which leaves ${formatNumber(Math.max(0, open), 3)} to the ridge` : ''}.
      </li>
      <li>
        ${
          weak.length === 0
            ? 'No predictor is more than half determined by the ridge.'
            : `${counted(weak.length, 'predictor')} ${weak.length === 1 ? 'is' : 'are'} more than half determined by the ridge; read the weights from ${weak.length === 1 ? 'it' : 'them'} as unknown rather than as small.`
        }
      </li>
    </ul>
    ${
      weak.length === 0
        ? null
        : dataTable(
            weak.length > mostWeak
              ? `The ${mostWeak} predictors least determined by the data`
              : 'Predictors not determined by the data',
            ['Predictor', 'Determined by the ridge'],
            weak
              .slice(0, mostWeak)
              .map(({ name, fraction }) => [
                html`<span class="name">${name}</span>`,
                Number.isFinite(fraction) ? formatPercent(fraction) : notAvailable,
              ]),
            ['Determined by the ridge'],
          )
    }
    <p>
      Units that were not recorded act through those that were: a weight is an effective influence given the recorded
      units, not an anatomical synapse.
    </p>`;
};
