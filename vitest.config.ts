import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['test/servers/setup.ts'],
    include: ['test/**/*.test.ts'],
    // A limit for what hangs: a machine that has much else to do is no fault.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // Real servers and child processes on two cores: more workers only wait for each other.
    maxWorkers: 2,
  },
});
