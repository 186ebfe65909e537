/**
 * The documentation is run: every page is a script. Its ts, sh and python blocks run in order in one empty folder, a
 * `text printed` block must be what the block before it printed, and a block marked `no-run` is only shown.
 */
import { capability, requires } from '@drnn/testing';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { numericArray, writeArrays } from '@drnn/recordings';
import { backendKinds } from './backends/kinds.js';
import { openKind } from './backends/open-backend.js';
import { randomNetwork, simulate } from './index.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const program = join(root, 'packages', 'drnn', 'bin', 'drnn.js');
const distribution = join(root, 'packages', 'drnn', 'dist');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

interface Block {
  readonly language: string;
  /** What follows the language on the fence. */
  readonly mark: string;
  readonly text: string;
  readonly line: number;
}

interface Page {
  readonly name: string;
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

const blocksOf = (text: string): readonly Block[] => {
  const blocks: Block[] = [];
  let open: {
    readonly language: string;
    readonly mark: string;
    readonly line: number;
    readonly lines: string[];
  } | null = null;
  text.split('\n').forEach((line, i) => {
    if (!line.startsWith('```')) {
      open?.lines.push(line);
      return;
    }
    if (open === null) {
      const [language = '', mark = ''] = line.slice(3).trim().split(' ');
      open = { language, mark, line: i + 1, lines: [] };
    } else {
      blocks.push({ language: open.language, mark: open.mark, line: open.line, text: open.lines.join('\n') });
      open = null;
    }
  });
  return blocks;
};

const pages: readonly Page[] = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true })
    .map((entry) => join('docs', String(entry)))
    .filter((name) => name.endsWith('.md')),
].map((name) => {
  const path = join(root, name);
  const text = readFileSync(path, 'utf8');
  return { name: name.replaceAll('\\', '/'), path, text, blocks: blocksOf(text) };
});

const pageOf = (name: string): Page => {
  const page = pages.find((each) => each.name === name);
  if (page === undefined) throw new Error(`there is no page ${name}`);
  return page;
};

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const runProgram = (command: string, parameters: readonly string[], folder: string, path = ''): Promise<Run> =>
  new Promise((done) => {
    const env = { ...process.env, NO_COLOR: '1', PATH: `${path}${delimiter}${process.env['PATH'] ?? ''}` };
    const child = execFile(command, parameters, { cwd: folder, env, maxBuffer: 2 ** 26 }, (_error, stdout, stderr) =>
      done({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });

const drnn = (parameters: readonly string[], folder = root): Promise<Run> =>
  runProgram(process.execPath, [program, ...parameters], folder);

/** What GitHub makes of a heading for links to it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const withoutBlocks = (text: string): string => text.replaceAll(/^```[^]*?^```/gm, '');

describe('the text of the documentation', () => {
  it('has only links that lead somewhere', () => {
    const broken: string[] = [];
    for (const page of pages) {
      for (const [, target = ''] of withoutBlocks(page.text).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [file = '', anchor] = target.split('#');
        const path = file === '' ? page.path : resolve(dirname(page.path), file);
        if (!existsSync(path)) broken.push(`${page.name}: ${target}`);
        else if (anchor !== undefined) {
          const headings = [...withoutBlocks(readFileSync(path, 'utf8')).matchAll(/^#+ (.*)$/gm)];
          if (!headings.some(([, heading = '']) => anchorOf(heading) === anchor))
            broken.push(`${page.name}: ${target}`);
        }
      }
    }
    expect(broken).toEqual([]);
  });

  it('explains the mathematics in under 1,000 words', () => {
    const words = pageOf('docs/mathematics.md').text.matchAll(/[\p{L}\p{N}]\S*/gu);
    expect([...words].length).toBeLessThan(1000);
  });

  it('marks every block with a language it knows', () => {
    const known = new Set(['ts', 'sh', 'python', 'matlab', 'json', 'text']);
    const unknown = pages
      .filter(({ name }) => name !== 'CONTRIBUTING.md')
      .flatMap(({ name, blocks }) =>
        blocks
          .filter(({ language, mark }) => !known.has(language) || !['', 'no-run', 'printed'].includes(mark))
          .map(({ language, mark, line }) => `${name}:${line}: ${language} ${mark}`),
      );
    expect(unknown).toEqual([]);
  });
});

/** Flags with their defaults and choices, as a table of the page or `--help` gives them. */
type Flags = Readonly<Record<string, { readonly byDefault: string; readonly choices: readonly string[] }>>;

const plain = (value: string): string => value.replaceAll(/["`]/g, '').trim();

/** The flags of a help text; a description that goes on in the next line is joined first. */
const flagsOfHelp = (help: string): Flags => {
  const lines = help.replaceAll(/\n {12,}(?=\S)/g, ' ').split('\n');
  const flags: Record<string, Flags[string]> = {};
  for (const line of lines) {
    const [, flag, description = ''] = /^ {2}((?:-\w, )?--[\w-]+(?: <[^>]+>)?) {2,}(.*)$/.exec(line) ?? [];
    if (flag === undefined) continue;
    const [, list = ''] = /choices: ((?:"[^"]*"(?:, )?)+)/.exec(description) ?? [];
    flags[flag] = {
      byDefault: plain(/default: ("[^"]*"|[^)]*)\)/.exec(description)?.[1] ?? ''),
      choices: [...list.matchAll(/"([^"]*)"/g)].map(([, choice = '']) => choice),
    };
  }
  return flags;
};

const sectionOf = (page: Page, heading: string): string => {
  const [, after = ''] = page.text.split(`\n## ${heading}\n`);
  return after.split('\n## ')[0] ?? '';
};

const tableOf = (section: string): readonly (readonly string[])[] =>
  section
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    )
    .filter(([first = '']) => first.startsWith('`'));

/** The choices of an option stand after the colon of its meaning. */
const flagsOfTable = (rows: readonly (readonly string[])[]): Flags =>
  Object.fromEntries(
    rows.map(([flag = '', meaning = '', byDefault = '']) => [
      plain(flag),
      {
        byDefault: plain(byDefault),
        choices: [...(meaning.split(': ')[1] ?? '').matchAll(/`([^`]*)`/g)].map(([, choice = '']) => choice),
      },
    ]),
  );

const isBuilt = existsSync(join(distribution, 'cli.js'));
if (!isBuilt) console.log('skipped: the documentation runs the compiled packages; `npm run build` makes them');

const commands = [
  'simulate',
  'fit',
  'predict',
  'attractors',
  'compare',
  'inspect',
  'export',
  'doctor',
  'demo',
  'study',
];

describe.skipIf(!isBuilt)('docs/command-line.md', () => {
  const page = pageOf('docs/command-line.md');

  const helpOf = new Map<string, string>();

  beforeAll(async () => {
    const ask = async (command: string): Promise<void> => {
      helpOf.set(command, (await drnn([...(command === '' ? [] : [command]), '--help'])).stdout);
    };
    await Promise.all(['', ...commands].map(ask));
  }, 60_000);

  it('has a section for every command, and no other', () => {
    const listed = [...(helpOf.get('') ?? '').matchAll(/^ {2}([a-z]+) (?:\[options\]|\[command\])/gm)];
    const names = listed.map(([, name = '']) => name).filter((name) => name !== 'help');
    expect(names.toSorted()).toEqual(commands.toSorted());
    const headings = [...page.text.matchAll(/^## drnn (\w+)$/gm)].map(([, name = '']) => name);
    expect(headings.toSorted()).toEqual(commands.toSorted());
  });

  it.each(commands)('lists the options of %s with defaults and choices, as --help does', (command) => {
    const rows = tableOf(sectionOf(page, `drnn ${command}`));
    const help = { byDefault: '', choices: [] };
    expect({ ...flagsOfTable(rows), '-h, --help': help }).toEqual(flagsOfHelp(helpOf.get(command) ?? ''));
  });

  it('lists the fields of --json, and exit codes that are so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drnn-json-'));
    try {
      await drnn(['simulate', '--units', '5', '--steps', '300', '--out', 'sim.npz'], folder);
      const fit = ['fit', 'sim.npz', '--key', 'r', '--alpha', '0.1', '--json'];
      const { stdout, code } = await drnn(fit, folder);
      expect(code).toBe(0);
      const fields = Object.entries<unknown>(JSON.parse(stdout)).flatMap(([key, value]) =>
        ['timing', 'scale', 'dropped'].includes(key) && typeof value === 'object' && value !== null
          ? Object.keys(value).map((inner) => `${key}.${inner}`)
          : [key],
      );
      const rows = tableOf(sectionOf(page, 'The JSON of drnn fit')).map(([field = '']) => plain(field));
      expect(rows.toSorted()).toEqual(fields.toSorted());
      const codes = [
        [...fit, '--estimator', 'convex', '--max-steps', '1'],
        ['fit', 'none.npz', '--alpha', '0.1'],
        ['fit', '--no-such-option'],
      ].map(async (parameters) => (await drnn(parameters, folder)).code);
      expect(await Promise.all(codes)).toEqual([3, 1, 2]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('lists the fields of --json of drnn attractors', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drnn-json-'));
    try {
      await drnn(['simulate', '--units', '4', '--steps', '20', '--out', 'sim.npz'], folder);
      const { stdout, code } = await drnn(['attractors', 'sim.npz', '--json'], folder);
      expect(code).toBe(0);
      const found: Readonly<Record<string, unknown>> & { readonly points: readonly object[] } = JSON.parse(stdout);
      const fields = [...Object.keys(found), ...Object.keys(found.points[0] ?? {}).map((field) => `points.${field}`)];
      const rows = tableOf(sectionOf(page, 'The JSON of drnn attractors')).map(([field = '']) => plain(field));
      expect(rows.toSorted()).toEqual(fields.toSorted());
      const turning = {
        W: numericArray([2, 2], Float64Array.of(1.3, -0.75, 0.75, 1.3)),
        alpha: numericArray([], Float64Array.of(0.1)),
      };
      await writeArrays(join(folder, 'turning.npz'), turning);
      const { stdout: text } = await drnn(['attractors', 'turning.npz', '--lyapunov', '--json'], folder);
      const parts: { readonly cycles: readonly { readonly flow: object }[]; readonly lyapunov: object } =
        JSON.parse(text);
      const [cycle] = parts.cycles;
      const said = sectionOf(page, 'The JSON of drnn attractors');
      for (const part of [cycle ?? {}, cycle?.flow ?? {}, parts.lyapunov]) {
        for (const field of Object.keys(part)) expect(said).toContain(`\`${field}\``);
      }
      expect(Object.keys(cycle ?? {})).toContain('flow');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('lists the fields of --json of drnn compare', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drnn-json-'));
    try {
      await drnn(['simulate', '--units', '4', '--steps', '20', '--out', 'sim.npz'], folder);
      const { stdout, code } = await drnn(['compare', 'sim.npz', 'sim.npz', '--quick', '--json'], folder);
      expect(code).toBe(0);
      const found: Readonly<Record<string, unknown>> & { readonly pairs: readonly object[] } = JSON.parse(stdout);
      const fields = [...Object.keys(found), ...Object.keys(found.pairs[0] ?? {}).map((field) => `pairs.${field}`)];
      const rows = tableOf(sectionOf(page, 'The JSON of drnn compare')).map(([field = '']) => plain(field));
      expect(rows.toSorted()).toEqual(fields.toSorted());
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('docs/choosing-a-backend.md', () => {
  const rows = tableOf(sectionOf(pageOf('docs/choosing-a-backend.md'), 'What differs')).map((row) => row.map(plain));
  const declared = rows.filter((row) => row.length === 6);
  const here = { cpu: true, wasm: true, blas: requires('blas'), webgpu: requires('webgpu'), 'tfjs-wasm': true };

  it('has a row for every precision of every backend', () => {
    const wanted = Object.values(backendKinds).flatMap(({ name, precisions }) =>
      precisions.map((each) => [name, each]),
    );
    expect(declared.map(([name, precision]) => [name, precision]).toSorted()).toEqual(wanted.toSorted());
  });

  it.each(Object.values(backendKinds).filter(({ name }) => here[name]))('says what $name declares', async (kind) => {
    for (const precision of kind.precisions) {
      const on = await openKind(kind, { precision });
      const { pointwise, absolute, product, propagatesNaN } = on.accuracy;
      await on.close();
      const row = declared.find(([name, each]) => name === kind.name && each === precision);
      expect(row?.slice(2, 5).map(Number)).toEqual([pointwise, absolute, product]);
      expect(row?.[5]).toBe(propagatesNaN ? 'travels to the result' : 'is refused');
    }
  });
});

describe.skipIf(!isBuilt)('the blocks of the documentation', () => {
  const ran = pages.filter(({ name, blocks }) => name !== 'CONTRIBUTING.md' && blocks.some(({ mark }) => mark === ''));
  const folders: string[] = [];
  let modules = '';
  let commandFolder = '';
  let compiled: Run | null = null;

  const moduleName = (page: Page, block: Block): string => `${page.name.replaceAll(/[^\w]/g, '-')}-line-${block.line}`;

  beforeAll(async () => {
    modules = mkdtempSync(join(tmpdir(), 'drnn-modules-'));
    folders.push(modules);
    // A project of its own, in which the packages are installed, as a user's would be.
    const install = (name: string, folder: string): void => {
      const place = join(modules, 'node_modules', name);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(folder, place, 'junction');
    };
    const packages = join(root, 'packages');
    for (const name of readdirSync(packages).filter((each) => existsSync(join(packages, each, 'dist')))) {
      install(name === 'drnn' ? name : `@drnn/${name}`, join(packages, name));
    }
    install('@types/node', join(packages, 'drnn', 'node_modules', '@types', 'node'));
    writeFileSync(join(modules, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const files: string[] = [];
    for (const page of ran) {
      for (const block of page.blocks.filter(({ language, mark }) => language === 'ts' && mark === '')) {
        const file = `${moduleName(page, block)}.ts`;
        writeFileSync(join(modules, file), `${block.text}\nexport {};\n`);
        files.push(file);
      }
    }
    const base = join(root, 'tsconfig.base.json');
    const compilerOptions = {
      composite: false,
      incremental: false,
      declaration: false,
      declarationMap: false,
      sourceMap: false,
      types: ['node'],
    };
    writeFileSync(join(modules, 'tsconfig.json'), JSON.stringify({ extends: base, compilerOptions, files }));
    compiled = await runProgram(process.execPath, [compiler, '-p', modules], modules);

    commandFolder = mkdtempSync(join(tmpdir(), 'drnn-command-'));
    folders.push(commandFolder);
    writeFileSync(join(commandFolder, 'drnn'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    chmodSync(join(commandFolder, 'drnn'), 0o755);
  }, 120_000);

  afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

  /** The folder a page starts in holds `recording.npz`, r [time, unit] with its alpha: a network of ten units. */
  const pageFolder = async (): Promise<string> => {
    const folder = mkdtempSync(join(tmpdir(), 'drnn-page-'));
    folders.push(folder);
    const { W, initial } = randomNetwork({ units: 10, gain: 3, seed: 1 });
    const inputNoise = { kind: 'gaussian', size: 0.05 } as const;
    const { rates } = simulate({ W, alpha: 0.2, steps: 1500, initial, inputNoise, seed: 1 });
    await writeArrays(join(folder, 'recording.npz'), { r: numericArray([rates.rows, rates.columns], rates.data) });
    mkdirSync(join(folder, 'results'));
    return folder;
  };

  const hasNumpy = ran.some(({ blocks }) => blocks.some(({ language }) => language === 'python')) && requires('numpy');

  const runBlock = (page: Page, block: Block, folder: string): Promise<Run> | null => {
    if (block.mark !== '') return null;
    if (block.language === 'ts')
      return runProgram(process.execPath, [join(modules, `${moduleName(page, block)}.js`)], folder);
    if (block.language === 'sh') return runProgram('/bin/sh', ['-ec', block.text], folder, commandFolder);
    if (block.language === 'python')
      return runProgram(capability('numpy').command ?? '', ['-c', block.text], folder, commandFolder);
    return null;
  };

  it('type-check', () => {
    expect(compiled?.stdout ?? '').toBe('');
    expect(compiled?.code).toBe(0);
  });

  it.concurrent.each(ran.map((page) => [page.name, page] as const))(
    'run: %s',
    async (_name, page) => {
      const folder = await pageFolder();
      let printed: string | null = null;
      for (const block of page.blocks) {
        const where = `${page.name}:${block.line}`;
        if (block.mark === 'printed') {
          expect(block.text.trim(), where).toBe(printed);
          continue;
        }
        // What comes after may need what the missing Python would have made.
        if (block.language === 'python' && block.mark === '' && !hasNumpy) break;
        const run = await runBlock(page, block, folder);
        if (run !== null) expect(run, `${where}\n${run.stderr}`).toMatchObject({ code: 0 });
        printed = run?.stdout.trim() ?? null;
      }
    },
    240_000,
  );
});
