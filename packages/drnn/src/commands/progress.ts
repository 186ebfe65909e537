import { Presets, SingleBar } from 'cli-progress';
import type { FitProgress } from '../fit-context.js';
import { say } from './terminal.js';

/** Where a fit is, in words. */
export const noteOf = ({ backend, precision, step, residual }: FitProgress): string =>
  `${backend} ${precision}, step ${step}, residual ${residual.toExponential(1)}`;

export interface Progress {
  /** How far a stage is, from 0 to 1, with a short note. */
  readonly update: (stage: string, fraction: number, note: string) => void;
  readonly stop: () => void;
}

/** A bar on a terminal; elsewhere a plain line every two seconds, so that logs stay readable. */
export const progress = (): Progress => (process.stderr.isTTY ? bar() : lines());

const bar = (): Progress => {
  let running: SingleBar | null = null;
  let current = '';
  const stop = (): void => {
    running?.stop();
    running = null;
  };
  return {
    update: (stage, fraction, note) => {
      if (stage !== current) {
        stop();
        current = stage;
        running = new SingleBar(
          { format: '{stage} {bar} {note}', hideCursor: true, stream: process.stderr, fps: 8 },
          Presets.shades_classic,
        );
        running.start(100, 0, { stage: stage.padEnd(11), note });
      }
      running?.update(Math.round(100 * fraction), { stage: stage.padEnd(11), note });
    },
    stop,
  };
};

const lines = (): Progress => {
  let last = performance.now();
  return {
    update: (stage, fraction, note) => {
      const now = performance.now();
      if (now - last < 2000) return;
      last = now;
      say(`${stage}: ${Math.floor(100 * fraction)}%, ${note}`);
    },
    stop: () => undefined,
  };
};
