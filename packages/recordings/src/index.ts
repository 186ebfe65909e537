export {
  type ArrayFile,
  type ArrayListing,
  describeListing,
  type Format,
  formatOf,
  onlyArray,
  openArrayFile,
} from './array-file.js';
export { expansionLimit } from './budget.js';
export * from './csv.js';
export { encodeMat5, type MatContents } from './encode-mat5.js';
export * from './export-model.js';
export { type Hdf5, type Hdf5Listing, isHdf5, withHdf5 } from './hdf5.js';
export { encodeJson, type JsonObject, type JsonValue, parseJson } from './json.js';
export { decodeMat5, isMat5, type Mat5, type MatListing, type MatValue, openMat5 } from './mat5.js';
export * from './model.js';
export * from './model-file.js';
export { decodeNpy, encodeNpy } from './npy.js';
export * from './npy-rows.js';
export { decodeNpyText, encodeNpyText } from './npy-text.js';
export { decodeNpz, encodeNpz, type Npz, type NpzListing, openNpz } from './npz.js';
export * from './numeric-array.js';
export { nwbSampling, type Sampling } from './nwb.js';
export * from './read-file.js';
export {
  concatenateRecordings,
  type Layout,
  type Recording,
  recordingOf,
  type RecordingParts,
  type Source,
} from './recording.js';
export * from './stream-recording.js';
export * from './write-beside.js';
