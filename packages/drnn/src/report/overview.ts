import { type Html, html } from './escape.js';
import { counted, formatCount, formatNumber, formatPercent, formatSeconds, formatSetting } from './numbers.js';
import { ridgeNames, standardErrors } from '../reached.js';
import type { Calibrated, ReportData } from './report-data.js';
import { describeStatus } from './status.js';
import { factsTable } from './table.js';

/** Title, verdict, warnings, and the numbers that one looks for first. */
export const overview = (data: ReportData): Html =>
  html`<header>
    <h1>${data.title}</h1>
    <p class="by">
      Report of a recurrent network fitted with
      drnn${data.created === '' ? '' : `, ${dateOf(data.created)}`}.${data.sources.length === 0 ? '' : html` Recording: <span class="name">${data.sources.map(({ name }) => name).join(', ')}</span>.`}
    </p>
    <p class="verdict">${data.verdict}</p>
    ${
      data.warnings.length === 0
        ? null
        : html`<div class="warnings" role="note" aria-label="Warnings">
            <strong>Read this first</strong>
            <ul>
              ${data.warnings.map((warning) => html`<li>${warning}</li>`)}
            </ul>
          </div>`
    }
    ${factsTable('Key numbers', [
      ['Units', formatCount(data.units)],
      ...(data.inputs > 0 ? [['Inputs', formatCount(data.inputs)] as const] : []),
      ['Transitions fitted', `${formatCount(data.samples)} in ${counted(data.trials, 'trial')}`],
      [
        'Transitions of the scored fit',
        data.trainSamples > 0 ? formatCount(data.trainSamples) : 'none: nothing was held out',
      ],
      ...(data.filling === null
        ? []
        : [
            [
              'Missing predictors filled by the model',
              `${formatPercent(data.filling.fraction)}, in ${counted(data.filling.rounds, 'round')}`,
            ] as const,
          ]),
      [
        'Noise on the record',
        data.observationNoise === null
          ? 'not estimated'
          : `about ${formatPercent(data.observationNoise.share)} of the variance; weights about ${formatNumber(data.observationNoise.slope, 2)} of their size`,
      ],
      ['Frame interval', data.samplingInterval === null ? 'not stated' : formatSeconds(data.samplingInterval, true)],
      ['Leak a = dt / τ per frame', leak(data)],
      ['Status', describeStatus(data.status, data.calibrated)],
      ...(data.calibrated === null
        ? ([
            ['Residual', formatNumber(data.residual)],
            ['Error bound of the weights (relative)', formatNumber(data.thetaErrorBound)],
            ['Objective', formatNumber(data.objective, 6)],
          ] as const)
        : estimatorFacts(data, data.calibrated)),
      ['Steps', formatCount(data.steps)],
      ['Time', `${formatSeconds(data.seconds)}, data in memory to final model`],
      ['Backend and precision', `${data.backend}, ${counted(data.threads, 'thread')}, ${data.precision}`],
      ['Scaling', scaling(data)],
    ])}
  </header>`;

const estimatorFacts = (data: ReportData, { winner, effort }: Calibrated): readonly (readonly [string, string])[] =>
  winner === 'rounds'
    ? [
        ['Estimator', `noise-calibrated rounds, ${effort}`],
        [
          'Left of the last round, worst unit',
          `${formatNumber(data.residual)} of g′H⁻¹g over predictors: ${standardErrors(data.residual)} standard errors`,
        ],
        ['Last Newton step, largest over units (relative)', formatNumber(data.thetaErrorBound)],
        ['Objective of the last round', formatNumber(data.objective, 6)],
      ]
    : [
        ['Estimator', `plain ridge, ${ridgeNames[winner]}, which won against noise-calibrated rounds`],
        ['Objective', formatNumber(data.objective, 6)],
      ];

/** An ISO date to the minute; any other text as it is. */
const dateOf = (created: string): string => created.replace(/^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}):[\d.]+Z$/, '$1 $2 UTC');

/** The leak, one number or the range over units. */
export const leak = ({ alpha }: ReportData): string =>
  alpha.lowest === alpha.highest
    ? formatSetting(alpha.lowest)
    : `${formatSetting(alpha.lowest)} to ${formatSetting(alpha.highest)} over units`;

const scaling = ({ scale }: ReportData): string => {
  const outside =
    scale.method === 'none'
      ? `${formatPercent(scale.outsideBefore)} of the targets outside the range of the transfer function`
      : `${formatPercent(scale.outsideBefore)} of the targets outside the range of the transfer function before, ${formatPercent(scale.outsideAfter)} after`;
  return `${scale.method}; ${outside}; ${formatCount(scale.clipped)} clipped into it`;
};
