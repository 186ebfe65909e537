import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Window } from 'happy-dom';
import { afterAll, describe, expect, it } from 'vitest';
import { at, listing, numberAt, runCommand, spawnCommand, temporaryFolder } from './run-command.test.process.js';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const methods = ['fixed-point', 'authors', 'convex', 'newton-ce'];

const small = '--units 20 --transitions 300 --networks 5 --backend cpu --limit 60'.split(' ');

const study = (name: string, out: string, ...more: readonly string[]): readonly string[] => [
  'study',
  name,
  ...small,
  '--out',
  out,
  '--methods',
  methods.join(','),
  ...more,
];

const jobsIn = (out: string): readonly string[] => {
  const jobs = join(folder, out, 'jobs');
  return existsSync(jobs) ? readdirSync(jobs).filter((name) => name.endsWith('.json') && !name.startsWith('.')) : [];
};

const jsonFile = (...path: readonly string[]): unknown => JSON.parse(readFileSync(join(folder, ...path), 'utf8'));

/** What of a job does not depend on the machine and its load: all but times, and which later states were kept. */
const outcomeOf = (job: unknown): unknown => {
  const column = (name: string): readonly unknown[] => {
    const found = at(job, 'points', name);
    return Array.isArray(found) ? found : [];
  };
  return {
    method: at(job, 'method'),
    network: at(job, 'network'),
    seed: at(job, 'seed'),
    settings: at(job, 'settings'),
    ending: at(job, 'ending'),
    driveScore: at(job, 'driveScore'),
    ...Object.fromEntries(
      ['step', 'correlation', 'slope', 'relativeError'].map((name) => [
        name,
        [...column(name).slice(0, 20), column(name).at(-1)],
      ]),
    ),
  };
};

/** Whether a text is XML with one svg at its root, in the language of SVG. */
const isSvg = (text: string): boolean => {
  const window = new Window();
  try {
    const document = new window.DOMParser().parseFromString(text.replace(/^<\?xml[^>]*\?>\n/, ''), 'image/svg+xml');
    const root = document.documentElement;
    const faulty = document.querySelector('parsererror') !== null;
    return !faulty && root?.localName === 'svg' && root.namespaceURI === 'http://www.w3.org/2000/svg';
  } catch {
    return false;
  } finally {
    window.close();
  }
};

describe('drnn study', () => {
  it('prints its table and leaves jobs, table, summary, figures and report', async () => {
    const run = await runCommand(folder, study('cornn-1a', 'whole'));
    expect(run).toMatchObject({ code: 0 });
    for (const method of methods) expect(jobsIn('whole')).toContain(`${method}-004.json`);
    expect(jobsIn('whole')).toHaveLength(20);
    expect(listing(join(folder, 'whole')).filter((name) => !name.startsWith('jobs'))).toEqual([
      'accuracy.svg',
      'error.svg',
      'report.html',
      'study.json',
      'summary.json',
      'table.md',
    ]);
    expect(readFileSync(join(folder, 'whole', 'table.md'), 'utf8')).toBe(run.stdout);
    // The paper's figures stand beside ours (specification, section 6.1).
    for (const figure of ['0.887', '0.9878', '0.9939']) expect(run.stdout).toContain(` ${figure} `);
    expect(run.stdout).toMatch(/N=20, T=300/);
    expect(run.stdout).toMatch(/drnn \d+\.\d+\.\d+, Node/);
    expect(jsonFile('whole', 'study.json')).toMatchObject({ backend: 'cpu', precision: 'float64' });
    const report = readFileSync(join(folder, 'whole', 'report.html'), 'utf8');
    expect(report).not.toMatch(/<script|\bsrc=|<link/i);
    expect(report.match(/<svg/g)).toHaveLength(2);
  }, 120_000);

  it('draws figures that are SVG by themselves, with every method in them', () => {
    for (const name of ['accuracy.svg', 'error.svg']) {
      const text = readFileSync(join(folder, 'whole', name), 'utf8');
      expect(isSvg(text)).toBe(true);
      expect(isSvg(text.replace('</svg>', '</g>'))).toBe(false);
      expect(text).not.toMatch(/class="(?!drawing)|style=|NaN|undefined/);
      for (const label of ['fixed point only', 'CORNN (authors)', 'drnn fit, convex', 'cross-entropy, Newton']) {
        expect(text).toContain(label);
      }
    }
  });

  it('goes on after a kill in the middle, and ends as if nothing had been', async () => {
    let left: readonly string[] = [];
    const killed = await spawnCommand(folder, study('cornn-1a', 'killed'), (child) => {
      const watch = setInterval(() => {
        if (jobsIn('killed').length < 5) return;
        clearInterval(watch);
        child.kill('SIGKILL');
      }, 2);
      child.on('close', () => clearInterval(watch));
    });
    left = jobsIn('killed');
    expect(killed.code).toBeNull();
    expect(left.length).toBeGreaterThanOrEqual(5);
    expect(left.length).toBeLessThan(20);
    const before = left.map((name) => readFileSync(join(folder, 'killed', 'jobs', name), 'utf8'));
    const resumed = await runCommand(folder, study('cornn-1a', 'killed', '--json'));
    expect(resumed.code).toBe(0);
    expect(at(JSON.parse(resumed.stdout), 'complete')).toBe(true);
    // What was done is not done again.
    expect(left.map((name) => readFileSync(join(folder, 'killed', 'jobs', name), 'utf8'))).toEqual(before);
    expect([...jobsIn('killed')].sort()).toEqual([...jobsIn('whole')].sort());
    for (const name of jobsIn('whole')) {
      expect(outcomeOf(jsonFile('killed', 'jobs', name))).toEqual(outcomeOf(jsonFile('whole', 'jobs', name)));
    }
  }, 120_000);

  it('gives with --json what it writes, and its files', async () => {
    const run = await runCommand(folder, study('cornn-1a', 'whole', '--json'));
    const json: unknown = JSON.parse(run.stdout);
    expect(at(json, 'study')).toBe('cornn-1a');
    expect(numberAt(json, 'methods', 1, 'correlation', 'count')).toBe(5);
    expect(numberAt(json, 'paper', 0, 'published', 'correlation')).toBe(0.887);
    expect(at(json, 'files', 'table')).toBe(join('whole', 'table.md'));
    expect(jsonFile('whole', 'summary.json')).toMatchObject({ study: 'cornn-1a', complete: true });
  }, 60_000);

  it('sweeps a setting', async () => {
    const parameters = ['--units', '12', '--transitions', '200', '--networks', '2', '--backend', 'cpu'];
    const run = await runCommand(folder, ['study', 'cornn-2a', ...parameters, '--methods', 'fixed-point,authors']);
    expect(run.code).toBe(0);
    // A folder named for the study, in the current folder.
    expect(jobsIn('cornn-2a')).toHaveLength(2 * 8 * 2);
    expect(isSvg(readFileSync(join(folder, 'cornn-2a', 'accuracy.svg'), 'utf8'))).toBe(true);
    expect(run.stdout).toContain('m = 0.00001');
  }, 60_000);

  it('refuses a folder of another study, a method and a study that are none', async () => {
    const other = await runCommand(folder, study('cornn-1b', 'whole'));
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/study\.json, study: .*--out/);
    const method = await runCommand(folder, ['study', 'cornn-1a', '--methods', 'magic', '--out', 'none']);
    expect(method).toMatchObject({ code: 1 });
    expect(method.stderr).toMatch(/--methods: saw 'magic'/);
    expect(existsSync(join(folder, 'none'))).toBe(false);
    const name = await runCommand(folder, ['study', 'cornn-9']);
    expect(name).toMatchObject({ code: 1 });
    expect(name.stderr).toContain('cornn-1a');
  });

  it('lists the studies', async () => {
    const run = await runCommand(folder, ['study', 'list', '--json']);
    const json: unknown = JSON.parse(run.stdout);
    expect(Array.isArray(json) ? json.map((each) => at(each, 'name')) : []).toEqual([
      'cornn-1a',
      'cornn-1b',
      'cornn-1c',
      'cornn-2a',
      'cornn-2b',
      'cornn-7',
      'cornn-8',
    ]);
    const words = await runCommand(folder, ['study', 'list']);
    expect(words.stdout).toContain('cornn-7');
    expect(words.stdout).toContain('--full: N=5000, T=30000');
  });
});
