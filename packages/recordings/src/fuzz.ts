import { DrnnError, matrixOf } from '@drnn/tensor';
import { ready, File } from 'h5wasm';
import { zlibSync } from 'fflate';
import { budgetOf, expansionLimit, type Budget } from './budget.js';
import { csvLimit, decodeCsv } from './csv.js';
import { hdf5Limit, withHdf5 } from './hdf5.js';
import { mat5Limit, openMat5, type MatValue } from './mat5.js';
import { decodeModel, decodeModelRecord, encodeModel, encodeModelRecord, type ModelRecord } from './model.js';
import { decodeNpy, encodeNpy, npyLimit } from './npy.js';
import { npzLimit, openNpz } from './npz.js';
import { numericArray, type NumericArray } from './numeric-array.js';
import { nwbSampling } from './nwb.js';
import { recordingOf } from './recording.js';
import { writeZip } from './zip.js';

/** The codecs that are fuzzed. */
export const codecs = ['npy', 'npz', 'csv', 'mat5', 'hdf5', 'model'] as const;
export type Codec = (typeof codecs)[number];

/** What became of the mutated files. Everything but `decoded` and `refused` must be nothing. */
export interface FuzzReport {
  readonly codec: Codec;
  readonly seed: number;
  readonly files: number;
  /** Read in spite of the mutation. */
  readonly decoded: number;
  /** Answered by a `DrnnError`. */
  readonly refused: number;
  /** Anything else that was thrown: the number of the file and the error. */
  readonly crashes: readonly string[];
  /** Files that gave more bytes than they were charged for, or were charged more than their bound. */
  readonly beyondBound: readonly string[];
  readonly slowestMilliseconds: number;
  readonly slowestFile: number;
  /** The most bytes that one file was charged. */
  readonly mostBytes: number;
  readonly seconds: number;
}

type Random = () => number;

/** mulberry32: 32 bits of state, enough to vary files and the same everywhere. Uniform in [0, 1). */
const randomOf = (seed: number): Random => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};

const below = (random: Random, n: number): number => Math.floor(random() * n);
const pick = <Item>(random: Random, items: readonly Item[]): Item => {
  const item = items[below(random, items.length)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
};

const INTERESTING = [0, 1, -1, 2, 7, 8, 255, 256, 32767, 65535, 65536, 0x7fffffff, -0x80000000, 0x10000000, 1e6];

/** One mutation: flipped bytes, a cut, an edited length field, a splice, a repeat, or an insertion. */
const mutateOnce = (bytes: Uint8Array, random: Random): Uint8Array => {
  const { length } = bytes;
  if (length < 16) return Uint8Array.from({ length: 16 }, () => below(random, 256));
  const kind = random();
  const copy = bytes.slice();
  const at = below(random, length);
  if (kind < 0.35) {
    for (let i = below(random, 6); i >= 0; i--) copy[below(random, length)] = below(random, 256);
    return copy;
  }
  if (kind < 0.5) return copy.subarray(0, at);
  if (kind < 0.8) {
    const value = random() < 0.8 ? pick(random, INTERESTING) : length - below(random, 32);
    const view = new DataView(copy.buffer);
    const field = below(random, length - 8);
    const order = random() < 0.8;
    const width = below(random, 4);
    if (width === 0) view.setInt8(field, value);
    else if (width === 1) view.setInt16(field, value, order);
    else if (width === 2) view.setInt32(field, value, order);
    else view.setBigInt64(field, BigInt(value) * (random() < 0.5 ? 1n : 0x1_0000_0000n), order);
    return copy;
  }
  if (kind < 0.9) {
    copy.copyWithin(at, below(random, length), below(random, length));
    return copy;
  }
  const part = bytes.subarray(at, at + below(random, 64));
  const joined = new Uint8Array(length + part.length);
  const where = below(random, length);
  joined.set(bytes.subarray(0, where));
  joined.set(part, where);
  joined.set(bytes.subarray(where), where + part.length);
  return joined;
};

const mutate = (bytes: Uint8Array, random: Random): Uint8Array => {
  let mutated = mutateOnce(bytes, random);
  while (random() < 0.3) mutated = mutateOnce(mutated, random);
  return mutated;
};

const wave = (length: number): Float64Array<ArrayBuffer> => Float64Array.from({ length }, (_, i) => Math.sin(i));

const npySamples = (): Uint8Array[] => {
  const plain = encodeNpy(numericArray([6, 4], wave(24)));
  const text = new TextDecoder('latin1').decode(plain);
  const edited = (from: string, to: string): Uint8Array =>
    Uint8Array.from(text.replace(from, to), (character) => character.charCodeAt(0));
  return [
    plain,
    edited('False', 'True '),
    edited('<f8', '>f8'),
    edited('<f8', '>i8'),
    encodeNpy(numericArray([], Float64Array.of(0.1))),
    encodeNpy(
      numericArray(
        [2, 3, 2],
        Int16Array.from({ length: 12 }, (_, i) => i),
      ),
    ),
    encodeNpy(numericArray([3], Float64Array.of(1, 2, 3), 'int64')),
    encodeNpy(numericArray([4, 2], new Uint8Array(8).fill(1), 'bool')),
  ];
};

const sampleRecord: ModelRecord = {
  schema: 1,
  status: 'converged',
  options: { alpha: { value: 0.1, given: true }, loss: { value: 'cross-entropy', given: false } },
  sources: [{ fileName: 'r.npy', sha256: 'ab'.repeat(32), key: 'r' }],
  versions: { drnn: '0.1.0' },
  scores: { oneStepR2: { pooled: 0.9, median: 0.8 } },
  details: {},
};

const csvSamples = (): Uint8Array[] =>
  [
    'a,b,c\n1,2.5,-3e-4\n4,,6\nNaN,8,9\n',
    '1\t2\n3\t4\n5\t6\n',
    '"x, y";"z"\n1;2\n3;4\n',
    '0.1 0.2\n0.3 0.4\n',
    '1.5\n2.5\n3.5\n',
    '"1","2"\r\n"3","4"\r\n',
  ].map((text) => new TextEncoder().encode(text));

const element = (type: number, data: Uint8Array): Uint8Array => {
  const padded = new Uint8Array(8 + Math.ceil(data.length / 8) * 8);
  const view = new DataView(padded.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, data.length, true);
  padded.set(data, 8);
  return padded;
};

const concatenate = (parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const int32 = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);

/** A little-endian MATLAB v5 array, for samples: the parts after flags, shape and name are given. */
const matArray = (code: number, shape: readonly number[], name: string, parts: readonly Uint8Array[]): Uint8Array =>
  element(
    14,
    concatenate([element(6, int32(code, 0)), element(5, int32(...shape)), element(1, latin1(name)), ...parts]),
  );

const matHeader = (): Uint8Array => {
  const header = new Uint8Array(128).fill(32);
  header.set(latin1('MATLAB 5.0 MAT-file'));
  header.set([0, 1, 0x49, 0x4d], 124);
  return header;
};

const matArrays = (): Uint8Array[] => {
  const double = matArray(6, [3, 4], 'x', [element(9, new Uint8Array(wave(12).buffer))]);
  const inner = matArray(6, [1, 2], '', [element(2, Uint8Array.of(3, 4))]);
  return [
    double,
    matArray(12, [2, 2], 'n', [element(5, int32(1, 2, 3, 4))]),
    matArray(4, [1, 5], 'text', [element(16, latin1('hello'))]),
    matArray(1, [1, 2], 'cells', [inner, inner]),
    matArray(2, [1, 1], 'parts', [
      concatenate([Uint8Array.of(5, 0, 4, 0), int32(8)]),
      element(1, latin1('rates\0\0\0dt\0\0\0\0\0\0')),
      inner,
      inner,
    ]),
    matArray(9 | 0x200, [2, 2], 'mask', [element(2, Uint8Array.of(0, 1, 1, 0))]),
  ];
};

const hdf5Samples = async (): Promise<Uint8Array[]> => {
  const { FS } = await ready;
  return (['earliest', 'earliest', 'latest'] as const).map((version) => {
    const file = new File('/sample.h5', 'w', { libver: version === 'latest' ? 'latest' : ['earliest', 'v110'] });
    try {
      file.create_dataset({ name: 'r', data: wave(48), shape: [8, 6] });
      file.create_dataset({ name: 'z', data: wave(48), shape: [8, 6], chunks: [4, 3], compression: 5 });
      const series = file.create_group('series');
      series.create_dataset({ name: 'data', data: Int16Array.from({ length: 12 }, (_, i) => i), shape: [4, 3] });
      const start = series.create_dataset({ name: 'starting_time', data: Float64Array.of(0), shape: [] });
      start.create_attribute('rate', 20.5);
      series.create_soft_link('/r', 'linked');
      series.create_external_link('/elsewhere.h5', '/r', 'far');
      const text = file.create_dataset({ name: 'm', data: wave(6), shape: [2, 3] });
      text.create_attribute('MATLAB_class', 'double', [], 'S6');
    } finally {
      file.close();
    }
    const bytes = FS.readFile('/sample.h5').slice();
    FS.unlink('/sample.h5');
    return bytes;
  });
};

const bytesOfValue = (value: MatValue): number => {
  if (value.kind === 'numeric') return value.array.data.byteLength;
  if (value.kind === 'char') return 2 * value.text.length;
  if (value.kind === 'cell') return value.cells.reduce((sum, cell) => sum + bytesOfValue(cell), 0);
  if (value.kind === 'struct') {
    return [...value.fields.values()].flat().reduce((sum, item) => sum + bytesOfValue(item), 0);
  }
  return 0;
};

/** Goes on as a reader of recordings would; throws nothing but a `DrnnError`. Returns the bytes of the array. */
const use = (array: NumericArray): number => {
  const source = { fileName: 'f', sha256: '', key: 'k' };
  try {
    if (array.shape.length === 2) recordingOf('f', array, { layout: 'unit-time', source });
    if (array.shape.length === 3) recordingOf('f', array, { layout: 'trial-time-unit', source });
  } catch (error) {
    if (!(error instanceof DrnnError)) throw error;
  }
  return array.data.byteLength;
};

/** How a codec is fuzzed: a mutated file, the bound for one of its size, and the bytes that reading it gave. */
interface Subject {
  readonly file: (random: Random) => Uint8Array;
  readonly limit: (bytes: number) => number;
  readonly read: (bytes: Uint8Array, budget: Budget) => number | Promise<number>;
}

/** Reads every item, so that one that is refused does not hide the rest; throws the first refusal at the end. */
const readEach = <Item>(items: readonly Item[], read: (item: Item) => number): number => {
  let bytes = 0;
  let refusal: DrnnError | undefined;
  for (const item of items) {
    try {
      bytes += read(item);
    } catch (error) {
      if (!(error instanceof DrnnError)) throw error;
      refusal ??= error;
    }
  }
  if (refusal !== undefined) throw refusal;
  return bytes;
};

const subjectOf = async (codec: Codec): Promise<Subject> => {
  if (codec === 'npy') {
    const samples = npySamples();
    return {
      file: (random) => mutate(pick(random, samples), random),
      limit: npyLimit,
      read: (bytes, budget) => use(decodeNpy(bytes, 'npy', budget)),
    };
  }
  if (codec === 'csv') {
    const samples = csvSamples();
    return {
      file: (random) => mutate(pick(random, samples), random),
      limit: csvLimit,
      read: (bytes, budget) => use(decodeCsv(bytes, {}, 'csv', budget).array),
    };
  }
  if (codec === 'npz') {
    const arrays = npySamples();
    const zipped = (random: Random, mutated: boolean): Uint8Array => {
      const entries = Array.from({ length: 1 + below(random, 3) }, (_, i): [string, Uint8Array] => {
        const array = pick(random, arrays);
        return [`a${i}.npy`, mutated ? mutate(array, random) : array];
      });
      return writeZip(new Map(entries), random() < 0.5);
    };
    return {
      // Inside the archive the checksums stay right, so that mutations reach the codec within.
      file: (random) => (random() < 0.4 ? zipped(random, true) : mutate(zipped(random, false), random)),
      limit: npzLimit,
      read: (bytes, budget) => {
        const npz = openNpz(bytes, 'npz', budget);
        npz.list();
        return readEach(npz.names, (name) => use(npz.array(name)));
      },
    };
  }
  if (codec === 'mat5') {
    const arrays = matArrays();
    const file = (random: Random, inside: boolean): Uint8Array => {
      const parts = Array.from({ length: 1 + below(random, 3) }, () => {
        const array = pick(random, arrays);
        const plain = inside ? mutate(array, random) : array;
        if (random() < 0.5) return plain;
        const compressed = zlibSync(plain);
        return concatenate([int32(15, compressed.length), compressed]);
      });
      return concatenate([matHeader(), ...parts]);
    };
    return {
      file: (random) => (random() < 0.5 ? file(random, true) : mutate(file(random, false), random)),
      limit: mat5Limit,
      read: (bytes, budget) => {
        const mat = openMat5(bytes, 'mat', budget);
        return readEach(mat.variables, ({ name }) => {
          const value = mat.value(name);
          if (value.kind === 'numeric') use(value.array);
          return bytesOfValue(value);
        });
      },
    };
  }
  if (codec === 'hdf5') {
    const samples = await hdf5Samples();
    return {
      file: (random) => mutate(pick(random, samples), random),
      limit: hdf5Limit,
      read: (bytes, budget) =>
        withHdf5(
          bytes,
          (file) =>
            readEach(file.list(), ({ name, numeric }) => {
              if (!numeric && name !== 'series/linked') return 0;
              if (name.startsWith('series')) nwbSampling(file, name);
              return use(file.array(name));
            }),
          'hdf5',
          budget,
        ),
    };
  }
  const model = {
    W: matrixOf([
      [0, 0.5],
      [-0.5, 0],
    ]),
    alpha: 0.1,
    record: sampleRecord,
  };
  const whole = encodeModel(model);
  const record = encodeModelRecord(sampleRecord);
  const W = encodeNpy(numericArray([2, 2], wave(4)));
  const alpha = encodeNpy(numericArray([], Float64Array.of(0.5)));
  return {
    file: (random) => {
      const kind = random();
      if (kind < 0.4) return mutate(record, random);
      if (kind < 0.6) return mutate(whole, random);
      const json = random() < 0.5 ? mutate(record, random) : record;
      const entries = new Map<string, Uint8Array>([
        ['W.npy', random() < 0.5 ? mutate(W, random) : W],
        ['alpha.npy', random() < 0.3 ? mutate(alpha, random) : alpha],
        ['drnn.json', json],
      ]);
      return writeZip(entries, false);
    },
    limit: (bytes) => 3 * expansionLimit(bytes),
    read: (bytes) => {
      if (bytes[0] === 0x7b) {
        decodeModelRecord(bytes);
        return 0;
      }
      decodeModel(bytes);
      return 0;
    },
  };
};

const MOST_REPORTED = 20;

/**
 * Reads `files` mutated files through one codec and reports what became of them. Deterministic in the seed; a file is
 * made from (seed, its number) alone, so one can be repeated with `first`.
 */
export const fuzz = async (
  codec: Codec,
  options: { readonly files: number; readonly seed: number; readonly first?: number },
): Promise<FuzzReport> => {
  const subject = await subjectOf(codec);
  const first = options.first ?? 0;
  let decoded = 0;
  let refused = 0;
  let slowestMilliseconds = 0;
  let slowestFile = -1;
  let mostBytes = 0;
  const crashes: string[] = [];
  const beyondBound: string[] = [];
  const started = performance.now();
  for (let number = first; number < first + options.files; number++) {
    const bytes = subject.file(randomOf(Math.imul(options.seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)));
    const limit = subject.limit(bytes.length);
    const budget = budgetOf(limit);
    const before = performance.now();
    try {
      const pending = subject.read(bytes, budget);
      const given = typeof pending === 'number' ? pending : await pending;
      decoded++;
      if (given > budget.taken && beyondBound.length < MOST_REPORTED) {
        beyondBound.push(`file ${number}: ${given} bytes given, ${budget.taken} charged`);
      }
    } catch (error) {
      if (error instanceof DrnnError) refused++;
      else if (crashes.length < MOST_REPORTED)
        crashes.push(`file ${number}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const milliseconds = performance.now() - before;
    if (budget.taken > limit && beyondBound.length < MOST_REPORTED)
      beyondBound.push(`file ${number}: ${budget.taken} of ${limit} bytes`);
    mostBytes = Math.max(mostBytes, budget.taken);
    if (milliseconds > slowestMilliseconds) {
      slowestMilliseconds = milliseconds;
      slowestFile = number;
    }
  }
  return {
    codec,
    seed: options.seed,
    files: options.files,
    decoded,
    refused,
    crashes,
    beyondBound,
    slowestMilliseconds,
    slowestFile,
    mostBytes,
    seconds: (performance.now() - started) / 1000,
  };
};
