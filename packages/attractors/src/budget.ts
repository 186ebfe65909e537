import { refuse } from '@drnn/tensor';

/** What a search may still cost. Once it is over it stays so. */
export interface Budget {
  /** Counts products of two numbers. */
  spend(work: number): void;
  /** What is spent, null while there is something left. */
  over(): 'time' | 'work' | null;
}

export interface BudgetLimits {
  /** Default none. */
  readonly seconds?: number | undefined;
  /** Products of two numbers. Default none. */
  readonly work?: number | undefined;
}

/** Work between two looks at the clock: a tenth of a millisecond or so. */
const GLANCE = 1e5;

export const budgetOf = ({ seconds = Infinity, work = Infinity }: BudgetLimits): Budget => {
  const end = performance.now() + 1000 * seconds;
  let spent = 0;
  let next = 0;
  let over: 'time' | 'work' | null = null;
  return {
    spend: (more) => {
      spent += more;
    },
    over: () => {
      if (over !== null || spent < next) return over;
      next = spent + GLANCE;
      if (spent > work) over = 'work';
      else if (performance.now() > end) over = 'time';
      return over;
    },
  };
};

/** Refuses seconds that are none. */
export const checkTimeLimit = (seconds: number | undefined): void =>
  refuse(seconds === undefined || seconds > 0 ? [] : [{ path: 'timeLimit', seen: `${seconds}`, expected: 'above 0' }]);
