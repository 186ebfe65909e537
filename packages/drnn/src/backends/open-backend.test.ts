import { backend as cpu } from '@drnn/backend-cpu';
import { type Backend, DrnnError, failure, type Precision } from '@drnn/tensor';
import { describe, expect, it } from 'vitest';
import { type BackendKind, type BackendKinds, backendKinds, backendNames } from './kinds.js';
import { autoOrder, openBackend } from './open-backend.js';
import { polisherFor } from './polisher.js';

/** What a machine has, made of CPU backends under other names, and what was asked of it. */
const machine = (parts: Partial<Record<keyof BackendKinds, () => Promise<unknown>>>) => {
  const asked: string[] = [];
  const open = new Set<string>();
  const module = (name: string, alter: (on: Backend) => Backend = (on) => on) => ({
    backend: async (options: { readonly precision: Precision; readonly threads?: number }): Promise<Backend> => {
      asked.push(`${name} ${JSON.stringify(options)}`);
      const on = await cpu({ precision: options.precision });
      open.add(name);
      const close = async (): Promise<void> => {
        open.delete(name);
        await on.close();
      };
      return alter({ ...on, name, threads: options.threads ?? 1, close });
    },
  });
  const absent = async (): Promise<never> => {
    throw Object.assign(new Error("Cannot find package '@drnn/some'"), { code: 'ERR_MODULE_NOT_FOUND' });
  };
  const kind = (of: BackendKind): BackendKind => ({ ...of, load: () => (parts[of.name] ?? absent)() });
  const kinds: BackendKinds = {
    cpu: kind(backendKinds.cpu),
    wasm: kind(backendKinds.wasm),
    blas: kind(backendKinds.blas),
    webgpu: kind(backendKinds.webgpu),
    'tfjs-wasm': kind(backendKinds['tfjs-wasm']),
  };
  return { asked, open, module, kinds, parts };
};

const issuesOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof DrnnError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

/** A backend that gives zeros for every back-projection. */
const zeros = (on: Backend): Backend => ({
  ...on,
  scope: (body) => on.scope((inner) => body(zeros(inner))),
  pass: async (design, request) => {
    const result = await on.pass(design, request);
    return { ...result, backProject: result.backProject.map((g) => ({ ...g, data: g.data.map(() => 0) })) };
  },
});

describe('auto', () => {
  it('goes blas, wasm, cpu in Node and wasm, cpu in a browser; the others are taken by name only', () => {
    expect(autoOrder(true)).toEqual(['blas', 'wasm', 'cpu']);
    expect(autoOrder(false)).toEqual(['wasm', 'cpu']);
  });

  it('takes the first that is there, and says why not those before', async () => {
    const has = machine({});
    has.parts.wasm = async () => has.module('wasm');
    has.parts.cpu = async () => has.module('cpu');
    const notices: string[] = [];
    const { on, name, passedOver } = await openBackend({ onNotice: (said) => notices.push(said) }, has.kinds, [
      'blas',
      'wasm',
      'cpu',
    ]);
    expect([on.name, name, on.precision]).toEqual(['wasm', 'wasm', 'mixed']);
    expect(passedOver).toEqual([{ name: 'blas', reason: expect.stringContaining('npm install @drnn/backend-blas') }]);
    // That something is not installed is no news.
    expect(notices).toEqual([]);
    await on.close();
    expect([...has.open]).toEqual([]);
  });

  it('passes over one that computes wrong or fails, closes it, and says so', async () => {
    const has = machine({});
    has.parts.blas = async () => has.module('blas', zeros);
    has.parts.wasm = async () => ({ backend: () => Promise.reject(new TypeError('out of memory')) });
    has.parts.cpu = async () => has.module('cpu');
    const notices: string[] = [];
    const { on, passedOver } = await openBackend(
      { onNotice: (said) => notices.push(said) },
      has.kinds,
      autoOrder(true),
    );
    expect([on.name, on.precision]).toEqual(['cpu', 'float64']);
    expect(passedOver.map(({ name }) => name)).toEqual(['blas', 'wasm']);
    expect(notices.join('\n')).toMatch(/blas is not used: a self-check that fails: backProject 0[^]*out of memory/);
    expect([...has.open]).toEqual(['cpu']);
    await on.close();
  });

  it('is silent about a library that is missing, not about one that the user named', async () => {
    for (const [path, count] of [
      ['backend-blas', 0],
      ['DRNN_BLAS', 1],
    ] as const) {
      const has = machine({});
      has.parts.blas = async () => ({
        backend: () => Promise.reject(failure({ path, seen: 'no such file', expected: 'a BLAS' })),
      });
      has.parts.wasm = async () => has.module('wasm');
      const notices: string[] = [];
      const { on } = await openBackend({ onNotice: (said) => notices.push(said) }, has.kinds, autoOrder(true));
      expect(on.name).toBe('wasm');
      expect(notices.length).toBe(count);
      await on.close();
    }
  });

  it('says so when one that comes with drnn is missing, or one that is installed does not load', async () => {
    const has = machine({});
    has.parts.blas = () => Promise.reject(new SyntaxError('Unexpected token'));
    has.parts.cpu = async () => has.module('cpu');
    const notices: string[] = [];
    const { on } = await openBackend({ onNotice: (said) => notices.push(said) }, has.kinds, autoOrder(true));
    expect(notices.join('\n')).toMatch(
      /blas is not used: a package that does not load[^]*wasm is not used: no package/,
    );
    await on.close();
  });

  it('passes over what cannot do what was asked, and fails when none is left', async () => {
    const has = machine({});
    has.parts.cpu = async () => has.module('cpu');
    const message = await issuesOf(openBackend({ threads: 2 }, has.kinds, autoOrder(true)));
    expect(message).toMatch(/blas: .*wasm: .*cpu: 2 on cpu/);
    expect(has.asked).toEqual([]);
  });

  it('gives precision and threads on, and defaults to mixed where it is not cpu', async () => {
    const has = machine({});
    has.parts.wasm = async () => has.module('wasm');
    for (const choice of [{}, { precision: 'float64', threads: 3 }] as const) {
      const { on } = await openBackend(choice, has.kinds, autoOrder(false));
      await on.close();
    }
    expect(has.asked).toEqual(['wasm {"precision":"mixed"}', 'wasm {"precision":"float64","threads":3}']);
  });
});

describe('a backend that is named', () => {
  it('is that one, or an error that says how to get it; never another', async () => {
    const has = machine({});
    has.parts.cpu = async () => has.module('cpu');
    has.parts.wasm = async () => has.module('wasm');
    for (const name of ['blas', 'webgpu', 'tfjs-wasm'] as const) {
      const message = await issuesOf(openBackend({ name }, has.kinds));
      expect(message).toContain(`backend ${name}`);
      expect(message).toContain('npm install @drnn/backend-');
    }
    expect(has.asked).toEqual([]);
    const { on } = await openBackend({ name: 'cpu', threads: 1 }, has.kinds);
    expect(has.asked).toEqual(['cpu {"precision":"float64"}']);
    await on.close();
  });

  it('is an error where it computes wrong, cannot load, or is another thing altogether', async () => {
    const has = machine({});
    has.parts.blas = async () => has.module('blas', zeros);
    has.parts.wasm = () => Promise.reject(new SyntaxError('Unexpected token'));
    has.parts.webgpu = async () => ({});
    expect(await issuesOf(openBackend({ name: 'blas' }, has.kinds))).toMatch(/self-check that fails/);
    expect([...has.open]).toEqual([]);
    expect(await issuesOf(openBackend({ name: 'wasm' }, has.kinds))).toMatch(/does not load \(Unexpected token\)/);
    expect(await issuesOf(openBackend({ name: 'webgpu' }, has.kinds))).toMatch(/without backend\(\)/);
  });

  it('is closed where its self-check throws', async () => {
    const has = machine({});
    has.parts.blas = async () =>
      has.module('blas', (on) => ({ ...on, scope: () => Promise.reject(new Error('the device is lost')) }));
    expect(await issuesOf(openBackend({ name: 'blas' }, has.kinds))).toContain('the device is lost');
    expect([...has.open]).toEqual([]);
  });

  it('is refused with a hint, all at once, where it has no such precision or threads', async () => {
    const refused = await issuesOf(openBackend({ name: 'webgpu', precision: 'float64', threads: 2 }));
    expect(refused).toMatch(/precision: saw float64 on webgpu.*\n.*threads: saw 2 on webgpu/);
    expect(await issuesOf(openBackend({ name: 'cpu', threads: 2 }))).toContain('wasm and blas have threads');
    expect(await issuesOf(openBackend({ threads: 0 }))).toContain('at least 1');
  });

  it('has a kind for every name', () => {
    for (const name of backendNames) expect(backendKinds[name].name).toBe(name);
  });
});

describe('where a mixed fit goes on in float64', () => {
  it('is the same kind with as many threads, else wasm, else cpu; opened once, when asked for', async () => {
    const has = machine({});
    for (const name of ['blas', 'wasm', 'cpu', 'webgpu'] as const) has.parts[name] = async () => has.module(name);
    for (const [name, expected] of [
      ['blas', 'blas {"precision":"float64","threads":3}'],
      ['wasm', 'wasm {"precision":"float64","threads":3}'],
      ['webgpu', 'wasm {"precision":"float64"}'],
      ['one of my own', 'wasm {"precision":"float64"}'],
      ['cpu', 'cpu {"precision":"float64"}'],
    ] as const) {
      const polisher = polisherFor({ name, threads: 3 }, undefined, has.kinds);
      const before = has.asked.length;
      expect([...has.open]).toEqual([]);
      expect(await polisher.open()).toBe(await polisher.open());
      expect(has.asked.slice(before)).toEqual([expected]);
      await polisher.close();
      expect([...has.open]).toEqual([]);
    }
  });

  it('says when it could not be the same kind, and fails when there is none', async () => {
    const has = machine({});
    has.parts.cpu = async () => has.module('cpu');
    const notices: string[] = [];
    const polisher = polisherFor({ name: 'blas', threads: 1 }, (said) => notices.push(said), has.kinds);
    expect((await polisher.open()).name).toBe('cpu');
    expect(notices.length).toBe(2);
    await polisher.close();
    const none = polisherFor({ name: 'blas', threads: 1 }, undefined, machine({}).kinds);
    await expect(none.open()).rejects.toThrow(/none that opens in float64/);
    await none.close();
  });

  it('need not be opened to be closed', async () => {
    const has = machine({});
    await polisherFor({ name: 'wasm', threads: 1 }, undefined, has.kinds).close();
    expect(has.asked).toEqual([]);
  });
});
