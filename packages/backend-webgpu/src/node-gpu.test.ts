import { DrnnError } from '@drnn/tensor';
import { requires } from '@drnn/testing';
import { describe, expect, it, vi } from 'vitest';
import { loadPackage, nodeAdapter } from './node-gpu.js';

describe('WebGPU in Node', () => {
  it('says how to install the package where it is missing, or another one', async () => {
    for (const name of ['no-such-package-at-all', 'vitest']) {
      const error: unknown = await loadPackage(name).catch((one: unknown) => one);
      expect(error).toBeInstanceOf(DrnnError);
      expect(String(error)).toMatch(/Hint: npm install webgpu@/);
    }
  });

  it.skipIf(!requires('webgpu'))('does not override a driver that the user chose', async () => {
    vi.stubEnv('VK_DRIVER_FILES', '/no/such/driver.json');
    try {
      if (process.platform === 'linux')
        await expect(nodeAdapter()).rejects.toThrow(/no adapter with the driver that VK_ICD_FILENAMES/);
      expect(process.env['VK_DRIVER_FILES']).toBe('/no/such/driver.json');
      expect(process.env['VK_ICD_FILENAMES']).toBeUndefined();
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.skipIf(!requires('webgpu'))('finds adapters that are asked for at once', async () => {
    const adapters = await Promise.all([nodeAdapter(), nodeAdapter(), nodeAdapter()]);
    expect(new Set(adapters.map(({ adapter }) => adapter)).size).toBe(3);
    expect(process.env['VK_ICD_FILENAMES']).toBeUndefined();
  });
});
