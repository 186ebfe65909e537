import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { capability } from './capability.js';
import { requires } from './requires.js';

describe('capability', () => {
  it.skipIf(!requires('scipy'))('names a Python that imports what it says', () => {
    const { command } = capability('scipy');
    const run = spawnSync(command ?? '', ['-c', 'import numpy, scipy; print(numpy.arange(3).sum())'], {
      encoding: 'utf8',
    });
    expect(run.stdout.trim()).toBe('3');
  });

  it.skipIf(!requires('webgpu'))('names the graphics adapter, or the software one', () => {
    expect(capability('webgpu').reason).toMatch(/adapter: ./);
  });

  it('says what is missing, and how to get it', () => {
    for (const name of ['numpy', 'chromium'] as const) {
      const seen = capability(name);
      expect(seen.available).toBe(seen.command !== null);
      expect(seen.install).toContain('apt-get install');
    }
    expect(capability('shared').install).toBeNull();
  });
});
