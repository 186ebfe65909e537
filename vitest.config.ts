import { defineConfig } from 'vitest/config';

const names = ['tensor', 'backend-cpu', 'objectives', 'solvers', 'simulator', 'recordings'];
const source = (path: string): string => new URL(`packages/${path}`, import.meta.url).pathname;

export default defineConfig({
  resolve: {
    // Tests run on the sources, so that they never see a stale build.
    alias: [
      { find: '@drnn/tensor/laws', replacement: source('tensor/src/laws/index.ts') },
      ...names.map((name) => ({ find: `@drnn/${name}`, replacement: source(`${name}/src/index.ts`) })),
      { find: /^drnn$/, replacement: source('drnn/src/index.ts') },
    ],
  },
  test: { include: ['packages/*/src/**/*.test.ts'], testTimeout: 60_000 },
});
