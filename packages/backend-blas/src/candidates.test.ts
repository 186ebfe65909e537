import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { candidates, installHint, libraryVariable } from './candidates.js';

const on = (platform: string, environment: Record<string, string> = {}) => candidates({ platform, environment });
const named = (path: string) => on('linux', { [libraryVariable]: path });

describe('the libraries to try', () => {
  it('are the usual names of the platform, OpenBLAS or Accelerate first', () => {
    expect(on('linux')[0]?.path).toBe('libopenblas.so.0');
    expect(on('darwin')[0]?.path).toMatch(/Accelerate$/);
    for (const platform of ['linux', 'darwin']) {
      const paths = on(platform).map(({ path }) => path);
      for (const name of ['openblas', 'mkl_rt', 'blis']) expect(paths.join(' ')).toContain(name);
      expect(on(platform).every((candidate) => !candidate.named)).toBe(true);
    }
  });

  it('are the one of DRNN_BLAS and no other', () => {
    expect(named('/opt/blas/libblas.so')).toEqual([{ path: '/opt/blas/libblas.so', lapack: null, named: true }]);
    expect(named('')).toEqual(on('linux'));
  });

  it.each(['libopenblas.so.0', './libblas.so', '../lib/libblas.so', '~/libblas.so'])(
    'refuses %s in DRNN_BLAS',
    (path) => {
      expect(() => named(path)).toThrow(/DRNN_BLAS: saw .*, expected the absolute path/);
    },
  );

  it.skipIf(process.platform === 'win32')('are files in absolute folders of PATH on Windows', () => {
    const folder = mkdtempSync(join(tmpdir(), 'drnn-blas-'));
    try {
      writeFileSync(join(folder, 'openblas.dll'), '');
      expect(on('win32', { PATH: `.;lib;${folder};` }).map(({ path }) => path)).toEqual([join(folder, 'openblas.dll')]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('come with a way to get one', () => {
    expect(installHint('linux')).toContain('apt-get install libopenblas0');
    expect(installHint('darwin')).toContain('brew install openblas');
    expect(installHint('win32')).toContain('OpenBLAS');
  });
});
