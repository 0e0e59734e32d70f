import { onTestFinished } from 'vitest';
import {
  startUnreliableProxy,
  type UnreliableProxy,
  type UnreliableProxyOptions,
} from '../../playground/servers/unreliable-proxy.ts';

/** A proxy that ends with the test, and wants `user:SECRET`. */
export async function httpProxy(options: UnreliableProxyOptions = {}): Promise<UnreliableProxy> {
  const proxy = await startUnreliableProxy({ credentials: { user: 'user', password: 'SECRET' }, ...options });
  onTestFinished(() => proxy.close());
  return proxy;
}
