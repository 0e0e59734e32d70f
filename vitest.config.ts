import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['test/servers/setup.ts'],
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Real servers and child processes on two cores: more workers only wait for each other.
    maxWorkers: 2,
  },
});
