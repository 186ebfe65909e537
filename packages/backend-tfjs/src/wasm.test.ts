import { backendLaws } from '@drnn/tensor/laws';
import { describe, it } from 'vitest';
import { backend } from './wasm.js';

describe('the tfjs-wasm backend', () => {
  it.each(backendLaws.map((law) => [law.name, law] as const))('obeys: %s', (_, law) =>
    law.check(() => backend(), { runs: 8 }),
  );
});
