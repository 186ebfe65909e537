import type { BasinAgreement, Measure, PointMatch } from '@drnn/comparison';
import type { Comparison } from '../compare.js';
import type { Place, PortraitView } from '../portrait-view.js';
import { documentOf, section } from './document.js';
import { drawingBoard } from './drawing.js';
import { type Html, html, type Part } from './escape.js';
import { basinPlaces, basinsFigure, type BasinRuns } from './figure-basins.js';
import { matchedMultipliersFigure } from './figure-multipliers.js';
import { portraitFigure, type PortraitOverlay } from './figure-portrait.js';
import { type GraphView, saddleGraphFigure } from './figure-saddle-graph.js';
import { type Figure, numberedFigures } from './figure.js';
import { formatNumber, formatPercent } from './numbers.js';
import { dataTable } from './table.js';

/** What the report of a comparison shows. */
export interface CompareReport {
  readonly title: string;
  readonly command: string;
  readonly compared: Comparison;
  /** Of the reference. */
  readonly view: PortraitView;
  /** Where a state of the fit is in the reference's picture. */
  readonly placeOfFit: (state: Float64Array) => Place;
  /** What a distance in the units of comparison is in those of the picture, at most. */
  readonly unitOfReference: number;
  /** Measures by what they are called. */
  readonly measures: readonly { readonly name: string; readonly measure: Measure }[];
  /** The findings in words. */
  readonly findings: readonly string[];
  readonly version: string;
}

const overlayOf = ({ compared, view, placeOfFit, unitOfReference }: CompareReport): PortraitOverlay => {
  const places = compared.fit.points.map(({ state }) => placeOfFit(state));
  return {
    points: compared.fit.points.flatMap(({ class: kind }, k) => (kind === 'slow' ? [] : [places[k] ?? [0, 0, 0]])),
    moves: compared.match.pairs.flatMap((pair) => {
      const [from, to] = [view.points[pair.reference]?.at, places[pair.fit]];
      return from === undefined || to === undefined ? [] : [{ from, to }];
    }),
    proofs: (compared.match.persistence ?? []).flatMap(({ reference, isProven, radius }) => {
      const at = view.points[reference]?.at;
      return at === undefined || !isProven ? [] : [{ at, radius: radius * unitOfReference }];
    }),
  };
};

/** Both saddle graphs as one: nodes are the reference's, edges of the fit alone go between the partners of its ends. */
const graphOf = ({ compared, view }: CompareReport): GraphView => {
  const { graphs, graph, match } = compared;
  const indexOf = new Map(graphs.reference.unstable.map(({ point, index }) => [point, index]));
  const missing = new Set(graph.missing.map(([from, to]) => `${from} ${to}`));
  const partnerOf = new Map(match.pairs.map((pair) => [pair.fit, pair.reference]));
  return {
    nodes: view.points.map(({ at }, k) => ({ at, label: String(k), index: indexOf.get(k) ?? 0 })),
    edges: [
      ...graphs.reference.edges.map(({ from, to }) => ({
        from,
        to,
        in: missing.has(`${from} ${to}`) ? ('reference' as const) : ('both' as const),
      })),
      ...graph.extra.flatMap(([from, to]) => {
        const [a, b] = [partnerOf.get(from), partnerOf.get(to)];
        return a === undefined || b === undefined ? [] : [{ from: a, to: b, in: 'fit' as const }];
      }),
    ],
    unresolved: new Set(graphs.reference.unresolved.map(({ from }) => from)).size,
  };
};

/** Runs from random states, and from recorded ones. */
const basinRunsOf = ({ basins, supportedBasins, match }: Comparison): readonly BasinRuns[] => {
  const runs = (from: string, agreement: BasinAgreement | null): readonly BasinRuns[] =>
    agreement === null
      ? []
      : [{ from, starts: agreement.starts, places: basinPlaces(agreement.reference, agreement.fit, match.pairs) }];
  return [...runs('random states', basins), ...runs('recorded states', supportedBasins)];
};

/** The report of `drnn compare` as one HTML file: verdict, portrait of both, points with proofs, multipliers, graph, basins. */
export const renderComparison = (report: CompareReport): string => {
  const board = drawingBoard();
  try {
    const numbered = numberedFigures();
    const show = (figure: Figure | null): Html | null => (figure === null ? null : numbered(figure));
    const { compared } = report;
    const pairs = compared.spectra.flatMap((spectra) => {
      const [a, b] = [compared.reference.points[spectra.reference], compared.fit.points[spectra.fit]];
      return a === undefined || b === undefined
        ? []
        : [
            {
              reference: a.linearisation.multipliers,
              fit: b.linearisation.multipliers,
              slow: spectra.slow,
            },
          ];
    });
    return documentOf(
      report.title,
      html`<header>
          <h1>${report.title}</h1>
          <p class="by">A comparison by drnn ${report.version}</p>
          ${report.findings.map((line) => html`<p>${line}</p>`)}
        </header>
        <main>
          ${section('verdict', 'Verdict', verdictTable(report))}
          ${section('portrait', 'Portrait', [
            show(portraitFigure(board.draw, report.view, overlayOf(report))),
            pairsTable(compared),
          ])}
          ${section('multipliers', 'Near the points', show(matchedMultipliersFigure(board.draw, pairs)) ?? html`<p>No points are pairs.</p>`)}
          ${section(
            'saddles',
            'Where saddles lead',
            show(saddleGraphFigure(board.draw, graphOf(report))) ??
              html`<p>No unstable point leads to a stable one.</p>`,
          )}
          ${section('basins', 'How large basins are', show(basinsFigure(board.draw, basinRunsOf(compared))) ?? html`<p>No point is stable, or nothing was run.</p>`)}
          ${section('repeat', 'How to repeat it', html`<pre>${report.command}</pre>`)}
        </main>
        <footer>Written by drnn. This file holds all that it shows; it fetches nothing and runs no script.</footer>`,
    );
  } finally {
    board.close();
  }
};

const orNothing = (value: number | null): string =>
  value === null ? '' : Number.isFinite(value) ? formatNumber(value) : 'infinite';

const verdictTable = ({ measures, compared }: CompareReport): Part => [
  dataTable(
    'Measures beside chance and ceiling',
    ['Measure', 'Value', 'Chance', 'Ceiling', 'Score', 'Must be', 'Reached'],
    measures.map(({ name, measure }) => [
      name,
      orNothing(measure.value),
      orNothing(measure.floor),
      orNothing(measure.ceiling),
      orNothing(measure.score),
      orNothing(measure.bar),
      measure.isPassed === null ? '' : measure.isPassed ? 'yes' : 'no',
    ]),
    ['Value', 'Chance', 'Ceiling', 'Score', 'Must be'],
  ),
  html`<p class="quiet">
    ${compared.ceilingOf === null ? 'Chance and ceiling were not measured.' : `Chance: the fit with the weights of each row in another order. Ceiling: ${compared.ceilingOf === 'reference' ? 'the reference itself, searched again' : 'the second fit, beside the first'}. Score: (value − chance) / (ceiling − chance).`}
    No single number says that two networks have the same dynamics.
  </p>`,
];

const kindOf = (stable: boolean, index: number): string => (stable ? 'stable' : `${index}\u00a0unstable`);

const pairsTable = ({ match, reference, fit, spectra }: Comparison): Html => {
  const pairOf = new Map(
    match.pairs.map((pair, k) => [pair.reference, { pair, error: spectra[k]?.largestTimeConstantError }]),
  );
  const proofOf = new Map(match.persistence?.map((proof) => [proof.reference, proof]));
  const proofText = (proof: NonNullable<PointMatch['persistence']>[number] | undefined): string =>
    proof === undefined ? '' : proof.isProven ? formatNumber(proof.radius, 2) : `no (h = ${formatNumber(proof.h, 2)})`;
  return html`${dataTable(
      'Fixed points of the reference and what the fit has in their place',
      ['No.', 'Kind', 'In the fit', 'Its kind', 'Moved by', 'Of the way', 'Slow modes off', 'Proven within'],
      reference.points.flatMap((point, k) => {
        if (point.class === 'slow') return [];
        const found = pairOf.get(k);
        const other = found === undefined ? undefined : fit.points[found.pair.fit];
        const way = found?.pair.relativeDisplacement ?? null;
        return [
          [
            String(k),
            kindOf(point.linearisation.isMapStable, point.linearisation.mapIndex),
            found === undefined ? 'none' : String(found.pair.fit),
            other === undefined ? '' : kindOf(other.linearisation.isMapStable, other.linearisation.mapIndex),
            found === undefined ? '' : formatNumber(found.pair.displacement, 2),
            way === null ? '' : formatPercent(way),
            found?.error === undefined ? '' : orNothing(found.error),
            proofText(proofOf.get(k)),
          ],
        ];
      }),
      ['Moved by', 'Of the way', 'Slow modes off', 'Proven within'],
    )}
    <p class="quiet">
      Of the way: over the distance to the nearest other fixed point of the reference. Slow modes off: the largest |ln(τ
      / τ̂)|. Proven within: the fit has a fixed point within this distance of the reference's, by its own equations
      (Kantorovich's theorem), whether a search found it or not.
    </p>`;
};
