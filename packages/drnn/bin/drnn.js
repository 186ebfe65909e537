#!/usr/bin/env node
// npm and npx pass on a Ctrl-C that the terminal has already sent to the whole group, so one key press arrives twice.
// A command that stops cleanly listens with `process.once('SIGINT', ...)`; the echo is then swallowed here, and only a
// later press, or one that nothing listens for, ends the process.
const echo = 1000;
let last = -Infinity;
process.on('SIGINT', () => {
  const now = performance.now();
  if (process.listenerCount('SIGINT') === 1 && now - last > echo) process.exit(130);
  last = now;
});

await import('../dist/cli.js');
