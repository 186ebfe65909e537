import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Precision } from '@drnn/tensor';
import type { BackendName } from './backends.js';
import type { FitTask, FitTimes } from './fit-once.js';
import type { Options } from './options.js';
import { alpha } from './recording.js';
import type { Shelf } from './shelf.js';
import { milliseconds, tableLines } from './table.js';
import { median } from './timing.js';

/** What is fitted, and on what. */
interface Setting {
  readonly backend: BackendName;
  readonly precision: Precision;
  readonly threads: number;
  readonly units: number;
  readonly steps: number;
}

export type Fit = Setting & (FitTimes | { readonly failed: string });

const trials = 50;
const maxSteps = 30;
const toleranceOf = (precision: Precision): number => (precision === 'mixed' ? 1e-4 : 1e-8);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const once = here('./fit-once.js');
const execute = promisify(execFile);

const fitInProcess = async (setting: Setting, shelf: Shelf, times: number, program = once): Promise<Fit> => {
  const { units, steps, precision } = setting;
  const task: FitTask = {
    ...setting,
    trials,
    alpha,
    file: (await shelf.recordingOf(units, steps)).file,
    tolerance: toleranceOf(precision),
    maxSteps,
    times,
  };
  try {
    const environment = { ...process.env };
    delete environment['OPENBLAS_CORETYPE'];
    delete environment['OPENBLAS_L2_SIZE'];
    const { stdout } = await execute(process.execPath, [program, JSON.stringify(task)], { env: environment });
    const found: FitTimes = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    return { ...setting, ...found };
  } catch (error) {
    const lines = error instanceof Error ? error.message.split('\n') : [String(error)];
    return { ...setting, failed: lines.find((line) => /^\w*Error/.test(line)) ?? lines[0] ?? '' };
  }
};

const settingsOf = ({ backends, precisions, threads, quick, all }: Options): readonly Setting[] => {
  const most = threads.at(-1) ?? 1;
  const sizes = quick
    ? [{ units: 100, steps: 2000 }]
    : [
        { units: 500, steps: 7500 },
        { units: 1000, steps: 10_000 },
      ];
  const fitted = backends.filter((backend) => backend === 'wasm' || backend === 'blas' || (backend === 'cpu' && all));
  return sizes.flatMap(({ units, steps }) =>
    fitted.flatMap((backend) =>
      precisions.flatMap((precision) =>
        (backend === 'cpu' ? [1] : all ? threads : [most])
          .filter(() => backend !== 'cpu' || (precision === 'float64' && units <= 500))
          .map((count) => ({ backend, precision, threads: count, units, steps })),
      ),
    ),
  );
};

/** Whole fits, each twice in a process of its own. */
export const wholeFits = async (
  options: Options,
  shelf: Shelf,
  tell: (what: string) => void,
): Promise<readonly Fit[]> => {
  const fits: Fit[] = [];
  for (const setting of settingsOf(options)) {
    tell(`fit on ${setting.backend} ${setting.precision}, N=${setting.units}`);
    fits.push(await fitInProcess(setting, shelf, 2));
  }
  return fits;
};

export const fitLines = (fits: readonly Fit[]): readonly string[] => {
  const header = [
    'fit',
    'threads',
    'cold s',
    'until a backend',
    'warm s',
    'steps',
    'status',
    'residual',
    'error of Theta',
  ];
  const rows = fits.map((fit) => [
    `  ${fit.backend} ${fit.precision} N=${fit.units} T=${fit.steps}`,
    `${fit.threads}`,
    ...('failed' in fit
      ? [`not measured: ${fit.failed}`]
      : [
          ((fit.runs[0] ?? Number.NaN) / 1000).toFixed(2),
          (fit.imports / 1000).toFixed(2),
          ((fit.runs[1] ?? Number.NaN) / 1000).toFixed(2),
          `${fit.solverSteps}`,
          fit.status,
          fit.residual.toExponential(1),
          fit.thetaErrorBound.toExponential(1),
        ]),
  ]);
  const what = `  cross-entropy, clip 0.2, ridge 1e-5; shared Newton with Anderson(5); tolerance ${toleranceOf('mixed')} in mixed, ${toleranceOf('float64')} in float64, at most ${maxSteps} steps`;
  return [...tableLines(header, rows), what, ''];
};

export interface FixedCost {
  readonly precision: Precision;
  /** The modules as npm installs them, joined into few files, or as the workspace has them. */
  readonly installed: boolean;
  /** From the import to the solution, each in a fresh process. */
  readonly samples: readonly number[];
  readonly median: number;
  /** The same in time of the processor. */
  readonly processor: number;
  /** Of it, until the modules are loaded and the backend is there. */
  readonly imports: number;
  /** From the start of the process. */
  readonly process: number;
  readonly status: string;
}

/** The program of a fit in a folder where our packages are as npm installs them. */
const installedProgram = async (folder: string): Promise<string> => {
  await execute(process.execPath, [
    here('../../../scripts/as-published.mjs'),
    folder,
    '@drnn/solvers',
    '@drnn/backend-wasm',
  ]);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  for (const name of ['fit-once.js', 'backends.js']) copyFileSync(here(`./${name}`), join(folder, name));
  return join(folder, 'fit-once.js');
};

const fixedCostOf = async (
  precision: Precision,
  installed: boolean,
  program: string,
  times: number,
  shelf: Shelf,
): Promise<FixedCost> => {
  const setting: Setting = { backend: 'wasm', precision, threads: 1, units: 50, steps: 1000 };
  const found: FitTimes[] = [];
  while (found.length < times) {
    const fit = await fitInProcess(setting, shelf, 1, program);
    if ('failed' in fit) throw new Error(`a fit of N=50: ${fit.failed}`);
    found.push(fit);
  }
  const samples = found.map(({ runs }) => runs[0] ?? Number.NaN);
  return {
    precision,
    installed,
    samples,
    median: median(samples),
    processor: median(found.map((each) => each.processor)),
    imports: median(found.map((each) => each.imports)),
    process: median(found.map((each) => each.process)),
    status: found[0]?.status ?? '',
  };
};

/** The import, the compilation and a small fit, on one thread, in processes of their own. */
export const fixedCosts = async (
  { precisions, quick, backends }: Options,
  shelf: Shelf,
  tell: (what: string) => void,
): Promise<readonly FixedCost[]> => {
  if (!backends.includes('wasm')) return [];
  const times = quick ? 3 : 9;
  const costs: FixedCost[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'drnn-installed-'));
  try {
    tell('fixed cost, packages as npm installs them');
    const program = await installedProgram(folder);
    for (const precision of precisions) {
      tell(`fixed cost, ${precision}`);
      costs.push(await fixedCostOf(precision, true, program, times, shelf));
      costs.push(await fixedCostOf(precision, false, once, times, shelf));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return costs;
};

export const fixedLines = (costs: readonly FixedCost[]): readonly string[] => [
  'fixed cost: from the import to the Solution of N=50, T=1000, wasm, one thread, fresh processes',
  ...costs.map(
    (cost) =>
      `  ${cost.precision.padEnd(8)} ${(cost.installed ? 'as npm installs it' : 'of the workspace').padEnd(19)} ${milliseconds(cost.median)} ms (${cost.samples.map((each) => each.toFixed(0)).join(', ')}), of it ${milliseconds(cost.imports)} ms until there is a backend; ${milliseconds(cost.processor)} ms of the processor; since the process began ${milliseconds(cost.process)} ms; ${cost.status}`,
  ),
  '',
];
