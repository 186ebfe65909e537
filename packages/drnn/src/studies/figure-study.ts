import * as Plot from '@observablehq/plot';
import { failure } from '@drnn/tensor';
import { centred, linearTick, powerTick, powerTicks } from '../report/axis.js';
import type { Draw } from '../report/drawing.js';
import type { Html } from '../report/escape.js';
import { columnWidth } from '../report/figure.js';
import { accuracyCurve, type CurvePoint } from './accuracy-curve.js';
import { type CurveStyle, styleOf } from './curve-style.js';
import { resultOf } from './job.js';
import { quartiles } from './quartiles.js';
import type { StudyResult } from './run-study.js';

/** What a figure shows on its vertical axis. */
export type Measure = 'correlation' | 'relativeError';

interface Curve {
  readonly name: string;
  readonly label: string;
  readonly style: CurveStyle;
  /** `seconds` is the horizontal axis, also where that is a setting. */
  readonly points: readonly CurvePoint[];
  /** A measure for the others, that has no times of its own: a line across. */
  readonly isReference: boolean;
  /** The paper's figures, where they have a place on the axis. */
  readonly published: readonly { readonly x: number; readonly y: number }[];
}

const names: Readonly<Record<Measure, string>> = {
  correlation: 'correlation with the true W',
  relativeError: 'relative error of W',
};

/** The curves of a study: over time, or over the swept setting. */
const curvesOf = ({ study, methods, jobs }: StudyResult, measure: Measure): readonly Curve[] => {
  const curveNames = [...new Set(methods.map(({ curve }) => curve))];
  return curveNames.flatMap((name) => {
    const own = methods.filter(({ curve }) => curve === name);
    const [first] = own;
    if (first === undefined) return [];
    const points =
      study.sweep === null
        ? accuracyCurve(
            jobs.filter(({ method }) => method === first.name),
            measure,
          )
        : own.flatMap((method) => {
            const values = jobs.filter((job) => job.method === method.name).map((job) => resultOf(job)[measure]);
            const { median, lower, upper } = quartiles(values);
            return method.sweep === undefined || !Number.isFinite(median)
              ? []
              : [{ seconds: method.sweep, median, lower, upper }];
          });
    const published =
      measure === 'correlation'
        ? study.published.flatMap((one) => {
            const x = study.sweep === null ? one.seconds : one.sweep;
            return one.method === name && x !== undefined ? [{ x, y: one.correlation }] : [];
          })
        : [];
    const label = study.sweep === null ? first.label : first.label.replace(/, m = .*$/, '');
    return points.length === 0
      ? []
      : [
          {
            name,
            label,
            style: styleOf(name),
            points,
            isReference: first.isReference === true && study.sweep === null,
            published,
          },
        ];
  });
};

/** A straight stroke, for the keys of the legend. */
const stroke = {
  draw: (context: { moveTo(x: number, y: number): void; lineTo(x: number, y: number): void }, length: number) => {
    context.moveTo(0, 0);
    context.lineTo(0, -length);
  },
};

const legendWidth = 236;
const height = 400;
const rowHeight = 17;

/**
 * The figure of the paper: a measure against the seconds (or the swept setting), logarithmic; the median over networks
 * and a band between the quartiles for each method, and hollow diamonds at the paper's own figures. Null where there is
 * nothing to draw.
 */
export const studyFigure = (draw: Draw, result: StudyResult, measure: Measure): Html | null => {
  const all = curvesOf(result, measure);
  const curves = all.filter(({ isReference }) => !isReference);
  const levels = all.filter(({ isReference }) => isReference);
  const drawn = curves.flatMap((curve) => curve.points);
  if (drawn.length === 0) return null;
  const { study } = result;
  const marks = curves.flatMap(({ published, style }) => published.map((point) => ({ ...point, ...style })));
  const xs = [...drawn.map(({ seconds }) => seconds), ...marks.map(({ x }) => x)];
  const [left, right] = [Math.min(...xs) / 1.2, Math.max(...xs) * 1.2];
  const decades = powerTicks(Math.ceil(Math.log10(left)), Math.floor(Math.log10(right)), 9);
  const y = verticalAxis(measure, [
    ...all.flatMap((curve) => curve.points.map(({ median }) => median)),
    ...marks.map((point) => point.y),
  ]);
  const axis = study.sweep === null ? 'seconds' : study.sweep.name;
  const within = (value: number): number => Math.min(y.domain[1], Math.max(y.domain[0], value));
  const legend = [
    ...all.map(({ label, style }) => ({ label, style })),
    ...(marks.length > 0 ? [{ label: 'the paper (its machine)', style: null }] : []),
  ];
  // The legend stands right of the frame; its rows are offsets in pixels from the top.
  return draw(`${names[measure]} against ${axis} for ${all.length} methods; the numbers are in the table.`, {
    width: columnWidth + 140,
    height,
    marginLeft: 56,
    marginRight: legendWidth,
    marginTop: 12,
    marginBottom: 44,
    x: { type: 'log', domain: [left, right] },
    y: { type: y.type, domain: y.domain },
    marks: [
      Plot.gridX(decades, { stroke: '#000', strokeOpacity: 0.08 }),
      Plot.gridY(y.ticks, { stroke: '#000', strokeOpacity: 0.1 }),
      ...levels.flatMap(({ points, style }) =>
        points.slice(-1).map(({ median }) =>
          Plot.ruleY([within(median)], {
            stroke: style.colour,
            strokeWidth: style.width,
            strokeDasharray: style.dash,
          }),
        ),
      ),
      ...curves.map(({ points, style }) =>
        Plot.areaY(points.length > 1 ? points : [], {
          x: 'seconds',
          y1: (point: CurvePoint) => within(point.lower),
          y2: (point: CurvePoint) => within(point.upper),
          fill: style.colour,
          fillOpacity: 0.14,
        }),
      ),
      ...curves.map(({ points, style }) =>
        Plot.line(points.length > 1 ? points : [], {
          x: 'seconds',
          y: (point: CurvePoint) => within(point.median),
          stroke: style.colour,
          strokeWidth: style.width,
          ...(style.dash === 'none' ? {} : { strokeDasharray: style.dash }),
        }),
      ),
      ...curves.map(({ points, style }) =>
        Plot.ruleX(points.length === 1 ? points : [], {
          x: 'seconds',
          y1: (point: CurvePoint) => within(point.lower),
          y2: (point: CurvePoint) => within(point.upper),
          stroke: style.colour,
        }),
      ),
      ...curves.map(({ points, style }) =>
        Plot.dot(points.slice(-1), {
          x: 'seconds',
          y: (point: CurvePoint) => within(point.median),
          r: 3.4,
          fill: style.colour,
        }),
      ),
      Plot.dot(marks, {
        x: 'x',
        y: (point: { readonly y: number }) => within(point.y),
        r: 3.6,
        symbol: 'diamond',
        stroke: 'colour',
        fill: '#fff',
      }),
      ...legend.flatMap(({ label, style }, row) => {
        const offset = 12 + row * rowHeight;
        const place = { x: () => right, y: () => y.domain[1] };
        return [
          style === null
            ? Plot.dot([label], {
                ...place,
                dx: 27,
                dy: offset,
                r: 3.6,
                symbol: 'diamond',
                stroke: '#333',
                fill: '#fff',
              })
            : Plot.vector([label], {
                ...place,
                dx: 14,
                dy: offset,
                rotate: 90,
                length: 26,
                anchor: 'start',
                shape: stroke,
                stroke: style.colour,
                strokeWidth: style.width,
                ...(style.dash === 'none' ? {} : { strokeDasharray: style.dash }),
              }),
          Plot.text([label], {
            ...place,
            dx: 46,
            dy: offset,
            text: (name: string) => name,
            textAnchor: 'start',
            fill: '#333',
            fontSize: 11,
          }),
        ];
      }),
      Plot.axisX(decades, { label: axis, ...centred, tickFormat: powerTick }),
      Plot.axisY(y.ticks, { label: names[measure], ...centred, tickFormat: y.format }),
    ],
  });
};

interface VerticalAxis {
  readonly type: 'linear' | 'log';
  readonly domain: [number, number];
  readonly ticks: readonly number[];
  readonly format: (value: number) => string;
}

/** Correlations up to 1 on a linear axis, errors on a logarithmic one. */
const verticalAxis = (measure: Measure, values: readonly number[]): VerticalAxis => {
  if (measure === 'correlation') {
    const least = Math.min(...values);
    const step = least > 0.9 ? 0.01 : least > 0.6 ? 0.05 : 0.1;
    const below = Math.floor(Math.max(-0.1, least) / step);
    const ticks = Array.from({ length: Math.round(1 / step) - below + 1 }, (_, k) => (below + k) * step);
    return { type: 'linear', domain: [below * step, 1 + 0.04 * step], ticks, format: linearTick };
  }
  const [low, high] = [Math.min(...values) / 1.15, Math.max(...values) * 1.15];
  const factors = high / low < 10 ? [1, 1.5, 2, 3, 4, 5, 7] : high / low < 1000 ? [1, 2, 5] : [1];
  const all = [-7, -6, -5, -4, -3, -2, -1, 0, 1, 2].flatMap((power) => factors.map((factor) => factor * 10 ** power));
  const ticks = all.filter((tick) => tick >= low && tick <= high);
  return { type: 'log', domain: [low, high], ticks, format: factors.length === 1 ? powerTick : linearTick };
};

/** A drawing as a file of its own: it names its language, and stands on white. */
export const standaloneSvg = ({ html }: Html): string => {
  const begun = /^<svg([^>]*)>/.exec(html);
  if (begun === null) throw failure({ path: 'figure', seen: 'a drawing that is not one <svg>', expected: 'one <svg>' });
  const [opening, attributes = ''] = begun;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg"${attributes}><rect width="100%" height="100%" fill="#fff"/>${html.slice(opening.length)}\n`;
};
