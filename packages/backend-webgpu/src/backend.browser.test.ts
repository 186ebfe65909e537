import { backendLaws } from '@drnn/tensor/laws';
import { requires } from '@drnn/testing';
import { inBrowser } from '@drnn/testing/browser';
import { describe, expect, it } from 'vitest';
import type * as laws from './backend.browser.js';

describe.skipIf(!requires('browser'))('the WebGPU backend in a browser', () => {
  it.each(['page', 'worker'] as const)('obeys every law in a %s', async (where) => {
    const { result, console } = await inBrowser<typeof laws>(new URL('./backend.browser.ts', import.meta.url), {
      where,
      isolated: false,
      parameters: { runs: 3 },
    });
    expect(result.laws).toEqual(backendLaws.map(({ name }) => name));
    expect(result.device).toMatch(/adapter/);
    expect(console).toEqual([]);
  });
});
