import { backendLaws } from '@drnn/tensor/laws';
import { describe, it } from 'vitest';
import { backend } from './backend.js';

const cases = [1, 2].flatMap((threads) => (['float64', 'mixed'] as const).map((precision) => ({ threads, precision })));

describe.each(cases)('the Wasm backend in $precision on $threads threads', (options) => {
  it.each(backendLaws.map((law) => [law.name, law] as const))('obeys: %s', (_, law) =>
    law.check(() => backend(options), { runs: 15 }),
  );
});
