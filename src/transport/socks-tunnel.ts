import { once } from 'node:events';
import { connect, isIP, isIPv4, type Socket } from 'node:net';
import { type ProxyAddress, withoutBrackets } from './proxy-address.ts';
import { ProxyFailure } from './proxy-failure.ts';
import type { TunnelConditions, TunnelTarget } from './tunnel-target.ts';

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const USER_AND_PASSWORD = 2;

/** RFC 1928 §6. */
const REPLIES: Record<number, string> = {
  1: 'general failure',
  2: 'not allowed',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'TTL expired',
  7: 'command not supported',
  8: 'address type not supported',
};

/** Bytes of a bound address, by its type. */
const ADDRESS_BYTES: Record<number, number> = { 1: 4, 4: 16 };

/** A tunnel through a SOCKS5 server (RFC 1928, RFC 1929). Host names are resolved over there. */
export async function openSocksTunnel(
  proxy: ProxyAddress,
  target: TunnelTarget,
  { signal }: TunnelConditions,
): Promise<Socket> {
  const socket = connect({ host: proxy.host, port: proxy.port, noDelay: true });
  let isConnected = false;
  try {
    await once(socket, 'connect', { signal });
    isConnected = true;
    const heard = new Answers(socket, signal);
    await authenticate(socket, heard, proxy);
    socket.write(connectRequest(target));
    await readReply(heard);
    return socket;
  } catch (cause) {
    socket.on('error', () => {}).destroy();
    if (cause instanceof ProxyFailure) throw cause;
    const isTimeout = signal.aborted;
    const words = isConnected ? 'the proxy did not answer' : 'no connection to the proxy';
    throw new ProxyFailure(words, { fault: isConnected && isTimeout ? 'exit' : 'gateway', isTimeout, cause });
  }
}

async function authenticate(socket: Socket, heard: Answers, { credentials }: ProxyAddress): Promise<void> {
  socket.write(
    Buffer.from(
      credentials ? [VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD] : [VERSION, 1, NO_AUTHENTICATION],
    ),
  );
  const [version, method] = await heard.read(2);
  if (version !== VERSION) throw new ProxyFailure('the proxy does not speak SOCKS5', { fault: 'gateway' });
  if (method === NO_AUTHENTICATION) return;
  if (method !== USER_AND_PASSWORD || !credentials) {
    throw new ProxyFailure('the proxy wants other credentials', { fault: 'gateway' });
  }
  const [user, password] = [sized(credentials.user), sized(credentials.password)];
  socket.write(Buffer.concat([Buffer.from([1]), user, password]));
  const [, status] = await heard.read(2);
  if (status !== 0) throw new ProxyFailure('the proxy refused the credentials', { fault: 'gateway' });
}

async function readReply(heard: Answers): Promise<void> {
  const [, reply = 0, , type = 0] = await heard.read(4);
  if (reply !== 0) {
    const words = REPLIES[reply] ?? `reply ${reply}`;
    throw new ProxyFailure(`the proxy refused: ${words}`, { fault: reply > 6 ? 'gateway' : 'exit' });
  }
  // Where it connects from is of no use, but must be read. A name has its length before it.
  const length = ADDRESS_BYTES[type] ?? (await heard.read(1))[0]!;
  await heard.read(length + 2);
}

function connectRequest({ host, port }: TunnelTarget): Buffer {
  const end = Buffer.alloc(2);
  end.writeUInt16BE(port);
  return Buffer.concat([Buffer.from([VERSION, 1, 0]), addressOf(host), end]);
}

function addressOf(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from([1, ...host.split('.').map(Number)]);
  if (isIP(host) === 0) return Buffer.concat([Buffer.from([3]), sized(host)]);
  return Buffer.from([4, ...groupsOf(host).flatMap((group) => [group >> 8, group & 0xff])]);
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  // As a URL writes it: short, and without the dots of an IPv4 address in it.
  const written = withoutBrackets(new URL(`http://[${address}]`).hostname);
  const [before = '', after] = written.split('::');
  const numbers = (text = '') =>
    text
      .split(':')
      .filter((group) => group !== '')
      .map((group) => Number.parseInt(group, 16));
  const [head, tail] = [numbers(before), numbers(after)];
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** Its length in a byte before it. */
function sized(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 255)
    throw new ProxyFailure('what a SOCKS5 proxy is told has at most 255 bytes', { fault: 'gateway' });
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** What a server sends, so many bytes at a time; no byte more is taken from the socket. */
class Answers {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  read(size: number): Promise<Buffer> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const settle = (error: Error | undefined, bytes?: Buffer) => {
        socket.off('readable', look).off('end', closed).off('close', closed).off('error', failed);
        this.#signal.removeEventListener('abort', aborted);
        if (error) reject(error);
        else resolve(bytes!);
      };
      const look = () => {
        const bytes = socket.read(size) as Buffer | null;
        if (bytes?.length === size) settle(undefined, bytes);
        else if (bytes) closed();
      };
      const closed = () => settle(new Error('it closed the connection'));
      const failed = (error: Error) => settle(error);
      const aborted = () => settle(this.#signal.reason as Error);
      socket.on('readable', look).on('end', closed).on('close', closed).on('error', failed);
      this.#signal.addEventListener('abort', aborted);
      if (this.#signal.aborted) aborted();
      else look();
    });
  }
}
