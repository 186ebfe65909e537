import { backend as cpu } from '@drnn/backend-cpu';
import { backend as wasm } from '@drnn/backend-wasm';
import type { Backend, PassResult } from '@drnn/tensor';
import { afterAll, describe, expect, it } from 'vitest';
import { selfCheck } from './self-check.js';

const opened: Backend[] = [];
const open = async (made: Promise<Backend>): Promise<Backend> => {
  opened.push(await made);
  return made;
};
afterAll(() => Promise.all(opened.map((each) => each.close())));

/** A backend whose parts are replaced, in its scopes too. */
const changed = (on: Backend, change: (inner: Backend) => Partial<Backend>): Backend => ({
  ...on,
  scope: (body) => on.scope((inner) => body(changed(inner, change))),
  ...change(on),
});

const withResult = (on: Backend, alter: (result: PassResult) => PassResult): Backend =>
  changed(on, (inner) => ({ pass: async (design, request) => alter(await inner.pass(design, request)) }));

describe('the self-check', () => {
  it.each([
    ['cpu', 'float64', () => cpu()],
    ['cpu', 'mixed', () => cpu({ precision: 'mixed' })],
    ['wasm', 'float64', () => wasm({ precision: 'float64' })],
    ['wasm', 'mixed', () => wasm({ precision: 'mixed' })],
    ['wasm, one thread', 'mixed', () => wasm({ precision: 'mixed', threads: 1 })],
  ] as const)('passes on %s in %s, and leaves nothing behind', async (_name, _precision, make) => {
    const on = await open(make());
    expect(await selfCheck(on)).toBeNull();
    expect(on.memory()).toEqual({ handles: 0, bytes: 0 });
  });

  it('takes a few milliseconds', async () => {
    const on = await open(wasm({ precision: 'mixed', threads: 1 }));
    await selfCheck(on);
    const times: number[] = [];
    for (let k = 0; k < 5; k++) {
      const began = performance.now();
      await selfCheck(on);
      times.push(performance.now() - began);
    }
    expect(Math.min(...times)).toBeLessThan(20);
  });

  it.each([
    [
      'zeros, as of a shader that did not compile',
      'backProject 0',
      (result: PassResult) => ({
        ...result,
        backProject: result.backProject.map((g) => ({ ...g, data: new Float64Array(g.data.length) })),
      }),
    ],
    [
      'one wrong number of the last column',
      'backProject 1',
      (result: PassResult) => {
        result.backProject[1]?.data.set([1e6], 6);
        return result;
      },
    ],
    [
      'sums of another column',
      'columnSums 0',
      (result: PassResult) => ({ ...result, columnSums: result.columnSums.map((sums) => sums.toReversed()) }),
    ],
    [
      'NaN',
      'columnSums 1',
      (result: PassResult) => {
        result.columnSums[1]?.fill(Number.NaN, 3, 4);
        return result;
      },
    ],
    [
      'too little',
      'backProject 1',
      (result: PassResult) => ({ ...result, backProject: result.backProject.slice(0, 1) }),
    ],
  ])('finds %s', async (_what, where, alter) => {
    const mixed = await open(wasm({ precision: 'mixed', threads: 1 }));
    expect(await selfCheck(withResult(mixed, alter))).toContain(where);
    expect(mixed.memory().handles).toBe(0);
  });

  it('finds errors in Gram matrices, kept rows and the host, and float32 that is called float64', async () => {
    const on = await open(cpu());
    const turned = (values: Float64Array): Float64Array => values.map((x, i) => x + (i === 26 ? 1e-3 : 0));
    const gram = changed(on, (inner) => ({
      gram: async (...rows) => {
        const right = await inner.gram(...rows);
        return { ...right, data: turned(right.data) };
      },
    }));
    expect(await selfCheck(gram)).toContain('gram is off');
    const read = changed(on, (inner) => ({
      read: async (rows) => {
        const right = await inner.read(rows);
        return { ...right, data: turned(right.data) };
      },
    }));
    expect(await selfCheck(read)).toContain('kept rows');
    const factors = changed(on, ({ host }) => ({
      host: { ...host, cholesky: (a) => host.cholesky({ ...a, data: turned(a.data) }) },
    }));
    expect(await selfCheck(factors)).toContain('Cholesky');
    const boast = await open(cpu({ precision: 'mixed' }));
    const { accuracy } = on;
    expect(await selfCheck(changed(boast, () => ({ accuracy })))).not.toBeNull();
  });
});
