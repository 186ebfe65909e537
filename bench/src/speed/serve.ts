/**
 * A process that takes part in the bench: `serve.js START`, a JSON of `Start`. It answers requests on its standard
 * input, one a line, and ends with it.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { DrnnError } from '@drnn/tensor';
import { backendPlayer } from './backend-player.js';
import type { Operation } from './operations.js';
import { peakPlayer } from './peak-player.js';
import { gradientNormOf } from './passes.js';
import type { Player } from './player.js';
import type { Reply, Request, Start } from './protocol.js';
import { type Recording, recordingOf } from './recording.js';
import { type Act, takeSamples, warm } from './timing.js';

const start: Start = JSON.parse(process.argv[2] ?? '{}');

const answer = (reply: Reply): void => {
  process.stdout.write(`${JSON.stringify(reply)}\n`);
};

const reasonOf = (error: unknown): string => {
  if (error instanceof DrnnError)
    return error.issues.map(({ seen, hint }) => (hint === undefined ? seen : `${seen} (${hint})`)).join('; ');
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
};

const open = async ({ role, precision, threads }: Start): Promise<Player> => {
  if (role === 'peak') return peakPlayer();
  if (role === 'tfjs-composed') return (await import('./tfjs-composed.js')).tfjsComposedPlayer();
  return backendPlayer(role, precision, threads);
};

let latest: { readonly file: string; readonly recording: Recording } | null = null;
const recordingIn = (operation: Operation, file: string | null): Recording | null => {
  if (file === null || !('steps' in operation)) return null;
  if (latest?.file !== file) {
    const bytes = readFileSync(file);
    const values = new Float64Array(bytes.byteLength / 8);
    new Uint8Array(values.buffer).set(bytes);
    latest = { file, recording: recordingOf(values, operation.units, operation.steps) };
  }
  return latest.recording;
};

let act: Act | null = null;
/** Milliseconds of a run when it was prepared; what takes longer than `longest` finds its caches by itself. */
let latestRun = 0;
const longest = 600;

const respond = async (player: Player, request: Request): Promise<Reply> => {
  switch (request.ask) {
    case 'prepare': {
      const { operation, file, warm: least } = request;
      act = await player.prepare(operation, recordingIn(operation, file));
      const began = performance.now();
      const result = await act();
      const first = performance.now() - began;
      return {
        reply: 'prepared',
        gradientNorm: operation.kind === 'pass' ? gradientNormOf(result) : null,
        milliseconds: (latestRun = first < least ? await warm(act, least - first) : first),
        note: operation.kind === 'largest' ? 'float64' : null,
      };
    }
    case 'turn':
      if (act === null) throw new Error('a turn before anything is prepared');
      // Others had the caches since the last turn: a run that does not count, as in a fit, where passes follow each other.
      if (latestRun < longest) await act();
      return { reply: 'samples', samples: await takeSamples(act, request.milliseconds) };
    case 'release':
      act = null;
      player.release();
      return { reply: 'done' };
  }
};

try {
  const player = await open(start);
  answer({ reply: 'introduction', introduction: player.introduction });
  for await (const line of createInterface({ input: process.stdin })) {
    const request: Request = JSON.parse(line);
    answer(
      await respond(player, request).catch((error: unknown): Reply => ({ reply: 'failed', reason: reasonOf(error) })),
    );
  }
} catch (error) {
  answer({ reply: 'failed', reason: reasonOf(error) });
}
process.exit();
