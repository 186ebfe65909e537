import type { Expression } from './expression.js';
import { compile, type Program } from './program.js';

/** Programs kept at once. */
const most = 32;

/**
 * A compiler that remembers: the same list of expressions (by identity, in the same order) gives the same program, so
 * that what a backend makes of a program can be kept by it, in a `WeakMap`. The least recently used are forgotten.
 */
export const programCache = (): ((expressions: readonly Expression[]) => Program) => {
  const recent: { readonly expressions: readonly Expression[]; readonly program: Program }[] = [];
  return (expressions) => {
    const known = recent.findIndex(
      (item) =>
        item.expressions.length === expressions.length && item.expressions.every((e, k) => e === expressions[k]),
    );
    const found = known < 0 ? undefined : recent.splice(known, 1)[0];
    const item = found ?? { expressions, program: compile(expressions) };
    recent.unshift(item);
    recent.length = Math.min(recent.length, most);
    return item.program;
  };
};
