/**
 * What a data-constrained network adds on a real recording: one step ahead and in closed loop on the last fifth, against
 * persistence, each unit predicting itself, and linear networks. `node bench/dist/zebrafish.js <recording> [--layout
 * unit-time] [--backend auto] [--out folder]`, made for the zebrafish recording of Triplett, Avitan & Goodhill (2018).
 *
 * Differences of R2 come with a standard error from blocks of 40 held-out frames: the frames of one block are not
 * independent, blocks nearly are.
 */
import { parseArgs } from 'node:util';
import { splitTransitions, type Transitions, transitions } from '@drnn/simulator';
import { backendNames, type Fit, fit, type FitContext, openBackend, readRecording } from 'drnn';
import { markdownTable, publish } from './result-table.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    layout: { type: 'string', default: 'unit-time' },
    backend: { type: 'string', default: 'auto' },
    out: { type: 'string' },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error('the recording: saw none; expected a file');
const layout = (['unit-time', 'time-unit'] as const).find((name) => name === values.layout) ?? 'unit-time';
const { rates } = await readRecording(path, { layout });
const { train, heldOut } = splitTransitions(transitions({ rates, alpha: 1 }), 0.2);
const blockLength = 40;

/** r[t] and r[t+1], since at alpha = 1 targets are the next frames. */
const now = (of: Transitions, row: number, unit: number): number =>
  of.predictors.data[row * of.units + unit] ?? Number.NaN;
const next = (of: Transitions, row: number, unit: number): number =>
  of.targets.data[row * of.units + unit] ?? Number.NaN;

/** Squared errors summed over units and the frames of each block. */
const errorsBy = (predict: (row: number, unit: number) => number): Float64Array => {
  const rows = heldOut.targets.rows;
  const blocks = new Float64Array(Math.ceil(rows / blockLength));
  for (let row = 0; row < rows; row++)
    for (let unit = 0; unit < heldOut.units; unit++) {
      blocks[Math.floor(row / blockLength)]! += (next(heldOut, row, unit) - predict(row, unit)) ** 2;
    }
  return blocks;
};

const columnMean = Float64Array.from({ length: train.units }, (_, unit) => {
  let sum = 0;
  for (let row = 0; row < train.targets.rows; row++) sum += next(train, row, unit);
  return sum / train.targets.rows;
});
const total = errorsBy((_, unit) => columnMean[unit] ?? Number.NaN).reduce((a, b) => a + b, 0);

/** Least squares of r[t+1] on r[t] and a constant, unit by unit, on the training rows. */
const regression = Array.from({ length: train.units }, (_, unit) => {
  let [x, y, xx, xy] = [0, 0, 0, 0];
  const n = train.targets.rows;
  for (let row = 0; row < n; row++) {
    const [a, b] = [now(train, row, unit), next(train, row, unit)];
    x += a;
    y += b;
    xx += a * a;
    xy += a * b;
  }
  const slope = (xy - (x * y) / n) / (xx - (x * x) / n);
  return { slope, level: (y - slope * x) / n };
});
const autoregression = errorsBy((row, unit) => {
  const { slope, level } = regression[unit] ?? { slope: Number.NaN, level: Number.NaN };
  return slope * now(heldOut, row, unit) + level;
});
const persistence = errorsBy((row, unit) => now(heldOut, row, unit));

const phi: Readonly<Record<string, (z: number) => number>> = { tanh: Math.tanh, identity: (z) => z };
const errorsOf = ({ model, transfer }: Fit): Float64Array => {
  const { W, b, alpha, scale, offset } = model;
  const { units } = heldOut;
  const apply = phi[transfer.name];
  if (apply === undefined) throw new Error(`a network of ${transfer.name}`);
  const state = new Float64Array(units);
  let shown = -1;
  return errorsBy((row, unit) => {
    if (shown !== row) {
      for (let j = 0; j < units; j++) state[j] = (now(heldOut, row, j) - offset[j]!) / scale[j]!;
      shown = row;
    }
    let z = b[unit] ?? 0;
    for (let j = 0; j < units; j++) z += W.data[unit * units + j]! * state[j]!;
    const a = alpha[unit] ?? Number.NaN;
    return ((1 - a) * (state[unit] ?? Number.NaN) + a * apply(z)) * (scale[unit] ?? 1) + (offset[unit] ?? 0);
  });
};

const sum = (blocks: Float64Array): number => blocks.reduce((a, b) => a + b, 0);
const r2 = (blocks: Float64Array): string => (1 - sum(blocks) / total).toFixed(4);
/** How much more of the variance than the autoregression's, and the standard error of that over blocks. */
const gain = (blocks: Float64Array): string => {
  const differences = blocks.map((error, k) => (autoregression[k]! - error) / total);
  const mean = sum(differences) / differences.length;
  const variance = differences.reduce((a, each) => a + (each - mean) ** 2, 0) / (differences.length - 1);
  const value = sum(differences);
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)} ± ${Math.sqrt(variance * differences.length).toFixed(4)}`;
};

const networks: readonly (readonly [string, FitContext])[] = [
  ['network, alpha auto', { alpha: 'auto' }],
  ['network, alpha auto, its rounds alone', { alpha: 'auto', choosing: 'none' }],
  ['network, alpha auto, self-connections', { alpha: 'auto', zeroDiagonal: false }],
  ['network, an alpha for each unit', { alpha: 'auto-unit' }],
  ['network, alpha 0.3', { alpha: 0.3 }],
  ['linear network, alpha auto', { alpha: 'auto', loss: 'least-squares', estimator: 'calibrated' }],
  [
    'linear network, alpha 1, self-connections: vector autoregression',
    { alpha: 1, loss: 'least-squares', estimator: 'calibrated', zeroDiagonal: false },
  ],
];

const backendName = backendNames.find((name) => name === values.backend) ?? 'auto';
const { on } = await openBackend({ name: backendName });
try {
  const rows: string[][] = [
    ['persistence', '-', '-', r2(persistence), gain(persistence), '-', '-', '-'],
    ['each unit predicting itself', '-', '-', r2(autoregression), '0', '-', '-', '-'],
  ];
  let loop = '';
  for (const [name, options] of networks) {
    const result = await fit({ rates }, { ...options, on, refit: false });
    const { scores, calibration, model, alphaProfile } = result;
    const errors = errorsOf(result);
    const alphas = model.alpha.toSorted();
    const [low, high] = [alphas[0] ?? Number.NaN, alphas.at(-1) ?? Number.NaN];
    const flat = alphaProfile === null ? '' : alphaProfile.flat.length > 0 ? `, ${alphaProfile.flat.length} flat` : '';
    rows.push([
      name,
      `${low.toPrecision(2)}${low === high ? '' : ` to ${high.toPrecision(2)}`}${flat}`,
      calibration?.winner ?? 'convex',
      r2(errors),
      gain(errors),
      scores?.drive.pooled.toFixed(4) ?? '-',
      scores?.closedLoop[0]?.pooled.toFixed(3) ?? '-',
      scores?.closedLoop.at(-1)?.pooled.toFixed(3) ?? '-',
    ]);
    const leads = scores?.closedLoop.map(({ horizon }) => horizon).join(', ') ?? '';
    const still = scores?.baseline.closedLoop.persistence.map(({ pooled }) => pooled.toFixed(3)).join(', ') ?? '';
    loop += `\n- ${name}: closed loop at ${leads} frames ${scores?.closedLoop.map(({ pooled }) => pooled.toFixed(3)).join(', ') ?? '-'}; persistence there ${still}`;
    process.stderr.write(`${rows.at(-1)?.join(' | ') ?? ''}\n`);
  }
  publish(values.out, {
    title: 'A real recording: what a network adds',
    about: [
      `${rates.columns} units, ${rates.rows} frames; ${train.targets.rows} transitions fitted, the last ${heldOut.targets.rows} scored. Backend ${on.name}, ${on.precision}.`,
      'one step: R2 of r[t+1] from r[t], pooled over units, SST about the training mean; gain: over each unit predicting itself, ± a standard error over blocks of 40 frames; drive: R2 of d; closed loop: R2 at the shortest and the longest lead.',
    ],
    tables: `${markdownTable(['predictor', 'alpha', 'won', 'one step', 'gain', 'drive', 'closed loop, short', 'closed loop, long'], rows, ['predictor', 'alpha', 'won'])}\n\nClosed loops by lead:\n${loop}`,
  });
} finally {
  await on.close();
}
