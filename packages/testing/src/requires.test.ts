import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { demand, demanded } from './requires.js';

const missing = { available: false, reason: 'no such program', install: 'apt-get install it', command: null };
const present = { available: true, reason: 'it 1.0', install: 'apt-get install it', command: 'it' };

describe('DRNN_REQUIRE', () => {
  it('is a list of capabilities', () => {
    expect(demanded(undefined)).toEqual([]);
    expect(demanded(' numpy, scipy,')).toEqual(['numpy', 'scipy']);
  });

  it('refuses a name that is no capability', () => {
    expect(() => demanded('numpy,nunpy')).toThrow('nunpy');
    expect(() => demanded('toString')).toThrow('toString');
  });

  it('turns a missing capability into a failure with the install command, and no other', () => {
    expect(() => demand('chromium,numpy', 'numpy', missing)).toThrow('apt-get install it');
    expect(() => demand('chromium', 'numpy', missing)).not.toThrow();
    expect(() => demand('numpy', 'numpy', present)).not.toThrow();
  });
});

describe('requires', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drnn-requires-'));
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
    rmSync(folder, { recursive: true, force: true });
  });

  it('writes the skip, its file and reason to the log where the capability is missing', async () => {
    const log = join(folder, 'skips');
    vi.stubEnv('DRNN_SKIP_LOG', log);
    vi.stubEnv('DRNN_REQUIRE', '');
    vi.stubEnv('PATH', folder);
    const { requires } = await import('./requires.js');
    expect(requires('chromium')).toBe(false);
    expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({
      file: import.meta.filename,
      name: 'chromium',
      install: 'apt-get install chromium',
    });
  });
});
