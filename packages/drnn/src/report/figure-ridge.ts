import * as Plot from '@observablehq/plot';
import { centred, linearTick, powerTick, powerTicks } from './axis.js';
import { blue, grey, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { type Html, html } from './escape.js';
import { columnWidth, type Figure, key } from './figure.js';
import { counted, formatScore, formatNumber } from './numbers.js';
import type { ReportData, RidgeChoice } from './report-data.js';

/** A score so far below the best is off the scale: the shape near the best is what is to be seen. */
const deepest = 1;

/** Held-out score against the strength of the ridge, with its standard error, the one that was chosen marked. */
export const ridgeFigure = (draw: Draw, { points, chosen, best, blocks }: RidgeChoice): Figure | null => {
  const top = Math.max(...points.map(({ score }) => score).filter((score) => Number.isFinite(score)));
  const shown = points
    .filter(({ score, strength }) => score > top - deepest && strength > 0)
    .map(({ strength, score, standardError }) => ({
      strength,
      score,
      low: Math.max(top - deepest, score - standardError),
      high: score + standardError,
    }));
  if (shown.length < 2) return null;
  const strengths = shown.map(({ strength }) => strength);
  const [low, high] = [Math.min(...strengths), Math.max(...strengths)];
  const taken = shown.filter(({ strength }) => strength === chosen);
  return {
    title: 'Held-out score against the strength of the ridge',
    picture: html`<p class="legend">
        ${[key('pooled', 'mean over blocks, ± its standard error'), key('median', 'the ridge that was chosen')]}
      </p>
      ${draw(
        'Held-out drive score against the strength of the ridge, logarithmic, with a band of its standard error.',
        {
          width: columnWidth,
          height: 250,
          marginLeft: 62,
          marginRight: 16,
          marginTop: 8,
          marginBottom: 42,
          x: { type: 'log', domain: [low, high] },
          y: { domain: [Math.min(...shown.map((p) => p.low)), Math.max(...shown.map((p) => p.high))], nice: true },
          marks: [
            Plot.gridY({ stroke: '#000', strokeOpacity: 0.1 }),
            Plot.areaY(shown, { x: 'strength', y1: 'low', y2: 'high', fill: blue, fillOpacity: 0.15 }),
            Plot.ruleX(best === chosen ? [] : [best], { stroke: grey, strokeDasharray: '4,3' }),
            Plot.ruleX([chosen], { stroke: vermillion }),
            Plot.line(shown, { x: 'strength', y: 'score', stroke: blue, strokeWidth: 1.5 }),
            Plot.dot(shown, { x: 'strength', y: 'score', r: 2.5, fill: blue }),
            Plot.dot(taken, { x: 'strength', y: 'score', r: 5, stroke: vermillion, strokeWidth: 1.5 }),
            Plot.axisX(powerTicks(Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))), {
              label: 'ridge per transition',
              ...centred,
              tickFormat: powerTick,
            }),
            Plot.axisY({ label: 'held-out drive R²', ...centred, tickFormat: linearTick }),
          ],
        },
      )}`,
    caption: html`R² of the drive in ${counted(blocks, 'block')} of the training data, held out in turn, about the mean
    of what was fitted to, pooled over units; n = ${counted(points.length, 'strength')}. The band is the standard error
    of the mean over blocks, which differ from each other more than neighbouring strengths do. Weights grow to the
    left.${best === chosen ? '' : ` Dashed: the best, ${formatNumber(best)}.`}${shown.length < points.length ? ' Scores more than 1 below the best are left out.' : ''}`,
  };
};

/** How the ridge was chosen, in words, and its figure. */
export const ridgeSection = (draw: Draw, choice: RidgeChoice, show: (figure: Figure | null) => Html | null): Html => {
  const { points, chosen, rule, max, best } = choice;
  const scoreAt = (strength: number): string =>
    formatScore(points.find((point) => point.strength === strength)?.score ?? Number.NaN);
  return html`<p>
      The objective was fitted with ridges from ${formatNumber(points[0]?.strength ?? Number.NaN)} per
      transition${max === null ? '' : ', at which weights explain nearly nothing,'} down to
      ${formatNumber(points.at(-1)?.strength ?? Number.NaN)}, each fit started from the one before, to all blocks of the
      training data but one, and scored on that one. Taken was
      ${formatNumber(chosen)}${rule === 'auto' ? `, the best (R² ${scoreAt(best)})` : ` (R² ${scoreAt(chosen)}), the strongest that is behind the best (${scoreAt(best)}) by no more than one standard error of the difference, block against block`}.
      No frame held out for the scores above had a say.
    </p>
    ${show(ridgeFigure(draw, choice))}`;
};

/** The choice in a sentence of a methods paragraph. */
export const ridgeSentence = ({ ridgePath: choice }: ReportData): string | null =>
  choice === null
    ? null
    : `The strength of the ridge, ${formatNumber(choice.chosen)} per transition, was chosen from ${counted(choice.points.length, 'strength')} by cross-validation over ${counted(choice.blocks, 'contiguous block')} of the training data: ${choice.rule === 'auto' ? 'the one with the highest held-out R² of the drive' : 'the largest whose held-out R² of the drive is below the highest by no more than one standard error of the difference over blocks'}.`;
