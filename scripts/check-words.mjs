// No committed file names a path of one machine or a registry's host, and the lockfile names no address at all.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './quietly.mjs';

const forbidden = [
  { what: 'a path of one machine', pattern: /(?<![\w.$}])\/(?:work|farm|root|home|Users)\/|(?<![\w.$}])\/tmp\/[a-z]/ },
  { what: "a registry's host", pattern: /registry\.(?:npm|yarn)\w*\.|deb\.debian\.org|pypi\.org/ },
];
const inLockfile = [...forbidden, { what: 'an address', pattern: /https?:\/\// }];

const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  .toString()
  .split('\0')
  .filter((name) => name !== '' && name !== 'scripts/check-words.mjs');

let problems = 0;
for (const name of files) {
  const path = join(root, name);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
  const bytes = readFileSync(path);
  if (bytes.subarray(0, 8192).includes(0)) continue;
  const lines = bytes.toString('utf8').split('\n');
  for (const { what, pattern } of name === 'pnpm-lock.yaml' ? inLockfile : forbidden) {
    for (const [index, line] of lines.entries()) {
      if (!pattern.test(line)) continue;
      problems += 1;
      console.error(`${name}:${index + 1}: ${what}: ${line.trim().slice(0, 120)}`);
    }
  }
}
process.exitCode = problems > 0 ? 1 : 0;
