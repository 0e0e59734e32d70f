import { onTestFinished } from 'vitest';
import {
  type ProxyBehaviour,
  startUnreliableProxy,
  type UnreliableProxy,
} from '../../playground/servers/unreliable-proxy.ts';
import type { PoolEvents, SessionPool } from '../../src/index.ts';
import { sessionsOf } from './helpers.ts';

/** What a pool told, in its order. */
export function listen<Name extends keyof PoolEvents>(pool: SessionPool, name: Name): PoolEvents[Name][] {
  const told: PoolEvents[Name][] = [];
  pool.on(name, (event) => told.push(event));
  return told;
}

/** The URLs of the proxies of all sessions, in their order. */
export async function proxyOfEach(pool: SessionPool): Promise<string[]> {
  return (await sessionsOf(pool)).map((session) => session.model.proxy!.url).sort();
}

/** Leases so many at once, so that as many sessions are made, and gives them back. */
export async function fill(pool: SessionPool, count: number): Promise<void> {
  const leases = await Promise.all(Array.from({ length: count }, () => pool.acquire()));
  await Promise.all(leases.map((lease) => lease.release()));
}

export interface TestProxy {
  readonly proxy: UnreliableProxy;
  /** With a user name and the password SECRET, of which the proxy only takes note. */
  readonly url: string;
  /** For people. */
  readonly address: string;
}

/** A real proxy that ends with the test. */
export async function proxyThat(behaviour: ProxyBehaviour = 'work'): Promise<TestProxy> {
  const proxy = await startUnreliableProxy({ behaviour });
  onTestFinished(() => proxy.close());
  return { proxy, url: proxy.url.replace('://', '://user:SECRET@'), address: proxy.url };
}
