/**
 * The method of order 8 with 12 stages of Dormand and Prince, with the error estimates of orders 5 and 3 of Hairer,
 * Norsett and Wanner, Solving Ordinary Differential Equations I (1993), section II.10. Row i: stage and coefficient by
 * turns.
 */
const stages: readonly Float64Array[] = [
  [],
  [0, 0.05260015195876773],
  [0, 0.0197250569845379, 1, 0.0591751709536137],
  [0, 0.02958758547680685, 2, 0.08876275643042054],
  [0, 0.2413651341592667, 2, -0.8845494793282861, 3, 0.924834003261792],
  [0, 0.037037037037037035, 3, 0.17082860872947386, 4, 0.12546768756682242],
  [0, 0.037109375, 3, 0.17025221101954405, 4, 0.06021653898045596, 5, -0.017578125],
  [
    0, 0.03709200011850479, 3, 0.17038392571223998, 4, 0.10726203044637328, 5, -0.015319437748624402, 6,
    0.008273789163814023,
  ],
  [
    0, 0.6241109587160757, 3, -3.3608926294469414, 4, -0.868219346841726, 5, 27.59209969944671, 6, 20.154067550477894,
    7, -43.48988418106996,
  ],
  [
    0, 0.47766253643826434, 3, -2.4881146199716677, 4, -0.590290826836843, 5, 21.230051448181193, 6, 15.279233632882423,
    7, -33.28821096898486, 8, -0.020331201708508627,
  ],
  [
    0, -0.9371424300859873, 3, 5.186372428844064, 4, 1.0914373489967295, 5, -8.149787010746927, 6, -18.52006565999696,
    7, 22.739487099350505, 8, 2.4936055526796523, 9, -3.0467644718982196,
  ],
  [
    0, 2.273310147516538, 3, -10.53449546673725, 4, -2.0008720582248625, 5, -17.9589318631188, 6, 27.94888452941996, 7,
    -2.8589982771350235, 8, -8.87285693353063, 9, 12.360567175794303, 10, 0.6433927460157636,
  ],
].map((row) => Float64Array.from(row));

const weights = Float64Array.from([
  0, 0.054293734116568765, 5, 4.450312892752409, 6, 1.8915178993145003, 7, -5.801203960010585, 8, 0.3111643669578199, 9,
  -0.1521609496625161, 10, 0.20136540080403034, 11, 0.04471061572777259,
]);

/** Weights less those of the embedded methods, for the stages 0 and 5 to 11. */
const errorStages = [0, 5, 6, 7, 8, 9, 10, 11] as const;
const third = Float64Array.from([
  -0.18980075407240762, 4.450312892752409, 1.8915178993145003, -5.801203960010585, -0.4226823213237919,
  -0.1521609496625161, 0.20136540080403034, 0.02265179219836082,
]);
const fifth = Float64Array.from([
  0.01312004499419488, -1.2251564463762044, -0.4957589496572502, 1.6643771824549864, -0.35032884874997366,
  0.3341791187130175, 0.08192320648511571, -0.022355307863886294,
]);

export interface DormandPrinceOptions {
  /** Entries `[0, state)` of y are held to `relative` of each and `absolute`, the others to `relative` of their size together. */
  readonly state: number;
  readonly relative: number;
  readonly absolute: number;
}

/** An integrator of y' = f(y), which keeps its step size. */
export interface DormandPrince {
  /**
   * One step, y in place, not longer than |limit| and with its sign; returns its length, or 0 where no step is short
   * enough or values are not finite.
   */
  step(y: Float64Array, limit: number): number;
}

/** y += h sum c_k k_k over the stages and coefficients of a row. */
const addStages = (y: Float64Array, h: number, row: Float64Array, ks: readonly Float64Array[]): void => {
  for (let e = 0; e < row.length; e += 2) {
    const k = ks[row[e]!]!;
    const c = h * row[e + 1]!;
    for (let i = 0; i < y.length; i++) y[i]! += c * k[i]!;
  }
};

export const dormandPrince = (
  rightSide: (y: Float64Array, dy: Float64Array) => void,
  length: number,
  { state, relative, absolute }: DormandPrinceOptions,
): DormandPrince => {
  const ks = stages.map(() => new Float64Array(length));
  const [first] = ks;
  const next = new Float64Array(length);
  let h = 0;

  /** The error of the step over its tolerance; not finite where the step is not. */
  const errorOf = (y: Float64Array): number => {
    const part = (from: number, to: number, scaleOfAll: number): number => {
      let three = 0;
      let five = 0;
      for (let i = from; i < to; i++) {
        let e3 = 0;
        let e5 = 0;
        for (let e = 0; e < errorStages.length; e++) {
          const k = ks[errorStages[e]!]![i]!;
          e3 += third[e]! * k;
          e5 += fifth[e]! * k;
        }
        const scale = scaleOfAll > 0 ? scaleOfAll : absolute + relative * Math.max(Math.abs(y[i]!), Math.abs(next[i]!));
        three += (e3 / scale) ** 2;
        five += (e5 / scale) ** 2;
      }
      if (five === 0 && three === 0) return 0;
      return five / Math.sqrt((five + 0.01 * three) * (to - from));
    };
    const ofState = part(0, state, 0);
    if (state === length) return Math.abs(h) * ofState;
    let size = 0;
    for (let i = state; i < length; i++) size += next[i]! * next[i]!;
    const scale = relative * Math.sqrt(size / (length - state)) + Number.MIN_VALUE;
    return Math.abs(h) * Math.max(ofState, part(state, length, scale));
  };

  /** A first step: a hundredth of the time in which the state moves by its own size. */
  const firstLength = (y: Float64Array): number => {
    let size = 0;
    let speed = 0;
    for (let i = 0; i < state; i++) {
      const scale = absolute + relative * Math.abs(y[i]!);
      size += (y[i]! / scale) ** 2;
      speed += (first![i]! / scale) ** 2;
    }
    return size > 0 && speed > 0 ? 0.01 * Math.sqrt(size / speed) : 1e-3;
  };

  return {
    step: (y, limit) => {
      rightSide(y, first!);
      if (h === 0) h = firstLength(y);
      const longest = Math.abs(limit);
      for (let attempt = 0; attempt < 60; attempt++) {
        const wanted = Math.abs(h);
        // A rest that is a little longer than a step is taken in two halves.
        const size = wanted >= longest ? longest : wanted > 0.6 * longest ? longest / 2 : wanted;
        if (!(size > 1e-15 * longest)) return 0;
        h = limit < 0 ? -size : size;
        for (let s = 1; s < stages.length; s++) {
          next.set(y);
          addStages(next, h, stages[s]!, ks);
          rightSide(next, ks[s]!);
        }
        next.set(y);
        addStages(next, h, weights, ks);
        const error = errorOf(y);
        const taken = h;
        if (error <= 1) {
          y.set(next);
          const grown = size * Math.min(6, error === 0 ? 6 : 0.9 * error ** -0.125);
          // A step that the end cut short says little of the next.
          h = Math.max(grown, size < wanted ? wanted : 0);
          return taken;
        }
        h = size * (Number.isFinite(error) ? Math.max(0.2, 0.9 * error ** -0.125) : 0.2);
      }
      return 0;
    },
  };
};
