import { basename } from 'node:path';
import { failure, firstNonFinite, type RowSource } from '@drnn/tensor';
import { stemOf } from './array-file.js';
import { npyRows } from './npy-rows.js';
import { sha256OfFile } from './read-file.js';
import { type Source, timeColumnNotes } from './recording.js';

/** A recording of one trial that stays in its file: every reading is from the start, piece by piece. */
export interface StreamedRecording {
  /** `[time, unit]`, finite. */
  readonly rates: RowSource;
  readonly source: Source;
  /** What the reader found worth saying. */
  readonly notes: readonly string[];
}

/** Frames at a time: 16 MB for 2,000 units. */
const pieceRows = 1024;

/**
 * Opens a recording [time, unit] in an npy file without holding it: what `readRecording` reads, for one larger than
 * memory. Reads the file twice. Errors: those of `npyRows`; a value that is not finite, as a recording with missing values
 * must be read whole.
 */
export const streamRecording = async (path: string): Promise<StreamedRecording> => {
  const rates = await npyRows(path);
  const first = new Float64Array(rates.rows);
  let row = 0;
  for await (const piece of rates.blocks(pieceRows)) {
    const at = firstNonFinite(piece.data);
    if (at >= 0) {
      throw failure({
        path,
        seen: `${piece.data[at]} at frame ${row + Math.floor(at / piece.columns)}, unit ${at % piece.columns}`,
        expected: 'finite numbers in a recording that is read piece by piece',
        hint: 'a recording with missing values must be read whole',
      });
    }
    for (let t = 0; t < piece.rows; t++) first[row + t] = piece.data[t * piece.columns]!;
    row += piece.rows;
  }
  const source = { fileName: basename(path), sha256: await sha256OfFile(path), key: stemOf(path) };
  return { rates, source, notes: timeColumnNotes(first) };
};
