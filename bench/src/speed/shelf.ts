import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backend } from '@drnn/backend-wasm';
import { gradientNormOf, preparer } from './passes.js';
import { makeRecording, numbersOf } from './recording.js';

/** A recording in a file. */
export interface Shelved {
  readonly file: string;
  /** The Euclidean norm of the gradient that a pass must give. */
  readonly gradientNorm: number;
}

/** Recordings in files, so that all processes, NumPy's too, work on the same numbers. */
export interface Shelf {
  /** A recording of this size, made at the first call. */
  recordingOf(units: number, steps: number): Promise<Shelved>;
}

/** A folder that goes with this process. */
export const openShelf = (): Shelf => {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const made = new Map<string, Shelved>();
  return {
    recordingOf: async (units, steps) => {
      const file = join(folder, `${units}-${steps}.f64`);
      const known = made.get(file);
      if (known !== undefined) return known;
      const on = await backend({ precision: 'float64' });
      const recording = makeRecording(on.host, units, steps);
      const act = await preparer(on).prepare({ kind: 'pass', units, steps, value: false }, recording);
      const gradientNorm = gradientNormOf(await act());
      await on.close();
      if (gradientNorm === null) throw new Error('a pass gave no gradient');
      const descriptor = openSync(file, 'w');
      for (const { buffer, byteOffset, byteLength } of numbersOf(recording)) {
        const bytes = new Uint8Array(buffer, byteOffset, byteLength);
        for (let at = 0; at < byteLength;) at += writeSync(descriptor, bytes, at);
      }
      closeSync(descriptor);
      const shelved: Shelved = { file, gradientNorm };
      made.set(file, shelved);
      return shelved;
    },
  };
};
