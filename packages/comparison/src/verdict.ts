/** What a comparison is judged by; null where it was not measured. */
export type VerdictName =
  | 'fixedPointF1'
  | 'displacement'
  | 'eigenvalueError'
  | 'graphF1'
  | 'basinAgreement'
  | 'period'
  | 'lyapunov'
  | 'stateSpaceDivergence'
  | 'powerSpectrumError'
  | 'predictionHorizon'
  | 'dynamicalSimilarity';

/** One measure beside what chance reaches and what the best fit could. */
export interface Measure {
  readonly value: number;
  /** The best of `floors`: what something without the reference's structure reaches; null where it was not measured. */
  readonly floor: number | null;
  /** Each chance level that was measured and makes sense for the measure. */
  readonly floors: Floors;
  /** The same measure of something as good as a fit can be; null where it was not measured. */
  readonly ceiling: number | null;
  /** (value - floor) / (ceiling - floor), within [0, 1]; null without both, or where they are equal. */
  readonly score: number | null;
  /** What it must reach; null where nobody said. */
  readonly bar: number | null;
  readonly isPassed: boolean | null;
}

/**
 * What has none of the reference's structure: the fit with its `weights` shuffled, the recording with its frames in any
 * order in `time`, or the best `linear` network for the recording.
 */
export type FloorName = 'weights' | 'time' | 'linear';

export type Floors = Readonly<Partial<Record<FloorName, number>>>;

export type Verdict = Readonly<Record<VerdictName, Measure | null>>;

/** What must be reached, and whether larger is better: of a flip-flop with all units recorded. */
export const bars: Readonly<Record<VerdictName, { readonly bar: number | null; readonly isLargerBetter: boolean }>> = {
  fixedPointF1: { bar: 1, isLargerBetter: true },
  displacement: { bar: 0.02, isLargerBetter: false },
  eigenvalueError: { bar: 0.05, isLargerBetter: false },
  graphF1: { bar: 1, isLargerBetter: true },
  basinAgreement: { bar: 0.97, isLargerBetter: true },
  period: { bar: null, isLargerBetter: false },
  lyapunov: { bar: 0.1, isLargerBetter: false },
  stateSpaceDivergence: { bar: null, isLargerBetter: false },
  powerSpectrumError: { bar: null, isLargerBetter: false },
  predictionHorizon: { bar: null, isLargerBetter: true },
  dynamicalSimilarity: { bar: null, isLargerBetter: false },
};

/** The same measure of a fit, of chance and of the best there can be. */
export interface Measured {
  readonly value: number | null;
  readonly floors?: Readonly<Partial<Record<FloorName, number | null>>>;
  readonly ceiling?: number | null;
}

const scoreOf = (
  value: number,
  floor: number | null,
  ceiling: number | null,
  isLargerBetter: boolean,
): number | null => {
  if (floor === null || ceiling === null || !Number.isFinite(ceiling) || ceiling === floor) return null;
  if (ceiling > floor !== isLargerBetter) return null;
  // Infinitely bad by chance: whatever is finite is as far from it as the best.
  if (!Number.isFinite(floor)) return Number.isFinite(value) ? 1 : 0;
  return Math.min(1, Math.max(0, (value - floor) / (ceiling - floor)));
};

/** A measure as it is judged, beside the chance level that is hardest to beat; null where it has no value. */
export const judge = (name: VerdictName, { value, floors = {}, ceiling = null }: Measured): Measure | null => {
  if (value === null || Number.isNaN(value)) return null;
  const { bar, isLargerBetter } = bars[name];
  const known = Object.fromEntries(
    Object.entries(floors).filter((entry): entry is [string, number] => entry[1] !== null && !Number.isNaN(entry[1])),
  );
  const levels = Object.values(known);
  const floor = levels.length === 0 ? null : isLargerBetter ? Math.max(...levels) : Math.min(...levels);
  return {
    value,
    floor,
    floors: known,
    ceiling,
    score: scoreOf(value, floor, ceiling, isLargerBetter),
    bar,
    isPassed: bar === null ? null : isLargerBetter ? value >= bar : value <= bar,
  };
};

/** All of them side by side; never one number alone. */
export const verdictOf = (measured: Partial<Readonly<Record<VerdictName, Measured>>>): Verdict => {
  const one = (name: VerdictName): Measure | null => judge(name, measured[name] ?? { value: null });
  return {
    fixedPointF1: one('fixedPointF1'),
    displacement: one('displacement'),
    eigenvalueError: one('eigenvalueError'),
    graphF1: one('graphF1'),
    basinAgreement: one('basinAgreement'),
    period: one('period'),
    lyapunov: one('lyapunov'),
    stateSpaceDivergence: one('stateSpaceDivergence'),
    powerSpectrumError: one('powerSpectrumError'),
    predictionHorizon: one('predictionHorizon'),
    dynamicalSimilarity: one('dynamicalSimilarity'),
  };
};
