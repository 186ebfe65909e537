import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { problem } from '@drnn/solvers';
import { crossEntropy } from '@drnn/objectives';
import { backend } from '@drnn/backend-cpu';
import { afterAll, describe, expect, it } from 'vitest';
import { type Job, resultOf } from './job.js';
import { runStudy, type StudyOptions } from './run-study.js';
import { studies, studyNamed } from './studies.js';
import type { Study } from './study.js';
import { networkSeed, studyNetwork } from './study-network.js';
import { summaryOfStudy } from './study-summary.js';
import { studyMarkdown } from './study-table.js';
import { weightAccuracy } from '../weight-accuracy.js';

const root = mkdtempSync(join(tmpdir(), 'drnn-study-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const folder = (): string => join(root, String(folders++));

const small = { units: 20, transitions: 300, networks: 2, backend: 'cpu', limit: 60 } as const;
const few = ['fixed-point', 'authors', 'convex'];
const run = (name: string, options: StudyOptions) => runStudy(studyNamed(name), { ...small, methods: few, ...options });

/** What does not depend on the machine. */
const outcome = (job: Job) => {
  const { seconds: _seconds, ...result } = resultOf(job);
  return { method: job.method, network: job.network, ending: job.ending, driveScore: job.driveScore, ...result };
};
const rounded = (job: Job) =>
  Object.fromEntries(
    Object.entries(outcome(job)).map(([key, value]) => [
      key,
      typeof value === 'number' ? Number(value.toPrecision(7)) : value,
    ]),
  );

describe('a study', () => {
  it.each(studies.map(({ name }) => name))(
    '%s: every method that it has runs on a small network',
    async (name) => {
      const study = studyNamed(name);
      const names =
        study.sweep === null ? undefined : study.methods.filter(({ sweep }) => sweep === 1).map((m) => m.name);
      const { methods: _few, ...options } = { ...small, methods: few };
      const result = await runStudy(study, {
        ...options,
        networks: 1,
        limit: 0.3,
        ...(names === undefined ? {} : { methods: names }),
        out: folder(),
      });
      expect(result.failed).toEqual([]);
      expect(result.jobs.map(({ method }) => method)).toEqual(result.methods.map((method) => method.name));
      for (const job of result.jobs) {
        expect(Number.isFinite(resultOf(job).relativeError)).toBe(true);
        expect(Number.isFinite(job.driveScore)).toBe(true);
      }
      const table = studyMarkdown(result, summaryOfStudy(study, result.methods, result.jobs));
      for (const { published, method } of summaryOfStudy(study, result.methods, result.jobs).comparisons) {
        const row = table
          .split('\n')
          .find((line) => line.includes(method.label) && line.includes(` ${published.correlation} `));
        expect(row, `${method.label} ${published.correlation}`).toBeDefined();
      }
    },
    60_000,
  );

  it('has for the fixed point what ridge regression on its network gives', async () => {
    const { jobs } = await run('cornn-1a', { methods: ['fixed-point'], out: folder() });
    const on = await backend({ precision: 'float64' });
    for (const job of jobs) {
      const { W, recording, seed } = studyNetwork(studyNamed('cornn-1a'), small, job.network, 1);
      expect(seed).toBe(networkSeed(studyNamed('cornn-1a'), job.network, 1));
      const task = await problem(on, recording, crossEntropy({ ridge: 1e-5, constraints: { zeroDiagonal: false } }), {
        bias: false,
      });
      const { correlation, relativeError } = weightAccuracy(W)(await task.start());
      expect(resultOf(job).correlation).toBeCloseTo(correlation, 7);
      expect(resultOf(job).relativeError).toBeCloseTo(relativeError, 7);
    }
    await on.close();
  });

  it('orders the methods as the paper and our notes do: the informed estimate is the best', async () => {
    const options = { transitions: 1000, methods: ['fixed-point', 'authors', 'informed'], out: folder() };
    const { study, methods, jobs } = await run('cornn-1a', options);
    const [start, authors, informed] = summaryOfStudy(study, methods, jobs).methods;
    expect(authors?.correlation.median).toBeGreaterThan(start?.correlation.median ?? 1);
    expect(informed?.relativeError.median).toBeLessThan(authors?.relativeError.median ?? 0);
    expect(informed?.errorToInformed.median).toBe(1);
  });

  it('gives the same again from the same seed, and other networks from another', async () => {
    const [one, two, other] = [
      await run('cornn-1b', { out: folder() }),
      await run('cornn-1b', { out: folder() }),
      await run('cornn-1b', { out: folder(), seed: 2 }),
    ];
    expect(one.jobs).toHaveLength(6);
    expect(two.jobs.map(outcome)).toEqual(one.jobs.map(outcome));
    expect(other.jobs[0]?.driveScore).not.toBe(one.jobs[0]?.driveScore);
    expect(one.jobs[0]?.driveScore).not.toBe(one.jobs[3]?.driveScore);
  });

  it('takes what is there, and makes the rest: more methods, more networks', async () => {
    const out = folder();
    const first = await run('cornn-8', { out, networks: 1, methods: ['authors'] });
    const path = join(out, 'jobs', 'authors-000.json');
    const before = readFileSync(path, 'utf8');
    const more = await run('cornn-8', { out, networks: 3 });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(more.jobs).toHaveLength(9);
    expect(more.jobs.filter(({ method, network }) => method === 'authors' && network === 0).map(rounded)).toEqual(
      first.jobs.map(rounded),
    );
    const whole = await run('cornn-8', { out: folder(), networks: 3 });
    expect(more.jobs.map(rounded)).toEqual(whole.jobs.map(rounded));
  });

  it('refuses a folder of other settings, and names each', async () => {
    const out = folder();
    await run('cornn-1a', { out, networks: 1, methods: ['fixed-point'] });
    const attempt = run('cornn-1b', { out, networks: 1, methods: ['fixed-point'], units: 21, seed: 7 });
    const refused: unknown = await attempt.catch((error: unknown) => error);
    const text = String(refused);
    for (const name of ['study', 'units', 'seed', 'generator']) expect(text).toContain(`study.json, ${name}: `);
    expect(text).not.toContain('study.json, transitions');
    expect(text).toContain('--out');
  });

  it('refuses a result that another version of a method made, or that is none', async () => {
    const out = folder();
    await run('cornn-1a', { out, networks: 1, methods: ['authors'] });
    const path = join(out, 'jobs', 'authors-000.json');
    const written = readFileSync(path, 'utf8');
    const again = () => run('cornn-1a', { out, networks: 1, methods: ['authors'] });
    writeFileSync(path, written.replace('"threshold": 0.2', '"threshold": 0.3'));
    await expect(again()).rejects.toThrow(/settings.*0\.3.*delete it/s);
    writeFileSync(path, written.slice(0, 100));
    await expect(again()).rejects.toThrow(/no JSON/);
    writeFileSync(path, '{}');
    await expect(again()).rejects.toThrow(/drnn-study-job/);
  });

  it('tells of a job that throws, does not keep it, and makes it the next time', async () => {
    const out = folder();
    const base = studyNamed('cornn-1a');
    let broken = true;
    const study: Study = {
      ...base,
      methods: base.methods
        .filter(({ name }) => few.includes(name))
        .map((method) =>
          method.name !== 'authors'
            ? method
            : {
                ...method,
                run: (task) => (broken ? Promise.reject(new Error('out of luck')) : method.run(task)),
              },
        ),
    };
    const notices: string[] = [];
    const options = { ...small, networks: 1, out, onNotice: (sentence: string) => void notices.push(sentence) };
    const first = await runStudy(study, options);
    expect(first.failed).toEqual([{ method: 'authors', network: 0, reason: 'out of luck' }]);
    expect(notices.join()).toContain('out of luck');
    expect(first.jobs.map(({ method }) => method)).toEqual(['fixed-point', 'convex']);
    expect(readdirSync(join(out, 'jobs')).sort()).toEqual(['convex-000.json', 'fixed-point-000.json']);
    broken = false;
    const second = await runStudy(study, options);
    expect(second.failed).toEqual([]);
    expect(second.jobs).toHaveLength(3);
  });

  it('stops at an abort with what is done', async () => {
    const controller = new AbortController();
    const options = { out: folder(), networks: 3, signal: controller.signal };
    const result = await run('cornn-1a', {
      ...options,
      onProgress: ({ network, method }) => {
        if (network === 1 && method === 'authors') controller.abort();
      },
    });
    expect(result.aborted).toBe(true);
    expect(result.jobs.map(({ method, network }) => `${method} ${network}`)).toEqual([
      'fixed-point 0',
      'authors 0',
      'convex 0',
      'fixed-point 1',
    ]);
  });

  it('shows after an abort what earlier runs have done on later networks', async () => {
    const [out, controller] = [folder(), new AbortController()];
    await run('cornn-1a', { out, networks: 3, methods: ['fixed-point'] });
    const result = await run('cornn-1a', {
      out,
      networks: 3,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    expect(result.jobs.map(({ method, network }) => `${method} ${network}`)).toEqual([
      'fixed-point 0',
      'fixed-point 1',
      'fixed-point 2',
    ]);
  });

  it('refuses options that cannot be, all at once', async () => {
    await expect(run('cornn-1a', { out: folder(), networks: 0, units: 1, limit: -1 })).rejects.toThrow(
      /--units[^]*--networks[^]*--limit/,
    );
    await expect(run('cornn-1a', { out: folder(), methods: ['magic'] })).rejects.toThrow(/magic.*authors/);
  });
});
