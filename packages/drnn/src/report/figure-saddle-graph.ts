import * as Plot from '@observablehq/plot';
import type { Place } from '../portrait-view.js';
import { blue, grey, ink, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { html } from './escape.js';
import { columnWidth, type Figure, key } from './figure.js';
import { counted } from './numbers.js';

/** The nodes and edges of a saddle graph, with places to draw them at. */
export interface GraphView {
  readonly nodes: readonly {
    readonly at: Place;
    readonly label: string;
    /** Unstable modes; 0 for a stable point. */
    readonly index: number;
  }[];
  /** `in` says which of two networks have the edge; `both` of one network alone. */
  readonly edges: readonly {
    readonly from: number;
    readonly to: number;
    readonly in: 'both' | 'reference' | 'fit';
  }[];
  /** Saddles with runs that ended at no stable point. */
  readonly unresolved: number;
}

/** Three coordinates on the page: an oblique view, in which the corners of a cube stay apart. */
const onPage = ([x, y, z]: Place): { readonly x: number; readonly y: number } => ({
  x: x + 0.38 * z,
  y: y + 0.24 * z,
});

/** Which stable point each saddle leads to. */
export const saddleGraphFigure = (draw: Draw, { nodes, edges, unresolved }: GraphView): Figure | null => {
  if (edges.length === 0) return null;
  const taken = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const drawn = nodes.flatMap((node, k) =>
    taken.has(k) ? [{ ...onPage(node.at), label: node.label, index: node.index }] : [],
  );
  const link = (edge: GraphView['edges'][number]): readonly { x1: number; y1: number; x2: number; y2: number }[] => {
    const [from, to] = [nodes[edge.from], nodes[edge.to]];
    if (from === undefined || to === undefined) return [];
    const [a, b] = [onPage(from.at), onPage(to.at)];
    return [{ x1: a.x, y1: a.y, x2: b.x, y2: b.y }];
  };
  const between = (isDirect: boolean, which: 'both' | 'reference' | 'fit'): ReturnType<typeof link> =>
    edges.filter((edge) => edge.in === which && ((nodes[edge.from]?.index ?? 0) === 1) === isDirect).flatMap(link);
  const ends = { x1: 'x1', y1: 'y1', x2: 'x2', y2: 'y2' } as const;
  const isCompared = edges.some((edge) => edge.in !== 'both');
  const stable = drawn.filter(({ index }) => index === 0);
  const unstable = drawn.filter(({ index }) => index > 0);
  const wide = [Math.min, Math.max].map((pick) => drawn.reduce((end, { x }) => pick(end, x), drawn[0]?.x ?? 0));
  const tall = [Math.min, Math.max].map((pick) => drawn.reduce((end, { y }) => pick(end, y), drawn[0]?.y ?? 0));
  const room = (ends_: readonly number[]): [number, number] => {
    const [low = 0, high = 1] = ends_;
    const margin = 0.07 * Math.max(high - low, 1e-3);
    return [low - margin, high + margin];
  };
  return {
    title: 'Saddle graph',
    picture: html`<p class="legend">
        ${[
          key('stable', 'stable'),
          key('unstable-open', 'unstable, with its number of unstable modes'),
          key('edge', 'from a saddle with one unstable mode'),
          key('run', 'from others'),
          ...(isCompared ? [key('border', 'in the reference alone'), key('clear', 'in the fit alone')] : []),
        ]}
      </p>
      ${draw('Saddle graph: which stable points the unstable manifolds of saddles lead to.', {
        width: columnWidth,
        height: 430,
        margin: 14,
        x: { axis: null, domain: room(wide) },
        y: { axis: null, domain: room(tall) },
        marks: [
          Plot.link(between(false, 'both'), { ...ends, stroke: grey, strokeOpacity: 0.55, strokeWidth: 0.8 }),
          Plot.link(between(true, 'both'), { ...ends, stroke: ink, strokeWidth: 1.6 }),
          Plot.link([...between(false, 'reference'), ...between(true, 'reference')], {
            ...ends,
            stroke: vermillion,
            strokeWidth: 1.6,
          }),
          Plot.link([...between(false, 'fit'), ...between(true, 'fit')], { ...ends, stroke: blue, strokeWidth: 1.6 }),
          Plot.dot(unstable, { x: 'x', y: 'y', r: 7.5, fill: '#fff', stroke: vermillion, strokeWidth: 1.4 }),
          Plot.text(unstable, { x: 'x', y: 'y', text: (d: { index: number }) => String(d.index), fill: ink }),
          Plot.dot(stable, { x: 'x', y: 'y', r: 10, fill: ink }),
          Plot.text(stable, { x: 'x', y: 'y', text: 'label', fill: '#fff' }),
        ],
      })}`,
    caption: html`Runs from just beside each unstable point, along its unstable modes, until they can no longer leave
    the basin of a stable one; numbers in black are those of the points in the table. An oblique view of the three
    principal components;
    ${counted(edges.length, 'edge')}.${unresolved === 0 ? '' : ` Runs of ${counted(unresolved, 'saddle')} ended at no stable point: on a cycle, in chaos, or still on their way.`}`,
  };
};
