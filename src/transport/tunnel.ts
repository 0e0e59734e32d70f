import type { Socket } from 'node:net';
import { openHttpTunnel } from './http-tunnel.ts';
import type { ProxyAddress } from './proxy-address.ts';
import { openSocksTunnel } from './socks-tunnel.ts';
import type { TunnelConditions, TunnelTarget } from './tunnel-target.ts';

/**
 * A connection to the target by way of the proxy, of which neither knows what goes through it.
 * @throws ProxyFailure
 */
export function openTunnel(
  proxy: ProxyAddress,
  target: TunnelTarget,
  conditions: TunnelConditions,
): Promise<Socket> {
  const open = proxy.scheme === 'socks5' ? openSocksTunnel : openHttpTunnel;
  return open(proxy, target, conditions);
}
