import { documentOf, section } from '../report/document.js';
import { drawingBoard } from '../report/drawing.js';
import { type Html, html } from '../report/escape.js';
import { type Figure, numberedFigures } from '../report/figure.js';
import { dataTable } from '../report/table.js';
import { standaloneSvg, studyFigure } from './figure-study.js';
import type { StudyResult } from './run-study.js';
import type { StudySummary } from './study-summary.js';
import {
  accuracyColumns,
  accuracyNote,
  accuracyRows,
  comparisonColumns,
  comparisonRows,
  studyHeader,
  timeColumns,
  timeNote,
  timeRows,
  wordColumns,
} from './study-table.js';

/** The pictures of a study, ready to be written. */
export interface StudyPictures {
  /** The figure of the paper; null where there is nothing to draw. */
  readonly accuracy: string | null;
  readonly error: string | null;
  /** The report: one HTML file. */
  readonly report: string;
}

/** A table of a study as one of the page. */
const shown = (caption: string, columns: readonly string[], rows: readonly (readonly string[])[]): Html =>
  dataTable(
    caption,
    columns,
    rows,
    columns.filter((name) => !wordColumns.includes(name)),
  );

/** Draws the figures of a study as files of their own and as a report with the tables. */
export const studyPictures = (result: StudyResult, summary: StudySummary): StudyPictures => {
  const board = drawingBoard();
  try {
    const accuracy = studyFigure(board.draw, result, 'correlation');
    const error = studyFigure(board.draw, result, 'relativeError');
    const { study, jobs, methods, size } = result;
    const [title = study.name, ...about] = studyHeader(result, summary);
    const against = study.sweep === null ? 'time' : study.sweep.name;
    const reading =
      'Line: the median over networks; band: between the quartiles; dot: the medians of the result and of its time. Seconds run from the recording in memory, judging the states left out.';
    const figures: readonly Figure[] = [
      ...(accuracy === null
        ? []
        : [
            {
              title: `Correlation with the true weights against ${against}`,
              picture: accuracy,
              caption: html`${reading} Diamonds: what the paper printed for its networks and its machine.`,
            },
          ]),
      ...(error === null
        ? []
        : [
            {
              title: `Relative error of the weights against ${against}`,
              picture: error,
              caption: html`${reading} RMSE / sd(W); 1 is as bad as no weights at all.`,
            },
          ]),
    ];
    const numbered = numberedFigures();
    const missing = methods.length * size.networks - jobs.length;
    const report = documentOf(
      title,
      html`<header>
          <h1>${title}</h1>
          ${about.map((line) => html`<p class="by">${line}</p>`)}
          <p>${study.paper}</p>
          ${missing === 0 ? null : html`<p class="verdict">Not complete: ${String(missing)} results are missing.</p>`}
        </header>
        <main>
          ${section('figures', `${study.figure} of the paper`, figures.map(numbered))}
          ${section('accuracy', 'Accuracy', [
            shown('Medians over networks', accuracyColumns, accuracyRows(summary)),
            html`<p>${accuracyNote}</p>`,
          ])}
          ${section('time', 'Time', [
            shown('Medians over networks', timeColumns, timeRows(summary)),
            html`<p>${timeNote}</p>`,
          ])}
          ${section(
            'paper',
            'Beside the paper',
            shown("Ours at the paper's budgets", comparisonColumns, comparisonRows(summary)),
          )}
          ${
            study.notes.length === 0
              ? null
              : section(
                  'notes',
                  'Notes',
                  html`<ul>
                    ${study.notes.map((note) => html`<li>${note}</li>`)}
                  </ul>`,
                )
          }
        </main>
        <footer>Written by drnn. This file holds all that it shows; it fetches nothing and runs no script.</footer>`,
    );
    return {
      accuracy: accuracy === null ? null : standaloneSvg(accuracy),
      error: error === null ? null : standaloneSvg(error),
      report,
    };
  } finally {
    board.close();
  }
};
