import { inspect } from '@drnn/recordings';
import type { Command } from 'commander';
import { printJson } from './terminal.js';

/** `drnn inspect`: what is inside a file. */
export const inspectCommand = (program: Command): void => {
  program
    .command('inspect')
    .description('what is inside a recording or a model')
    .argument('<file>', 'any file that fit reads')
    .option('--json', 'print it as one JSON object on stdout')
    .action(async (path: string, flags: { readonly json?: boolean }) => {
      const found = await inspect(path);
      if (flags.json === true) return printJson(found);
      const width = Math.max(0, ...found.arrays.map(({ name }) => name.length));
      const lines = [
        `${found.fileName}: ${found.format}, ${found.bytes} bytes, sha256 ${found.sha256}`,
        ...found.arrays.map(
          ({ name, shape, type }) =>
            `  ${name.padEnd(width)}  ${shape === null ? '' : `[${shape.join(', ')}]`}  ${type}`,
        ),
        ...(found.model === null
          ? []
          : [
              `model of drnn ${found.model.versions['drnn'] ?? 'unknown'}: ${found.model.status}`,
              ...found.model.sources.map((source) => `  fitted to ${source.fileName} (${source.key})`),
              ...Object.entries(found.model.options)
                .filter(([, option]) => option.given)
                .map(([name, option]) => `  ${name} ${JSON.stringify(option.value)}`),
            ]),
      ];
      process.stdout.write(`${lines.join('\n')}\n`);
    });
};
