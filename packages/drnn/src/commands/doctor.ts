import { cpus, totalmem } from 'node:os';
import type { Command } from 'commander';
import { version } from '../version.js';
import { printJson } from './terminal.js';

/** Every engine has it; Node's types leave it out. */
declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

/** A module that adds two SIMD vectors: valid where 128-bit SIMD is there. */
const simdModule = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

interface Finding {
  readonly name: string;
  readonly found: boolean;
  readonly says: string;
}

/** `drnn doctor`: what this machine has, and why the rest is missing. */
export const doctorCommand = (program: Command): void => {
  program
    .command('doctor')
    .description('Node, SIMD, threads, the backends found and why others are not')
    .option('--json', 'print it as one JSON object on stdout')
    .action(async (flags: { readonly json?: boolean }) => {
      const findings = await diagnose();
      if (flags.json === true) return printJson({ drnn: version, findings });
      const width = Math.max(...findings.map(({ name }) => name.length));
      const lines = findings.map(({ name, found, says }) => `${found ? 'ok ' : '-- '} ${name.padEnd(width)}  ${says}`);
      process.stdout.write(`drnn ${version}\n${lines.join('\n')}\n`);
    });
};

const diagnose = async (): Promise<readonly Finding[]> => {
  const simd = WebAssembly.validate(simdModule);
  const cores = cpus();
  const { backend } = await import('@drnn/backend-cpu');
  const on = await backend();
  const product = on.host.matMul(
    { rows: 1, columns: 2, data: Float64Array.of(2, 3) },
    { rows: 2, columns: 1, data: Float64Array.of(5, 7) },
  );
  await on.close();
  const right = product.data[0] === 31;
  return [
    { name: 'Node', found: true, says: `${process.versions.node} (V8 ${process.versions.v8})` },
    { name: 'SIMD', found: simd, says: simd ? 'WebAssembly 128-bit SIMD' : 'not in this engine' },
    { name: 'threads', found: true, says: `${cores.length} (${cores[0]?.model.trim() ?? 'unknown processor'})` },
    { name: 'memory', found: true, says: `${(totalmem() / 2 ** 30).toFixed(1)} GiB` },
    {
      name: 'backend cpu',
      found: right,
      says: right ? `TypeScript, float64 and mixed, ${on.threads} thread` : 'computes a wrong product',
    },
    ...['wasm', 'blas', 'webgpu', 'tfjs-wasm'].map((name) => ({
      name: `backend ${name}`,
      found: false,
      says: 'not part of this version',
    })),
  ];
};
