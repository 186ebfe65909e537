import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import type { Precision } from '@drnn/tensor';
import { capability } from '@drnn/testing';
import { closeBrowser, inBrowser } from '@drnn/testing/browser';
import { type Contestant, enter } from './contestant.js';
import type * as browser from './engine.browser.js';
import { backendEntrant, peakEntrant } from './entrants.js';
import { type Measurement, measurementOf } from './measurement.js';
import { flopOf, labelOf, needsRecording, type Operation } from './operations.js';
import type { Options } from './options.js';
import { type Pace, race } from './race.js';
import type { Shelf } from './shelf.js';
import { percent, tableLines } from './table.js';

/** What one engine reached with the wasm kernels on one thread. */
export interface EngineFigures {
  readonly engine: string;
  readonly fused: boolean;
  /** GFLOP/s at the best. */
  readonly peaks: Readonly<Record<Precision, number>>;
  readonly measurements: readonly Measurement[];
}

const operationsOf = (quick: boolean): readonly Operation[] => {
  const steps = quick ? 2000 : 10_000;
  return [
    { kind: 'product', steps: 512, units: 512, transposed: true },
    { kind: 'product', steps, units: 500, transposed: false },
    { kind: 'product', steps, units: 500, transposed: true },
    { kind: 'pass', steps, units: 500, value: false },
  ];
};

const peakRate = (operation: Operation, samples: readonly number[]): number =>
  flopOf(operation) / Math.min(...samples) / 1e6;

/** The best of all looks at a peak. */
export const lookAtPeaks = async (
  contestant: Contestant,
  best: Record<Precision, number>,
  { warm, turn }: Pace,
): Promise<void> => {
  for (const precision of ['mixed', 'float64'] as const) {
    const operation: Operation = { kind: 'peak', precision };
    await contestant.prepare(operation, null, warm);
    const rate = peakRate(operation, await contestant.turn(2 * turn));
    await contestant.release();
    best[precision] = Math.max(best[precision], rate);
  }
};

const versionOf = (node: string): string => {
  const { stdout, error } = spawnSync(node, ['-p', '`Node ${process.versions.node} (V8 ${process.versions.v8})`'], {
    encoding: 'utf8',
  });
  if (error !== undefined) throw new Error(`${node}: ${error.message}`);
  return stdout.trim();
};

/** Node binaries in turns. */
const inNodes = async (
  nodes: readonly string[],
  { precisions, quick }: Options,
  shelf: Shelf,
  pace: Pace,
): Promise<readonly EngineFigures[]> => {
  const engines = [];
  for (const node of nodes) {
    const peak = await enter(peakEntrant(node));
    const contestants: Contestant[] = [];
    for (const precision of precisions) {
      const entrant = backendEntrant('wasm', precision, 1, node);
      if (entrant !== null) contestants.push(await enter(entrant));
    }
    const measurements: Measurement[] = [];
    const figures = {
      engine: versionOf(node),
      fused: peak.introduction.says.startsWith('fused'),
      peaks: { mixed: 0, float64: 0 },
      measurements,
    };
    engines.push({ peak, contestants, figures });
  }
  for (const operation of operationsOf(quick)) {
    for (const { peak, figures } of engines) await lookAtPeaks(peak, figures.peaks, pace);
    const recording = needsRecording(operation) ? await shelf.recordingOf(operation.units, operation.steps) : null;
    const all = engines.flatMap(({ contestants }) => contestants);
    for (const result of await race(operation, all, recording, pace, new Map())) {
      const { contestant } = result;
      if (result.kind !== 'times') continue;
      engines
        .find(({ contestants }) => contestants.includes(contestant))
        ?.figures.measurements.push(measurementOf(contestant.entrant, operation, result.samples, null));
    }
  }
  for (const { peak, contestants } of engines)
    await Promise.all([peak, ...contestants].map((contestant) => contestant.close()));
  return engines.map(({ figures }) => figures);
};

const inChromium = async ({ precisions, quick }: Options, pace: Pace): Promise<EngineFigures> => {
  const { reason } = capability('chromium');
  // From its source: it is bundled for the browser.
  const entry = new URL('../../src/speed/engine.browser.ts', import.meta.url);
  const parameters = { operations: operationsOf(quick), precisions, pace };
  try {
    const { result } = await inBrowser<typeof browser>(entry, {
      where: 'worker',
      isolated: true,
      parameters,
      timeout: 120_000,
    });
    const best = (precision: Precision): number =>
      Math.max(
        ...result.times
          .filter((each) => each.operation.kind === 'peak' && each.precision === precision)
          .map(({ operation, samples }) => peakRate(operation, samples)),
      );
    return {
      engine: /Chrom\w* [\d.]+/.exec(reason)?.[0] ?? reason,
      fused: result.fused,
      peaks: { mixed: best('mixed'), float64: best('float64') },
      measurements: result.times
        .filter(({ operation }) => operation.kind !== 'peak')
        .map(({ precision, operation, samples }) =>
          measurementOf({ name: 'wasm', precision, threads: 1 }, operation, samples, null),
        ),
    };
  } finally {
    await closeBrowser();
  }
};

/** This Node, the others, and Chromium where it is installed. */
export const measureEngines = async (
  options: Options,
  shelf: Shelf,
  pace: Pace,
  tell: (what: string) => void,
): Promise<{ readonly engines: readonly EngineFigures[]; readonly notes: readonly string[] }> => {
  const nodes = [process.execPath, ...options.nodes.map((path) => resolve(path))];
  tell(`${nodes.length} Node binaries`);
  const engines = [...(await inNodes([...new Set(nodes)], options, shelf, pace))];
  const notes = options.nodes.length === 0 ? ['no other Node: see --node'] : [];
  const { available, reason, install } = capability('chromium');
  if (!available) return { engines, notes: [...notes, `Chromium not installed: ${reason}; ${install}`] };
  tell('Chromium');
  try {
    engines.push(await inChromium(options, pace));
  } catch (error) {
    notes.push(`Chromium: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { engines, notes };
};

/** The part of the peak that a measurement reached. */
export const partOf = (
  { peaks }: EngineFigures,
  { operation, precision, ...times }: Measurement,
  at: 'median' | 'best',
): number => flopOf(operation) / times[at] / 1e6 / peaks[precision];

export const engineLines = (engines: readonly EngineFigures[], notes: readonly string[], quick: boolean) => {
  const operations = operationsOf(quick);
  const rows = engines.flatMap((figures) =>
    (['mixed', 'float64'] as const)
      .filter((precision) => figures.measurements.some((each) => each.precision === precision))
      .map((precision) => [
        `  ${figures.engine} ${precision}`,
        figures.fused ? 'FMA' : 'mul+add',
        `${figures.peaks[precision].toFixed(1)} GF`,
        ...figures.measurements
          .filter((each) => each.precision === precision)
          .map((each) => `${percent(partOf(figures, each, 'best'))} (${each.gflops.toFixed(1)} GF)`),
      ]),
  );
  const header = [
    'wasm, one thread',
    'arithmetic',
    'peak',
    ...operations.map((each) => `${labelOf(each, 'mixed')}, best (median)`),
  ];
  return [...tableLines(header, rows), ...notes.map((note) => `  ${note}`), ''];
};
