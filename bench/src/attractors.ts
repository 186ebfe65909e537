/**
 * How fast fixed points are found, and how many: `node bench/dist/attractors.js [--networks 10] [--seeds 2000]
 * [--peer-seeds 256] [--only small,flipflop,large,random,linearise]`. The peer is the method of fixed-point-finder as its
 * users run it with its torch settings, in float64 and batched: joint Adam on q = |F(r) - r|^2 / 2 of all starts, whose
 * rate a plateau scheduler lowers on the mean of q. It starts from the same states, in the same process; its time is that
 * of finding, without the Jacobians. Seconds are of the processor, since the machine may be shared.
 */
import { fixedPoints, type FixedPointSet, linearise, saddleGraph } from '@drnn/attractors';
import { fillGaussian, randomStream, uniform } from '@drnn/simulator';
import { type Matrix, matrix } from '@drnn/tensor';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    networks: { type: 'string', default: '10' },
    seeds: { type: 'string', default: '2000' },
    'peer-seeds': { type: 'string', default: '256' },
    only: { type: 'string', default: 'small,flipflop,large,random,linearise' },
  },
});
const only = new Set(values.only.split(','));

const alpha = 0.1;

const timed = <T>(run: () => T): readonly [T, number] => {
  const before = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(before);
  return [result, (user + system) / 1e6];
};

const gaussian = (units: number, deviation: number, seed: number): Matrix => {
  const W = matrix(units, units);
  fillGaussian(randomStream(seed, 'W')(0), deviation, W.data);
  return W;
};

/** Three bits, a block of a third of the units for each, W = 2 / size within it, and noise of `noise` |W|_F. */
const flipFlop = (units: number, noise: number): Matrix => {
  const blockOf = (i: number): number => Math.floor((3 * i) / units);
  const sizes = [0, 0, 0];
  for (let i = 0; i < units; i++) sizes[blockOf(i)]! += 1;
  const W = matrix(units, units);
  for (let i = 0; i < units; i++) {
    for (let j = 0; j < units; j++) if (blockOf(i) === blockOf(j)) W.data[i * units + j] = 2 / sizes[blockOf(i)]!;
  }
  if (noise === 0) return W;
  const E = gaussian(units, 1, 1);
  const length = (a: Matrix): number => Math.sqrt(a.data.reduce((sum, value) => sum + value * value, 0));
  const factor = (noise * length(W)) / length(E);
  E.data.forEach((value, k) => (W.data[k]! += factor * value));
  return W;
};

/** States uniform in the cube `[start, unit]`. */
const cubeStarts = (starts: number, units: number, seed: number): Matrix => {
  const generator = randomStream(seed, 'cube')(0);
  const states = matrix(starts, units);
  for (let k = 0; k < states.data.length; k++) states.data[k] = 2 * uniform(generator) - 1;
  return states;
};

interface Peer {
  readonly states: Matrix;
  /** q of each start at its end. */
  readonly q: Float64Array;
  readonly iterations: number;
}

/** z = W r for one start: four rows at a time, as ours. */
const product = (w: Float64Array, n: number, r: Float64Array, z: Float64Array): void => {
  let i = 0;
  for (; i + 3 < n; i += 4) {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    const row = i * n;
    for (let j = 0; j < n; j++) {
      const v = r[j]!;
      s0 += w[row + j]! * v;
      s1 += w[row + n + j]! * v;
      s2 += w[row + 2 * n + j]! * v;
      s3 += w[row + 3 * n + j]! * v;
    }
    z[i] = s0;
    z[i + 1] = s1;
    z[i + 2] = s2;
    z[i + 3] = s3;
  }
  for (; i < n; i++) {
    let s = 0;
    for (let j = 0; j < n; j++) s += w[i * n + j]! * r[j]!;
    z[i] = s;
  }
};

const transposeOf = (W: Matrix): Float64Array => {
  const n = W.rows;
  const t = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) t[j * n + i] = W.data[i * n + j]!;
  return t;
};

/**
 * Adam with rate 1, ReduceLROnPlateau on the mean of q (factor 0.95, patience 2, relative threshold 1e-4, changes below
 * 1e-8 skipped), at most 5000 iterations; it ends when every start has q < 1e-12 or |q - q before| < 1e-20 rate.
 */
const jointAdam = (W: Matrix, starts: Matrix): Peer => {
  const n = W.rows;
  const batch = starts.rows;
  const transposed = transposeOf(W);
  const states = { rows: batch, columns: n, data: starts.data.slice() };
  const mean = new Float64Array(batch * n);
  const square = new Float64Array(batch * n);
  const q = new Float64Array(batch);
  const qBefore = new Float64Array(batch).fill(Number.NaN);
  const z = new Float64Array(n);
  const move = new Float64Array(n);
  const back = new Float64Array(n);
  let rate = 1;
  let best = Infinity;
  let bad = 0;
  let iteration = 0;
  for (; iteration < 5000;) {
    iteration += 1;
    const first = 1 - 0.9 ** iteration;
    const second = 1 - 0.999 ** iteration;
    let total = 0;
    for (let b = 0; b < batch; b++) {
      const x = states.data.subarray(b * n, (b + 1) * n);
      product(W.data, n, x, z);
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const t = Math.tanh(z[i]!);
        const f = alpha * (t - x[i]!);
        move[i] = f;
        z[i] = f * (1 - t * t);
        sum += f * f;
      }
      q[b] = sum / 2;
      total += sum / 2;
      product(transposed, n, z, back);
      for (let i = 0; i < n; i++) {
        const slope = (alpha * (back[i]! - move[i]!)) / batch;
        const k = b * n + i;
        const m = 0.9 * mean[k]! + 0.1 * slope;
        const v = 0.999 * square[k]! + 0.001 * slope * slope;
        mean[k] = m;
        square[k] = v;
        x[i]! -= (rate * (m / first)) / (Math.sqrt(v / second) + 1e-8);
      }
    }
    const loss = total / batch;
    const isDone = q.every((value, b) => value < 1e-12 || Math.abs(value - qBefore[b]!) < 1e-20 * rate);
    qBefore.set(q);
    if (isDone) break;
    if (loss < best * (1 - 1e-4)) {
      best = loss;
      bad = 0;
    } else bad += 1;
    if (bad > 2) {
      bad = 0;
      const next = rate * 0.95;
      if (rate - next > 1e-8) rate = next;
    }
  }
  return { states, q, iterations: iteration };
};

const distance = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
};

const rootsOf = ({ points }: FixedPointSet): readonly Float64Array[] =>
  points.filter((point) => point.class === 'fixed').map(({ state }) => state);

/** How many of `roots` some state of the peer with q < 1e-12 is within 1e-3 of, its own tolerance. */
const foundBy = ({ states, q }: Peer, roots: readonly Float64Array[]): number =>
  roots.filter((root) =>
    q.some(
      (value, b) =>
        value < 1e-12 && distance(root, states.data.subarray(b * root.length, (b + 1) * root.length)) < 1e-3,
    ),
  ).length;

/** How many "unique fixed points" the peer reports: all states, apart by more than 1e-3. */
const reportedBy = ({ states, q }: Peer): number => {
  const n = states.columns;
  const kept: Float64Array[] = [];
  for (const b of Array.from(q.keys()).toSorted((i, j) => q[i]! - q[j]!)) {
    const state = states.data.subarray(b * n, (b + 1) * n);
    if (kept.every((other) => distance(other, state) > 1e-3)) kept.push(state);
  }
  return kept.length;
};

const union = (...sets: readonly (readonly Float64Array[])[]): readonly Float64Array[] => {
  const all: Float64Array[] = [];
  for (const state of sets.flat()) if (all.every((other) => distance(other, state) > 1e-7)) all.push(state);
  return all;
};

const seconds = (time: number): string => (time < 0.1 ? `${(time * 1000).toFixed(2)} ms` : `${time.toFixed(2)} s`);

const withMirrors = (roots: readonly Float64Array[]): readonly Float64Array[] =>
  union(
    roots,
    roots.map((root) => root.map((value) => -value)),
  );

/** States as a flip-flop passes on its way from one set of bits to another, with noise of 0.5 as is usual `[start, unit]`. */
const taskStarts = (starts: number, units: number): Matrix => {
  const stream = randomStream(1, 'task');
  const states = matrix(starts, units);
  const noise = new Float64Array(units);
  for (let k = 0; k < starts; k++) {
    const generator = stream(k);
    fillGaussian(generator, 0.5, noise);
    const bits = [0, 0, 0].map(() => 2 * uniform(generator) - 1);
    for (let i = 0; i < units; i++) states.data[k * units + i] = bits[Math.floor((3 * i) / units)]! + noise[i]!;
  }
  return states;
};

/** The median time of `runs`, and the result of the last. */
const repeated = <T>(runs: number, run: () => T): readonly [T, number] => {
  const all = Array.from({ length: runs }, () => timed(run));
  return [all.at(-1)![0], all.map(([, time]) => time).toSorted((a, b) => a - b)[runs >> 1]!];
};

/** Ours and the peer from the same starts, and nothing else: `seeds` 0. */
const againstPeer = (name: string, W: Matrix, starts: Matrix, runs = 1): void => {
  const [ours, ourTime] = repeated(runs, () => fixedPoints({ W, alpha }, { starts }));
  const [peer, peerTime] = repeated(runs, () => jointAdam(W, starts));
  // What is a root at all, by ours and from where the peer ended.
  const polished = rootsOf(fixedPoints({ W, alpha }, { starts: peer.states }));
  const all = union(rootsOf(ours), polished);
  console.log(
    `  ${name}: ours ${rootsOf(ours).length} proven in ${seconds(ourTime)} (index sum ${ours.indexSum}); ` +
      `peer ${foundBy(peer, withMirrors(all))} with q < 1e-12 of ${reportedBy(peer)} reported, ` +
      `${polished.length} after polishing by ours, ` +
      `in ${seconds(peerTime)}, ${peer.iterations} iterations; ${(peerTime / ourTime).toFixed(1)}x`,
  );
};

console.log(`${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}; processor time`);

if (only.has('small')) {
  console.log("fixed-point-finder's networks, 3^N starts, warm (median of 20):");
  const grids = [2, 3, 4].map((units) => {
    const W = matrix(units, units);
    const starts = matrix(3 ** units, units);
    for (let k = 0; k < W.data.length; k++) {
      W.data[k] = 1 - (2 * ((Math.floor(k / units) + (k % units)) % units)) / (units - 1);
    }
    for (let k = 0; k < starts.data.length; k++) {
      starts.data[k] = (Math.floor(Math.floor(k / units) / 3 ** (k % units)) % 3) - 1;
    }
    return { units, W, starts };
  });
  const times = grids.map((): number[] => []);
  const counts = grids.map(() => 0);
  for (let round = 0; round < 40; round++) {
    grids.forEach(({ W, starts }, k) => {
      const [set, time] = timed(() => fixedPoints({ W, alpha: 1 }, { starts }));
      counts[k] = rootsOf(set).length;
      if (round >= 20) times[k]!.push(time);
    });
  }
  grids.forEach(({ units }, k) =>
    console.log(`  N=${units}: ${counts[k]} points, ${seconds(times[k]!.toSorted((a, b) => a - b)[10]!)}`),
  );
  for (const { units, W, starts } of grids) againstPeer(`N=${units}`, W, starts, 9);
}

if (only.has('flipflop')) {
  console.log('3-bit flip-flop of blocks:');
  for (const [units, seeds] of [
    [48, 512],
    [100, 1024],
  ] as const) {
    for (const noise of [0, 0.05]) {
      const W = flipFlop(units, noise);
      const [set, time] = timed(() => fixedPoints({ W, alpha }, { seeds, exhaustive: true }));
      console.log(
        `  N=${units}, noise ${noise}, ${seeds} seeds: ${rootsOf(set).length} of 27 in ${seconds(time)}, ` +
          `${set.starts} starts, ${set.unknowns} unknowns, index sum ${set.indexSum}`,
      );
      const [graph, graphTime] = timed(() => saddleGraph({ W, alpha }, set.points));
      const single = graph.unstable.filter(({ index }) => index === 1).map(({ point }) => point);
      const edges = single.filter((point) => graph.edges.filter(({ from }) => from === point).length === 2).length;
      console.log(
        `    saddle graph: ${graph.stable.length} stable, ${edges} of ${single.length} saddles of index 1 join two, ` +
          `${graph.unresolved.length} unresolved, in ${seconds(graphTime)}`,
      );
      if (units === 48) againstPeer(`N=${units}, noise ${noise}`, W, taskStarts(seeds, units));
    }
  }
}

if (only.has('large')) {
  console.log('3-bit flip-flop, N=1000, 64 seeds:');
  for (const noise of [0, 0.05]) {
    const [set, time] = timed(() => fixedPoints({ W: flipFlop(1000, noise), alpha }, { seeds: 64, exhaustive: true }));
    console.log(
      `  noise ${noise}: ${rootsOf(set).length} of 27 in ${seconds(time)}, ${set.starts} starts, ` +
        `${set.unknowns} unknowns, index sum ${set.indexSum}`,
    );
  }
}

if (only.has('random')) {
  const networks = Number(values.networks);
  const seeds = Number(values.seeds);
  const peerSeeds = Number(values['peer-seeds']);
  console.log(
    `random networks, N=64, g=2.5: ours with ${seeds} seeds; the union with ours of another seed and the peer's`,
  );
  for (let network = 1; network <= networks; network++) {
    const W = gaussian(64, 2.5 / 8, network);
    const [ours, ourTime] = timed(() => fixedPoints({ W, alpha }, { seeds, exhaustive: true }));
    const other = rootsOf(fixedPoints({ W, alpha }, { seeds, seed: 2, exhaustive: true }));
    const starts = cubeStarts(peerSeeds, 64, network);
    const [same, sameTime] = timed(() => fixedPoints({ W, alpha }, { starts }));
    const [peer, peerTime] = timed(() => jointAdam(W, starts));
    const polished = rootsOf(fixedPoints({ W, alpha }, { starts: peer.states }));
    const all = union(rootsOf(ours), other, rootsOf(same), polished);
    const unproven = ours.points.filter(({ class: kind, h }) => kind === 'fixed' && !(h <= 0.5)).length;
    console.log(
      `  ${network}: ${rootsOf(ours).length} of ${all.length} in ${seconds(ourTime)}, index sum ${ours.indexSum}, ` +
        `unproven ${unproven}; from the same ${peerSeeds} starts: ours ${rootsOf(same).length} in ${seconds(sameTime)}, ` +
        `peer ${foundBy(peer, withMirrors(all))} with q < 1e-12 of ${reportedBy(peer)} reported, ` +
        `${polished.length} after polishing by ours, in ${seconds(peerTime)}; ${(peerTime / sameTime).toFixed(1)}x`,
    );
  }
}

if (only.has('linearise')) {
  console.log('linearisation with vectors, the second of two:');
  for (const units of [100, 400]) {
    const W = gaussian(units, 1.5 / Math.sqrt(units), 1);
    const state = new Float64Array(units);
    linearise({ W, alpha }, state);
    const [, time] = timed(() => linearise({ W, alpha }, state));
    console.log(`  N=${units}: ${seconds(time)}`);
  }
}
