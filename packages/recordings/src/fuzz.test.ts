import { describe, expect, it } from 'vitest';
import { codecs, fuzz } from './fuzz.js';

const FILES = 10_000;
/** A failure prints it, and `fuzz(codec, { seed, first, files: 1 })` repeats one file. */
const SEED = Number(process.env['DRNN_FUZZ_SEED'] ?? 1);
/** A codec that hangs ends here. */
const TIMEOUT_MILLISECONDS = 300_000;

describe(`${FILES} mutated files, seed ${SEED}`, () => {
  for (const codec of codecs) {
    it(
      codec,
      async () => {
        const report = await fuzz(codec, { files: FILES, seed: SEED });
        console.log(
          `${codec}: seed ${SEED}, ${report.decoded} read, ${report.refused} refused, ${report.seconds.toFixed(1)} s, slowest ${report.slowestMilliseconds.toFixed(0)} ms`,
        );
        expect(report.crashes).toEqual([]);
        expect(report.beyondBound).toEqual([]);
        expect(report.decoded + report.refused).toBe(FILES);
        // Mutations that never or always fail would test nothing.
        expect(report.decoded).toBeGreaterThan(FILES / 100);
        expect(report.refused).toBeGreaterThan(FILES / 100);
      },
      TIMEOUT_MILLISECONDS,
    );
  }
});
