import type { BlockKernel } from './kernel-functions.js';
import type { Machine } from './machine.js';
import { wholeRows } from './rounds.js';

/** Rows [start, start + count) that a thread takes in one block. */
export interface Share {
  readonly thread: number;
  /** Which of the thread's places for rows. */
  readonly slot: number;
  /** Which of the thread's sums. */
  readonly sums: number;
  readonly start: number;
  readonly count: number;
}

/** What is done on the rows of a sweep. */
export interface Work {
  readonly kernel: BlockKernel;
  /** Ends of the parts; the rows of a part are summed by one thread. */
  readonly parts: readonly number[];
  /** Rows of a block, at most. */
  readonly blockRows: number;
  /** Places for rows that each thread has. */
  readonly slots: number;
  /** Sums that each thread has, all 0 at first. */
  readonly sums: number;
  /** Puts rows where the kernel reads them; the address of the block. */
  fill(share: Share): number;
  /** Takes out what is kept of rows that are done. */
  take(share: Share): void;
  /** Adds what a thread has summed over a part to the whole; its sums start again from 0. */
  fold(thread: number, sums: number): void;
}

/** Where a thread is. */
interface Seat {
  readonly thread: number;
  /** Blocks that it was given, oldest first. */
  readonly waiting: Share[];
  row: number;
  end: number;
  height: number;
  slot: number;
  sums: number;
  /** Of its sums, those that are not folded yet. */
  held: number;
}

/**
 * Ends of the parts of a sweep: at most `most` rows; on several threads each is a share of what is left, down to `least`
 * rows, so that all finish at about the same time, however fast each is (Polychronopoulos and Kuck 1987).
 */
export const partsOf = (length: number, threads: number, least: number, most: number): readonly number[] => {
  const ends: number[] = [];
  for (let start = 0; start < length;) {
    const share = threads === 1 ? most : Math.max(least, (length - start) / (2 * threads));
    start = Math.min(length, start + Math.min(wholeRows(share), most));
    ends.push(start);
  }
  return ends;
};

/**
 * Goes over rows on all threads. This one copies blocks in, ahead for the others, and works on blocks of its own between;
 * threads take parts as they come to them. Parts are folded in their order, whoever summed them and when, so that results
 * depend on the number of threads and not on their pace.
 */
export const sweepRows = ({ team, kernels }: Machine, work: Work): void => {
  const { parts } = work;
  const seats = Array.from({ length: team.count }, (_, thread): Seat => {
    return { thread, waiting: [], row: 0, end: 0, height: 0, slot: -1, sums: -1, held: 0 };
  });
  const others = seats.slice(1);
  const done: (Share | null)[] = parts.map(() => null);
  let given = 0;
  let folded = 0;

  const begin = (seat: Seat): boolean => {
    if (given === parts.length || seat.held === work.sums) return false;
    seat.row = parts[given - 1] ?? 0;
    seat.end = parts[given] ?? 0;
    const rows = seat.end - seat.row;
    seat.height = Math.min(work.blockRows, wholeRows(rows / Math.ceil(rows / work.blockRows)));
    seat.sums = (seat.sums + 1) % work.sums;
    seat.held++;
    given++;
    return true;
  };
  const next = (seat: Seat): Share | null => {
    if (seat.row === seat.end && !begin(seat)) return null;
    const start = seat.row;
    const count = Math.min(seat.height, seat.end - start);
    seat.row += count;
    seat.slot = (seat.slot + 1) % work.slots;
    return { thread: seat.thread, slot: seat.slot, sums: seat.sums, start, count };
  };
  const settle = (share: Share): void => {
    work.take(share);
    const end = share.start + share.count;
    const part = parts.indexOf(end, folded);
    if (part >= 0) done[part] = share;
    for (let ready = done[folded]; ready !== undefined && ready !== null; ready = done[folded]) {
      work.fold(ready.thread, ready.sums);
      seats[ready.thread]!.held--;
      folded++;
    }
  };

  const [here] = seats;
  if (here === undefined || parts.length === 0) return;
  try {
    begin(here);
    while (folded < parts.length) {
      const seen = team.progress();
      for (const { thread, waiting } of others)
        for (const share of waiting.splice(0, waiting.length - team.left(thread))) settle(share);
      for (const seat of others) {
        while (seat.waiting.length < work.slots) {
          const share = next(seat);
          if (share === null) break;
          team.give(seat.thread, work.kernel, work.fill(share));
          seat.waiting.push(share);
        }
      }
      const own = next(here);
      if (own !== null) {
        kernels[work.kernel](work.fill(own));
        settle(own);
      } else if (folded < parts.length) {
        team.rest(seen);
      }
    }
  } finally {
    team.finish();
  }
};
