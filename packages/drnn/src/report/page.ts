import { certificateSection } from './certificate-section.js';
import { comparisons } from './comparisons.js';
import { documentOf, section } from './document.js';
import { type Draw, drawingBoard } from './drawing.js';
import { type Html, html, type Part } from './escape.js';
import { estimationSection } from './estimation-section.js';
import { alphaFigure } from './figure-alpha.js';
import { convergenceFigure } from './figure-convergence.js';
import { ridgeSection } from './figure-ridge.js';
import { scoresFigure } from './figure-scores.js';
import { spectrumFigure } from './figure-spectrum.js';
import { tracesFigure } from './figure-traces.js';
import { unitErrorsFigure } from './figure-unit-errors.js';
import { weightsFigure } from './figure-weights.js';
import { type Figure, numberedFigures } from './figure.js';
import { groupSection } from './group-section.js';
import { identifiabilitySection } from './identifiability-section.js';
import { intervalsSection } from './intervals-section.js';
import { citation, methodsParagraph } from './methods.js';
import { optionNumber } from './option.js';
import { overview } from './overview.js';
import type { ReportData } from './report-data.js';
import { scoreTable, worstTable } from './score-table.js';
import { repetitionSection, settingsSection } from './settings-section.js';

/**
 * The report of a fit as one HTML file: traces against predictions, scores with baselines, error by unit, weights and
 * eigenvalues, intervals and the search for alpha where there are any, convergence, the certificate, what cannot be identified, settings, how to repeat it, and a methods
 * paragraph. It holds no script, fetches nothing, and states so in its content security policy; every string of `data` is
 * escaped. Equal data give an equal file. Numbers that are not finite read "not available".
 *
 * Cost: one image of the weights and some 12 drawings; under 2 MB with 1,000 units.
 */
export const renderReport = (data: ReportData): string => {
  const board = drawingBoard();
  try {
    return documentOf(data.title, body(data, board.draw));
  } finally {
    board.close();
  }
};

const body = (data: ReportData, draw: Draw): Html => {
  const numbered = numberedFigures();
  const show = (figure: Figure | null): Html | null => (figure === null ? null : numbered(figure));
  return html`${overview(data)}
    <main>
      ${section('traces', 'Held-out activity and predictions', tracesPart(data, draw, show))}
      ${section('scores', 'Scores and baselines', scoresPart(data, draw, show))}
      ${section('weights', 'Weights and their eigenvalues', [
        show(weightsFigure(draw, data)) ?? html`<p>Every weight is exactly zero: there is nothing to draw.</p>`,
        show(spectrumFigure(draw, data)),
      ])}
      ${data.intervals === null ? null : section('intervals', 'How far the weights may be off', intervalsSection(draw, data, data.intervals, show))}
      ${data.groups === null ? null : section('groups', 'Weights by group', groupSection(draw, data, data.groups, show))}
      ${data.alphaProfile === null ? null : section('alpha', 'How alpha was found', show(alphaFigure(draw, data.alphaProfile)) ?? html`<p>No alpha could be scored.</p>`)}
      ${data.calibrated === null ? null : section('estimation', 'How the network was estimated', estimationSection(data.calibrated, data.inputs))}
      ${data.ridgePath === null ? null : section('ridge', 'How the ridge was chosen', ridgeSection(draw, data.ridgePath, show))}
      ${section('convergence', 'Convergence', convergencePart(data, draw, show))}
      ${section('certificate', 'What was proven', certificateSection(data))}
      ${section('identifiability', 'What cannot be identified', identifiabilitySection(data))}
      ${section('settings', 'Settings', settingsSection(data))}
      ${section('repeat', 'How to repeat it', repetitionSection(data))}
      ${section('methods', 'Methods paragraph', html`<blockquote><p>${methodsParagraph(data)}</p></blockquote>`)}
      ${section('citation', 'What to cite', citation(data.versions['drnn'], data.calibrated))}
    </main>
    <footer>Written by drnn. This file holds all that it shows; it fetches nothing and runs no script.</footer>`;
};

type Show = (figure: Figure | null) => Html | null;

/** Why there are no scores. */
const unscored = (data: ReportData): string =>
  data.trainSamples > 0 ? 'The fit ended before it was scored' : 'Nothing was held out';

const tracesPart = (data: ReportData, draw: Draw, show: Show): Part => {
  if (data.scores === null && data.traces === null) {
    return html`<p>${unscored(data)}, so that there are no predictions of unseen activity to show.</p>`;
  }
  const figure = data.traces === null ? null : tracesFigure(draw, data.traces, data.samplingInterval, data.units);
  return figure === null ? html`<p>No held-out stretch of frames was long enough to show.</p>` : show(figure);
};

const scoresPart = (data: ReportData, draw: Draw, show: Show): Part => {
  const { scores } = data;
  if (scores === null) {
    return html`<p>
      ${unscored(data)}, so that there are no scores. How well the network predicts is not known: a fit to its own
      training data says nothing about it.
    </p>`;
  }
  return [
    scoreTable(comparisons(scores, data.samplingInterval)),
    scores.closedLoop.length === 0
      ? html`<p>No held-out stretch was long enough to run the network in closed loop, so that it has no score.</p>`
      : null,
    show(scoresFigure(draw, scores, data)),
    show(unitErrorsFigure(draw, scores, data.unitNames)),
    worstTable(scores, data.unitNames),
  ];
};

const convergencePart = (data: ReportData, draw: Draw, show: Show): Part => {
  const figure = convergenceFigure(draw, data, toleranceOf(data));
  return figure === null ? html`<p>No step was recorded with a residual above zero.</p>` : show(figure);
};

/** What every unit of the last of the calibrated rounds is asked for is a tenth of a standard error; quick asks the median. */
const toleranceOf = ({ calibrated, options }: ReportData): number | null =>
  calibrated === null ? optionNumber(options, 'tolerance') : calibrated.effort === 'full' ? 0.01 : null;
