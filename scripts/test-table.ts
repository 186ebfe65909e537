// The table at the end of `npm test`: what ran in each package, what was skipped and how to get it, and the count.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node';
import type { Skip } from '../packages/testing/src/requires.js';

type Count = { files: number; passed: number; failed: number; skipped: number; milliseconds: number };

const zero = (): Count => ({ files: 0, passed: 0, failed: 0, skipped: 0, milliseconds: 0 });

const add = (total: Count, part: Count): void => {
  total.files += part.files;
  total.passed += part.passed;
  total.failed += part.failed;
  total.skipped += part.skipped;
  total.milliseconds += part.milliseconds;
};

const countOf = (module: TestModule): Count => {
  const count = zero();
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    if (state === 'passed') count.passed += 1;
    else if (state === 'failed') count.failed += 1;
    else count.skipped += 1;
  }
  // A file that does not load, or a hook that throws, fails without a failed test.
  if (module.state() === 'failed' && count.failed === 0) count.failed = 1;
  count.files = 1;
  count.milliseconds = module.diagnostic().duration;
  return count;
};

/** Columns as wide as their widest cell: the first to the left, the others to the right unless they are text. */
const table = (rows: readonly (readonly string[])[], text: ReadonlySet<number>): string => {
  const width = (column: number): number => Math.max(...rows.map((row) => (row[column] ?? '').length));
  const cell = (value: string, column: number): string =>
    text.has(column) ? value.padEnd(width(column)) : value.padStart(width(column));
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
};

const rowOf = (name: string, count: Count): readonly string[] => [
  name,
  ...[count.files, count.passed, count.failed, count.skipped].map(String),
  (count.milliseconds / 1000).toFixed(1),
];

export default class TestTable implements Reporter {
  #root = '';
  #log = '';

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root;
    const folder = mkdtempSync(join(tmpdir(), 'drnn-skips-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    this.#log = join(folder, 'skips');
    // The workers inherit it; `requires` of @drnn/testing writes there.
    process.env['DRNN_SKIP_LOG'] = this.#log;
  }

  #skips(): readonly Skip[] {
    if (!existsSync(this.#log)) return [];
    const lines = readFileSync(this.#log, 'utf8').trim().split('\n');
    rmSync(this.#log);
    return lines.map((line): Skip => JSON.parse(line));
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const total = zero();
    const packages = new Map<string, Count>();
    const skippedIn = new Map<string, number>();
    for (const module of modules) {
      const count = countOf(module);
      const name = relative(this.#root, module.moduleId).replaceAll('\\', '/').split('/')[1] ?? '';
      const sum = packages.get(name) ?? zero();
      packages.set(name, sum);
      add(sum, count);
      add(total, count);
      if (count.skipped > 0) skippedIn.set(module.moduleId, count.skipped);
    }
    total.failed += errors.length;

    const names = [...packages.keys()].toSorted();
    const rows = names.map((name) => rowOf(name, packages.get(name) ?? zero()));
    const head = ['package', 'files', 'passed', 'failed', 'skipped', 'seconds'];
    console.log(`\n${table([head, ...rows, rowOf('all', total)], new Set([0]))}`);

    const skips = this.#skips();
    const missing = [...new Map(skips.map((skip) => [skip.name, skip])).values()];
    if (missing.length > 0) {
      const lines = missing.map(({ name, reason, install }) => {
        const files = new Set(skips.filter((skip) => skip.name === name).map(({ file }) => file));
        const tests = [...files].reduce((sum, file) => sum + (skippedIn.get(file) ?? 0), 0);
        return [name, String(tests), install ?? '-', reason];
      });
      console.log(`\n${table([['missing', 'skipped', 'to get it', 'why'], ...lines], new Set([0, 2, 3]))}`);
    }
    const explained = new Set(skips.map(({ file }) => file));
    const others = [...skippedIn].filter(([file]) => !explained.has(file));
    if (others.length > 0) {
      const lines = others.map(([file, count]) => [String(count), relative(this.#root, file)]);
      console.log(`\n${table([['skipped', 'without a stated reason'], ...lines], new Set([1]))}`);
    }
    console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  }
}
