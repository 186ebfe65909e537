import { failure, matrix, type Matrix } from '@drnn/tensor';
import { encodeMat5 } from './encode-mat5.js';
import { encodeModelRecord, type Model } from './model.js';
import { encodeNpyText } from './npy-text.js';
import { encodeNpz } from './npz.js';
import { numericArray, type NumericArray } from './numeric-array.js';

const table = ({ rows, columns, data }: Matrix): NumericArray => numericArray([rows, columns], data);
const vector = (values: Float64Array): NumericArray => numericArray([values.length], values);
const single = (shape: readonly number[], values: Float64Array): NumericArray =>
  numericArray(shape, Float32Array.from(values));

/** The names of the units as the record of the fit has them; null where it has none. */
const unitNamesOf = ({ record, W }: Model): readonly string[] | null => {
  const names = record?.details['unitNames'];
  if (!Array.isArray(names)) return null;
  const texts = names.filter((name) => typeof name === 'string');
  return texts.length === W.rows ? texts : null;
};

/** Characters beyond ASCII escaped, which JSON allows: what is read as bytes is then read right. */
const ascii = (json: string): string =>
  json.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * A model as a MATLAB v5 file: W [unit, unit], Win [unit, input x lag], b, alpha, scale and offset [unit, 1], inputLags
 * [lag, 1]; W_se and Win_se, where there are standard errors, shaped as W and Win; unitNames and groups as cell arrays of text, where there are any; record, the text of `drnn.json`.
 */
export const encodeModelAsMat = (model: Model, path = 'model'): Uint8Array<ArrayBuffer> => {
  const names = unitNamesOf(model);
  const { standardErrors: errors } = model;
  return encodeMat5(
    {
      W: table(model.W),
      Win: table(model.Win),
      b: vector(model.b),
      alpha: vector(model.alpha),
      scale: vector(model.scale),
      offset: vector(model.offset),
      inputLags: vector(Float64Array.from(model.inputLags)),
      ...(errors === undefined ? {} : { W_se: table(errors.W), Win_se: table(errors.Win) }),
      ...(names === null ? {} : { unitNames: names }),
      ...(model.groups === null ? {} : { groups: model.groups }),
      ...(model.record === null ? {} : { record: ascii(new TextDecoder().decode(encodeModelRecord(model.record))) }),
    },
    path,
  );
};

/** The nonlinearities that torch.nn.RNN has. */
export type TorchNonlinearity = 'tanh' | 'relu';

/**
 * A model as an npz file with the names of the state of torch.nn.RNN, in float32: weight_ih_l0 = Win, weight_hh_l0 = W,
 * bias_ih_l0 = b, bias_hh_l0 = 0. torch.nn.RNN is the case alpha = 1 on scaled units; alpha, scale, offset and inputLags
 * stand beside them for the rest, and weight_hh_l0_se and weight_ih_l0_se where there are standard errors. A model without inputs gets one input of weight 0, since torch.nn.RNN wants one.
 * Errors: weights beyond float32.
 */
export const encodeModelForPytorch = (
  model: Model,
  nonlinearity: TorchNonlinearity,
  path = 'model',
): Uint8Array<ArrayBuffer> => {
  const n = model.W.rows;
  const Win = model.Win.columns === 0 ? matrix(n, 1) : model.Win;
  const arrays = {
    weight_ih_l0: single([n, Win.columns], Win.data),
    weight_hh_l0: single([n, n], model.W.data),
    bias_ih_l0: single([n], model.b),
    bias_hh_l0: single([n], new Float64Array(n)),
    alpha: single([n], model.alpha),
    scale: single([n], model.scale),
    offset: single([n], model.offset),
    inputLags: numericArray([model.inputLags.length], model.inputLags),
  };
  for (const [name, { data }] of Object.entries(arrays)) {
    if (data.every(Number.isFinite)) continue;
    throw failure({ path: `${path}: ${name}`, seen: 'a number beyond float32', expected: 'numbers below 3.4e38' });
  }
  // A weight that nothing determines has an infinite error, which float32 holds as well.
  const { standardErrors } = model;
  const errors =
    standardErrors === undefined
      ? {}
      : {
          weight_hh_l0_se: single([n, n], standardErrors.W.data),
          weight_ih_l0_se: single([n, Win.columns], model.Win.columns === 0 ? Win.data : standardErrors.Win.data),
        };
  const others = new Map<string, Uint8Array>([['nonlinearity.npy', encodeNpyText([nonlinearity])]]);
  const names = unitNamesOf(model);
  if (names !== null) others.set('unitNames.npy', encodeNpyText(names));
  if (model.groups !== null) others.set('groups.npy', encodeNpyText(model.groups));
  if (model.record !== null) others.set('drnn.json', encodeModelRecord(model.record));
  return encodeNpz({ ...arrays, ...errors }, { others });
};
