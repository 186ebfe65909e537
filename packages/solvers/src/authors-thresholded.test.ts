import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backend } from '@drnn/backend-cpu';
import { decodeNpy, encodeNpy, numericArray, toFloat64 } from '@drnn/recordings';
import { cornnRecording, randomNetwork, simulate } from '@drnn/simulator';
import type { Matrix } from '@drnn/tensor';
import { capability, requires } from '@drnn/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorsThresholded } from './authors-thresholded.js';

/** The NumPy script that the bench measures against: written apart from ours, from the same equations. */
const script = fileURLToPath(new URL('../../../bench/peers/numpy_authors_thresholded.py', import.meta.url));

const npy = (a: Matrix): Uint8Array => encodeNpy(numericArray([a.rows, a.columns], a.data));

const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)));
  return largest;
};

describe.skipIf(!requires('numpy'))('authorsThresholded, against NumPy', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'drnn-thresholded-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const peer = (rates: Matrix, W: Matrix, options: readonly string[]) => {
    writeFileSync(join(folder, 'rates.npy'), npy(rates));
    writeFileSync(join(folder, 'W.npy'), npy(W));
    const printed = execFileSync(
      capability('numpy').command ?? 'python3',
      [script, '--rates', 'rates.npy', '--truth', 'W.npy', '--theta', 'theta.npy', ...options],
      { cwd: folder, encoding: 'utf8' },
    );
    const lines: unknown[] = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    return { theta: toFloat64(decodeNpy(readFileSync(join(folder, 'theta.npy')))), lines };
  };

  it.each([
    // Blocks that divide the rows or not; a threshold that excludes much, and one that excludes nothing.
    { threshold: 0.2, ridge: 1e-5, block: 64, steps: 7 },
    { threshold: 0.02, ridge: 1e-4, block: 0, steps: 7 },
    { threshold: 1e9, ridge: 1e-3, block: 1024, steps: 3 },
  ])('ends at the same Theta after so many steps: %o', async ({ threshold, ridge, block, steps }) => {
    const { W, rates, alpha } = cornnRecording({ units: 12, frames: 400, inputNoise: 0.05 });
    const on = await backend();
    const ours = await authorsThresholded(on, { rates, alpha }, { threshold, ridge, steps });
    const options = { alpha, threshold, ridge, block, steps, every: 2, threads: 1 };
    const { theta, lines } = peer(
      rates,
      W,
      Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]),
    );
    expect(largestDifference(theta, ours.data)).toBeLessThan(1e-8);
    expect(
      lines.slice(1).map((line) => (typeof line === 'object' && line !== null && 'step' in line ? line.step : null)),
    ).toEqual(steps === 3 ? [0, 2, 3] : [0, 2, 4, 6, 7]);
    let error = 0;
    let square = 0;
    const mean = W.data.reduce((sum, w) => sum + w, 0) / 144;
    for (let i = 0; i < 12; i++) {
      for (let j = 0; j < 12; j++) {
        error += (W.data[i * 12 + j]! - ours.data[j * 12 + i]!) ** 2;
        square += (W.data[i * 12 + j]! - mean) ** 2;
      }
    }
    const last = lines.at(-1);
    const relativeError =
      typeof last === 'object' && last !== null && 'relativeError' in last ? last.relativeError : null;
    expect(relativeError).toBeCloseTo(Math.sqrt(error / square), 8);
    await on.close();
  });

  it.each([
    { threshold: 0.2, ridge: 1e-5, rests: false },
    // Nothing is so small: where the original divides by zero, both stay at the fixed point (but for the ridge).
    { threshold: 1e-14, ridge: 0, rests: true },
  ])(
    'knows alpha of each unit and trials; units all of whose errors are excluded rest: %o',
    async ({ threshold, ridge, rests }) => {
      const alpha = Float64Array.from({ length: 8 }, (_, j) => 0.2 + j / 20);
      const { W, initial } = randomNetwork({ units: 8 });
      const { rates } = simulate({ W, initial, alpha, steps: 299, inputNoise: { kind: 'gaussian', size: 0.3 } });
      const trials = Int32Array.from({ length: 300 }, (_, t) => Math.floor(t / 70));
      writeFileSync(join(folder, 'alpha.npy'), encodeNpy(numericArray([8], alpha)));
      writeFileSync(join(folder, 'trials.npy'), encodeNpy(numericArray([300], trials, 'int32')));
      const on = await backend();
      const states: Float64Array[] = [];
      const ours = await authorsThresholded(
        on,
        { rates, alpha, trials },
        { threshold, ridge, steps: 4, onStep: (_, { data }) => states.push(data.slice()) },
      );
      const files = ['--alpha', 'alpha.npy', '--trials', 'trials.npy'];
      const { theta } = peer(rates, W, [
        ...files,
        '--threshold',
        `${threshold}`,
        '--ridge',
        `${ridge}`,
        '--steps',
        '4',
      ]);
      expect(largestDifference(theta, ours.data)).toBeLessThan(1e-8);
      if (rests) expect(states[3]).toEqual(states[0]);
      else expect(states[3]).not.toEqual(states[0]);
      await on.close();
    },
  );
});
