import type { Turn } from './resumable.js';

/** What comes once or more in a push: its milliseconds as they were last seen. */
type Piece = 'inverse' | 'preparation' | 'algebra' | 'ending' | 'short pass';

/** What things cost, and what of it still fits into the push that is served. */
export interface Pace {
  /** A push serves sweeps, as long as it takes no more than the budget since it began. */
  begin(began: number): void;
  /** Ends what `begin` began: what was not tried for want of time may have become cheaper. */
  end(): void;
  fits(milliseconds: number): boolean;
  cost(piece: Piece): number;
  /** Of a pass over so many rows. */
  passCost(rows: number): number;
  /** Notes what a piece took. */
  note(piece: Piece, milliseconds: number): void;
  /** Does a piece, and notes what it took. */
  timed<Result>(piece: Piece, work: () => Promise<Result> | Result): Promise<Result>;
  /** A pass over so many rows, once that and so many milliseconds after it fit. */
  pass<Result>(turn: Turn, rows: number, after: number, work: () => Promise<Result>): Promise<Result>;
  /** Milliseconds, passes left out, that work takes. */
  besidesPasses<Result>(
    work: () => Promise<Result>,
  ): Promise<{ readonly result: Result; readonly milliseconds: number }>;
}

/** Work may take a tenth longer than it did. */
const headroom = 1.1;
/** What did not fit is thought to be so much cheaper in the next push: what made it dear may be over. */
const forgotten = 0.9;

/** Dearer at once, cheaper in time. */
const latest = (before: number, seen: number): number => (seen > before ? seen : 0.7 * before + 0.3 * seen);

export const paceOf = (budget: number, now: () => number): Pace => {
  const costs = { inverse: 0, preparation: 0, algebra: 0, ending: 0, 'short pass': 0 };
  /** A pass that is not short, for each row. */
  let row = 0;
  /** Rows of the longest pass so far. */
  let longest = 0;
  let began = 0;
  /** Of the push: what its passes took; rows and milliseconds of those that were not short; whether something did not fit. */
  const push = { spent: 0, rows: 0, milliseconds: 0, isShort: false };
  /** Begins dearer than its rows: it says little about others, and they about it. */
  const isShortPass = (rows: number): boolean => 2 * rows < longest;
  const passCost = (rows: number): number => {
    const byRow = rows * Math.max(row, push.rows > 0 ? push.milliseconds / push.rows : 0);
    return isShortPass(rows) ? Math.max(byRow, costs['short pass']) : byRow;
  };
  const fits = (milliseconds: number): boolean => {
    const isFit = now() - began + headroom * milliseconds + costs.ending <= budget;
    push.isShort ||= !isFit;
    return isFit;
  };
  const note = (piece: Piece, milliseconds: number): void => {
    costs[piece] = latest(costs[piece], milliseconds);
  };
  return {
    begin: (at) => {
      began = at;
      Object.assign(push, { spent: 0, rows: 0, milliseconds: 0, isShort: false });
    },
    end: () => {
      if (push.rows > 0) row = latest(row, push.milliseconds / push.rows);
      else if (push.isShort) {
        row *= forgotten;
        for (const piece of ['inverse', 'preparation', 'algebra', 'short pass'] as const) costs[piece] *= forgotten;
      }
    },
    fits,
    cost: (piece) => costs[piece],
    passCost,
    note,
    timed: async (piece, work) => {
      const before = now();
      const result = await work();
      note(piece, now() - before);
      return result;
    },
    pass: async (turn, rows, after, work) => {
      await turn(() => fits(passCost(rows) + after));
      const before = now();
      const result = await work();
      const milliseconds = now() - before;
      push.spent += milliseconds;
      if (isShortPass(rows)) note('short pass', milliseconds);
      else {
        longest = Math.max(longest, rows);
        push.rows += rows;
        push.milliseconds += milliseconds;
      }
      return result;
    },
    besidesPasses: async (work) => {
      const [before, spent] = [now(), push.spent];
      const result = await work();
      return { result, milliseconds: Math.max(0, now() - before - (push.spent - spent)) };
    },
  };
};
