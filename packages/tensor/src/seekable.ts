import type { RowSource } from './backend.js';

/** The rows of a source from one on, without those before being read. */
export type Begin = (row: number) => RowSource;

// Not a property of the source: one made of another by `{ ...rows, blocks }` would take it along, and be wrong.
const beginnings = new WeakMap<RowSource, Begin>();

/** Says how a source can be begun at any of its rows. */
export const seekable = (source: RowSource, begin: Begin): RowSource => {
  beginnings.set(source, begin);
  return source;
};

/** How a source can be begun at any of its rows; null where it must be read from the first. */
export const beginningOf = (source: RowSource): Begin | null => beginnings.get(source) ?? null;
