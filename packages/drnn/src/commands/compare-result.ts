import type { BasinAgreement, Measure, VerdictName, WeightAgreement } from '@drnn/comparison';
import type { AttractorPoint, Attractors } from '../attractors.js';
import type { Comparison } from '../compare.js';
import { textTable } from '../studies/text-table.js';

const setJson = (found: Attractors): unknown => ({
  points: found.points.map(({ state, class: kind, linearisation, certificateRadius }) => ({
    state,
    class: kind,
    stable: linearisation.isMapStable,
    index: linearisation.mapIndex,
    certificateRadius,
  })),
  indexSum: found.indexSum,
  starts: found.starts,
  stoppedBecause: found.stoppedBecause,
});

/** The JSON of `drnn compare`; infinities become null when it is printed. */
export const compareJson = (compared: Comparison): unknown => {
  const { match, graph, reference } = compared;
  return {
    reference: setJson(reference),
    fit: setJson(compared.fit),
    pairs: match.pairs.map((pair, k) => {
      const spectra = compared.spectra[k];
      return {
        reference: pair.reference,
        fit: pair.fit,
        displacement: pair.displacement,
        relativeDisplacement: pair.relativeDisplacement,
        sameKind: pair.isTyped,
        spectrumDistance: spectra?.distance ?? null,
        timeConstantError: spectra?.largestTimeConstantError ?? null,
        slow: spectra?.slow ?? [],
        spurious: spectra?.spurious ?? null,
        slowAngles: spectra?.slowAngles ?? null,
      };
    }),
    unmatchedReference: match.unmatchedReference,
    unmatchedFit: match.unmatchedFit,
    gate: match.gate,
    untyped: match.untyped,
    typed: match.typed,
    supported: match.supported,
    persistence: (match.persistence ?? []).map(({ isProven, ...point }) => ({ ...point, proven: isProven })),
    proven: match.persistence?.filter(({ isProven }) => isProven).length ?? null,
    stability: match.confusion,
    displacement: {
      median: match.medianDisplacement,
      largest: match.largestDisplacement,
      medianRelative: match.medianRelativeDisplacement,
      largestRelative: match.largestRelativeDisplacement,
      medianNearest: match.medianNearestDisplacement,
    },
    graph,
    basins: compared.basins,
    supportedBasins: compared.supportedBasins,
    activity: compared.activity,
    weights: compared.weights,
    verdict: compared.verdict,
    ceilingOf: compared.ceilingOf,
    observed: compared.observed,
    input: reference.input,
    inputGiven: reference.isInputGiven,
  };
};

const kindOf = ({ class: kind, linearisation }: AttractorPoint): string => {
  if (kind !== 'fixed') return kind;
  const { isMapStable, mapIndex } = linearisation;
  return isMapStable ? 'stable' : `${mapIndex} unstable`;
};

const few = (value: number | null | undefined): string => {
  if (value === null || value === undefined) return '';
  if (!Number.isFinite(value)) return 'infinite';
  if (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e4)) return String(Number(value.toPrecision(3)));
  return value.toExponential(1);
};

const percent = (value: number | null | undefined): string =>
  value === null || value === undefined ? '' : `${few(100 * value)}%`;

const setLine = (name: string, { points, indexSum }: Attractors): string => {
  const fixed = points.filter(({ class: kind }) => kind === 'fixed');
  const stable = fixed.filter(({ linearisation }) => linearisation.isMapStable).length;
  const others = (['degenerate', 'slow'] as const).flatMap((kind) => {
    const count = points.filter((point) => point.class === kind).length;
    return count === 0 ? [] : [`, ${count} ${kind}`];
  });
  const sum =
    indexSum === null
      ? 'a degenerate one, so that the index sum says nothing'
      : indexSum === 1
        ? 'index sum 1'
        : `incomplete: index sum ${indexSum}`;
  return `${name.padEnd(10)} ${fixed.length} fixed points, ${stable} stable${others.join('')}; ${sum}`;
};

const names: Readonly<Record<VerdictName, string>> = {
  fixedPointF1: 'fixed points, F1 of the same kind',
  displacement: 'median way to the nearest point',
  eigenvalueError: 'slow modes, log time constant',
  graphF1: 'saddle graph, F1',
  basinAgreement: 'basins, runs that end alike',
  period: 'period of cycles',
  lyapunov: 'largest Lyapunov exponent',
  stateSpaceDivergence: 'states in closed loop, divergence',
  powerSpectrumError: 'power spectra, distance',
  predictionHorizon: 'prediction horizon, steps',
  dynamicalSimilarity: 'linear dynamics, angle',
};

const measureRow = (name: string, measure: Measure): readonly string[] => [
  name,
  few(measure.value),
  few(measure.floors.weights),
  few(measure.floors.time),
  few(measure.floors.linear),
  few(measure.ceiling),
  few(measure.score),
  few(measure.bar),
  measure.isPassed === null ? '' : measure.isPassed ? 'yes' : 'no',
];

const pairRows = ({ match, spectra, reference, fit }: Comparison): readonly (readonly string[])[] => {
  const proofs = new Map(match.persistence?.map((one) => [one.reference, one]));
  const pairOf = new Map(match.pairs.map((pair, k) => [pair.reference, { pair, spectra: spectra[k] }]));
  return reference.points.flatMap((point, k) => {
    if (point.class === 'slow') return [];
    const found = pairOf.get(k);
    const proof = proofs.get(k);
    const other = found === undefined ? undefined : fit.points[found.pair.fit];
    return [
      [
        `${k}`,
        kindOf(point),
        found === undefined ? 'none' : `${found.pair.fit}`,
        other === undefined ? '' : kindOf(other),
        few(found?.pair.displacement),
        percent(found?.pair.relativeDisplacement),
        few(found?.spectra?.largestTimeConstantError),
        proof === undefined ? '' : proof.isProven ? few(proof.radius) : `no, h = ${few(proof.h)}`,
      ],
    ];
  });
};

const basinLine = (where: string, basins: BasinAgreement | null): readonly string[] =>
  basins === null || basins.agreement === null
    ? []
    : [
        `${percent(basins.agreement)} of ${basins.ended} ${where} end alike; ${percent(basins.chance)} would by chance.`,
      ];

/** The measures that there are, by what they are called. */
export const compareMeasures = ({
  verdict,
}: Comparison): readonly { readonly name: string; readonly measure: Measure }[] =>
  Object.entries(names).flatMap(([key, name]) => {
    const measure = Object.entries(verdict).find(([each]) => each === key)?.[1];
    return measure === null || measure === undefined ? [] : [{ name, measure }];
  });

/** What was found, in sentences. */
export const compareFindings = (compared: Comparison): readonly string[] => {
  const { match, graph } = compared;
  const total = match.pairs.length + match.unmatchedReference.length;
  const proven = match.persistence?.filter(({ isProven }) => isProven).length ?? 0;
  const typed = match.pairs.filter(({ isTyped }) => isTyped).length;
  return [
    `${match.pairs.length} of ${total} fixed points of the reference have a partner in the fit, ${typed} of the same kind; ${match.unmatchedFit.length} of the fit have none.`,
    ...(match.persistence === null
      ? []
      : [`${proven} of ${total} are proven: the fit has a fixed point within the distance given.`]),
    ...(match.supported === null
      ? []
      : [
          `${match.supported.reference.length} of the reference's lie where activity was recorded; there F1 is ${few(match.supported.untyped.f1)}, of the same kind ${few(match.supported.typed.f1)}.`,
        ]),
    `Saddle graph: ${graph.missing.length} edges missing, ${graph.extra.length} too much; edit distance ${graph.editDistance}.`,
    ...basinLine('starts in the cube', compared.basins),
    ...basinLine('recorded states', compared.supportedBasins),
    ...weightLine(compared.weights),
  ];
};

const weightLine = (weights: WeightAgreement | null): readonly string[] =>
  weights === null
    ? []
    : weights.all.pearson === null
      ? ['Weights that are all the same correlate with nothing.']
      : [
          `Weights correlate with ${few(weights.all.pearson)}${weights.inSupport === null ? '' : `, with ${few(weights.inSupport.pearson)} in the ${weights.supportDimension} directions that were recorded`}.`,
        ];

/** The comparison in words. */
export const compareLines = (compared: Comparison): readonly string[] => {
  const { ceilingOf } = compared;
  return [
    setLine('reference', compared.reference),
    setLine('fit', compared.fit),
    '',
    textTable(
      ['point', 'kind', 'in the fit', 'its kind', 'moved by', 'of the way', 'slow modes off', 'proven within'],
      pairRows(compared),
      ['kind', 'its kind', 'proven within'],
    ),
    '',
    ...compareFindings(compared),
    '',
    textTable(
      ['measure', 'value', 'shuffled weights', 'shuffled time', 'linear', 'ceiling', 'score', 'must be', 'reached'],
      compareMeasures(compared).map(({ name, measure }) => measureRow(name, measure)),
      ['measure', 'reached'],
    ),
    ...(ceilingOf === null
      ? []
      : [
          '',
          `chance: the fit with the weights of each row in another order; the recorded frames in another order, and the best linear network for them, where they say something; the score counts from the best of these. Ceiling: ${ceilingOf === 'reference' ? 'the reference itself, searched again' : 'the second fit, beside the first'}.`,
        ]),
  ];
};
