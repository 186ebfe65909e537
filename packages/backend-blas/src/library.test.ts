import { readFileSync } from 'node:fs';
import { DrnnError } from '@drnn/tensor';
import { requires } from '@drnn/testing';
import { describe, expect, it } from 'vitest';
import { candidates, libraryVariable } from './candidates.js';
import { findLibrary, searchLibrary } from './library.js';
import { type NativeLibrary, nativeLoader, type OpenLibrary } from './native.js';

/** A library whose products do nothing, which is wrong. */
const idle: NativeLibrary = { find: (symbol) => (/^[sd]/.test(symbol) ? () => undefined : null) };

/** The same, of a known make. */
const idleOpenBlas: NativeLibrary = {
  find: (symbol, ...others) => (symbol === 'openblas_get_config' ? () => 'OpenBLAS 9.9' : idle.find(symbol, ...others)),
};

const absent = (): never => {
  throw new Error('cannot open shared object file: No such file or directory');
};

const search = (open: OpenLibrary, named?: string) =>
  searchLibrary(open, {
    platform: 'linux',
    environment: named === undefined ? {} : { [libraryVariable]: named },
  });

const errorOf = (act: () => unknown): DrnnError => {
  try {
    act();
  } catch (error) {
    if (error instanceof DrnnError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('the search for a library', () => {
  it('lists every name that it tried, and says how to get one', () => {
    const { issues, message } = errorOf(() => search(absent));
    expect(issues).toHaveLength(1);
    for (const { path } of candidates({ platform: 'linux', environment: {} })) expect(message).toContain(path);
    expect(message).toMatch(/apt-get install libopenblas0.*dnf install openblas.*wasm backend/);
  });

  it('goes on after a wrong library, and says of each what is wrong', () => {
    const tried: string[] = [];
    const open: OpenLibrary = (path) => {
      tried.push(path);
      if (path === 'libopenblas.so.0') return idleOpenBlas;
      if (path === 'libblas.so.3') return idle;
      if (path === 'libblis.so.4') return { find: () => null };
      if (path === 'libmkl_rt.so.2') throw new Error('invalid ELF header');
      return absent();
    };
    const { message } = errorOf(() => search(open));
    expect(tried).toContain('libblas.so.3');
    expect(message).toMatch(/libopenblas\.so\.0: saw wrong results: dgemm: .* sgemm: .* dsyrk: .* dtrsm: /);
    expect(message).toMatch(/libblas\.so\.3: saw a BLAS that does not say what it is/);
    expect(message).toMatch(/libblis\.so\.4: saw no BLAS/);
    expect(message).toMatch(/libmkl_rt\.so\.2: saw invalid ELF header/);
  });

  it('never replaces the library of DRNN_BLAS, and proves it too', () => {
    const opened: string[] = [];
    const open: OpenLibrary = (path) => {
      opened.push(path);
      return idle;
    };
    const { issues, message } = errorOf(() => search(open, '/opt/wrong/libblas.so'));
    expect(opened).toEqual(['/opt/wrong/libblas.so']);
    expect(issues).toHaveLength(1);
    expect(message).toMatch(/DRNN_BLAS \/opt\/wrong\/libblas\.so: saw wrong results: dgemm/);
    expect(errorOf(() => search(absent, '/nowhere/libblas.so')).message).toMatch(/DRNN_BLAS: saw .*not there/);
    expect(() => search(open, 'libblas.so')).toThrow(/absolute/);
    expect(opened).toHaveLength(1);
  });

  it('leaves the environment as it was, what the user set above all', () => {
    const before = { ...process.env };
    let seen: string | undefined;
    errorOf(() =>
      search(() => {
        seen = process.env['OPENBLAS_THREAD_TIMEOUT'];
        return idle;
      }, '/opt/libblas.so'),
    );
    expect(seen).toBe(before['OPENBLAS_THREAD_TIMEOUT'] ?? '14');
    expect({ ...process.env }).toEqual(before);
  });

  it.skipIf(process.platform !== 'linux')('refuses a file that is a library, but no BLAS', async () => {
    const mathematics = /\/.*\/libm[.-].*$/m.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0];
    const open = await nativeLoader();
    if (mathematics !== undefined) expect(() => search(open, mathematics)).toThrow(/no BLAS: it has no dgemm/);
    expect(() => search(open, '/proc/self/maps')).toThrow(/DRNN_BLAS \/proc\/self\/maps: saw Failed to load/);
    expect(() => search(open, '/no/such/library.so')).toThrow(/not there/);
  });
});

describe.skipIf(!requires('blas'))('the library of this machine', () => {
  it('says what it is, and is proved only once', async () => {
    const found = await findLibrary();
    expect(found.path).toContain('/');
    expect(found.name).toMatch(/OpenBLAS|MKL|BLIS|FlexiBLAS|Accelerate|BLAS/);
    const start = performance.now();
    expect(await findLibrary()).toEqual(found);
    expect(performance.now() - start).toBeLessThan(5);
  });

  it('uses as many threads as it is told, also by turns', async () => {
    const { openProved } = await import('./library.js');
    const library = await openProved();
    if (library.useThreads(1) === null) return;
    expect([2, 1, 2, 2, 1].map((count) => library.useThreads(count))).toEqual([2, 1, 2, 2, 1]);
  });
});
