import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Model, numericArray, readModel, writeNpy } from '@drnn/recordings';
import { matrix, type Matrix, transpose } from '@drnn/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaults } from '../index.js';
import { at, numberAt, runCommand, runFit, temporaryFolder } from './run-command.test.process.js';
import { simulated, writeMatrices, writeMatrix } from './simulated-recording.test.data.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const units = 5;
const steps = 240;
const { rates, inputs } = simulated({ units, steps, inputs: 2, gain: 1.5, inputNoise: 0.1, outputNoise: 0.05 });
/** Options of the convex fit, unless a test says otherwise. */
const alpha = ['--alpha', '0.1', '--estimator', 'convex'];

/** Rows `from` to `to` of a matrix. */
const rows = (a: Matrix, from: number, to: number): Matrix =>
  matrix(to - from, a.columns, a.data.slice(from * a.columns, to * a.columns));

const changed = (a: Matrix, change: (value: number, row: number, column: number) => number): Matrix =>
  matrix(
    a.rows,
    a.columns,
    a.data.map((value, i) => change(value, Math.floor(i / a.columns), i % a.columns)),
  );

let count = 0;
/** Fits, expects success, and gives the JSON and the model. */
const fitted = async (parameters: readonly string[], where = folder): Promise<{ json: unknown; model: Model }> => {
  const out = `model-${count++}.npz`;
  const run = await runFit(where, [...parameters, '--out', out]);
  expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: `wrote ${out}\n` });
  return { json: run.json, model: await readModel(join(where, out)) };
};

const numbers = (model: Model): readonly (readonly number[])[] =>
  [model.W.data, model.Win.data, model.b, model.alpha, model.scale, model.offset].map((values) => Array.from(values));

const difference = (a: Matrix, b: Matrix): number =>
  a.data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b.data[i]!)), 0);

/** Targets [transition, unit] of a recording of one trial. */
const targetsOf = (r: Matrix): Matrix =>
  matrix(
    r.rows - 1,
    r.columns,
    Float64Array.from(
      { length: (r.rows - 1) * r.columns },
      (_, i) => (r.data[i + r.columns]! - 0.9 * r.data[i]!) / 0.1,
    ),
  );

const whole = (values: readonly number[]) => numericArray([values.length], Int32Array.from(values));

beforeAll(async () => {
  await writeMatrix(folder, 'rec.npy', rates);
  // Driven by inputs that the fits below are not told of: far from any model, so that many slopes are clipped.
  const driven = simulated({ units: 8, steps: 400, inputs: 2, gain: 3, inputNoise: 0.01, outputNoise: 1e-4 });
  await writeMatrix(folder, 'driven.npy', driven.rates);
  await writeMatrix(folder, 'turned.npy', transpose(rates));
  await writeMatrix(folder, 'u.npy', inputs);
  await writeMatrix(folder, 'u-long.npy', matrix(steps + 1, 2, Float64Array.of(...inputs.data, 9, 9)));
  await writeMatrix(folder, 'first.npy', rows(rates, 0, 100));
  await writeMatrix(folder, 'second.npy', rows(rates, 100, 241));
}, 60_000);

describe('--help', () => {
  it('prints every default', async () => {
    const { stdout, code } = await runCommand(folder, ['fit', '--help']);
    expect(code).toBe(0);
    const words = stdout.replace(/\s+/g, ' ');
    const flags = {
      scale: defaults.scale,
      loss: defaults.loss,
      weights: defaults.weights,
      'weight-cap': 10,
      kappa: 0.01,
      clip: 0.2,
      ridge: 1e-5,
      bias: true,
      missing: 'drop',
      effort: 'full',
      solver: 'shared-newton',
      accelerate: 'anderson',
      tolerance: 1e-8,
      'max-steps': 500,
      holdout: 0.2,
      backend: 'auto',
      threads: 'all physical cores',
      precision: 'float64 on cpu, mixed elsewhere',
      seed: 1,
      layout: 'time-unit',
    };
    for (const [flag, value] of Object.entries(flags)) {
      const text = words.slice(words.indexOf(`--${flag} `));
      expect(/default: ([^)]*)/.exec(text)?.[1]?.replaceAll('"', ''), flag).toBe(String(value));
    }
  });
});

describe('--layout', () => {
  it('unit-time is the transpose of time-unit, bit for bit', async () => {
    const plain = await fitted(['rec.npy', ...alpha]);
    const turned = await fitted(['turned.npy', '--layout', 'unit-time', ...alpha]);
    expect(numbers(turned.model)).toEqual(numbers(plain.model));
  });

  it('trial-time-unit is time-unit with trials, bit for bit', async () => {
    await writeNpy(join(folder, 'cube.npy'), numericArray([3, 80, units], Float64Array.from(rows(rates, 0, 240).data)));
    await writeMatrix(folder, 'flat.npy', rows(rates, 0, 240));
    await writeNpy(join(folder, 'thirds.npy'), whole(Array.from({ length: 240 }, (_, t) => Math.floor(t / 80))));
    const cube = await fitted(['cube.npy', '--layout', 'trial-time-unit', ...alpha]);
    const flat = await fitted(['flat.npy', '--trials', 'thirds.npy', ...alpha]);
    expect([at(cube.json, 'trials'), at(cube.json, 'samples')]).toEqual([3, 237]);
    expect(numbers(cube.model)).toEqual(numbers(flat.model));
  });
});

describe('--inputs', () => {
  it('have T or T + 1 rows: the last one drives nothing', async () => {
    const short = await fitted(['rec.npy', '--inputs', 'u.npy', ...alpha]);
    const long = await fitted(['rec.npy', '--inputs', 'u-long.npy', ...alpha]);
    expect(short.model.Win.columns).toBe(2);
    expect(numbers(long.model)).toEqual(numbers(short.model));
  });

  it('of T rows each go with several files of T + 1 frames each', async () => {
    await writeMatrices(folder, 'one.npz', { r: rows(rates, 0, 100), u: rows(inputs, 0, 99) });
    await writeMatrices(folder, 'two.npz', { r: rows(rates, 100, 241), u: rows(inputs, 100, 240) });
    const run = await runFit(folder, [
      'one.npz',
      'two.npz',
      '--key',
      'r',
      '--inputs',
      'u',
      ...alpha,
      '--out',
      'both.npz',
    ]);
    expect(run.stderr).toBe('wrote both.npz\n');
    await writeNpy(join(folder, 'halves.npy'), whole(Array.from({ length: 241 }, (_, t) => (t < 100 ? 0 : 1))));
    const one = await fitted(['rec.npy', '--trials', 'halves.npy', '--inputs', 'u-long.npy', ...alpha]);
    expect(numbers(await readModel(join(folder, 'both.npz')))).toEqual(numbers(one.model));
  });
});

describe('--trials', () => {
  it('let no pair of frames cross: the same as files of their own', async () => {
    await writeNpy(join(folder, 'parts.npy'), whole(Array.from({ length: 241 }, (_, t) => (t < 100 ? 7 : -3))));
    const trials = await fitted(['rec.npy', '--trials', 'parts.npy', ...alpha]);
    const files = await fitted(['first.npy', 'second.npy', ...alpha]);
    expect([at(trials.json, 'samples'), at(trials.json, 'trials')]).toEqual([239, 2]);
    expect(numbers(trials.model)).toEqual(numbers(files.model));
    // A jump between the trials is a target far outside, unless no pair crosses.
    const jump = changed(rates, (value, t) => (t < 100 ? value : value + 100));
    await writeMatrix(folder, 'jump.npy', jump);
    const jumped = await fitted(['jump.npy', '--trials', 'parts.npy', '--holdout', '0', '--scale', 'none', ...alpha]);
    const inside = targetsOf(jump).data.filter((d, k) => Math.floor(k / units) !== 99 && Math.abs(d) > 1);
    expect(numberAt(jumped.json, 'scale', 'outsideBefore')).toBeCloseTo(inside.length / (239 * units), 12);
  });

  it('of the same number at the end of one file and the start of the next are two trials', async () => {
    for (const [name, from, to] of [
      ['a.npz', 0, 100],
      ['b.npz', 100, 241],
    ] as const) {
      await writeMatrices(folder, name, { r: rows(rates, from, to), trial: matrix(to - from, 1) });
    }
    const { json } = await fitted(['a.npz', 'b.npz', '--key', 'r', '--trials', 'trial', ...alpha]);
    expect([at(json, 'samples'), at(json, 'trials')]).toEqual([239, 2]);
  });

  it('beside the layout trial-time-unit are refused, or keep its trials apart', async () => {
    await writeNpy(join(folder, 'box.npy'), numericArray([3, 80, units], Float64Array.from(rows(rates, 0, 240).data)));
    await writeNpy(join(folder, 'zeros.npy'), whole(Array.from({ length: 240 }, () => 0)));
    const run = await runFit(folder, ['box.npy', '--layout', 'trial-time-unit', '--trials', 'zeros.npy', ...alpha]);
    expect([undefined, 3]).toContain(at(run.json, 'trials'));
    expect([1, 0]).toContain(run.code);
  });
});

describe('--samples', () => {
  it('what is under the mask does not matter', async () => {
    const missing = (t: number, j: number): boolean => (t * 7 + j * 3) % 53 === 0;
    await writeMatrix(
      folder,
      'mask.npy',
      changed(rates, (_, t, j) => (missing(t, j) ? 0 : 1)),
    );
    const models = [];
    for (const hidden of [Number.NaN, 1e9, -Infinity]) {
      await writeMatrix(
        folder,
        `hidden-${hidden}.npy`,
        changed(rates, (value, t, j) => (missing(t, j) ? hidden : value)),
      );
      if (hidden === -Infinity) continue;
      for (const rule of ['drop', 'interpolate']) {
        const { model, json } = await fitted([
          `hidden-${hidden}.npy`,
          '--samples',
          'mask.npy',
          '--missing',
          rule,
          ...alpha,
        ]);
        models.push(numbers(model));
        expect(numberAt(json, 'dropped', rule === 'drop' ? 'rows' : 'interpolated')).toBeGreaterThan(0);
      }
    }
    expect(models[2]).toEqual(models[0]);
    expect(models[3]).toEqual(models[1]);
    expect(models[1]).not.toEqual(models[0]);
  });

  it('a missing frame takes away the two transitions it is part of, and no more', async () => {
    await writeMatrix(
      folder,
      'gap.npy',
      changed(rates, (value, t) => (t === 120 ? Number.NaN : value)),
    );
    await writeMatrix(
      folder,
      'gap-mask.npy',
      changed(rates, (_, t) => (t === 120 ? 0 : 1)),
    );
    await writeNpy(
      join(folder, 'gap-trials.npy'),
      whole(Array.from({ length: 241 }, (_, t) => (t < 120 ? 0 : t === 120 ? 1 : 2))),
    );
    const masked = await fitted(['gap.npy', '--samples', 'gap-mask.npy', '--holdout', '0', ...alpha]);
    const split = await fitted(['rec.npy', '--trials', 'gap-trials.npy', '--holdout', '0', ...alpha]);
    expect([at(masked.json, 'samples'), at(masked.json, 'dropped', 'rows')]).toEqual([238, 2]);
    expect(at(split.json, 'samples')).toBe(238);
    expect(difference(masked.model.W, split.model.W)).toBeLessThanOrEqual(1e-12);
  });
});

describe('--connections and the diagonal', () => {
  it('hold zeros exactly, together with the diagonal or without it', async () => {
    const free = (j: number, p: number): boolean => (j * 5 + p * 3) % 4 !== 0 || j === p;
    const table = Float64Array.from({ length: units * (units + 2) }, (_, i) =>
      free(Math.floor(i / (units + 2)), i % (units + 2)) ? 1 : 0,
    );
    await writeMatrix(folder, 'free.npy', matrix(units, units + 2, table));
    for (const diagonal of ['--zero-diagonal', '--free-diagonal']) {
      const { model } = await fitted(['rec.npy', '--inputs', 'u.npy', '--connections', 'free.npy', diagonal, ...alpha]);
      for (let j = 0; j < units; j++) {
        expect(model.b[j]).not.toBe(0);
        for (let p = 0; p < units + 2; p++) {
          const weight = p < units ? model.W.data[j * units + p]! : model.Win.data[j * 2 + p - units]!;
          const mayBe = free(j, p) && (p !== j || diagonal === '--free-diagonal');
          expect(weight !== 0, `${diagonal} ${j} ${p}`).toBe(mayBe);
        }
      }
    }
  });

  it('default to a zero diagonal, also in a model that is started from one without', async () => {
    const free = await fitted(['rec.npy', '--free-diagonal', ...alpha]);
    const plain = await fitted(['rec.npy', ...alpha]);
    await writeMatrix(folder, 'spare.npy', rates);
    const from = await fitted(['spare.npy', '--from', `model-${count - 2}.npz`, ...alpha]);
    for (let j = 0; j < units; j++) {
      expect(free.model.W.data[j * (units + 1)]).not.toBe(0);
      expect(plain.model.W.data[j * (units + 1)]).toBe(0);
      expect(from.model.W.data[j * (units + 1)]).toBe(0);
    }
    expect(difference(from.model.W, plain.model.W)).toBeLessThanOrEqual(1e-6);
  });
});

describe('--from', () => {
  it('a converged model has nothing left to do', async () => {
    const cold = await fitted(['rec.npy', '--holdout', '0', ...alpha]);
    const warm = await fitted(['rec.npy', '--holdout', '0', '--from', `model-${count - 1}.npz`, ...alpha]);
    expect(numberAt(warm.json, 'steps')).toBeLessThanOrEqual(2);
    expect(numberAt(cold.json, 'steps')).toBeGreaterThan(numberAt(warm.json, 'steps'));
    expect(difference(warm.model.W, cold.model.W)).toBeLessThanOrEqual(1e-6);
  });
});

describe('--bias', () => {
  it('is there by default and exactly zero without', async () => {
    expect((await fitted(['rec.npy', ...alpha])).model.b.every((b) => b !== 0)).toBe(true);
    expect((await fitted(['rec.npy', '--bias', ...alpha])).model.b.every((b) => b !== 0)).toBe(true);
    expect((await fitted(['rec.npy', '--no-bias', ...alpha])).model.b.every((b) => b === 0)).toBe(true);
  });
});

describe('--clip', () => {
  it('none is no bound: for a gentle loss the same as a bound that is never met', async () => {
    const gentle = ['rec.npy', '--weights', 'none', '--scale', 'max', ...alpha];
    const none = await fitted([...gentle, '--clip', 'none']);
    const wide = await fitted([...gentle, '--clip', '1000']);
    expect(difference(none.model.W, wide.model.W)).toBeLessThanOrEqual(1e-6);
    const tight = await fitted([...gentle, '--clip', '0.02']);
    expect(difference(none.model.W, tight.model.W)).toBeGreaterThan(1e-4);
  });

  it('none converges with the default weights and scale, on targets up to the bound', async () => {
    const run = await runFit(folder, ['rec.npy', '--clip', 'none', ...alpha]);
    expect([run.code, at(run.json, 'error')]).toEqual([0, undefined]);
    expect([at(run.json, 'status'), at(run.json, 'solver')]).toEqual(['converged', 'newton']);
    expect(JSON.stringify(at(run.json, 'warnings'))).toMatch(/Newton/);
    expect(numberAt(run.json, 'thetaErrorBound')).toBeLessThanOrEqual(1e-8);
  });
});

describe('--solver and --accelerate', () => {
  it('reach one optimum', async () => {
    const reference = await fitted(['rec.npy', '--solver', 'newton', '--tolerance', '1e-10', ...alpha]);
    for (const how of ['anderson', 'nesterov', 'none']) {
      const { model, json } = await fitted(['rec.npy', '--accelerate', how, '--max-steps', '5000', ...alpha]);
      expect(at(json, 'solver')).toMatch(how === 'none' ? /^shared-newton$/ : new RegExp(how));
      expect(difference(model.W, reference.model.W), how).toBeLessThanOrEqual(1e-6);
    }
  });

  it.each(['newton', 'anderson', 'nesterov', 'none'])(
    '%s is not stalled while it can go on, with a tight clip',
    async (how) => {
      const solver = how === 'newton' ? ['--solver', how] : ['--accelerate', how];
      const run = await runFit(folder, ['driven.npy', '--clip', '0.01', '--max-steps', '3000', ...solver, ...alpha]);
      expect(at(run.json, 'error')).toBeUndefined();
      expect(['converged', 'max-steps']).toContain(at(run.json, 'status'));
      expect(numberAt(run.json, 'thetaErrorBound')).toBeLessThan(1);
    },
  );
});

describe('--scale', () => {
  it('auto looks at the targets, not at the rates: nothing up to 1% outside, else the .999 quantile', async () => {
    for (const factor of [0.1, 0.5, 0.75, 0.9, 1, 1.1, 1.5, 40]) {
      const scaled = changed(rates, (value, _, j) => value * factor * (1 + 0.1 * j));
      await writeMatrix(folder, `times-${factor}.npy`, scaled);
      const { json, model } = await fitted([`times-${factor}.npy`, ...alpha]);
      const d = targetsOf(scaled);
      const outside = d.data.filter((x) => Math.abs(x) > 1).length / d.data.length;
      expect(numberAt(json, 'scale', 'outsideBefore')).toBeCloseTo(outside, 12);
      expect(at(json, 'scale', 'method')).toBe(outside > 0.01 ? 'quantile' : 'none');
      let after = 0;
      for (let j = 0; j < units; j++) {
        const sizes = Array.from({ length: d.rows }, (_, t) =>
          Math.max(Math.abs(scaled.data[t * units + j]!), Math.abs(d.data[t * units + j]!)),
        ).sort((a, b) => b - a);
        const scale = model.scale[j]!;
        if (outside <= 0.01) expect(scale).toBe(1);
        else {
          // Of 240 samples the .999 quantile is the largest one, or between the two largest.
          expect(scale).toBeLessThanOrEqual(sizes[0]! * (1 + 1e-12));
          expect(scale).toBeGreaterThanOrEqual(sizes[1]! * (1 - 1e-12));
        }
        for (let t = 0; t < d.rows; t++) if (Math.abs(d.data[t * units + j]! / scale) > 1) after++;
      }
      expect(numberAt(json, 'scale', 'outsideAfter')).toBeCloseTo(after / d.data.length, 12);
    }
  });

  it('none leaves the recording, max divides by the largest rate', async () => {
    const none = await fitted(['times-40.npy', '--scale', 'none', ...alpha]);
    expect(none.model.scale.every((scale) => scale === 1)).toBe(true);
    expect(JSON.stringify(at(none.json, 'warnings'))).toMatch(/outside the range/);
    // The largest rate of the first unit is in the last frame, which is a target only.
    const late = changed(rates, (value, t, j) => (j === 0 && t === steps ? 3 : value));
    await writeMatrix(folder, 'late.npy', late);
    const max = await fitted(['late.npy', '--scale', 'max', ...alpha]);
    for (let j = 0; j < units; j++) {
      let largest = 0;
      for (let t = 0; t <= steps; t++) largest = Math.max(largest, Math.abs(late.data[t * units + j]!));
      expect(max.model.scale[j]).toBe(largest);
    }
  });

  it('does not change what is predicted, in the units of the recording', async () => {
    // With quantile scaling, the unit of measurement is of no matter at all.
    const plain = await fitted(['times-1.npy', '--scale', 'quantile', ...alpha]);
    const large = await fitted(['times-40.npy', '--scale', 'quantile', ...alpha]);
    for (const name of ['oneStepR2', 'driveR2']) {
      expect(numberAt(large.json, name, 'pooled')).toBeCloseTo(numberAt(plain.json, name, 'pooled'), 6);
    }
    expect(difference(large.model.W, plain.model.W)).toBeLessThanOrEqual(1e-5);
  });
});

describe('--center', () => {
  it('is the fit of the recording less its means', async () => {
    const shifted = changed(rates, (value, _, j) => value + j);
    await writeMatrix(folder, 'shifted.npy', shifted);
    const centred = await fitted(['shifted.npy', '--center', '--scale', 'none', ...alpha]);
    for (let j = 0; j < units; j++) {
      let mean = 0;
      for (let t = 0; t <= steps; t++) mean += shifted.data[t * units + j]! / (steps + 1);
      expect(Math.abs(centred.model.offset[j]! - mean)).toBeLessThanOrEqual(2 / steps);
    }
    const { offset } = centred.model;
    await writeMatrix(
      folder,
      'centred.npy',
      changed(shifted, (value, _, j) => value - offset[j]!),
    );
    const plain = await fitted(['centred.npy', '--scale', 'none', ...alpha]);
    expect(difference(centred.model.W, plain.model.W)).toBeLessThanOrEqual(1e-6);
    expect(plain.model.offset.every((value) => value === 0)).toBe(true);
  });
});

describe('--dt and --tau', () => {
  it('are alpha', async () => {
    const ratio = await fitted(['rec.npy', '--dt', '0.1', '--tau', '1', '--estimator', 'convex']);
    const direct = await fitted(['rec.npy', ...alpha]);
    expect(numbers(ratio.model)).toEqual(numbers(direct.model));
  });
});

describe('--loss', () => {
  const suited = {
    'cross-entropy': (x: number) => x,
    'least-squares': (x: number) => 5 * x,
    logistic: (x: number) => 0.5 + 0.3 * x,
    softplus: (x: number) => 4 + x,
    relu: (x: number) => 4 + x,
    poisson: (x: number) => 4 + x,
  };
  it.each(Object.entries(suited))('%s fits data in its range', async (loss, map) => {
    await writeMatrix(folder, `${loss}.npy`, changed(rates, map));
    const run = await runFit(folder, [`${loss}.npy`, '--loss', loss, ...alpha, '--out', `${loss}.npz`]);
    expect([run.code, at(run.json, 'status')]).toEqual([0, 'converged']);
    expect(numberAt(run.json, 'driveR2', 'pooled')).toBeGreaterThan(0);
    expect(at(run.json, 'certificate')).toBe('convex');
  });
});

describe('paths', () => {
  it('are relative to the folder the user stands in', async () => {
    mkdirSync(join(folder, 'below'));
    const { model } = await fitted(['../rec.npy', '--inputs', '../u.npy', ...alpha], join(folder, 'below'));
    const plain = await fitted(['rec.npy', '--inputs', 'u.npy', ...alpha]);
    expect(numbers(model)).toEqual(numbers(plain.model));
  });
});
