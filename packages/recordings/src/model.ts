import { DrnnError, failure, firstNonFinite, matrix, refuse, type Issue, type Matrix } from '@drnn/tensor';
import { isHdf5 } from './hdf5.js';
import { encodeJson, isJsonObject, parseJson, type JsonObject, type JsonValue } from './json.js';
import { labelsOfNumbers } from './labels.js';
import { isMat5 } from './mat5.js';
import { decodeNpyText, encodeNpyText, isNpyText } from './npy-text.js';
import { isNpy } from './npy.js';
import { describeShape, numericArray, toFloat64, type NumericArray } from './numeric-array.js';
import { encodeNpz, openNpz, type Npz } from './npz.js';
import type { Source } from './recording.js';
import { isZip } from './zip.js';

/** The version of `drnn.json` that is written; files of a later one are refused. */
export const MODEL_SCHEMA = 1;

/** An option of the fit: its value, and whether the user gave it or it is the default. */
export interface OptionRecord {
  readonly value: JsonValue;
  readonly given: boolean;
}

/** `drnn.json`: how a model came about, enough to repeat it. It holds names of files, never where they are. */
export interface ModelRecord {
  readonly schema: typeof MODEL_SCHEMA;
  /** How the fit ended, such as converged or aborted. */
  readonly status: string;
  readonly options: Readonly<Record<string, OptionRecord>>;
  readonly sources: readonly Source[];
  readonly versions: Readonly<Record<string, string>>;
  readonly scores: JsonValue;
  /** Anything else worth keeping. */
  readonly details: JsonObject;
}

/** Standard errors: of W `[unit, unit]`, and of Win `[unit, input x lag]`. 0 for fixed weights; infinite for undetermined ones. */
export interface WeightErrors {
  readonly W: Matrix;
  readonly Win: Matrix;
}

/**
 * A fitted network of N units and M inputs on scaled units s = (r - offset) / scale:
 * s[t+1] = (1-a) s[t] + a tanh(W s[t] + Win [u[t - lag] | ...] + b), with lag 0 alone where none was given.
 */
export interface Model {
  /** `[unit, unit]`, row = target. */
  readonly W: Matrix;
  /** `[unit, input x lag]`, row = target: all inputs at the first of `inputLags`, then all at the next. */
  readonly Win: Matrix;
  /** Frames by which the inputs are late: row t of the k-th block of Win acts on u[t - inputLags[k]]. */
  readonly inputLags: Int32Array;
  /** `[unit]`. */
  readonly b: Float64Array;
  /** dt/tau of each unit `[unit]`, in (0, 1]. */
  readonly alpha: Float64Array;
  /** `[unit]`, above 0, in the recording's units. */
  readonly scale: Float64Array;
  /** `[unit]`, in the recording's units. */
  readonly offset: Float64Array;
  /** The label of each unit's group `[unit]`, or null where units are in no groups. */
  readonly groups: readonly string[] | null;
  /** Posterior standard deviations of the weights, shaped as they are, at least 0; absent where nobody asked for them. */
  readonly standardErrors?: WeightErrors;
  /** Which state the leak acts on, where the file says it; absent is the rate form. */
  readonly form?: 'rate' | 'current';
  /** Null for a file without `drnn.json`, such as one written by `simulate` or by hand. */
  readonly record: ModelRecord | null;
}

/** What `encodeModel` takes: a model whose alpha may be one number and whose parts but W and alpha may be left out. */
export interface ModelParts {
  readonly W: Matrix;
  readonly alpha: number | Float64Array;
  readonly Win?: Matrix;
  readonly inputLags?: ArrayLike<number>;
  readonly b?: Float64Array;
  readonly scale?: Float64Array;
  readonly offset?: Float64Array;
  readonly groups?: readonly string[] | null;
  readonly standardErrors?: WeightErrors;
  readonly form?: 'rate' | 'current';
  readonly record?: ModelRecord | null;
}

const RECORD = 'drnn.json';

/** The name of a file without its folder: `C:\data\a.npy` and `/data/a.npy` become `a.npy`. */
const withoutFolder = (text: string): string =>
  /^(?:\/|\\|[A-Za-z]:[\\/]|~[\\/]|file:)/.test(text)
    ? (text.split(/[\\/]/).findLast((part) => part !== '') ?? '')
    : text;

/** The value with every absolute path in it reduced to a name, so that a model tells nothing about its machine. */
const withoutFolders = (value: JsonValue): JsonValue => {
  if (typeof value === 'string') return withoutFolder(value);
  if (Array.isArray(value)) return value.map(withoutFolders);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutFolders(item)]));
};

const describeJson = (value: JsonValue | undefined): string =>
  value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);

/** Reads and validates `drnn.json`, field by field; every issue is reported. */
export const decodeModelRecord = (bytes: Uint8Array, path = RECORD): ModelRecord => {
  const json = parseJson(bytes, path);
  if (!isJsonObject(json)) throw failure({ path, seen: describeJson(json), expected: 'an object' });
  if (json['schema'] !== MODEL_SCHEMA) {
    throw failure({
      path: `${path}: schema`,
      seen: describeJson(json['schema']),
      expected: `${MODEL_SCHEMA}`,
      hint: 'the model is from another version of drnn',
    });
  }
  const issues: Issue[] = [];
  const wrong = (field: string, value: JsonValue | undefined, expected: string): void => {
    issues.push({ path: `${path}: ${field}`, seen: describeJson(value), expected });
  };
  const text = (field: string, value: JsonValue | undefined): string => {
    if (typeof value === 'string') return value;
    wrong(field, value, 'text');
    return '';
  };
  const object = (field: string): JsonObject => {
    const value = json[field];
    if (isJsonObject(value)) return value;
    wrong(field, value, 'an object');
    return {};
  };
  const options: Record<string, OptionRecord> = Object.create(null);
  for (const [name, option] of Object.entries(object('options'))) {
    const [value, given] = isJsonObject(option) ? [option['value'], option['given']] : [];
    if (value === undefined || typeof given !== 'boolean')
      wrong(`options.${name}`, option, '{ value, given: true or false }');
    else options[name] = { value, given };
  }
  const versions: Record<string, string> = Object.create(null);
  for (const [name, version] of Object.entries(object('versions'))) versions[name] = text(`versions.${name}`, version);
  const sources: Source[] = [];
  const listed = json['sources'];
  if (Array.isArray(listed)) {
    listed.forEach((item: JsonValue, i) => {
      const source = isJsonObject(item) ? item : {};
      const fileName = text(`sources[${i}].fileName`, source['fileName']);
      const sha256 = text(`sources[${i}].sha256`, source['sha256']);
      const key = text(`sources[${i}].key`, source['key']);
      if (/[/\\]/.test(fileName)) wrong(`sources[${i}].fileName`, fileName, 'a name without a folder');
      if (!/^[0-9a-f]{64}$/.test(sha256)) wrong(`sources[${i}].sha256`, sha256, '64 hexadecimal digits');
      sources.push({ fileName, sha256, key });
    });
  } else {
    wrong('sources', listed, 'a list');
  }
  const status = text('status', json['status']);
  const scores = json['scores'] ?? null;
  const details = json['details'] === undefined ? {} : object('details');
  refuse(issues);
  return { schema: MODEL_SCHEMA, status, options, sources, versions, scores, details };
};

/** `drnn.json` as bytes. Absolute paths in it are reduced to names; NaN is refused; what it writes, it can read. */
export const encodeModelRecord = (record: ModelRecord, path = RECORD): Uint8Array<ArrayBuffer> => {
  const options = Object.fromEntries(
    Object.entries(record.options).map(([name, { value, given }]) => [
      name,
      // The key of an HDF5 dataset looks like a path and is none.
      { value: name === 'key' ? value : withoutFolders(value), given },
    ]),
  );
  const sources = record.sources.map(({ fileName, sha256, key }) => ({
    fileName: fileName.split(/[\\/]/).at(-1) ?? '',
    sha256,
    key,
  }));
  const bytes = encodeJson(
    {
      schema: MODEL_SCHEMA,
      status: record.status,
      options,
      sources,
      versions: { ...record.versions },
      scores: withoutFolders(record.scores),
      details: withoutFolders(record.details),
    },
    path,
  );
  decodeModelRecord(bytes, path);
  return bytes;
};

const finite = (name: string, values: ArrayLike<number>, issues: Issue[]): void => {
  const at = firstNonFinite(values);
  if (at >= 0) issues.push({ path: name, seen: `${values[at]} at entry ${at}`, expected: 'finite numbers' });
};

const notSquare = (W: Matrix, path: string): Error =>
  failure({
    path: `${path}: W`,
    seen: describeShape([W.rows, W.columns]),
    expected: '[unit, unit], square, row = target',
  });

const checkModel = (model: Omit<Model, 'record'>, path: string): void => {
  const issues: Issue[] = [];
  const n = model.W.rows;
  if (model.Win.rows !== n) {
    issues.push({
      path: `${path}: Win`,
      seen: describeShape([model.Win.rows, model.Win.columns]),
      expected: `[unit=${n}, input]`,
    });
  }
  finite(`${path}: W`, model.W.data, issues);
  finite(`${path}: Win`, model.Win.data, issues);
  for (const name of ['b', 'alpha', 'scale', 'offset'] as const) {
    const values = model[name];
    if (values.length !== n)
      issues.push({ path: `${path}: ${name}`, seen: `[${values.length}]`, expected: `[unit=${n}]` });
    finite(`${path}: ${name}`, values, issues);
  }
  const { inputLags, groups, Win } = model;
  if (inputLags.length === 0 || inputLags.some((lag) => lag < 0) || new Set(inputLags).size < inputLags.length) {
    issues.push({
      path: `${path}: inputLags`,
      seen: `[${inputLags.join(', ')}]`,
      expected: 'whole frames of at least 0, each once',
    });
  } else if (Win.columns % inputLags.length !== 0) {
    issues.push({
      path: `${path}: Win`,
      seen: describeShape([Win.rows, Win.columns]),
      expected: `[unit=${n}, input x ${inputLags.length}], a column for every input at each of ${inputLags.length} lags`,
    });
  }
  if (groups !== null && groups.length !== n) {
    issues.push({ path: `${path}: groups`, seen: `[${groups.length}]`, expected: `[unit=${n}]` });
  }
  for (const name of ['W', 'Win'] as const) {
    const errors = model.standardErrors?.[name];
    if (errors === undefined) continue;
    const { rows, columns } = model[name];
    if (errors.rows !== rows || errors.columns !== columns) {
      issues.push({
        path: `${path}: ${name}_se`,
        seen: describeShape([errors.rows, errors.columns]),
        expected: `${describeShape([rows, columns])}, as ${name}`,
      });
    }
    const bad = errors.data.findIndex((error) => !(error >= 0));
    if (bad >= 0)
      issues.push({ path: `${path}: ${name}_se`, seen: `${errors.data[bad]} at entry ${bad}`, expected: 'at least 0' });
  }
  const wrongAlpha = model.alpha.findIndex((a) => !(a > 0 && a <= 1));
  if (wrongAlpha >= 0) {
    issues.push({
      path: `${path}: alpha`,
      seen: `${model.alpha[wrongAlpha]} of unit ${wrongAlpha}`,
      expected: 'dt/tau, in (0, 1]',
    });
  }
  const wrongScale = model.scale.findIndex((s) => !(s > 0));
  if (wrongScale >= 0) {
    issues.push({
      path: `${path}: scale`,
      seen: `${model.scale[wrongScale]} of unit ${wrongScale}`,
      expected: 'above 0',
    });
  }
  refuse(issues);
};

/** Whole numbers as they are; anything else becomes -1, which no lag is. */
const wholeLags = (lags: ArrayLike<number>): Int32Array =>
  Int32Array.from(lags, (lag) => (Number.isInteger(lag) && lag < 2 ** 31 ? lag : -1));

/**
 * A whole model from its parts: Win `[unit, 0]`, the lag 0, b 0, scale 1, offset 0 and no groups where left out. Throws
 * for a wrong one.
 */
export const modelOf = (parts: ModelParts, path = 'model'): Model => {
  const n = parts.W.rows;
  if (n < 1 || parts.W.columns !== n) throw notSquare(parts.W, path);
  const model: Model = {
    W: parts.W,
    Win: parts.Win ?? matrix(n, 0),
    inputLags: wholeLags(parts.inputLags ?? [0]),
    b: parts.b ?? new Float64Array(n),
    alpha: typeof parts.alpha === 'number' ? new Float64Array(n).fill(parts.alpha) : parts.alpha,
    scale: parts.scale ?? new Float64Array(n).fill(1),
    offset: parts.offset ?? new Float64Array(n),
    groups: parts.groups ?? null,
    ...(parts.standardErrors === undefined ? {} : { standardErrors: parts.standardErrors }),
    ...(parts.form === undefined ? {} : { form: parts.form }),
    record: parts.record ?? null,
  };
  checkModel(model, path);
  return model;
};

/**
 * A model as an npz file: the six arrays, `inputLags` where inputs act late, `groups` and `form` where there are any, `W_se`
 * and `Win_se` where there are standard errors, and `drnn.json` where there is a record. Equal models give equal bytes.
 */
export const encodeModel = (parts: ModelParts, path = 'model'): Uint8Array<ArrayBuffer> => {
  const model = modelOf(parts, path);
  const n = model.W.rows;
  const vector = (values: Float64Array): NumericArray => numericArray([n], values);
  const table = ({ rows, columns, data }: Matrix): NumericArray => numericArray([rows, columns], data);
  const others = new Map<string, Uint8Array>();
  if (model.groups !== null) others.set('groups.npy', encodeNpyText(model.groups, `${path}: groups`));
  if (model.form !== undefined) others.set('form.npy', encodeNpyText([model.form], `${path}: form`));
  if (model.record !== null) others.set(RECORD, encodeModelRecord(model.record, `${path}: ${RECORD}`));
  return encodeNpz(
    {
      W: table(model.W),
      Win: table(model.Win),
      ...(isPlain(model.inputLags)
        ? {}
        : { inputLags: numericArray([model.inputLags.length], model.inputLags, 'int32') }),
      b: vector(model.b),
      alpha: typeof parts.alpha === 'number' ? numericArray([], Float64Array.of(parts.alpha)) : vector(model.alpha),
      scale: vector(model.scale),
      offset: vector(model.offset),
      ...(model.standardErrors === undefined
        ? {}
        : { W_se: table(model.standardErrors.W), Win_se: table(model.standardErrors.Win) }),
    },
    { others },
  );
};

/** Whether inputs act at once, as they do where nothing else is said. */
const isPlain = (lags: Int32Array): boolean => lags.length === 1 && lags[0] === 0;

const matrixIn = (npz: Npz, name: string, path: string, issues: Issue[]): Matrix | undefined => {
  if (!npz.names.includes(name)) return undefined;
  const array = npz.array(name);
  const [rows, columns] = array.shape;
  if (rows !== undefined && columns !== undefined && array.shape.length === 2)
    return matrix(rows, columns, toFloat64(array));
  issues.push({ path: `${path}: ${name}`, seen: describeShape(array.shape), expected: 'an array of 2 axes' });
  return undefined;
};

/** One number for all units, or one each. */
const vectorIn = (npz: Npz, name: string, n: number, path: string, issues: Issue[]): Float64Array | undefined => {
  if (!npz.names.includes(name)) return undefined;
  const array = npz.array(name);
  if (array.shape.length === 0) return new Float64Array(n).fill(array.data[0] ?? Number.NaN);
  if (array.shape.length === 1) return toFloat64(array);
  issues.push({ path: `${path}: ${name}`, seen: describeShape(array.shape), expected: `a number or [unit=${n}]` });
  return undefined;
};

/** Text, or whole numbers where someone else wrote the file. */
const groupsIn = (npz: Npz, path: string): readonly string[] | null => {
  if (!npz.names.includes('groups')) return null;
  const [bytes, inFile] = [npz.entry('groups.npy'), `${path}: groups`];
  return isNpyText(bytes, inFile) ? decodeNpyText(bytes, inFile) : labelsOfNumbers(npz.array('groups'), inFile);
};

/** The form of the network, a text; absent where the file does not say it. */
const formIn = (npz: Npz, path: string, issues: Issue[]): 'rate' | 'current' | undefined => {
  if (!npz.names.includes('form')) return undefined;
  const [bytes, inFile] = [npz.entry('form.npy'), `${path}: form`];
  const [form, ...more] = isNpyText(bytes, inFile) ? decodeNpyText(bytes, inFile) : [];
  if ((form === 'rate' || form === 'current') && more.length === 0) return form;
  issues.push({ path: inFile, seen: form === undefined ? 'no text' : `'${form}'`, expected: "'rate' or 'current'" });
  return undefined;
};

/** What a file is that is no npz. */
const otherKind = (bytes: Uint8Array): string => {
  if (isNpy(bytes)) return 'an npy file, which holds one array';
  if (isMat5(bytes)) return 'a MATLAB file';
  if (isHdf5(bytes)) return 'an HDF5 file';
  return bytes.subarray(0, 4096).includes(0) ? 'bytes of another kind' : 'a text file';
};

/**
 * Reads a model from an npz file. `W` and `alpha` suffice; the rest has defaults (`modelOf`); other arrays are ignored.
 * Shapes, finiteness and ranges are checked, and all issues reported.
 */
export const decodeModel = (bytes: Uint8Array, path = 'model'): Model => {
  if (!isZip(bytes)) {
    throw failure({
      path,
      seen: otherKind(bytes),
      expected: 'a model: an npz file with at least W [unit, unit] and alpha',
      hint: "drnn fit writes one, and so does numpy.savez('model.npz', W=W, alpha=alpha)",
    });
  }
  const npz = openNpz(bytes, path);
  const missing = ['W', 'alpha'].filter((name) => !npz.names.includes(name));
  if (missing.length > 0) {
    throw failure({
      path,
      seen: `no ${missing.join(' and no ')} among ${npz.names.join(', ') || 'no arrays'}`,
      expected: 'a model: at least W [unit, unit] and alpha',
    });
  }
  const issues: Issue[] = [];
  const W = matrixIn(npz, 'W', path, issues);
  const Win = matrixIn(npz, 'Win', path, issues);
  const [errorsOfW, errorsOfWin] = ['W_se', 'Win_se'].map((name) => matrixIn(npz, name, path, issues));
  const n = W?.rows ?? 0;
  // Checked first, because the rest is made as long as W says.
  if (W === undefined) throw new DrnnError(issues);
  if (n < 1 || W.columns !== n) throw notSquare(W, path);
  const b = vectorIn(npz, 'b', n, path, issues);
  const alpha = vectorIn(npz, 'alpha', n, path, issues);
  const scale = vectorIn(npz, 'scale', n, path, issues);
  const offset = vectorIn(npz, 'offset', n, path, issues);
  const lags = npz.names.includes('inputLags') ? npz.array('inputLags') : undefined;
  if (lags !== undefined && lags.shape.length !== 1)
    issues.push({ path: `${path}: inputLags`, seen: describeShape(lags.shape), expected: '[lag]' });
  const form = formIn(npz, path, issues);
  if (alpha === undefined || issues.length > 0) throw new DrnnError(issues);
  const record = npz.others.includes(RECORD) ? decodeModelRecord(npz.entry(RECORD), `${path}: ${RECORD}`) : null;
  return modelOf(
    {
      W,
      alpha,
      ...(Win === undefined ? {} : { Win }),
      ...(lags === undefined ? {} : { inputLags: toFloat64(lags) }),
      ...(b === undefined ? {} : { b }),
      ...(scale === undefined ? {} : { scale }),
      ...(offset === undefined ? {} : { offset }),
      groups: groupsIn(npz, path),
      ...(form === undefined ? {} : { form }),
      ...(errorsOfW === undefined ? {} : { standardErrors: { W: errorsOfW, Win: errorsOfWin ?? matrix(n, 0) } }),
      record,
    },
    path,
  );
};
