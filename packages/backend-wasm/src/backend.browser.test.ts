import { backendLaws } from '@drnn/tensor/laws';
import { requires } from '@drnn/testing';
import { inBrowser } from '@drnn/testing/browser';
import { describe, expect, it } from 'vitest';
import type * as laws from './backend.browser.js';
import type * as defaults from './default-threads.browser.js';

describe.skipIf(!requires('browser'))('the Wasm backend in a browser', () => {
  const names = backendLaws.map(({ name }) => name);
  const lawsEntry = new URL('./backend.browser.ts', import.meta.url);
  const defaultsEntry = new URL('./default-threads.browser.ts', import.meta.url);

  it.each([
    { precision: 'float64', threads: 1 },
    { precision: 'mixed', threads: 1 },
    { precision: 'float64', threads: 2 },
    { precision: 'mixed', threads: 2 },
  ] as const)('obeys every law in a worker in $precision on $threads threads', async ({ precision, threads }) => {
    const parameters = { precision, threads, runs: 8 };
    const { result, console } = await inBrowser<typeof laws>(lawsEntry, {
      where: 'worker',
      isolated: true,
      parameters,
    });
    expect(result).toEqual({ laws: names, fused: true });
    expect(console).toEqual([]);
  });

  it('obeys every law on the thread of a page', async () => {
    const parameters = { precision: 'mixed', threads: 1, runs: 4 } as const;
    const { result, console } = await inBrowser<typeof laws>(lawsEntry, { where: 'page', isolated: false, parameters });
    expect(result.laws).toEqual(names);
    expect(console).toEqual([]);
  });

  it('uses one thread where memory cannot be shared, and says how to share it', async () => {
    const { result, console } = await inBrowser<typeof defaults>(defaultsEntry, { where: 'worker', isolated: false });
    expect(result).toMatchObject({ threads: 1, product: 40 });
    expect(result.two).toContain('Cross-Origin-Opener-Policy');
    expect(console).toEqual([]);
  });

  it("uses one thread on the page's own, and says where there are more", async () => {
    const { result, console } = await inBrowser<typeof defaults>(defaultsEntry, { where: 'page', isolated: true });
    expect(result).toMatchObject({ threads: 1, product: 40 });
    expect(result.two).toContain('Worker');
    expect(console).toEqual([]);
  });

  it('uses every core in a worker of an isolated page', async () => {
    const { result, console } = await inBrowser<typeof defaults>(defaultsEntry, { where: 'worker', isolated: true });
    expect(result).toMatchObject({ two: 'started', product: 40 });
    expect(result.threads).toBeGreaterThan(0);
    expect(console).toEqual([]);
  });
});
