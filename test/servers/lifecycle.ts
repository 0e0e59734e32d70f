import { connect } from 'node:net';
import { expect } from 'vitest';
import type { LocalServer } from '../../playground/servers/server-process.ts';

/** It comes back on its port after kill -9, and is gone after close, paused or not, however often it is closed. */
export async function expectLifecycle(server: LocalServer): Promise<void> {
  const { port, pid } = server;
  await server.kill();
  await server.start();
  expect(server.pid).not.toBe(pid);
  expect(server.port).toBe(port);
  server.pause();
  await server.close();
  await server.close();
  const refused = await new Promise((resolve) => connect(port, '127.0.0.1').on('error', resolve));
  expect(refused).toMatchObject({ code: 'ECONNREFUSED' });
}
