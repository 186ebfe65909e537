import { backendLaws } from '@drnn/tensor/laws';
import { requires } from '@drnn/testing';
import { inBrowser } from '@drnn/testing/browser';
import { describe, expect, it } from 'vitest';
import type * as laws from './backend.browser.js';

const entry = new URL('./backend.browser.ts', import.meta.url);

describe.skipIf(!requires('browser'))('the CPU backend in a worker of a browser', () => {
  it.each(['float64', 'mixed'] as const)('obeys every law in %s', async (precision) => {
    const parameters = { precision, runs: 10 };
    const { result, console } = await inBrowser<typeof laws>(entry, { where: 'worker', isolated: false, parameters });
    expect(result).toEqual(backendLaws.map(({ name }) => name));
    expect(console).toEqual([]);
  });
});
