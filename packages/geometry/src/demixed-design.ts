import { firstNonFinite, type Issue, type Matrix, matrix, refuse } from '@drnn/tensor';

export interface DemixedTrial {
  /** `[time, unit]`. */
  readonly rates: Matrix;
  /** The level of each factor `[factor]`: whole numbers or text. */
  readonly condition: readonly (string | number)[];
}

/** Trials by condition: cells in the order of their levels, the last factor fastest. */
export interface Design {
  readonly factors: readonly string[];
  readonly levels: readonly number[];
  readonly cells: readonly (readonly Matrix[])[];
  readonly time: number;
  readonly units: number;
}

/** Trials in their cells. Throws where shapes differ or a condition has none. */
export const designOf = (trials: readonly DemixedTrial[], names?: readonly string[]): Design => {
  const [first] = trials;
  const [time, units] = [first?.rates.rows ?? 0, first?.rates.columns ?? 0];
  const count = first?.condition.length ?? 0;
  const issues: Issue[] = [];
  if (!(time >= 1 && units >= 1 && count >= 1)) {
    issues.push({ path: 'trials', seen: `${trials.length}`, expected: 'trials [time, unit] with one factor or more' });
  }
  if (names !== undefined && names.length !== count) {
    issues.push({ path: 'factors', seen: `${names.length}`, expected: `${count}, as many as conditions have` });
  }
  trials.forEach(({ rates, condition }, k) => {
    if (
      rates.rows !== time ||
      rates.columns !== units ||
      condition.length !== count ||
      firstNonFinite(rates.data) >= 0
    ) {
      issues.push({
        path: `trials[${k}]`,
        seen: `[${rates.rows}, ${rates.columns}] with ${condition.length} factors`,
        expected: `[time=${time}, unit=${units}] with ${count}, finite numbers`,
      });
    }
  });
  refuse(issues);
  const values = Array.from({ length: count }, (_, f) => [
    ...new Set(trials.map(({ condition }) => String(condition[f]))),
  ]);
  const cells = Array.from({ length: values.reduce((all, { length }) => all * length, 1) }, (): Matrix[] => []);
  for (const { rates, condition } of trials) {
    const place = values.reduce((at, own, f) => at * own.length + own.indexOf(String(condition[f])), 0);
    cells[place]!.push(rates);
  }
  const nameOf = (cell: number): string => {
    const parts: string[] = [];
    let rest = cell;
    for (const own of values.toReversed()) {
      parts.unshift(own[rest % own.length]!);
      rest = Math.floor(rest / own.length);
    }
    return parts.join(', ');
  };
  refuse(
    cells.flatMap((cell, k): readonly Issue[] =>
      cell.length > 0
        ? []
        : [{ path: 'trials', seen: `none of condition (${nameOf(k)})`, expected: 'one or more of every condition' }],
    ),
  );
  const factors = values.map((_, f) => names?.[f] ?? `factor ${f}`);
  return { factors, levels: values.map(({ length }) => length), cells, time, units };
};

/** Condition means `[cell x time, unit]`, each of equal weight however many trials it has. */
export const meansOf = ({ cells, time, units }: Design): Matrix => {
  const means = matrix(cells.length * time, units);
  cells.forEach((trials, c) => {
    for (const { data } of trials) {
      for (let k = 0; k < data.length; k++) means.data[c * time * units + k]! += data[k]! / trials.length;
    }
  });
  return means;
};

/** The grand mean over conditions and time. */
export const grandMean = ({ rows, columns, data }: Matrix): Float64Array => {
  const mean = new Float64Array(columns);
  for (let k = 0; k < data.length; k++) mean[k % columns]! += data[k]! / rows;
  return mean;
};

/** Less a mean of columns. */
export const lessMean = (a: Matrix, mean: Float64Array): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.data.map((value, k) => value - mean[k % a.columns]!),
  );

/**
 * The parts of condition means by what they depend on, time with each: for a set S of factors the mean over all others,
 * less the parts of all smaller sets. They add up to the whole and are orthogonal to each other.
 */
export const marginalise = (
  { factors, levels, time, units }: Design,
  means: Matrix,
): readonly (readonly [string, Matrix])[] => {
  const cells = means.rows / time;
  const strides = levels.map((_, f) => levels.slice(f + 1).reduce((all, count) => all * count, 1));
  const averaged = Array.from({ length: 2 ** levels.length }, (_, set): Matrix => {
    const inSet = (f: number): boolean => ((set >> f) & 1) === 1;
    const keyOf = (cell: number): number =>
      levels.reduce(
        (key, count, f) => (inSet(f) ? key + strides[f]! * (Math.floor(cell / strides[f]!) % count) : key),
        0,
      );
    const share = levels.reduce((all, count, f) => (inSet(f) ? all : all / count), 1);
    const sums = matrix(means.rows, units);
    const width = time * units;
    for (let c = 0; c < cells; c++) {
      const to = keyOf(c) * width;
      for (let k = 0; k < width; k++) sums.data[to + k]! += share * means.data[c * width + k]!;
    }
    const spread = matrix(means.rows, units);
    for (let c = 0; c < cells; c++)
      spread.data.set(sums.data.subarray(keyOf(c) * width, (keyOf(c) + 1) * width), c * width);
    return spread;
  });
  return averaged.map((_, set) => {
    const part = matrix(means.rows, units);
    averaged.forEach((mean, subset) => {
      if ((subset & set) !== subset) return;
      let missing = 0;
      for (let bits = set & ~subset; bits > 0; bits &= bits - 1) missing += 1;
      const sign = missing % 2 === 0 ? 1 : -1;
      for (let k = 0; k < part.data.length; k++) part.data[k]! += sign * mean.data[k]!;
    });
    const names = factors.filter((__, f) => ((set >> f) & 1) === 1);
    return [names.length === 0 ? 'time' : names.join(' x '), part] as const;
  });
};

/** One trial of each condition out, at random. */
export const leaveOneOut = (design: Design, draw: () => number): { readonly rest: Design; readonly out: Matrix } => {
  const chosen = design.cells.map(({ length }) => Math.min(length - 1, Math.floor(draw() * length)));
  const out = matrix(design.cells.length * design.time, design.units);
  chosen.forEach((k, c) => out.data.set(design.cells[c]![k]!.data, c * design.time * design.units));
  return {
    rest: { ...design, cells: design.cells.map((trials, c) => trials.filter((_, k) => k !== chosen[c])) },
    out,
  };
};

/** Whether every condition has a trial to spare. */
export const canLeaveOneOut = ({ cells }: Design): boolean => cells.every(({ length }) => length >= 2);
