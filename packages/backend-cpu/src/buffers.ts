/** Working memory that is lent and taken back: a steady loop of passes finds all it needs here. */
export interface Buffers<Values> {
  /** An array of `length` numbers with anything in it, until it is given back. Never lent twice at once. */
  take(length: number): Values;
  give(buffer: Values): void;
  clear(): void;
}

/** A pool by length of arrays that `make` makes; at most `most` idle ones are kept of each length. */
export const createBuffers = <Values extends { readonly length: number }>(
  make: (length: number) => Values,
  most = 16,
): Buffers<Values> => {
  const idle = new Map<number, Values[]>();
  return {
    take: (length) => idle.get(length)?.pop() ?? make(length),
    give: (buffer) => {
      const same = idle.get(buffer.length);
      if (same === undefined) idle.set(buffer.length, [buffer]);
      else if (same.length < most) same.push(buffer);
    },
    clear: () => idle.clear(),
  };
};
