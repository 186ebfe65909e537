import type { Basin, SaddleGraph } from '@drnn/attractors';
import type { Attractors } from '../attractors.js';
import type { PortraitView } from '../portrait-view.js';
import { documentOf, section } from './document.js';
import { drawingBoard } from './drawing.js';
import { type Html, html } from './escape.js';
import { basinPlaces, basinsFigure, type BasinRuns } from './figure-basins.js';
import { cyclePhaseFigure } from './figure-cycle-phase.js';
import { cyclesFigure } from './figure-cycles.js';
import { exponentsFigure } from './figure-exponents.js';
import { multipliersFigure } from './figure-multipliers.js';
import { portraitFigure } from './figure-portrait.js';
import { type GraphView, saddleGraphFigure } from './figure-saddle-graph.js';
import { searchFigure } from './figure-search.js';
import { type Figure, numberedFigures } from './figure.js';
import { formatNumber, formatSeconds } from './numbers.js';
import { dataTable, factsTable } from './table.js';

/** What the report of a network's attractors shows. */
export interface AttractorsReport {
  /** The model's file, or what else to call it. */
  readonly title: string;
  /** The command that made it. */
  readonly command: string;
  readonly found: Attractors;
  readonly graph: SaddleGraph;
  readonly view: PortraitView;
  /** How much the set is worth, in words. */
  readonly verdict: readonly string[];
  readonly version: string;
}

/** A saddle graph of one network, ready to be drawn. */
export const graphViewOf = ({ stable, unstable, edges, unresolved }: SaddleGraph, view: PortraitView): GraphView => {
  const indexOf = new Map(unstable.map(({ point, index }) => [point, index]));
  return {
    nodes: view.points.map(({ at }, k) => ({
      at,
      label: String(k),
      index: stable.includes(k) ? 0 : (indexOf.get(k) ?? 0),
    })),
    edges: edges.map(({ from, to }) => ({ from, to, in: 'both' })),
    unresolved: new Set(unresolved.map(({ from }) => from)).size,
  };
};

const basinRunsOf = (basins: readonly Basin[]): readonly BasinRuns[] => [
  {
    from: 'random states',
    starts: basins.reduce((sum, { starts }) => sum + starts, 0),
    places: basinPlaces(basins),
  },
];

/**
 * The report of `drnn attractors` as one HTML file: how complete the set is, the portrait, the points in numbers, their
 * multipliers, cycles, the saddle graph, basins and Lyapunov exponents where they were asked for, how the search went. Like that of a fit it fetches nothing, runs nothing, and escapes every string.
 */
export const renderAttractors = (report: AttractorsReport): string => {
  const board = drawingBoard();
  try {
    const numbered = numberedFigures();
    const show = (figure: Figure | null): Html | null => (figure === null ? null : numbered(figure));
    const { found, view } = report;
    const multipliers = found.points.map(({ linearisation }) => ({
      isStable: linearisation.isMapStable,
      multipliers: linearisation.multipliers,
    }));
    return documentOf(
      report.title,
      html`<header>
          <h1>${report.title}</h1>
          <p class="by">Attractors, by drnn ${report.version}</p>
          ${report.verdict.map((line) => html`<p class="verdict">${line}</p>`)}
        </header>
        <main>
          ${section('portrait', 'Portrait', [show(portraitFigure(board.draw, view)), pointsTable(found)])}
          ${section('multipliers', 'The network near its points', show(multipliersFigure(board.draw, multipliers)))}
          ${found.cycles.length === 0 ? null : section('cycles', 'Limit cycles', [show(cyclesFigure(board.draw, found.cycles)), show(cyclePhaseFigure(board.draw, found.cycles, found.form))])}
          ${section(
            'saddles',
            'Where saddles lead',
            show(saddleGraphFigure(board.draw, graphViewOf(report.graph, view))) ??
              html`<p>No unstable point leads to a stable one.</p>`,
          )}
          ${found.basins === null ? null : section('basins', 'How large basins are', show(basinsFigure(board.draw, basinRunsOf(found.basins))) ?? html`<p>There was no time for a run.</p>`)}
          ${found.lyapunov === null ? null : section('exponents', 'Chaos', show(exponentsFigure(board.draw, found.lyapunov, found.points[0]?.state.length ?? found.lyapunov.exponents.length)))}
          ${section('search', 'How the search went', [show(searchFigure(board.draw, found)), searchTable(found)])}
          ${section('repeat', 'How to repeat it', html`<pre>${report.command}</pre>`)}
        </main>
        <footer>Written by drnn. This file holds all that it shows; it fetches nothing and runs no script.</footer>`,
    );
  } finally {
    board.close();
  }
};

/** More points than this are a table that nobody reads; the JSON has them all. */
const MOST_ROWS = 200;

const pointsTable = ({ points }: Attractors): Html => {
  const shown = points.slice(0, MOST_ROWS);
  return html`${dataTable(
      'Points',
      ['No.', 'Class', 'Stability', 'Unstable modes', 'Time constant', 'Speed', 'Proven within', 'Hits'],
      shown.map((point, k) => [
        String(k),
        point.class,
        point.linearisation.isMapStable ? `stable\u00a0${point.linearisation.kind}` : point.linearisation.kind,
        String(point.linearisation.mapIndex),
        formatNumber(point.linearisation.modes[0]?.timeConstant ?? Number.NaN),
        formatNumber(point.speed, 2),
        Number.isFinite(point.certificateRadius) ? formatNumber(point.certificateRadius, 2) : 'not proven',
        String(point.hits),
      ]),
      ['Unstable modes', 'Time constant', 'Speed', 'Proven within', 'Hits'],
    )}
    ${points.length > shown.length ? html`<p class="quiet">The first ${String(MOST_ROWS)} of ${String(points.length)}.</p>` : null}
    <p class="quiet">
      Time constants are in steps, of the slowest mode, negative where it grows. A fixed point is proven to lie within
      the distance given (Kantorovich's theorem); a slow point is no fixed point.
    </p>`;
};

const searchTable = (found: Attractors): Html =>
  factsTable('Search', [
    [
      'Input',
      found.input.length === 0
        ? 'the network has none'
        : `${found.isInputGiven ? '' : 'held at 0: '}${Array.from(found.input, (value) => formatNumber(value)).join(', ')}`,
    ],
    ['Form', found.form],
    ['Starts', String(found.starts)],
    ['Starts that ended at a point', String(found.converged)],
    ['Index sum', found.indexSum === null ? 'a point is degenerate' : `${found.indexSum}, of all fixed points 1`],
    [
      'A further start finds a new point',
      found.unseen === null ? 'not known' : `with a probability of about ${formatNumber(found.unseen, 2)}`,
    ],
    ['Ended because', found.stoppedBecause],
    [
      'Runs for cycles',
      `${found.cycleSearch.starts}, of which ${found.cycleSearch.atFixedPoints} ended at fixed points and ${found.cycleSearch.unsettled} did not come to rest`,
    ],
    ['Time', formatSeconds(found.seconds)],
  ]);
