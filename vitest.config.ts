import { existsSync, readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const folder = (path: string): string => new URL(`packages/${path}`, import.meta.url).pathname;
const names = readdirSync(folder('')).filter((name) => name !== 'drnn' && existsSync(folder(`${name}/src/index.ts`)));

export default defineConfig({
  resolve: {
    // Tests run on the sources, so that they never see a stale build.
    alias: [
      { find: /^@drnn\/tensor\/laws$/, replacement: folder('tensor/src/laws/index.ts') },
      ...names.map((name) => ({ find: new RegExp(`^@drnn/${name}$`), replacement: folder(`${name}/src/index.ts`) })),
      { find: /^drnn$/, replacement: folder('drnn/src/index.ts') },
    ],
  },
  test: {
    include: ['packages/*/src/**/*.test.ts'],
    testTimeout: 60_000,
    reporters: ['default', './scripts/test-table.ts'],
  },
});
