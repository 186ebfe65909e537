/**
 * Networks trained on delayed cue discrimination, and whether `classifyMemory` and the published rules agree on how they
 * remember: `node bench/dist/memory-class.js [seeds]`. The task, the loss and the optimiser are those of Kurtkaya et al.
 * 2025 (arXiv 2502.17433) with 32 units and 8 trials a step in place of 100 and 128, so that a network takes a second.
 */
import { classifyMemory, type MemoryClass } from '@drnn/attractors';
import { fillGaussian, randomStream, uniform } from '@drnn/simulator';
import { matrix, type Matrix } from '@drnn/tensor';

const [seeds = 6] = process.argv.slice(2).map(Number);

const N = 32;
const TRIALS = 8;
const ALPHA = 0.5;
const CUE = 6;
const REACTION = 10;
const POST = 6;
const MOMENTUM = 0.9;
const DECAY = 1e-7;
const PROCESS_NOISE = 0.001;

interface Task {
  readonly delay: number;
  readonly post: number;
  readonly length: number;
}

interface Trained {
  readonly W: Matrix;
  readonly Win: Matrix;
  readonly b: Float64Array;
  readonly readout: Matrix;
  readonly readoutBias: Float64Array;
  readonly isLearned: boolean;
}

const taskOf = (delay: number, post: number): Task => ({ delay, post, length: CUE + delay + REACTION + post });

/** Trial k has cue k mod 2 in its first steps. */
const cueOf = (trial: number, t: number, channel: number): number => (t < CUE && channel === 1 - (trial % 2) ? 1 : 0);

const targetOf = (task: Task, trial: number, t: number, channel: number): number => {
  const start = CUE + task.delay;
  return t >= start && t < start + REACTION && channel === 1 - (trial % 2) ? 1 : 0;
};

/** Backpropagation through the trial with plain gradient descent and momentum. */
const train = (task: Task, rate: number, seed: number): Trained => {
  const { length: L } = task;
  const stream = randomStream(seed, 'memory networks');
  const draw = stream(0);
  const filled = (size: number, bound: number): Float64Array =>
    Float64Array.from({ length: size }, () => bound * (2 * uniform(draw) - 1));
  const W = filled(N * N, Math.sqrt(6 / (2 * N)));
  for (let i = 0; i < N; i++) W[i * N + i] = 0;
  const parameters = {
    W,
    Win: filled(N * 2, Math.sqrt(6 / (N + 2))),
    // Two biases that do the same, as published: one gradient for both.
    b: filled(N, 1 / Math.sqrt(2)),
    b2: filled(N, 1 / Math.sqrt(N)),
    readout: filled(2 * N, Math.sqrt(6 / (N + 2))),
    readoutBias: filled(2, 1 / Math.sqrt(N)),
  };
  const { Win, b, b2, readout, readoutBias } = parameters;
  const all = Object.values(parameters);
  const gradients = all.map((values) => new Float64Array(values.length));
  const velocities = all.map((values) => new Float64Array(values.length));
  const [gW, gWin, gb, gb2, gReadout, gReadoutBias] = gradients;
  if (!gW || !gWin || !gb || !gb2 || !gReadout || !gReadoutBias) throw new Error('six groups of parameters');
  const active = REACTION + task.post;
  const weightOf = (t: number): number => (t >= L - active ? 1 - active / L : active / L);
  const r = new Float64Array((L + 1) * N);
  const x = new Float64Array(L * N);
  const outputs = new Float64Array(L * 2);
  const [dr, before] = [new Float64Array(N), new Float64Array(N)];
  const noise = new Float64Array(N);
  const epochs = Math.max(1000, Math.floor((task.post > 0 ? 100 : 30) / rate));
  const generator = stream(1);
  let [accurate, reliable, counted] = [0, 0, 0];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const gradient of gradients) gradient.fill(0);
    const isScored = epoch >= 0.9 * epochs;
    for (let trial = 0; trial < TRIALS; trial++) {
      fillGaussian(generator, 0.1, noise);
      for (let i = 0; i < N; i++) r[i] = Math.tanh(noise[i]!);
      for (let t = 0; t < L; t++) {
        for (let k = 0; k < 2; k++) {
          let sum = readoutBias[k]!;
          for (let i = 0; i < N; i++) sum += readout[k * N + i]! * r[t * N + i]!;
          outputs[t * 2 + k] = 1 / (1 + Math.exp(-sum));
        }
        fillGaussian(generator, PROCESS_NOISE, noise);
        for (let i = 0; i < N; i++) {
          let z = b[i]! + b2[i]! + noise[i]! + Win[i * 2]! * cueOf(trial, t, 0) + Win[i * 2 + 1]! * cueOf(trial, t, 1);
          for (let j = 0; j < N; j++) z += W[i * N + j]! * r[t * N + j]!;
          const value = Math.tanh(z);
          x[t * N + i] = value;
          r[(t + 1) * N + i] = (1 - ALPHA) * r[t * N + i]! + ALPHA * value;
        }
      }
      if (isScored) {
        const correct = 1 - (trial % 2);
        for (let t = CUE + task.delay; t < CUE + task.delay + REACTION; t++) {
          const [right, wrong] = [outputs[t * 2 + correct]!, outputs[t * 2 + 1 - correct]!];
          accurate += right > wrong ? 1 : 0;
          reliable += right / (right + wrong);
          counted += 1;
        }
      }
      dr.fill(0);
      for (let t = L - 1; t >= 0; t--) {
        before.fill(0);
        for (let i = 0; i < N; i++) {
          const value = x[t * N + i]!;
          const dz = ALPHA * dr[i]! * (1 - value * value);
          if (dz !== 0) {
            for (let j = 0; j < N; j++) {
              before[j]! += W[i * N + j]! * dz;
              gW[i * N + j]! += dz * r[t * N + j]!;
            }
            gb[i]! += dz;
            gWin[i * 2]! += dz * cueOf(trial, t, 0);
            gWin[i * 2 + 1]! += dz * cueOf(trial, t, 1);
          }
          before[i]! += (1 - ALPHA) * dr[i]!;
        }
        for (let k = 0; k < 2; k++) {
          const o = outputs[t * 2 + k]!;
          const slope = ((2 * weightOf(t)) / (TRIALS * L * 2)) * (o - targetOf(task, trial, t, k)) * o * (1 - o);
          gReadoutBias[k]! += slope;
          for (let i = 0; i < N; i++) {
            gReadout[k * N + i]! += slope * r[t * N + i]!;
            before[i]! += slope * readout[k * N + i]!;
          }
        }
        dr.set(before);
      }
    }
    gb2.set(gb);
    all.forEach((values, group) => {
      const [gradient, velocity] = [gradients[group]!, velocities[group]!];
      for (let k = 0; k < values.length; k++) {
        velocity[k] = MOMENTUM * velocity[k]! + gradient[k]! + DECAY * values[k]!;
        values[k]! -= rate * velocity[k]!;
      }
    });
  }
  return {
    W: matrix(N, N, W),
    Win: matrix(N, 2, Win),
    b: b.map((value, i) => value + b2[i]!),
    readout: matrix(2, N, readout),
    readoutBias,
    isLearned: accurate / counted > 0.8 && reliable / counted > 0.8,
  };
};

const inputsOf = ({ length }: Task): Matrix => {
  const inputs = matrix(length, 2);
  for (let t = 0; t < length; t++) for (let k = 0; k < 2; k++) inputs.data[t * 2 + k] = cueOf(0, t, k);
  return inputs;
};

const classify = (task: Task, { W, Win, b, readout, readoutBias }: Trained, seed: number): MemoryClass => {
  const initial = new Float64Array(N);
  fillGaussian(randomStream(seed, 'start')(0), 0.1, initial);
  return classifyMemory(
    { W, Win, b, alpha: ALPHA },
    { inputs: inputsOf(task), initial: initial.map(Math.tanh) },
    { readout: { weights: readout, bias: readoutBias, transfer: 'logistic' }, replays: 0 },
  );
};

const start = process.cpuUsage();
const kinds = new Map<string, number>();
const agreed = { a: 0, b: 0, range: 0 };
let [learned, trained] = [0, 0];
const others: string[] = [];
for (const post of [0, POST]) {
  for (const delay of [4, 8, 12, 20]) {
    for (const rate of post > 0 ? [0.1] : [0.1, 0.03]) {
      const row = new Map<string, number>();
      for (let seed = 1; seed <= seeds; seed++) {
        const task = taskOf(delay, post);
        const network = train(task, rate, seed);
        trained += 1;
        if (!network.isLearned) {
          row.set('not learned', (row.get('not learned') ?? 0) + 1);
          continue;
        }
        learned += 1;
        const found = classify(task, network, seed);
        const { a, b, range } = found.rules;
        row.set(found.class, (row.get(found.class) ?? 0) + 1);
        kinds.set(found.class, (kinds.get(found.class) ?? 0) + 1);
        if (a?.class === found.class) agreed.a += 1;
        if (b?.class === found.class) agreed.b += 1;
        if (range.class === found.class) agreed.range += 1;
        if (a?.class !== found.class || range.class !== found.class) {
          const rms = a?.index.toFixed(3);
          others.push(
            `delay ${delay}, post ${post}, rate ${rate}, seed ${seed}: ${found.class} (${found.end.kind === 'unresolved' ? found.end.reason : found.end.kind}), rule A ${a?.class} (${rms}), range ${range.class} (${range.index.toFixed(3)})`,
          );
        }
      }
      const seen = [...row].map(([kind, count]) => `${count} ${kind}`).join(', ');
      console.log(`delay ${delay * 5} ms, post ${post * 5} ms, rate ${rate}: ${seen}`);
    }
  }
}
const { user, system } = process.cpuUsage(start);
console.log(`${learned} of ${trained} learned: ${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
const part = (count: number): string => `${count} of ${learned} (${((100 * count) / learned).toFixed(1)}%)`;
console.log(`agreement with rule A ${part(agreed.a)}, rule B ${part(agreed.b)}, range ${part(agreed.range)}`);
for (const line of others) console.log(line);
console.log(`${((user + system) / 1e6).toFixed(0)} s`);
