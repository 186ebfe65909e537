import { matrix } from '@drnn/tensor';
import type { Draw } from './drawing.js';
import { type Html, html, type Part } from './escape.js';
import { colourBar, heatmap } from './figure-weights.js';
import type { Figure } from './figure.js';
import { groupWeights, type Groups, type GroupWeights } from './group-weights.js';
import { counted, formatCount, formatNumber } from './numbers.js';
import type { ReportData } from './report-data.js';
import { dataTable } from './table.js';
import { weightImage } from './weight-image.js';

/** Up to this many groups a table says each pair in numbers. */
const mostInTable = 8;

/** Mean weights from each group of units to each: an image, and in numbers where there are few. */
export const groupSection = (
  draw: Draw,
  { W }: ReportData,
  groups: Groups,
  show: (figure: Figure | null) => Html | null,
): Part => {
  const weights = groupWeights(W, groups);
  return [
    show(figureOf(draw, groups, weights)),
    groups.names.length > mostInTable
      ? null
      : dataTable(
          'Mean weight (root mean square) by target group and source group',
          ['Target', 'Units', ...groups.names.map((name) => `from ${name}`)],
          groups.names.map((name, target) => [
            html`<span class="name">${name}</span>`,
            formatCount(weights.units[target] ?? 0),
            ...groups.names.map((_, source) => {
              const at = target * groups.names.length + source;
              const [mean = Number.NaN, size = Number.NaN] = [weights.mean.data[at], weights.size.data[at]];
              return Number.isFinite(mean) ? `${formatNumber(mean, 2)} (${formatNumber(size, 2)})` : 'no pair';
            }),
          ]),
          ['Units', ...groups.names.map((name) => `from ${name}`)],
        ),
  ];
};

const figureOf = (draw: Draw, { names }: Groups, { mean }: GroupWeights): Figure | null => {
  const drawn = matrix(
    mean.rows,
    mean.columns,
    mean.data.map((value) => (Number.isFinite(value) ? value : 0)),
  );
  const image = weightImage(drawn);
  if (image === null || image.limit === 0) return null;
  const side = Math.min(360, 60 + 40 * names.length);
  return {
    title: 'Mean weights between groups',
    picture: html`<div class="row">
      ${[
        heatmap(draw, drawn, image, {
          label: `Mean weights between ${names.length} groups of units, as an image.`,
          names,
          columnNames: names,
          width: side,
          height: side,
          x: 'source group',
          y: 'target group',
        }),
        colourBar(draw, image.limit, side, 'mean weight'),
      ]}
    </div>`,
    caption: html`Row = target group, column = source group; the mean over pairs of different units, in scaled units, of
    ${counted(names.length, 'group')}. Blue is negative, red positive; the largest size is ${formatNumber(image.limit)}.`,
  };
};
