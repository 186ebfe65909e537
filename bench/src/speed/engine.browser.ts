import { backend } from '@drnn/backend-wasm';
import { createMachine } from '@drnn/backend-wasm/kernels';
import type { Precision } from '@drnn/tensor';
import type { Operation } from './operations.js';
import { preparer } from './passes.js';
import { peakAct } from './peak-player.js';
import type { Pace } from './race.js';
import { makeRecording } from './recording.js';
import { takeSamples, warm } from './timing.js';

export interface BrowserTimes {
  readonly fused: boolean;
  readonly times: readonly {
    readonly precision: Precision;
    readonly operation: Operation;
    readonly samples: readonly number[];
  }[];
}

/** The peaks, then the operations of each precision in turns, on one thread. */
export const run = async (parameters: {
  readonly operations: readonly Operation[];
  readonly precisions: readonly Precision[];
  readonly pace: Pick<Pace, 'rounds' | 'turn' | 'warm'>;
}): Promise<BrowserTimes> => {
  const { operations, precisions, pace } = parameters;
  const times: { precision: Precision; operation: Operation; samples: number[] }[] = [];
  const machine = await createMachine(1);
  const peaks = (['mixed', 'float64'] as const).map((precision): Operation => ({ kind: 'peak', precision }));
  const measure = async (precision: Precision, operation: Operation, act: () => unknown): Promise<void> => {
    await warm(act, pace.warm);
    const samples: number[] = [];
    for (let round = 0; round < pace.rounds; round++) samples.push(...(await takeSamples(act, pace.turn)));
    times.push({ precision, operation, samples });
  };
  const measurePeaks = async (): Promise<void> => {
    for (const operation of peaks) {
      if (operation.kind === 'peak') await measure(operation.precision, operation, peakAct(machine.kernels, operation));
    }
  };
  await measurePeaks();
  for (const precision of precisions) {
    const on = await backend({ precision, threads: 1 });
    const { prepare, release } = preparer(on);
    const pass = operations.find((operation) => operation.kind === 'pass');
    const recording = pass === undefined ? null : makeRecording(on.host, pass.units, pass.steps);
    for (const operation of operations) {
      await measure(precision, operation, await prepare(operation, recording));
      release();
    }
    await on.close();
  }
  await measurePeaks();
  const { fused } = machine;
  await machine.close();
  return { fused, times };
};
