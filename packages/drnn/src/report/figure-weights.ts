import * as Plot from '@observablehq/plot';
import type { Matrix } from '@drnn/tensor';
import type { Draw } from './drawing.js';
import { type Html, html, shortened } from './escape.js';
import type { Figure } from './figure.js';
import { counted, formatNumber } from './numbers.js';
import { centred, linearTick, wholeTicks } from './axis.js';
import type { ReportData } from './report-data.js';
import { scaleImage, type WeightImage, weightImage } from './weight-image.js';
import { weightStatistics } from './weight-statistics.js';

/** Up to this many units their names stand on the axes, beyond it their numbers. */
const mostNames = 24;

/** W, and Win where there are inputs, as images on a diverging scale with their colour bars. */
export const weightsFigure = (draw: Draw, data: ReportData): Figure | null => {
  const { W, Win, unitNames } = data;
  const recurrent = weightImage(W);
  const input = weightImage(Win);
  if (recurrent === null || (recurrent.limit === 0 && (input === null || input.limit === 0))) return null;
  const named = W.rows <= mostNames;
  const statistics = weightStatistics(W);
  const side = input === null ? (named ? 480 : 520) : named ? 310 : 360;
  const pictures = [
    heatmap(draw, W, recurrent, {
      label: `Recurrent weights, ${W.rows} targets by ${W.columns} sources, as an image.`,
      names: named ? unitNames : null,
      width: side,
      height: side,
      x: 'source unit',
      y: 'target unit',
      columnNames: named ? unitNames : null,
    }),
    colourBar(draw, recurrent.limit, side, 'weight'),
    ...(input === null
      ? []
      : [
          heatmap(draw, Win, input, {
            label: `Input weights, ${Win.rows} targets by ${Win.columns} inputs, as an image.`,
            names: null,
            columnNames: null,
            width: Math.min(90, Math.max(18, (Win.columns * side) / Win.rows)),
            height: side,
            x: 'input',
            y: null,
          }),
          colourBar(draw, input.limit, side, 'input weight'),
        ]),
  ];
  const means =
    recurrent.block > 1 ? ` Each pixel is the mean of ${recurrent.block} × ${recurrent.block} weights.` : '';
  const numbering = named ? '' : ' Units are numbered from 0 in the order of the recording.';
  return {
    title: input === null ? 'Recurrent weights' : 'Recurrent and input weights',
    picture: html`<div class="row">${pictures}</div>`,
    caption: html`Row = target, column = source, no unit (weights act on rates in scaled units); n =
    ${counted(statistics.count, 'weight')} that ${statistics.count === 1 ? 'is' : 'are'} not exactly zero, among
    ${counted(W.rows, 'unit')}${statistics.zeroDiagonal ? ' (no unit drives itself: the diagonal is zero)' : ''}. Blue
    is negative, red positive, on a scale symmetric about zero;
    ${saturation(recurrent, statistics.largest)}${means}${numbering}${biases(data.b)}`,
  };
};

const saturation = ({ saturated, limit }: WeightImage, largest: number): string =>
  saturated === 0
    ? `the largest size is ${formatNumber(largest)}.`
    : `${counted(saturated, 'pixel')} beyond ±${formatNumber(limit)} ${saturated === 1 ? 'has' : 'have'} the colour of the end (the largest size is ${formatNumber(largest)}).`;

/** The biases in words: a vector needs no picture. */
const biases = (b: Float64Array): string => {
  if (b.every((value) => value === 0)) return ' There is no bias.';
  const mean = b.reduce((sum, value) => sum + value, 0) / b.length;
  const spread = Math.sqrt(b.reduce((sum, value) => sum + (value - mean) ** 2, 0) / b.length);
  return ` Biases, not drawn: mean ${formatNumber(mean)}, standard deviation ${formatNumber(spread)}.`;
};

interface HeatmapOptions {
  readonly label: string;
  readonly names: readonly string[] | null;
  readonly columnNames: readonly string[] | null;
  readonly width: number;
  readonly height: number;
  readonly x: string;
  readonly y: string | null;
}

/** A matrix as an image with names or numbers on its axes. */
export const heatmap = (draw: Draw, weights: Matrix, image: WeightImage, options: HeatmapOptions): Html => {
  const { rows, columns } = weights;
  const margins = {
    marginLeft: options.y === null ? 8 : options.names === null ? 54 : 104,
    marginRight: 8,
    marginTop: 8,
    marginBottom: options.columnNames === null ? 44 : 104,
  };
  const ticks = (count: number): readonly number[] => wholeTicks(0, count - 1, 8);
  const tickName = (names: readonly string[]) => (index: number) => shortened(names[index] ?? String(index), 13);
  const pixelated = columns < options.width && rows < options.height;
  return draw(options.label, {
    width: options.width + margins.marginLeft + margins.marginRight,
    height: options.height + margins.marginTop + margins.marginBottom,
    ...margins,
    x: { domain: [-0.5, columns - 0.5] },
    y: { domain: [rows - 0.5, -0.5], axis: null },
    marks: [
      Plot.image([0], {
        frameAnchor: 'middle',
        src: image.uri,
        width: options.width,
        height: options.height,
        preserveAspectRatio: 'none',
        imageRendering: pixelated ? 'pixelated' : 'auto',
      }),
      Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
      Plot.axisX(options.columnNames === null ? ticks(columns) : Array.from({ length: columns }, (_, index) => index), {
        label: options.x,
        ...centred,
        tickSize: 4,
        ...(options.columnNames === null
          ? { tickFormat: linearTick }
          : { tickRotate: -90, tickFormat: tickName(options.columnNames) }),
      }),
      ...(options.y === null
        ? []
        : [
            Plot.axisY(options.names === null ? ticks(rows) : Array.from({ length: rows }, (_, index) => index), {
              label: options.y,
              ...centred,
              tickSize: 4,
              tickFormat: options.names === null ? linearTick : tickName(options.names),
            }),
          ]),
    ],
  });
};

/** The colour scale of an image. */
export const colourBar = (draw: Draw, limit: number, height: number, label: string): Html =>
  draw(`Colour scale of the ${label}, from ${formatNumber(-limit)} to ${formatNumber(limit)}.`, {
    width: 76,
    height: height + 52,
    marginLeft: 4,
    marginRight: 58,
    marginTop: 8,
    marginBottom: 44,
    x: { domain: [0, 1], axis: null },
    y: { domain: limit > 0 ? [-limit, limit] : [-1, 1] },
    marks: [
      Plot.image([0], {
        frameAnchor: 'middle',
        src: scaleImage(),
        width: 14,
        height,
        preserveAspectRatio: 'none',
      }),
      Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
      Plot.axisY({
        anchor: 'right',
        label,
        ...centred,
        ticks: 7,
        tickSize: 4,
        tickFormat: linearTick,
      }),
    ],
  });
