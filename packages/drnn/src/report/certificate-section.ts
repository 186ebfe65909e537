import { type Html, html } from './escape.js';
import type { ReportData } from './report-data.js';

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

/** What was proven about the objective, in words, with the lines of the proof. */
export const certificateSection = (data: ReportData): Html =>
  html`<p>${meanings[data.certificate.verdict] ?? `Verdict: ${data.certificate.verdict}.`}</p>
    <p>
      This is a statement about the optimisation, and not about biology: ${reached(data.status)} It does not say that
      the recorded circuit is such a network.
    </p>
    ${
      data.certificate.lines.length === 0
        ? null
        : html`<p>Verdict: <b>${data.certificate.verdict}</b>. The proof, line by line:</p>
            <ol class="proof">
              ${data.certificate.lines.map((line) => html`<li>${line.replace(/\bInfinity\b/g, '∞')}</li>`)}
            </ol>`
    }`;
