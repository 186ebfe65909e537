import type { EngineFigures } from './engines.js';
import { partOf } from './engines.js';
import type { FixedCost } from './fits.js';
import { find, type Measurement } from './measurement.js';
import type { Operation } from './operations.js';
import { percent, tableLines } from './table.js';

/** A figure that must be reached. */
export interface Target {
  readonly what: string;
  /** In words; null where it was not measured. */
  readonly seen: string | null;
  readonly wanted: string;
  readonly met: boolean | null;
}

const steps = 10_000;
const pass = (units: number, value = false) => ({ kind: 'pass', steps, units, value }) as const;
const products = [false, true].map((transposed): Operation => ({ kind: 'product', steps, units: 500, transposed }));

const target = (what: string, value: number | null, wanted: string, met: boolean, show: string): Target => ({
  what,
  wanted,
  seen: value === null || Number.isNaN(value) ? null : show,
  met: value === null || Number.isNaN(value) ? null : met,
});

type Which = 'median' | 'best';

const ratio = (over: Measurement | undefined, under: Measurement | undefined, of: Which = 'median'): number | null =>
  over === undefined || under === undefined ? null : over[of] / under[of];

/**
 * Parts of the peak by engine, both at their best: neighbours on the machine slow a product more than the peak, which has
 * no loads. Node 22 is reported only.
 */
const peakTargets = (engines: readonly EngineFigures[]): readonly Target[] =>
  engines.flatMap((figures) =>
    (['mixed', 'float64'] as const).flatMap((precision) => {
      const parts = figures.measurements
        .filter(({ operation }) => 'steps' in operation && operation.steps === steps)
        .filter((each) => each.precision === precision)
        .map((each) => ({ best: partOf(figures, each, 'best'), median: partOf(figures, each, 'median') }));
      const least = parts.length === 0 ? null : Math.min(...parts.map(({ best }) => best));
      const wanted = precision === 'mixed' ? 0.7 : figures.fused ? 0.6 : 0.65;
      const reported = figures.engine.startsWith('Node 22');
      const arithmetic = figures.fused ? 'FMA' : 'mul+add';
      const made = target(
        `wasm GEMM and pass, ${precision === 'mixed' ? 'float32' : 'float64'}, N=500, ${figures.engine}`,
        least,
        reported ? 'reported only' : `>= ${percent(wanted)} of the ${arithmetic} peak`,
        (least ?? 0) >= wanted,
        `${percent(least ?? 0)} at the least of ${parts.map(({ best, median }) => `${percent(best)} (median ${percent(median)})`).join(', ')}`,
      );
      return [reported ? { ...made, met: null } : made];
    }),
  );

const tfjsTargets = (all: readonly Measurement[]): readonly Target[] => {
  const iteration: Operation = { kind: 'iteration', steps, units: 500 };
  const composed = find(all, 'tfjs composed', 'mixed', 1, iteration);
  return [
    { threads: 1, wanted: 1.4 },
    { threads: 2, wanted: 2.6 },
  ].map(({ threads, wanted }) => {
    const value = ratio(composed, find(all, 'wasm', 'mixed', threads, iteration));
    return target(
      `wasm on ${threads} thread${threads > 1 ? 's' : ''} against tfjs-wasm composed, iteration, N=500`,
      value,
      `>= ${wanted}x`,
      (value ?? 0) >= wanted,
      `${value?.toFixed(2)}x`,
    );
  });
};

/** At the best of both: what two idle cores give. */
const scalingTargets = (all: readonly Measurement[]): readonly Target[] =>
  (['mixed', 'float64'] as const).flatMap((precision) =>
    [500, 1000].map((units) => {
      const one = find(all, 'wasm', precision, 1, pass(units));
      const two = find(all, 'wasm', precision, 2, pass(units));
      const value = ratio(one, two, 'best');
      return target(
        `wasm two threads over one, pass, ${precision}, N=${units}`,
        value,
        '>= 1.9x',
        (value ?? 0) >= 1.9,
        `${value?.toFixed(2)}x at the best of both, ${ratio(one, two)?.toFixed(2)}x in the median`,
      );
    }),
  );

/** Every blas against every NumPy; on NumPy's own library what differs is the pass alone. */
const numpyTargets = (all: readonly Measurement[]): readonly Target[] => {
  const numpys = [...new Set(all.filter((each) => each.name.startsWith('NumPy')).map((each) => each.name))];
  const ours = [...new Set(all.filter((each) => each.name.startsWith('blas')).map((each) => each.name))];
  const counts = [...new Set(all.filter((each) => ours.includes(each.name)).map((each) => each.threads))];
  return numpys.flatMap((numpy) =>
    ours.flatMap((blas) =>
      (['float64', 'mixed'] as const).flatMap((precision) =>
        counts.flatMap((threads) =>
          [false, true].map((value) => {
            const operation: Operation = { ...pass(1000, value), plain: true };
            const found = ratio(
              find(all, blas, precision, threads, operation),
              find(all, numpy, precision, threads, operation),
            );
            return target(
              `${blas} over ${numpy}, ${precision}, gradient${value ? ' + value' : ''}, ${threads} thr, N=1000`,
              found,
              '<= 1.05',
              (found ?? Infinity) <= 1.05,
              `${found?.toFixed(2)}`,
            );
          }),
        ),
      ),
    ),
  );
};

/** How much of a pass its two products take when they are timed by themselves. */
const pointwiseTargets = (all: readonly Measurement[]): readonly Target[] =>
  (['float64', 'mixed'] as const).map((precision) => {
    const times = products.map((product) => find(all, 'blas', precision, 1, product)?.median ?? Number.NaN);
    const whole = find(all, 'blas', precision, 1, pass(500))?.median ?? Number.NaN;
    const rest = 1 - times.reduce((sum, each) => sum + each, 0) / whole;
    return target(
      `blas pass beside its products (pointwise, copying), ${precision}, N=500`,
      rest,
      'not most of it',
      rest < 0.5,
      percent(rest),
    );
  });

const fixedTargets = (costs: readonly FixedCost[]): readonly Target[] =>
  costs
    .filter(({ installed }) => installed)
    .map(({ precision, median }) =>
      target(
        `import to Solution, N=50, T=1000, wasm ${precision}, one thread, as npm installs it`,
        median,
        '< 150 ms',
        median < 150,
        `${median.toFixed(0)} ms`,
      ),
    );

/** The figures that must be reached, beside what this run saw. */
export const targetsOf = (
  measurements: readonly Measurement[],
  engines: readonly EngineFigures[],
  costs: readonly FixedCost[],
): readonly Target[] => [
  ...peakTargets(engines),
  ...tfjsTargets(measurements),
  ...scalingTargets(measurements),
  ...numpyTargets(measurements),
  ...pointwiseTargets(measurements),
  ...fixedTargets(costs),
];

export const targetLines = (targets: readonly Target[]): readonly string[] => {
  const verdict = (met: boolean | null): string => (met === null ? '' : met ? 'met' : 'MISSED');
  const rows = targets.map(({ what, seen, wanted, met }) => [
    `  ${what}`,
    seen ?? 'not measured',
    wanted,
    verdict(met),
  ]);
  return [...tableLines(['what must be reached', 'seen', 'wanted', ''], rows), ''];
};
