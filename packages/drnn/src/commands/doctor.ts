import { availableParallelism, cpus, totalmem } from 'node:os';
import { physicalCores } from '@drnn/backend-wasm';
import type { Command } from 'commander';
import { examineBackends } from '../backends/examine.js';
import { version } from '../version.js';
import { printJson } from './terminal.js';

/** Every engine has it; Node's types leave it out. */
declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

/** A module that adds two SIMD vectors: valid where 128-bit SIMD is there. */
const simdModule = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** A module of `f32x4.relaxed_madd`: valid where a SIMD product and sum are one instruction. */
const fusedModule = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32, 1, 32, 2,
  253, 133, 2, 11,
]);

interface Finding {
  readonly name: string;
  readonly found: boolean;
  readonly says: string;
}

/** `drnn doctor`: what this machine has, why the rest is missing, and how to get it. */
export const doctorCommand = (program: Command): void => {
  program
    .command('doctor')
    .description('Node, SIMD, threads, the backends found and why others are not, and which one auto takes')
    .option('--json', 'print it as one JSON object on stdout')
    .action(async (flags: { readonly json?: boolean }) => {
      const { findings, auto } = await diagnose();
      if (flags.json === true) return printJson({ drnn: version, auto, findings });
      const width = Math.max(...findings.map(({ name }) => name.length));
      const lines = findings.map(({ name, found, says }) => `${found ? 'ok ' : '-- '} ${name.padEnd(width)}  ${says}`);
      process.stdout.write(`drnn ${version}\n${lines.join('\n')}\n`);
    });
};

const diagnose = async (): Promise<{ readonly findings: readonly Finding[]; readonly auto: string | null }> => {
  const simd = WebAssembly.validate(simdModule);
  const fused = WebAssembly.validate(fusedModule);
  const shared = typeof SharedArrayBuffer !== 'undefined';
  const { backends, auto } = await examineBackends();
  const findings = [
    { name: 'Node', found: true, says: `${process.versions.node} (V8 ${process.versions.v8})` },
    {
      name: 'SIMD',
      found: simd,
      says: simd
        ? `WebAssembly 128-bit SIMD, ${fused ? 'with' : 'without'} fused multiply-add${fused ? '' : ' (Node 22 and later have it)'}`
        : 'not in this engine',
    },
    {
      name: 'threads',
      found: shared,
      says: `${physicalCores()} physical cores of ${availableParallelism()} usable threads (${cpus()[0]?.model.trim() ?? 'unknown processor'}), ${shared ? 'shared memory' : 'no shared memory, without which backends run on one thread'}`,
    },
    { name: 'memory', found: true, says: `${(totalmem() / 2 ** 30).toFixed(1)} GiB` },
    ...backends.map(({ name, found, says }) => ({ name: `backend ${name}`, found, says })),
    { name: 'auto', found: auto !== null, says: auto === null ? 'no backend works' : `takes ${auto}` },
  ];
  return { findings, auto };
};
