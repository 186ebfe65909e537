import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stop } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { bundle } from './bundle.js';

describe('bundling for a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-bundle-'));
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await stop();
  });

  const bundled = (source: string, parameters?: unknown) => {
    const file = join(folder, 'entry.browser.ts');
    writeFileSync(file, source);
    return bundle(pathToFileURL(file), 'worker', parameters);
  };

  it('takes packages of the workspace from their sources', async () => {
    const source = "import { matrix } from '@drnn/tensor'; export const run = () => matrix(1, 1).rows;";
    const { scripts } = await bundled(source);
    expect([...scripts.keys()]).toEqual(['/page.js', '/worker.js']);
    expect(scripts.get('/worker.js')).toContain('// packages/tensor/src/matrix.ts');
    expect(scripts.get('/page.js')).not.toContain('packages/tensor');
  });

  it('refuses what is no public entry, and what only Node has', async () => {
    await expect(bundled("import '@drnn/tensor/matrix';")).rejects.toThrow('@drnn/tensor/matrix is no public entry');
    await expect(bundled("import 'node:fs';")).rejects.toThrow('node:fs');
  });

  it('refuses parameters that JSON does not carry', async () => {
    const source = 'export const run = () => 0;';
    await expect(bundled(source, { values: [1, Number.NaN] })).rejects.toThrow('NaN');
    await expect(bundled(source, { values: [1, -2e300] })).resolves.toBeDefined();
  });
});
