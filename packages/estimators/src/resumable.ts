/** Waits until a piece of the work may be done: until it fits. */
export type Turn = (fits: () => boolean) => Promise<void>;

/** Work in pieces that goes on in the time it is given, and rests in between. */
export interface Resumable {
  /** Goes on until it has ended (true), or its next piece does not fit (false). Errors: those of the work. */
  proceed(): Promise<boolean>;
  /** Ends it where it rests: its next piece is refused. */
  abandon(): Promise<void>;
}

/** Thrown into work that is abandoned. */
const abandoned = Symbol('abandoned');

/**
 * Work that asks for a turn before each of its pieces. A piece that does not fit waits for the next `proceed`, and asks
 * again then. It begins with the first `proceed`; nothing of it runs between two.
 */
export const resumable = (work: (turn: Turn) => Promise<void>): Resumable => {
  let running: Promise<true> | null = null;
  let isAbandoned = false;
  let wake = (): void => undefined;
  let rest = (): void => undefined;
  const turn: Turn = async (fits) => {
    while (!isAbandoned && !fits()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        rest();
      });
    }
    if (isAbandoned) throw abandoned;
  };
  return {
    proceed: () => {
      const resting = new Promise<false>((resolve) => {
        rest = () => resolve(false);
      });
      if (running === null) running = work(turn).then(() => true);
      else wake();
      return Promise.race([running, resting]);
    },
    abandon: async () => {
      isAbandoned = true;
      wake();
      await running?.catch((error: unknown) => {
        if (error !== abandoned) throw error;
      });
    },
  };
};
