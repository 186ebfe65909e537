import type { Rows } from './backend.js';

/** Those of `owned` that `value` holds in its fields or items, at any depth. */
const heldBy = (value: unknown, owned: ReadonlySet<object>): ReadonlySet<object> => {
  const held = new Set<object>();
  const seen = new Set<object>();
  const stack: unknown[] = [value];
  while (stack.length > 0) {
    const item = stack.pop();
    if (typeof item !== 'object' || item === null || ArrayBuffer.isView(item) || seen.has(item)) continue;
    seen.add(item);
    if (owned.has(item)) held.add(item);
    // One push an item: a long array as arguments would overflow the call stack.
    if (item instanceof Map) for (const pair of item) stack.push(pair[0], pair[1]);
    else if (item instanceof Set) for (const member of item) stack.push(member);
    else for (const field of Object.values(item)) stack.push(field);
  }
  return held;
};

/** What one scope made, and how it ends. */
export interface Ledger {
  record(rows: Rows): void;
  /** Releases what was recorded and `result` does not hold; what it holds passes to `heir`. */
  settle(result: unknown, heir: Ledger | null): void;
}

/** A ledger for the rows of one scope; a backend keeps one per `scope` call and passes it to the child it hands in. */
export const ledger = (): Ledger => {
  const made = new Set<Rows>();
  return {
    record: (rows) => void made.add(rows),
    settle: (result, heir) => {
      const held = heldBy(result, made);
      for (const rows of made) {
        if (held.has(rows)) heir?.record(rows);
        else rows.release();
      }
      made.clear();
    },
  };
};
