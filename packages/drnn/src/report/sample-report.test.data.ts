import type { Matrix } from '@drnn/tensor';
import type { ReportData, Scores } from './report-data.js';

/** What a test may choose of `sampleReport`. */
export interface SampleOptions {
  readonly units?: number;
  readonly inputs?: number;
  readonly heldOut?: boolean;
  /** Stands in every string. */
  readonly text?: (plain: string) => string;
}

/** Made-up but complete report data, for tests: numbers from sines, so that they are the same on every machine. */
export const sampleReport = ({
  units = 5,
  inputs = 0,
  heldOut = true,
  text = (plain) => plain,
}: SampleOptions = {}): ReportData => {
  const shown = Math.min(units, 6);
  const frames = 60;
  const wave = (rows: number, columns: number, phase: number): Matrix => ({
    rows,
    columns,
    data: Float64Array.from({ length: rows * columns }, (_, index) => Math.sin(1.7 * index + phase)),
  });
  const W = wave(units, units, 0.3);
  for (let unit = 0; unit < units; unit++) W.data[unit * units + unit] = 0;
  const unitNames = Array.from({ length: units }, (_, unit) => text(`cell ${unit}`));
  const score = (value: number): Scores['oneStep'] => ({ pooled: value, median: value - 0.02 });
  const scores: Scores = {
    oneStep: score(0.99),
    drive: score(0.8),
    closedLoop: [10, 33, 100].map((horizon) => ({ horizon, ...score(1 - horizon / 80) })),
    baseline: {
      oneStep: { persistence: score(0.95), autoregression: score(0.96) },
      drive: { mean: score(-0.01) },
      closedLoop: { persistence: [10, 33, 100].map((horizon) => ({ horizon, ...score(0.4 - horizon / 100) })) },
    },
    byUnit: {
      oneStep: Float64Array.from({ length: units }, (_, unit) => 0.98 + 0.01 * Math.sin(unit)),
      drive: Float64Array.from({ length: units }, (_, unit) => 0.7 + 0.2 * Math.sin(2 * unit)),
    },
  };
  return {
    title: text('Network of recording.npz'),
    sources: [{ name: text('recording.npz'), sha256: text('ab12') }],
    created: text('2026-01-02'),
    versions: { drnn: text('0.1.0'), [text('node')]: text('20.19.0') },
    units,
    inputs,
    samples: 2999,
    trainSamples: heldOut ? 2399 : 0,
    trials: 1,
    samplingInterval: 0.02,
    alpha: { lowest: 0.1, highest: 0.1 },
    status: text('converged'),
    residual: 1e-9,
    thetaErrorBound: 2e-9,
    objective: 1234.5,
    steps: 12,
    seconds: 0.5,
    timing: { [text('steps')]: 0.4 },
    backend: text('cpu'),
    precision: text('float64'),
    threads: 2,
    solver: text('shared-newton'),
    objectiveName: text('cross-entropy'),
    calibrated: null,
    ridgePath: null,
    W,
    Win: wave(units, inputs, 0.9),
    b: Float64Array.from({ length: units }, (_, unit) => 0.1 * Math.sin(unit)),
    unitNames,
    groups: null,
    inputLags: [0],
    observationNoise: { share: 0.01, slope: 0.97 },
    filling: null,
    alphaProfile: null,
    intervals: null,
    spectrum: {
      re: Float64Array.from({ length: units }, (_, unit) => 1.3 * Math.sin(unit)),
      im: Float64Array.from({ length: units }, (_, unit) => Math.cos(3 * unit)),
    },
    trace: Array.from({ length: 12 }, (_, step) => ({
      step,
      objective: 1234.5 + 10 ** (2 - step),
      residual: 10 ** -step,
      seconds: 0.03 * step,
    })),
    certificate: {
      verdict: text('convex'),
      lines: [text('a nondecreasing transfer minus data'), 'w in [0, Infinity)'],
    },
    scores: heldOut ? scores : null,
    traces: heldOut
      ? {
          units: unitNames.slice(0, shown),
          frames: Int32Array.from({ length: frames }, (_, frame) => 2401 + frame),
          recorded: wave(frames, shown, 0),
          oneStep: wave(frames, shown, 0.01),
          closedLoop: wave(frames, shown, 0.1),
          restarts: Int32Array.of(2401, 2431),
        }
      : null,
    scale: { method: text('quantile'), outsideBefore: 0.03, outsideAfter: 0.001, clipped: 3 },
    identifiability: {
      condition: 1e5,
      effectiveDirections: units,
      predictors: units + inputs + 1,
      weak: [{ name: text('cell 0'), fraction: 0.7 }],
    },
    options: [
      { name: text('ridge'), value: text('1e-5'), given: true },
      { name: 'weights', value: text('variance'), given: false },
      { name: 'tolerance', value: '1e-8', given: false },
    ],
    command: text('npx drnn fit recording.npz --alpha 0.1'),
    warnings: [text('few samples')],
    verdict: text('The network predicts better than persistence.'),
  };
};
