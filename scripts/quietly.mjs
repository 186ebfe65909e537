// Programs run by the set-up: nothing of theirs is seen unless they fail, and nothing is ever printed to stdout.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The exit code of a set-up that failed: no code of the command line itself. */
const setUpFailed = 4;

const say = (text) => process.stderr.write(`${text}\n`);

/** @returns {never} */
export const giveUp = (text) => {
  say(text);
  process.exit(setUpFailed);
};

/** Runs a program, and gives up with the end of its output and the advice when it fails. */
export const quietly = (task, command, parameters, advice, folder = root) => {
  say(`drnn: ${task} ...`);
  const started = performance.now();
  const run = spawnSync(command, parameters, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32' && command !== process.execPath,
    maxBuffer: 2 ** 28,
    // `npm run --silent` hands its silence down, and an error that is not printed helps nobody.
    env: { ...process.env, npm_config_loglevel: 'error' },
  });
  if (run.signal === 'SIGINT') process.exit(130);
  if (run.status !== 0) {
    const output = `${run.stdout ?? ''}${run.stderr ?? ''}${run.error?.message ?? ''}`.trimEnd().split('\n');
    const shown = output.filter((line) => !/^\s*(npm error\s+)?at .*:\d+:\d+\)?$/.test(line)).slice(-40);
    giveUp(
      `${shown.join('\n')}\n\ndrnn: ${task} failed. What to do:\n${advice.map((line) => `  - ${line}`).join('\n')}`,
    );
  }
  say(`drnn: ${task}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
};
