import { defineConfig } from 'vitest/config';
import { workspaceSources } from './packages/testing/src/sources.js';

export default defineConfig({
  resolve: {
    alias: [...workspaceSources()].map(([name, source]) => ({ find: new RegExp(`^${name}$`), replacement: source })),
  },
  test: {
    include: ['packages/*/src/**/*.test.ts'],
    testTimeout: 60_000,
    reporters: ['default', './scripts/test-table.ts'],
  },
});
