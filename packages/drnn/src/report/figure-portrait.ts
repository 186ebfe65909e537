import * as Plot from '@observablehq/plot';
import type { Place, PortraitView } from '../portrait-view.js';
import { centred, linearTick } from './axis.js';
import { blue, grey, ink, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { type Html, html } from './escape.js';
import { type Figure, key } from './figure.js';
import { counted, formatPercent } from './numbers.js';

/** A second network over the first: its points, and where those of the first went. */
export interface PortraitOverlay {
  readonly points: readonly Place[];
  readonly moves: readonly { readonly from: Place; readonly to: Place }[];
  /** Balls in which the second is proven to have a point. */
  readonly proofs: readonly { readonly at: Place; readonly radius: number }[];
}

interface Dot {
  readonly x: number;
  readonly y: number;
}

type Axes = readonly [0 | 1 | 2, 0 | 1 | 2];

/** Both sides of a mode, as long as this part of the window times |mu|. */
const MODE_LENGTH = 0.06;
const SIDE = 352;

/** Points, unstable modes and runs in the first three principal components, from two sides. */
export const portraitFigure = (
  draw: Draw,
  view: PortraitView,
  overlay: PortraitOverlay | null = null,
): Figure | null => {
  if (view.points.length === 0) return null;
  const sides: readonly Axes[] = view.shares[2] > 1e-9 ? [[0, 1], [0, 2]] : [[0, 1]]; // prettier-ignore
  const of = (kind: string): number => view.points.filter((point) => point.kind === kind).length;
  const keys = [
    of('stable') > 0 ? key('stable', 'stable') : null,
    of('unstable') > 0 ? key('unstable', 'unstable, with its modes') : null,
    of('degenerate') > 0 ? key('degenerate', 'degenerate') : null,
    of('slow') > 0 ? key('slow', 'slow') : null,
    key('run', 'run'),
    view.cycles.length > 0 ? key('cycle', 'limit cycle') : null,
    ...(overlay === null ? [] : [key('median-blue', 'the fit'), key('proof', 'proven to hold one of the fit')]),
  ];
  const shares = view.shares.map((share) => formatPercent(share));
  return {
    title:
      overlay === null ? 'Fixed points, their unstable modes and runs' : 'The portrait of the reference, and the fit',
    picture: html`<p class="legend">${keys}</p>
      <div class="row">${sides.map((axes) => panel(draw, view, overlay, axes))}</div>`,
    caption: html`In the principal components of ${view.axesOf === 'recording' ? 'the recording' : 'points and runs'},
    which hold ${shares[0] ?? ''}, ${shares[1] ?? ''} and ${shares[2] ?? ''} of the variance; rates on the scale that W
    acts on. ${counted(view.points.length, 'point')}; segments point along unstable modes, as long as |μ|. Grey: runs
    that leave unstable points, and some from random states, 400 steps with the input
    held.${overlay === null ? '' : ' Circles: points of the fit, with a line from the point of the reference that each stands for.'}`,
  };
};

const panel = (draw: Draw, view: PortraitView, overlay: PortraitOverlay | null, [a, b]: Axes): Html => {
  const dot = (at: Place): Dot => ({ x: at[a], y: at[b] });
  const everywhere = [
    ...view.points.map(({ at }) => dot(at)),
    ...view.runs.flat().map(dot),
    ...view.cycles.flatMap(({ path }) => path.map(dot)),
    ...(overlay?.points.map(dot) ?? []),
  ];
  const [low, high] = [Math.min, Math.max].map((pick) => ({
    x: everywhere.reduce((end, { x }) => pick(end, x), everywhere[0]?.x ?? 0),
    y: everywhere.reduce((end, { y }) => pick(end, y), everywhere[0]?.y ?? 0),
  }));
  const [left, right] = [low ?? { x: 0, y: 0 }, high ?? { x: 1, y: 1 }];
  // The same scale on both axes: distances and angles are those of the space.
  const half = 0.54 * Math.max(right.x - left.x, right.y - left.y, 1e-3);
  const middle = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 };
  const lines = view.runs.flatMap((run, k) => run.map((at) => ({ ...dot(at), run: k })));
  const modes = view.points.flatMap(({ at, modes: vectors }) =>
    vectors.map((vector) => {
      const length = 2 * half * MODE_LENGTH;
      const from = dot(at);
      return {
        x1: from.x - length * vector[a],
        y1: from.y - length * vector[b],
        x2: from.x + length * vector[a],
        y2: from.y + length * vector[b],
      };
    }),
  );
  const ofKind = (kind: string): readonly Dot[] =>
    view.points.filter((each) => each.kind === kind).map(({ at }) => dot(at));
  const slowest = view.points.filter(({ kind }) => kind === 'slow');
  const fastest = slowest.reduce((top, { speed }) => Math.max(top, speed), 1e-300);
  const discs = (overlay?.proofs ?? []).flatMap(({ at, radius }, disc) =>
    Array.from({ length: 33 }, (_, k) => {
      const angle = (2 * Math.PI * k) / 32;
      return { x: at[a] + radius * Math.cos(angle), y: at[b] + radius * Math.sin(angle), disc };
    }),
  );
  const name = (k: number): string => `component ${k + 1}`;
  return draw(`Fixed points in principal components ${a + 1} and ${b + 1}.`, {
    width: SIDE,
    height: SIDE,
    marginLeft: 48,
    marginRight: 6,
    marginTop: 6,
    marginBottom: 44,
    x: { domain: [middle.x - half, middle.x + half] },
    y: { domain: [middle.y - half, middle.y + half] },
    marks: [
      Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }),
      Plot.line(lines, { x: 'x', y: 'y', z: 'run', stroke: grey, strokeOpacity: 0.45, strokeWidth: 0.8 }),
      Plot.line(
        view.cycles.flatMap(({ isCurve, path }, k) => (isCurve ? path.map((at) => ({ ...dot(at), cycle: k })) : [])),
        { x: 'x', y: 'y', z: 'cycle', stroke: blue, strokeWidth: 1.6 },
      ),
      Plot.dot(
        view.cycles.flatMap(({ isCurve, path }) => (isCurve ? [] : path.map(dot))),
        { x: 'x', y: 'y', r: 2.2, fill: blue },
      ),
      Plot.line(discs, { x: 'x', y: 'y', z: 'disc', stroke: blue, strokeWidth: 0.8, strokeDasharray: '2,2' }),
      Plot.link(modes, { x1: 'x1', y1: 'y1', x2: 'x2', y2: 'y2', stroke: vermillion, strokeWidth: 1.4 }),
      Plot.dot(
        slowest.map(({ at, speed }) => ({ ...dot(at), r: 3 + (4 * speed) / fastest })),
        { x: 'x', y: 'y', r: (d: { r: number }) => d.r, stroke: ink, strokeWidth: 1.2 },
      ),
      Plot.dot(ofKind('degenerate'), { x: 'x', y: 'y', symbol: 'diamond', stroke: ink, strokeWidth: 1.6, r: 4 }),
      Plot.dot(ofKind('unstable'), { x: 'x', y: 'y', r: 3.4, fill: vermillion, stroke: '#fff', strokeWidth: 0.7 }),
      Plot.dot(ofKind('stable'), { x: 'x', y: 'y', r: 4, fill: ink, stroke: '#fff', strokeWidth: 0.7 }),
      Plot.link(
        (overlay?.moves ?? []).map(({ from, to }) => ({ x1: from[a], y1: from[b], x2: to[a], y2: to[b] })),
        { x1: 'x1', y1: 'y1', x2: 'x2', y2: 'y2', stroke: blue, strokeWidth: 1.4 },
      ),
      Plot.dot(overlay?.points.map(dot) ?? [], { x: 'x', y: 'y', r: 6.5, stroke: blue, strokeWidth: 1.4 }),
      Plot.axisX({ label: name(a), ...centred, ticks: 5, tickFormat: linearTick }),
      Plot.axisY({ label: name(b), ...centred, ticks: 5, tickFormat: linearTick }),
    ],
  });
};
