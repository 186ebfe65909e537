import { contestOf, ridgeNames, standardErrors } from '../reached.js';
import { type Html, html } from './escape.js';
import { counted, formatCount, formatNumber, formatScore, formatSetting } from './numbers.js';
import type { Calibrated } from './report-data.js';
import { dataTable, factsTable } from './table.js';

const methods = { exact: 'exact Newton', 'conjugate-gradients': 'conjugate gradients' } as const;

/** How a calibrated fit came to its network: the contest, the noise, the ridge, and the rounds. */
export const estimationSection = (calibrated: Calibrated, inputs: number): Html => {
  const { winner, rounds, pilot, effort } = calibrated;
  const last = rounds.at(-1);
  return html`<p>
      ${
        winner === 'rounds'
          ? `Noise-calibrated rounds (effort ${effort}): from a convex pilot${pilot === null ? '' : ` of ${counted(pilot.steps, 'step')}`}, each round takes noise levels and ridge from the estimate before it, makes weights of them, and minimises the matching loss with these weights.`
          : `A plain ridge, ${ridgeNames[winner]}: it explained the blocks held out better than the noise-calibrated rounds did. That happens where the residuals are not what the noise model takes them for: unobserved units or inputs, another time constant, few data.`
      }
    </p>
    ${
      last === undefined
        ? null
        : factsTable('What the last round used', [
            ['Noise inside the nonlinearity (sd, of the current)', formatNumber(last.levels.input)],
            ['Noise outside the nonlinearity (sd, of the target)', formatNumber(last.levels.output)],
            ['Frames to an independent sample (autocorrelation time)', formatNumber(last.autocorrelationTime)],
            ['Ridge on W (1 / variance of its weights)', formatNumber(last.shrinkage.W)],
            ...(inputs === 0
              ? []
              : [['Ridge on Win (1 / variance of its weights)', formatNumber(last.shrinkage.Win)] as const]),
            [
              'Left of the optimum, worst unit',
              `${standardErrors(last.remaining.worst)} standard errors; median unit ${standardErrors(last.remaining.median)}`,
            ],
          ])
    }
    ${
      rounds.length === 0
        ? null
        : dataTable(
            'The rounds, on all transitions of the network reported',
            [
              'Round',
              'Method',
              'Newton steps',
              'Products',
              'Noise inside',
              'Noise outside',
              'Left, median unit',
              'Left, worst unit',
            ],
            rounds.map((round, i) => [
              formatCount(i + 1),
              methods[round.method],
              formatCount(round.newtonSteps),
              formatCount(round.products),
              formatNumber(round.levels.input),
              formatNumber(round.levels.output),
              formatNumber(round.remaining.median),
              formatNumber(round.remaining.worst),
            ]),
            ['Newton steps', 'Products', 'Noise inside', 'Noise outside', 'Left, median unit', 'Left, worst unit'],
          )
    }
    ${
      rounds.length === 0
        ? null
        : html`<p>
            Left is what a unit’s Newton decrement g′H⁻¹g has left, over the number of predictors: 1 is a standard error
            in every direction, 0.01 a tenth of one. Only the last round is asked to come near its optimum; those before
            it bring noise levels and ridge near.
          </p>`
    }
    ${contestPart(calibrated)}`;
};

const contestPart = (calibrated: Calibrated): Html => {
  const { choice } = calibrated;
  if (choice === null) {
    return html`<p>Nothing was held out to compare the rounds with a plain ridge: they were taken on trust.</p>`;
  }
  const score = (name: keyof typeof choice.scores): string => {
    const value = choice.scores[name];
    return value === null ? 'not run' : formatScore(value);
  };
  return html`${dataTable(
      `Drive R² in ${choice.blocks === 1 ? 'the block held out' : `${formatCount(choice.blocks)} blocks held out in turn`}, the best strength of each ridge`,
      ['Estimator', 'Drive R²'],
      [
        ['Noise-calibrated rounds', score('rounds')],
        ['Ridge, least squares on inverted targets', score('least-squares')],
        ['Ridge, cross-entropy without weights', score('cross-entropy')],
      ],
      ['Drive R²'],
    )}
    <p>
      ${choice.winner === 'rounds' ? 'The rounds' : `The ridge (${ridgeNames[choice.winner]}${choice.strength === null ? '' : `, strength ${formatSetting(choice.strength)} per transition`})`}
      ${choice.margin < 0 ? `were kept, ${formatNumber(-choice.margin)} behind` : `won by ${formatNumber(choice.margin)}`}${choice.tempering === 1 ? '' : `, their weights tempered ${formatCount(choice.tempering)} times`}${choice.scores['cross-entropy'] === null ? '; cross-entropy was not run, since least squares was not near' : ''}.
      These blocks lie within the training data; the held-out scores above are of data that no contender saw.
    </p>`;
};

/** The contest in a sentence of a methods paragraph; null where there was none. */
export const contestSentence = (calibrated: Calibrated): string | null => {
  const said = contestOf(calibrated);
  return said === null ? null : `Rounds and plain ridge were compared on training data held out in turn (${said}).`;
};
