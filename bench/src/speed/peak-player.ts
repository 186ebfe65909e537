import { createMachine, type KernelFunctions } from '@drnn/backend-wasm/kernels';
import { type Operation, peakTurns } from './operations.js';
import type { Player } from './player.js';
import type { Act } from './timing.js';

/** Near 1 and 0, so that the numbers stay ordinary over millions of turns. */
const [scale, shift] = [0.999, 0.001];
/** Short calls first: engines choose what to optimise by how often it is entered. */
const firstCalls = 500;
const firstTurns = 2000;

/** The arithmetic peak of the JavaScript engine: vector multiply-adds on registers, nothing else, on one thread. */
export const peakAct = (kernels: Pick<KernelFunctions, 'peak32' | 'peak64'>, operation: Operation): Act => {
  if (operation.kind !== 'peak') throw new Error(`a peak was asked for ${operation.kind}`);
  const peak = operation.precision === 'mixed' ? kernels.peak32 : kernels.peak64;
  for (let i = 0; i < firstCalls; i++) peak(firstTurns, scale, shift);
  return () => peak(peakTurns, scale, shift);
};

export const peakPlayer = async (): Promise<Player> => {
  const machine = await createMachine(1);
  return {
    introduction: {
      says: machine.fused ? 'fused multiply-add' : 'multiplication and addition (no fused multiply-add)',
      library: null,
    },
    prepare: async (operation) => peakAct(machine.kernels, operation),
    release: () => undefined,
  };
};
