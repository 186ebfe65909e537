import { failure, type Matrix } from '@drnn/tensor';
import { defaultLimit, settling } from './asymptotics.js';
import type { Cycle } from './cycle.js';
import { type AttractorNetwork, holdInput } from './network.js';
import { stateOf } from './network-dynamics.js';
import { startStates } from './start-states.js';

export interface FoundCycle extends Cycle {
  /** Starts that ended on it; 0 where it is the mirror image of one that was found. */
  readonly hits: number;
  /** The index of the mirror image, in a network without drive: its own where the cycle goes round the origin; else null. */
  readonly mirror: number | null;
}

export interface CycleSet {
  /** The attracting cycles, as they were found. */
  readonly cycles: readonly FoundCycle[];
  readonly starts: number;
  /** Where starts ended that are on no cycle: at fixed points, or not within the steps, in chaos, on tori, on their way. */
  readonly atFixedPoints: number;
  readonly unsettled: number;
}

export interface CyclesOptions {
  /** u `[input]`, held. Default 0. */
  readonly input?: ArrayLike<number>;
  /** Random starts. Default 32. */
  readonly seeds?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Rates to start from as well, `[start, unit]`: unstable fixed points with a little noise are good ones. */
  readonly starts?: Matrix;
  /** Most steps of a run. Default 40 000 and 2000 time constants, whichever is more. */
  readonly limit?: number;
  /** After this many seconds no other start is made. Default none. */
  readonly timeLimit?: number;
}

/** Runs that do not settle cost most: after so many of them in a row the rest is left. */
const HOPELESS = 4;
/** Points of a curve that is known as a polygon are told to be on it by this part of its size. */
const ON = 3e-3;

/** The distance of x from closed polygons of rows, `pieces` of equal length, or from the rows alone. */
const distanceToCurve = ({ orbit, pieces, class: kind }: Cycle, x: ArrayLike<number>): number => {
  const { rows, columns, data } = orbit;
  const each = rows / pieces;
  let nearest = Infinity;
  for (let p = 0; p < rows; p++) {
    const a = p * columns;
    const b = ((p + 1) % each === 0 ? p + 1 - each : p + 1) * columns;
    let along = 0;
    let length = 0;
    for (let i = 0; i < columns; i++) {
      const side = data[b + i]! - data[a + i]!;
      along += side * (x[i]! - data[a + i]!);
      length += side * side;
    }
    const part = kind === 'circle' && length > 0 ? Math.max(0, Math.min(1, along / length)) : 0;
    let sum = 0;
    for (let i = 0; i < columns; i++) {
      sum += (x[i]! - data[a + i]! - part * (data[b + i]! - data[a + i]!)) ** 2;
    }
    nearest = Math.min(nearest, sum);
  }
  return Math.sqrt(nearest);
};

const isOn = (cycle: Cycle, x: ArrayLike<number>, sign: number): boolean => {
  const point = sign === 1 ? x : Float64Array.from(x, (value) => -value);
  return distanceToCurve(cycle, point) < ON * Math.hypot(...cycle.amplitude);
};

const negated = ({ rows, columns, data }: Matrix): Matrix => ({ rows, columns, data: data.map((value) => -value) });

/** The cycle at -r of a network without drive. */
const mirrored = (cycle: Cycle): Cycle => ({
  ...cycle,
  orbit: negated(cycle.orbit),
  flow:
    cycle.flow === null
      ? null
      : {
          ...cycle.flow,
          orbit: negated(cycle.flow.orbit),
          phaseResponse: cycle.flow.phaseResponse === null ? null : negated(cycle.flow.phaseResponse),
        },
});

/**
 * The attracting limit cycles of a network whose input is held, from random states: each run of the network itself
 * until it is at a fixed point or on a cycle. A cycle is an exact periodic orbit, by Newton's method, or, as a rule, an
 * invariant circle, on which the network turns by no whole part of a turn; it is returned when the map takes it into
 * itself to 1e-7 of its size. The cycle of the flow near it, by shooting, comes with its Floquet multipliers and phase
 * response. Cycles that repel are not sought: `flowCycle` finds them from a guess.
 *
 * The set depends on the network and the options alone. Cost: 2 N^2 a step of each run, mostly 1000 steps where it ends
 * at a fixed point; some seconds for each new cycle of 100 units. Errors: those of the network; starts of other units.
 */
export const cycles = (network: AttractorNetwork, options: CyclesOptions = {}): CycleSet => {
  const began = performance.now();
  const held = holdInput(network, options.input);
  const n = held.units;
  const given = options.starts;
  if (given !== undefined && given.columns !== n) {
    throw failure({ path: 'starts', seen: `[${given.rows}, ${given.columns}]`, expected: `[start, unit=${n}]` });
  }
  const { settle } = settling(held);
  const limit = options.limit ?? defaultLimit(held);
  const randomStart = startStates({ ...held, form: 'rate' }, options.seed ?? 1, undefined);
  const found: { cycle: Cycle; hits: number; mirror: number | null }[] = [];
  let starts = 0;
  let atFixedPoints = 0;
  let unsettled = 0;
  let hopeless = 0;
  const rates = new Float64Array(n);
  const total = (given?.rows ?? 0) + (options.seeds ?? 32);
  for (let k = 0; k < total && hopeless < HOPELESS; k++) {
    if (performance.now() - began > 1000 * (options.timeLimit ?? Infinity)) break;
    if (given !== undefined && k < given.rows) rates.set(given.data.subarray(k * n, (k + 1) * n));
    else randomStart(k - (given?.rows ?? 0), rates);
    starts += 1;
    let known = -1;
    const settled = settle(stateOf(held, rates), limit, (at) => {
      known = found.findIndex(({ cycle }) => isOn(cycle, at, 1));
      return known >= 0;
    });
    if (settled === null) {
      unsettled += 1;
      hopeless += 1;
      continue;
    }
    hopeless = 0;
    if (settled === 'known') found[known]!.hits += 1;
    else if (settled.kind === 'fixed-point') atFixedPoints += 1;
    else {
      const { cycle } = settled;
      const index = found.length;
      found.push({ cycle, hits: 1, mirror: null });
      if (!held.isOdd) continue;
      const isOwn = isOn(cycle, cycle.orbit.data.subarray(0, n), -1);
      found[index]!.mirror = isOwn ? index : index + 1;
      if (!isOwn) found.push({ cycle: mirrored(cycle), hits: 0, mirror: index });
    }
  }
  return {
    cycles: found.map(({ cycle, hits, mirror }) => ({ ...cycle, hits, mirror })),
    starts,
    atFixedPoints,
    unsettled,
  };
};
