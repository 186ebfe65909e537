import { decodeModel, encodeModel, type Model, type ModelParts } from './model.js';
import { encodeNpy } from './npy.js';
import { encodeNpz } from './npz.js';
import type { NumericArray } from './numeric-array.js';
import { readBytes } from './read-file.js';
import { writeFileBeside } from './write-beside.js';

/** Writes a model (`encodeModel`) whole or not at all; an existing file only with `force`. */
export const writeModel = (
  path: string,
  model: ModelParts,
  options: { readonly force?: boolean } = {},
): Promise<void> => Promise.resolve().then(() => writeFileBeside(path, encodeModel(model, path), options));

/** Reads a model (`decodeModel`). */
export const readModel = async (path: string): Promise<Model> => decodeModel(await readBytes(path), path);

/** Writes arrays as npz, for instance those of a simulation, whole or not at all; an existing file only with `force`. */
export const writeArrays = (
  path: string,
  arrays: Readonly<Record<string, NumericArray>>,
  options: { readonly force?: boolean; readonly compress?: boolean } = {},
): Promise<void> =>
  Promise.resolve().then(() =>
    writeFileBeside(path, encodeNpz(arrays, { compress: options.compress ?? false }), options),
  );

/** Writes one array as npy, whole or not at all; an existing file only with `force`. */
export const writeNpy = (
  path: string,
  array: NumericArray,
  options: { readonly force?: boolean } = {},
): Promise<void> => Promise.resolve().then(() => writeFileBeside(path, encodeNpy(array, path), options));
