import { describe, expect, it } from 'vitest';
import { attempt, orThrow, together } from './checked.js';
import { DrnnError, failure } from './error.js';

const bad = (path: string) =>
  attempt<number>(() => Promise.reject(failure({ path, seen: 'nothing', expected: 'something' })));

describe('together', () => {
  it('gives the record of the values', async () => {
    const result = await together({ a: attempt(async () => 1), b: attempt(async () => 'two') })();
    expect(orThrow(result)).toEqual({ a: 1, b: 'two' });
  });

  it('collects the issues of all that failed', async () => {
    const result = await together({ a: bad('a'), b: attempt(async () => 2), c: bad('c') })();
    expect(() => orThrow(result)).toThrow(DrnnError);
    expect(result._tag === 'Left' ? result.left.map(({ path }) => path) : []).toEqual(['a', 'c']);
  });

  it('lets a fault through', async () => {
    await expect(together({ a: attempt(() => Promise.reject(new TypeError('fault'))) })()).rejects.toThrow(TypeError);
  });
});
