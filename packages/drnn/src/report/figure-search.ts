import * as Plot from '@observablehq/plot';
import type { Attractors } from '../attractors.js';
import { centred, linearTick, rootTicks, wholeTicks } from './axis.js';
import { grey, ink, vermillion } from './colours.js';
import type { Draw } from './drawing.js';
import { type Html, html } from './escape.js';
import { type Figure, key } from './figure.js';
import { counted, formatCount } from './numbers.js';

/** Bars drawn of all that there are. */
const MOST_BARS = 300;

type Sort = 'stable' | 'unstable' | 'other';

const fills: Readonly<Record<Sort, string>> = { stable: ink, unstable: vermillion, other: grey };

/** What was found, the most often first; a point and its mirror image are one find. */
const findsOf = ({ points }: Attractors): readonly { readonly hits: number; readonly sort: Sort }[] =>
  points
    .flatMap(({ hits, mirror, class: kind, linearisation }, k) => {
      if (mirror !== null && mirror < k) return [];
      const image = mirror === null || mirror === k ? 0 : (points[mirror]?.hits ?? 0);
      const sort: Sort = kind !== 'fixed' ? 'other' : linearisation.isMapStable ? 'stable' : 'unstable';
      return [{ hits: hits + image, sort }];
    })
    .filter(({ hits }) => hits > 0)
    .toSorted((a, b) => b.hits - a.hits);

/** How a search for points went: how often each was come to, and how many were known after so many starts. */
export const searchFigure = (draw: Draw, found: Attractors): Figure | null => {
  const finds = findsOf(found);
  const { trace, starts, converged } = found;
  const most = finds[0]?.hits ?? 0;
  // One start is no search: of a contraction no more is needed.
  if (most === 0 || starts < 2) return null;
  const stride = Math.ceil(finds.length / MOST_BARS);
  const gap = finds.length > 100 ? 0 : 0.1;
  const bars = finds.flatMap(({ hits, sort }, k) =>
    k % stride === 0 ? [{ from: k + 0.5 + gap, to: k + 0.5 - gap + stride, hits, fill: fills[sort] }] : [],
  );
  const course = [{ starts: 0, points: 0, indexSum: 0 }, ...trace];
  const hasSum = found.indexSum !== null;

  const panel = (label: string, options: Partial<Plot.PlotOptions>, marks: readonly Plot.Markish[]): Html =>
    draw(label, {
      width: hasSum ? 234 : 350,
      height: 230,
      marginLeft: 46,
      marginRight: 10,
      marginTop: 8,
      marginBottom: 42,
      x: { domain: [0, starts] },
      ...options,
      marks: [Plot.frame({ stroke: '#000', strokeOpacity: 0.4 }), ...marks],
    });
  const last = trace.at(-1)?.points ?? 0;
  const byStarts = Plot.axisX(wholeTicks(0, starts, 4), { label: 'starts', ...centred, tickFormat: linearTick });
  const sorts = (['stable', 'unstable', 'other'] as const).filter((sort) => finds.some((find) => find.sort === sort));
  const names = { stable: 'stable', unstable: 'unstable', other: 'slow or degenerate' } as const;
  const singles = finds.filter(({ hits }) => hits === 1).length;
  return {
    title: 'The search for points',
    picture: html`<p class="legend">
        ${[...sorts.map((sort) => key(`bar-${sort}`, names[sort])), hasSum ? key('exact-border', '1, of all points') : null]}
      </p>
      <div class="row">
        ${panel(
          'How many starts ended at each point, the most often found first.',
          { x: { domain: [0.4, finds.length + 0.6] }, y: { type: 'sqrt', domain: [0, 1.1 * most] } },
          [
            Plot.rectY(bars, { x1: 'from', x2: 'to', y1: () => 0, y2: 'hits', fill: 'fill' }),
            Plot.axisX(wholeTicks(1, finds.length, 4), { label: 'point, by hits', ...centred, tickFormat: linearTick }),
            Plot.axisY(rootTicks(most), { label: 'starts that ended there', ...centred, tickFormat: linearTick }),
          ],
        )}
        ${panel('How many points were known after so many starts.', { y: { domain: [0, 1.05 * Math.max(1, last)] } }, [
          Plot.line(course, { x: 'starts', y: 'points', stroke: ink, strokeWidth: 1.4, curve: 'step-after' }),
          byStarts,
          Plot.axisY(wholeTicks(0, Math.max(1, last), 6), {
            label: 'points known',
            ...centred,
            tickFormat: linearTick,
          }),
        ])}
        ${hasSum ? indexPanel(panel, course, byStarts) : null}
      </div>`,
    caption: html`Left: ${formatCount(converged)} of ${counted(starts, 'start')} ended at one of the
    points${converged === starts ? '' : ', the others nowhere'};${found.points.some(({ mirror }) => mirror !== null) ? ' a point and its mirror image count as one, and' : ''}
    ${formatCount(singles)} of ${formatCount(finds.length)} ${singles === 1 ? 'was' : 'were'} come to once: many such
    ones say that more are unseen.${stride > 1 ? ` One in ${stride} is drawn.` : ''} ${hasSum ? 'Middle' : 'Right'}: a
    curve that still rises is of a search that ended too
    soon.${hasSum ? ' Right: the sum of the indices of the points known; other than 1, some are missing.' : ' A point is degenerate: there is no index sum.'}`,
  };
};

/** The index sum by starts, with that of all points. */
const indexPanel = (
  panel: (label: string, options: Partial<Plot.PlotOptions>, marks: readonly Plot.Markish[]) => Html,
  course: Attractors['trace'],
  byStarts: Plot.Markish,
): Html => {
  const values = course.map(({ indexSum }) => indexSum ?? 1);
  const [low, high] = [Math.min(0, ...values), Math.max(2, ...values)];
  return panel(
    'The sum of the indices of the points that were known after so many starts.',
    { y: { domain: [low - 0.3, high + 0.3] } },
    [
      Plot.line(course, { x: 'starts', y: 'indexSum', stroke: ink, strokeWidth: 1.4, curve: 'step-after' }),
      Plot.ruleY([1], { stroke: vermillion, strokeDasharray: '5,3' }),
      byStarts,
      Plot.axisY(wholeTicks(low, high, 6), { label: 'index sum', ...centred, tickFormat: linearTick }),
    ],
  );
};
