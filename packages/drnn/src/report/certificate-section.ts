import { type Html, html } from './escape.js';
import { formatNumber } from './numbers.js';
import { standardErrors } from '../reached.js';
import type { Calibrated, ReportData } from './report-data.js';

const meanings: Readonly<Record<string, string>> = {
  convex:
    'The objective was proven convex: for each unit, for all data and weights of its domain and all currents, its slope never decreases. A minimum is therefore the global minimum; no other start or solver can find a better one.',
  'not-convex':
    'The objective was shown not to be convex, by the example below. The weights may be one of several local solutions, and another start may give others.',
  undecided: 'It was not decided whether the objective is convex. The weights may be one of several local solutions.',
};

const reached = (status: string): string =>
  status === 'converged'
    ? 'with the residual and error bound above, the best network of this kind under this objective was found.'
    : 'it is about the best network of this kind under this objective, and the fit stopped before it reached that network within the tolerance.';

const ofObjective = (data: ReportData): Html =>
  html`<p>${meanings[data.certificate.verdict] ?? `Verdict: ${data.certificate.verdict}.`}</p>
    <p>
      This is a statement about the optimisation, and not about biology: ${reached(data.status)} It does not say that
      the recorded circuit is such a network.
    </p>`;

const ofCalibrated = (data: ReportData, { winner }: Calibrated): Html =>
  winner === 'rounds'
    ? html`<p>
          Each round is a convex problem: its weights w ≥ 0 are frozen at the estimate before it, so that for each unit
          the slope w (φ(z) − d) never decreases in z, and the ridge makes W and Win unique. The sequence of rounds is a
          reweighting scheme and no single convex problem: no proof says that it ends in the same place from every
          start.
        </p>
        <p>
          The residual, ${formatNumber(data.residual)}, is what the worst unit has left of g′H⁻¹g over the number of
          predictors, in the last round: its weights lie about ${standardErrors(data.residual)} standard errors from the
          minimum of that round. It says how well the last round was solved, and not how near the weights are to those
          of the circuit.
        </p>
        <p>
          The pilot from which the rounds start has an objective of its own:
          ${data.certificate.verdict === 'convex' ? 'it was proven convex, for all data and weights of its domain and all currents.' : (meanings[data.certificate.verdict] ?? `verdict ${data.certificate.verdict}.`)}
        </p>`
    : html`<p>
          A plain ridge is one convex problem a unit: its slope never decreases, and the ridge makes W and Win unique.
          Which ridge it is was chosen by what it explains of data held out, which is not a convex problem.
        </p>
        <p>
          This is a statement about the optimisation, and not about biology. The proof below is that of the pilot’s
          objective, from which the rounds that were compared with the ridge started.
        </p>`;

/** What was proven about the objective, in words, with the lines of the proof. */
export const certificateSection = (data: ReportData): Html =>
  html`${data.calibrated === null ? ofObjective(data) : ofCalibrated(data, data.calibrated)}
  ${
    data.certificate.lines.length === 0
      ? null
      : html`<p>
            Verdict: <b>${data.certificate.verdict}</b>.
            ${data.calibrated === null ? 'The proof' : 'The proof for the pilot'}, line by line:
          </p>
          <ol class="proof">
            ${data.certificate.lines.map((line) => html`<li>${line.replace(/\bInfinity\b/g, '∞')}</li>`)}
          </ol>`
  }`;
