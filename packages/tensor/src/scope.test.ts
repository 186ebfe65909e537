import { describe, expect, it } from 'vitest';
import type { Rows } from './backend.js';
import { ledger } from './scope.js';

/** Rows that count how often they were released. */
const counted = () => {
  let released = 0;
  const rows: Rows = { rows: 1, columns: 1, release: () => void released++ };
  return { rows, released: () => released };
};

describe('a ledger', () => {
  it('releases what the result does not hold and hands the rest on', () => {
    const [a, b, c] = [counted(), counted(), counted()];
    const [own, heir] = [ledger(), ledger()];
    [a, b, c].forEach(({ rows }) => own.record(rows));
    own.settle({ list: [1, { deep: new Map([['x', new Set([b.rows])]]) }], c: c.rows }, heir);
    expect([a, b, c].map(({ released }) => released())).toEqual([1, 0, 0]);
    own.settle(undefined, null);
    expect([a, b, c].map(({ released }) => released())).toEqual([1, 0, 0]);
    heir.settle([c.rows], null);
    expect([a, b, c].map(({ released }) => released())).toEqual([1, 1, 0]);
  });

  it('finds rows in results with cycles and in very long arrays', () => {
    const a = counted();
    const own = ledger();
    own.record(a.rows);
    const cyclic: { self?: unknown; trace: unknown[] } = { trace: Array.from({ length: 300_000 }, (_, k) => k) };
    cyclic.self = cyclic;
    cyclic.trace.push(a.rows);
    own.settle(cyclic, null);
    expect(a.released()).toBe(0);
  });
});
