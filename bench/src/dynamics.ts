/**
 * Limit cycles and Lyapunov exponents beside the numbers that are known of them: `node bench/dist/dynamics.js
 * [--only vanderpol,hopf,rotation,maps,flows,meanfield,cost,network]`. Known numbers are exact, or measured
 * independently (long runs by a fourth-order method; the angle and ln|det J| averaged, weighted, over 4e6 and 1e6 steps), or
 * of the literature. Seconds are of the
 * processor, since the machine may be shared.
 */
import {
  asymptotics,
  cycles,
  flowCycle,
  lyapunov,
  type LyapunovSpectrum,
  lyapunovSpectrum,
  periodicOrbit,
} from '@drnn/attractors';
import {
  cat,
  henon,
  logistic,
  lorenz,
  rossler,
  rotation,
  stuartLandau,
  vanDerPol,
} from '@drnn/attractors/known-systems';
import { fillGaussian, randomStream } from '@drnn/simulator';
import { type Matrix, matrix, matrixOf } from '@drnn/tensor';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { only: { type: 'string', default: 'vanderpol,hopf,rotation,maps,flows,meanfield,cost,network' } },
});
const only = new Set(values.only.split(','));

const timed = <T>(run: () => T): readonly [T, string] => {
  const before = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  return [result, seconds < 0.1 ? `${(seconds * 1000).toFixed(0)} ms` : `${seconds.toFixed(2)} s`];
};

const gaussian = (units: number, gain: number, seed: number): Matrix => {
  const W = matrix(units, units);
  fillGaussian(randomStream(seed, 'W')(0), gain / Math.sqrt(units), W.data);
  return W;
};

const shown = (exponents: ArrayLike<number>): string =>
  Array.from(exponents, (value) => (Math.abs(value) < 1e-6 ? value.toExponential(0) : value.toPrecision(9))).join(', ');

const apart = (found: number, known: number): string =>
  `${found.toPrecision(12)} (known ${known}, off ${Math.abs(found - known).toExponential(0)})`;

console.log(`${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}; processor time`);

if (only.has('vanderpol')) {
  console.log("Van der Pol's oscillator: period; ln of the multiplier; amplitude");
  for (const [mu, period, logMultiplier, amplitude] of [
    [0.1, 6.287111272, -0.62910392, 2.000104],
    [0.5, 6.380675802, -3.2396675, 2.0024879],
    [1, 6.663286859, -7.0589328, 2.0086199],
    [2, 7.62987448, -18.178637, 2.0198914],
    [3, 8.8590955, -34.896956, 2.0233041],
    [5, 11.61223067, -85.452019, 2.0215081],
    [10, 19.07836957, -311.84422, 2.0142854],
  ] as const) {
    const [cycle, time] = timed(() => flowCycle(vanDerPol(mu), matrix(1, 2, Float64Array.of(2, 0)), 1.02 * period));
    if (cycle === null) console.log(`  mu=${mu}: not found`);
    else {
      console.log(
        `  mu=${mu}: ${apart(cycle.period, period)}; ${apart(cycle.multipliers[1]?.logModulus ?? Number.NaN, logMultiplier)}; ` +
          `${apart(cycle.amplitude[0]!, amplitude)}; |m - 1| ${cycle.trivialError.toExponential(0)}, ` +
          `Liouville ${cycle.liouvilleError?.toExponential(0)}, ${time}`,
      );
    }
  }
}

if (only.has('hopf')) {
  console.log('Normal form of a Hopf bifurcation, w = 1: period 2 pi, multiplier exp(-4 pi mu), exponents 0 and -2 mu');
  for (const mu of [0.1, 1]) {
    const cycle = flowCycle(stuartLandau(mu, 1), matrix(1, 2, Float64Array.of(Math.sqrt(mu), 0.01)), 6.3);
    const spectrum = lyapunovSpectrum(stuartLandau(mu, 1), Float64Array.of(0.1, 0.3), { length: 500, transient: 300 });
    console.log(
      `  mu=${mu}: ${apart(cycle?.period ?? 0, 2 * Math.PI)}; ${apart(cycle?.multipliers[1]?.value[0] ?? 0, Math.exp(-4 * Math.PI * mu))}; ` +
        `exponents ${shown(spectrum.exponents)}`,
    );
  }
}

if (only.has('rotation')) {
  console.log('Two units, W = g R(degrees): invariant circle of the map; period of the flow in time constants');
  for (const [alpha, degrees, gain, period, exponent, perTurn, flow] of [
    [0.1, 30, 1.5, 113.390664253679, -0.045705809412, 0.00561332474, 11.14564483],
    [0.1, 30, 2, 123.588933520186, -0.073172058256, 1.18185322e-4, 12.16783874],
    [0.1, 90, 6, 13.813017811745, -0.10281068344, 0.241683611, null],
    [0.5, 90, 2.5, 5.900363716108, -0.562005694716, 0.036296353, null],
  ] as const) {
    const [{ cycles: found }, time] = timed(() =>
      cycles({ W: matrixOf(rotation(gain, degrees)), alpha }, { seeds: 2 }),
    );
    const [cycle] = found;
    if (cycle === undefined) console.log(`  a=${alpha}, ${degrees} degrees, g=${gain}: not found`);
    else {
      console.log(
        `  a=${alpha}, ${degrees} degrees, g=${gain}: ${cycle.class}, period ${apart(cycle.period, period)}; lambda_2 ` +
          `${apart(cycle.exponents[1]!, exponent)}; a turn ${apart(cycle.transverseMultiplier, perTurn)}; lambda_1 ` +
          `${cycle.exponents[0]!.toExponential(0)}, residual ${cycle.residual.toExponential(0)}` +
          (flow === null || cycle.flow === null
            ? ''
            : `; flow ${apart(cycle.flow.period * alpha, flow)}, multiplier ${cycle.flow.multipliers[1]?.value[0].toPrecision(8)}`) +
          `; ${time}`,
      );
    }
  }
  const flip = cycles({ W: matrixOf([[-2]]), alpha: 1 }, { seeds: 2 }).cycles[0];
  const logisticCycle = periodicOrbit(logistic(3.2), Float64Array.of(0.5), 2, 1e-12);
  console.log(
    `  r = tanh(-2 r): ${flip?.period} states, ${apart(flip?.orbit.data[0] ?? 0, 0.957504024077269)}, multiplier ` +
      `${apart(flip?.multipliers?.[0]?.value[0] ?? 0, 0.02767967158)}; logistic, r = 3.2: ` +
      `${apart(logisticCycle?.multipliers[0]?.value[0] ?? 0, 0.16)}`,
  );
  const [p, q] = [rotation(1.5, 30).flat(), rotation(2, 50).flat()];
  const W = matrixOf([
    [p[0]!, p[1]!, 0, 0],
    [p[2]!, p[3]!, 0, 0],
    [0, 0, q[0]!, q[1]!],
    [0, 0, q[2]!, q[3]!],
  ]);
  const [end, time] = timed(() => asymptotics({ W, alpha: 0.1 }, Float64Array.of(0.5, 0.1, 0.3, 0.2)));
  console.log(`  two of them side by side: ${end.kind}; ${time}`);
}

const line = (name: string, known: readonly number[], dimension: number | null, run: () => LyapunovSpectrum): void => {
  const [spectrum, time] = timed(run);
  const off = known.map((value, k) => Math.abs(spectrum.exponents[k]! - value).toExponential(1)).join(', ');
  console.log(
    `  ${name}: ${shown(spectrum.exponents)} (known ${known.join(', ')}; off ${off}); dimension ` +
      `${spectrum.dimension?.toFixed(4)}${dimension === null ? '' : ` (known ${dimension})`}; ` +
      `|sum - <ln|det J|>| ${spectrum.volumeError?.toExponential(0)}; ${time}`,
  );
};

if (only.has('maps')) {
  console.log('Exponents of maps, 1e6 steps:');
  const start = Float64Array.of(0.1, 0.1);
  line('logistic, r = 4', [Math.LN2], null, () => lyapunovSpectrum(logistic(4), Float64Array.of(0.3), { length: 1e6 }));
  line('Henon', [0.41927, -1.62325], 1.2583, () => lyapunovSpectrum(henon(), start, { length: 1e6 }));
  const golden = Math.log((3 + Math.sqrt(5)) / 2);
  line('cat map', [golden, -golden], 2, () => lyapunovSpectrum(cat(), Float64Array.of(0.1, 0.37), { length: 1e5 }));
}

if (only.has('flows')) {
  console.log('Exponents of flows:');
  line('Lorenz, T = 5000', [0.9056, 0, -14.5723], 2.062, () =>
    lyapunovSpectrum(lorenz(), Float64Array.of(1, 1, 20), { length: 5000 }),
  );
  line('Rossler, T = 10000', [0.0714, 0, -5.394], 2.013, () =>
    lyapunovSpectrum(rossler(), Float64Array.of(1, 1, 0), { length: 10_000 }),
  );
}

if (only.has('meanfield')) {
  console.log('Random networks, a = 1, the mean of four; mean field of infinite N:');
  for (const [units, gain, known, steps] of [
    [300, 2, 0.1547242, 2000],
    [300, 3, 0.3102493, 2000],
    [1000, 2, 0.1547242, 1000],
    [1000, 3, 0.3102493, 1000],
  ] as const) {
    const [found, time] = timed(() =>
      [1, 2, 3, 4].map(
        (seed) =>
          lyapunov(
            { W: gaussian(units, gain, seed), alpha: 1 },
            { count: 1, steps, transient: 200, seeds: 1, tolerance: 0 },
          ).exponents[0]!,
      ),
    );
    const mean = found.reduce((sum, value) => sum + value, 0) / 4;
    console.log(
      `  N=${units}, g=${gain}: ${mean.toFixed(4)} (${found.map((value) => value.toFixed(4)).join(', ')}), known ${known}, ` +
        `${((100 * (mean - known)) / known).toFixed(1)}%; ${time}`,
    );
  }
}

if (only.has('cost')) {
  console.log('Cost of exponents, a = 0.1, g = 2:');
  for (const [units, count] of [
    [100, 100],
    [200, 10],
  ] as const) {
    const [spectrum, time] = timed(() =>
      lyapunov({ W: gaussian(units, 2, 1), alpha: 0.1 }, { count, steps: 10_000, seeds: 1, tolerance: 0 }),
    );
    console.log(
      `  N=${units}, ${count} exponents, 10 000 steps: ${time}; first ${spectrum.exponents[0]!.toFixed(5)} a step, ` +
        `|sum - <ln|det J|>| ${spectrum.volumeError?.toExponential(0)}`,
    );
  }
}

if (only.has('network')) {
  console.log('Random networks, N = 100, a = 0.1, g = 1.4: what an orbit ends in, and what a cycle takes');
  for (let seed = 1; seed <= 6; seed++) {
    const start = new Float64Array(100);
    fillGaussian(randomStream(seed, 'start')(0), 0.5, start);
    const [end, time] = timed(() => asymptotics({ W: gaussian(100, 1.4, seed), alpha: 0.1 }, start, { limit: 21_000 }));
    const flow = end.kind === 'cycle' ? end.cycle.flow : null;
    console.log(
      `  ${seed}: ${end.kind}` +
        (end.kind === 'cycle'
          ? `, ${end.cycle.class}, period ${end.cycle.period.toPrecision(9)} steps, residual ${end.cycle.residual.toExponential(0)}`
          : '') +
        (flow === null ? '' : `, flow ${flow.period.toPrecision(9)}, |m - 1| ${flow.trivialError.toExponential(0)}`) +
        (end.kind === 'unresolved' ? `: ${end.reason}` : '') +
        `; ${time}`,
    );
  }
}
