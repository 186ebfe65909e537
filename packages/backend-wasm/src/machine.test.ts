import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { matrix } from '@drnn/tensor';
import { drawnMatrix } from '@drnn/tensor/laws';
import { describe, expect, it } from 'vitest';
import { backend } from './backend.js';
import { hasFusedMultiplyAdd } from './kernel-module.js';
import { createMachine } from './machine.js';

describe('a machine', () => {
  it('says that a kernel failed in a thread, and works on', async () => {
    const machine = await createMachine(3);
    const beyond = 0x7fff_fff0;
    expect(() => machine.run('programBlock32', [0, beyond, 0])).toThrow(/thread failed/);
    expect(() => machine.run('programBlock32', [beyond, 0, 0])).toThrow();
    const layout = machine.layout();
    layout.take(1000);
    expect(machine.reserve(layout).words.length).toBeGreaterThan(0);
    await machine.close();
  });

  it('grows its memory under work that needs more, and keeps nothing of the views before', async () => {
    const machine = await createMachine(2);
    const small = machine.layout();
    small.doubles(10);
    const before = machine.reserve(small);
    const large = machine.layout();
    const place = large.doubles(2 ** 20);
    const after = machine.reserve(large);
    expect(after.doubles.length).toBeGreaterThan(2 ** 20);
    expect(after).not.toBe(before);
    after.doubles[place / 8 + 2 ** 20 - 1] = 7;
    expect(machine.reserve(small)).toBe(after);
    await machine.close();
  });

  it('refuses what no address reaches, and works on', async () => {
    const on = await backend({ threads: 1 });
    const machine = await createMachine(1);
    const layout = machine.layout();
    layout.doubles(2 ** 30);
    expect(() => machine.reserve(layout)).toThrow(/8\.00 GiB/);
    const ones = matrix(30, 30, new Float64Array(900).fill(1));
    expect(on.host.matMul(ones, ones).data[0]).toBe(30);
    await machine.close();
    await on.close();
  });

  it('gives the same sums on one thread as on three, to rounding, for rows of any number', async () => {
    const [one, three] = [await backend({ threads: 1, precision: 'float64' }), await createThree()];
    for (const time of [1, 2, 5, 1025, 5000]) {
      const x = drawnMatrix(time, 9, time);
      const [a, b] = [await one.gram(await one.rows(x)), await three.gram(await three.rows(x))];
      a.data.forEach((value, i) => expect(Math.abs(value - b.data[i]!)).toBeLessThan(1e-10));
    }
    await one.close();
    await three.close();
  });

  it('chooses fused multiply-add where V8 has it', () => {
    const [major = 0, minor = 0] = process.versions.v8.split('.').map(Number);
    const expected = major > 11 || (major === 11 && minor >= 4);
    expect(hasFusedMultiplyAdd()).toBe(expected);
  });
});

const createThree = () => backend({ threads: 3, precision: 'float64' });

/** Runs a program on the package as it is built; its output. */
const runProgram = (text: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '--eval', text], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    timeout: 30_000,
  });

describe('threads and the program', () => {
  it('never keep it from its end, closed or not', () => {
    const open = `const { backend } = await import('./dist/index.js');
      const on = await backend({ threads: 3 });
      console.log(on.threads);`;
    expect(runProgram(open).trim()).toBe('3');
    expect(runProgram(`${open} await on.close(); console.log('closed');`).trim()).toBe('3\nclosed');
  });

  it('are as many as were asked for, and none after the end', () => {
    const text = `const { backend } = await import('./dist/index.js');
      const { readdirSync } = await import('node:fs');
      const count = () => readdirSync('/proc/self/task').length;
      const settle = () => new Promise((resolve) => setTimeout(resolve, 200));
      const first = await backend({ threads: 2 });
      await first.close();
      await settle();
      const before = count();
      for (let k = 0; k < 5; k++) await (await backend({ threads: 4 })).close();
      await settle();
      console.log(count() - before);`;
    if (process.platform === 'linux') expect(Number(runProgram(text))).toBeLessThanOrEqual(0);
  });
});
