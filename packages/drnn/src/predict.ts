import { type Model, modelOf, type ModelParts } from '@drnn/recordings';
import { simulate } from '@drnn/simulator';
import { type Transfer, transfers } from '@drnn/objectives';
import { mapMatrix, type Matrix, matrix, pointwise, refuse } from '@drnn/tensor';
import { type LossName, losses } from './fit-options.js';

export interface PredictOptions {
  /** The frame of `rates` to start from. Default 0. */
  readonly start?: number;
  /** How many frames to run. Default to the end of the recording. */
  readonly steps?: number;
  /** u [time, input] of the recording; row t drives frame t to t + 1. */
  readonly inputs?: Matrix;
  /** The loss the model was fitted with, which names its transfer function. Default that of its record, else tanh. */
  readonly loss?: LossName;
}

/**
 * Runs a model in closed loop, without noise, from a recorded state and with recorded inputs. Returns [steps + 1, unit]
 * in the recording's units; row 0 is the given state. Errors: units or inputs that differ from the model's, a start or
 * an end outside the recording, a missing value in the state.
 */
export const predict = (parts: ModelParts, rates: Matrix, options: PredictOptions = {}): Matrix => {
  const model = modelOf(parts);
  const units = model.W.rows;
  const lags = model.inputLags;
  const inputs = model.Win.columns / lags.length;
  const longest = inputs === 0 ? 0 : Math.max(...lags);
  const start = options.start ?? 0;
  const steps = options.steps ?? rates.rows - 1 - start;
  const state = rates.data.subarray(start * rates.columns, (start + 1) * rates.columns);
  const given = options.inputs;
  const transferName = losses[options.loss ?? lossOf(model.record)];
  const transfer = transfers[transferName];
  refuse([
    ...(model.form === 'current' && transfer.name === 'relu'
      ? [
          {
            path: 'form',
            seen: 'a model of rectified rates in the current form',
            expected: 'a transfer function whose inverse gives the current',
          },
        ]
      : []),
    ...(rates.columns === units
      ? []
      : [
          {
            path: 'rates',
            seen: `[time=${rates.rows}, unit=${rates.columns}]`,
            expected: `[time, unit=${units}], as the model`,
            ...(rates.rows === units ? { hint: 'if its rows are units, say layout (--layout) unit-time' } : {}),
          },
        ]),
    ...(Number.isInteger(start) && start >= 0 && start < rates.rows
      ? []
      : [{ path: 'start', seen: `${start}`, expected: `a frame from 0 to ${rates.rows - 1}` }]),
    ...(Number.isInteger(steps) && steps >= 1
      ? []
      : [{ path: 'steps', seen: `${steps}`, expected: 'a whole number of at least 1' }]),
    ...(inputs > 0 && given === undefined
      ? [{ path: 'inputs', seen: 'none', expected: `[time, input=${inputs}], as the model` }]
      : []),
    ...(given !== undefined && (given.columns !== inputs || given.rows < start + steps)
      ? [
          {
            path: 'inputs',
            seen: `[time=${given.rows}, input=${given.columns}]`,
            expected: `[time >= ${start + steps}, input=${inputs}]`,
            ...(given.rows > start ? { hint: `from frame ${start} at most ${given.rows - start} steps` } : {}),
          },
        ]
      : []),
    ...(start < longest
      ? [
          {
            path: 'start',
            seen: `${start}`,
            expected: `a frame from ${longest} on, since the inputs of the model act up to ${longest} frames late`,
          },
        ]
      : []),
    ...(state.every(Number.isFinite)
      ? []
      : [{ path: 'rates', seen: `a missing value at frame ${start}`, expected: 'a complete state to start from' }]),
  ]);
  const { W, Win, b, alpha, scale, offset, form = 'rate' } = model;
  const scaled = state.map((value, j) => (value - offset[j]!) / scale[j]!);
  const { rates: run } = simulate({
    W,
    ...(given === undefined || inputs === 0 ? {} : { Win, inputs: lateInputs(given, lags, start, steps) }),
    b,
    alpha,
    steps,
    initial: form === 'current' ? currentsOfRates(transfer, scaled) : scaled,
    form,
    transfer: transferName,
  });
  const result = matrix(run.rows, units);
  for (let i = 0; i < run.data.length; i++) result.data[i] = run.data[i]! * scale[i % units]! + offset[i % units]!;
  return result;
};

/** phi^-1 of rates, those at and beyond the ends of the range as if they were just inside. */
const currentsOfRates = ({ range, inverse }: Transfer, rates: Float64Array): Float64Array => {
  const inside = Number.isFinite(range.high - range.low) ? 1e-6 * (range.high - range.low) : 1e-6;
  const d = rates.map((r) => Math.min(Math.max(r, range.low + inside), range.high - inside));
  return mapMatrix(
    pointwise(({ d: value }) => inverse(value)),
    { d: matrix(1, d.length, d) },
  ).data;
};

/** [u[t - lag] | ...] for `steps` frames from `start` on, [time, input x lag]. */
const lateInputs = (inputs: Matrix, lags: Int32Array, start: number, steps: number): Matrix => {
  const { columns } = inputs;
  const result = matrix(steps, columns * lags.length);
  for (let t = 0; t < steps; t++) {
    for (let k = 0; k < lags.length; k++) {
      const late = start + t - lags[k]!;
      const row = inputs.data.subarray(late * columns, (late + 1) * columns);
      result.data.set(row, (t * lags.length + k) * columns);
    }
  }
  return result;
};

const isLoss = (name: unknown): name is LossName => typeof name === 'string' && Object.hasOwn(losses, name);

/** The loss a model was fitted with. */
export const lossOf = (record: Model['record']): LossName => {
  const loss = record?.options['loss']?.value;
  return isLoss(loss) ? loss : 'cross-entropy';
};
