import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Entrant } from './entrants.js';
import type { Operation } from './operations.js';
import type { Introduction } from './player.js';
import type { Prepared, Reply, Request } from './protocol.js';

/** An entrant whose process runs. */
export interface Contestant {
  readonly entrant: Entrant;
  readonly introduction: Introduction;
  /** Gets an operation ready and warm. */
  prepare(operation: Operation, file: string | null, warm: number): Promise<Prepared>;
  /** Milliseconds of each run. */
  turn(milliseconds: number): Promise<readonly number[]>;
  release(): Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds after which a process that does not answer is given up. */
const patience = 120_000;

const isReply = (line: string): boolean => line.startsWith('{"reply"');

/** Starts the process of an entrant. Rejects with the reason where it cannot take part. */
export const enter = async (entrant: Entrant): Promise<Contestant> => {
  const { command, parameters, environment } = entrant;
  const child = spawn(command, [...parameters], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  child.stdin.on('error', () => undefined);

  let settle: { resolve(reply: Reply): void; reject(error: Error): void } | null = null;
  let ended: Error | null = null;
  const gone = new Promise<void>((resolve) => {
    const end = (why: string): void => {
      ended ??= new Error(why);
      settle?.reject(ended);
      resolve();
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => {
      const lines = said.trim().split('\n');
      end(`its process ended with ${code ?? signal}: ${lines.find((line) => /error/i.test(line)) ?? lines.at(-1)}`);
    });
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (isReply(line)) settle?.resolve(JSON.parse(line));
  });

  const heard = async (): Promise<Reply> => {
    let timer: NodeJS.Timeout | undefined;
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        if (ended !== null) reject(ended);
        settle = { resolve, reject };
        timer = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} s`)), patience);
      });
      if (reply.reply === 'failed') throw new Error(reply.reason);
      return reply;
    } finally {
      clearTimeout(timer);
      settle = null;
    }
  };
  const ask = (request: Request): Promise<Reply> => {
    const reply = heard();
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return reply;
  };
  const close = async (): Promise<void> => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
    await gone;
    clearTimeout(timer);
  };

  try {
    const first = await heard();
    if (first.reply !== 'introduction') throw new Error(`it began with ${first.reply}`);
    return {
      entrant,
      introduction: first.introduction,
      prepare: async (operation, file, warm) => {
        const reply = await ask({ ask: 'prepare', operation, file, warm });
        if (reply.reply !== 'prepared') throw new Error(`it answered ${reply.reply}`);
        return reply;
      },
      turn: async (milliseconds) => {
        const reply = await ask({ ask: 'turn', milliseconds });
        return reply.reply === 'samples' ? reply.samples : [];
      },
      release: async () => {
        await ask({ ask: 'release' });
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
