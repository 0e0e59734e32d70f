import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { FaultyPipe, type PipeFaults } from './faulty-pipe.ts';

/** A TCP proxy that does to connections what networks and servers do on bad days. All faults can be changed at any time. */
export interface FaultProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** What happened so far. */
  readonly counts: Readonly<FaultCounts>;
  /** The same URL, but by way of this proxy. */
  through(url: string): string;
  /** Resets all open connections, now. Answers how many. */
  cut(): number;
  /** From now on new connections are reset; those that are open stay. */
  refuse(): void;
  /** Ends {@link refuse}. */
  accept(): void;
  /** Whatever is sent from now on arrives so much later, in milliseconds; 0 ends it. Both directions, unless one is named. */
  delay(ms: number, direction?: Direction): void;
  /** Stops forwarding, and keeps the connections open. Connections that are made meanwhile stall, too. */
  stall(direction?: Direction): void;
  /** Ends {@link stall}: what was held back arrives now. */
  flow(direction?: Direction): void;
  /** At most so many bytes a second in each direction of each connection; `null` ends it. */
  limit(bytesPerSecond: number | null): void;
  /**
   * The next request on each connection that is open now reaches the server, but its answer does not come back: the
   * connection is reset in its place. What was asked has then been done, and who asked does not know. Connections
   * made afterwards are sound. With `isMeant` it is the next request whose bytes it says yes to.
   */
  loseAnswers(isMeant?: (request: Buffer) => boolean): void;
  /** Ends all faults; connections that are open stay. */
  heal(): void;
  /** Resets what is open and stops listening. May be called twice. */
  close(): Promise<void>;
}

/** `up`: to the server. */
export type Direction = 'up' | 'down';

export interface FaultCounts {
  /** Connections that were let through. */
  accepted: number;
  refused: number;
  /** Reset by {@link FaultProxy.cut} or in the place of an answer. */
  cut: number;
  answersLost: number;
  open: number;
  bytesUp: number;
  bytesDown: number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly up: FaultyPipe;
  readonly down: FaultyPipe;
}

/** Listens on a port of its own on the loopback, and forwards what comes to the target, which may be changed: a failover. */
export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const faults: Record<Direction, PipeFaults> = {
    up: { delayMs: 0, isStalled: false, bytesPerSecond: null },
    down: { delayMs: 0, isStalled: false, bytesPerSecond: null },
  };
  const counts: FaultCounts = {
    ...{ accepted: 0, refused: 0, cut: 0, answersLost: 0 },
    ...{ open: 0, bytesUp: 0, bytesDown: 0 },
  };
  const pairs = new Set<Pair>();
  let isRefusing = false;

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (isRefusing) {
      counts.refused += 1;
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    counts.accepted += 1;
    const server = connect({ host: target.host, port: target.port, allowHalfOpen: true, noDelay: true });
    const pair: Pair = {
      client,
      server,
      up: new FaultyPipe(client, server, faults.up, (bytes) => {
        counts.bytesUp += bytes;
      }),
      down: new FaultyPipe(server, client, faults.down, (bytes) => {
        counts.bytesDown += bytes;
      }),
    };
    pairs.add(pair);
    counts.open = pairs.size;
    const gone = () => {
      if (client.destroyed && server.destroyed && pairs.delete(pair)) counts.open = pairs.size;
    };
    // An error on one side is a reset for the other; a plain end is passed on in its turn.
    client.on('error', () => end(pair));
    server.on('error', () => end(pair));
    client.on('close', gone);
    server.on('close', gone);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { address: host, port } = listener.address() as { address: string; port: number };

  const directions = (direction: Direction | undefined): Direction[] =>
    direction === undefined ? ['up', 'down'] : [direction];
  const change = (direction: Direction | undefined, faulty: Partial<PipeFaults>) => {
    for (const name of directions(direction)) {
      Object.assign(faults[name], faulty);
      for (const pair of pairs) pair[name].changed();
    }
  };
  const cut = (): number => {
    const open = [...pairs];
    for (const pair of open) end(pair);
    counts.cut += open.length;
    return open.length;
  };
  const loseNext = (pair: Pair, isMeant: (request: Buffer) => boolean) => {
    pair.up.onChunk = (request) => {
      if (!isMeant(request)) return;
      pair.up.onChunk = undefined;
      pair.down.onChunk = () => {
        counts.answersLost += 1;
        counts.cut += 1;
        end(pair);
      };
    };
  };
  const close = async (): Promise<void> => {
    cut();
    await closed(listener);
  };
  return {
    host,
    port,
    counts,
    through(url) {
      const changed = new URL(url);
      changed.hostname = host;
      changed.port = String(port);
      return changed.href;
    },
    cut,
    refuse: () => {
      isRefusing = true;
    },
    accept: () => {
      isRefusing = false;
    },
    delay: (ms, direction) => change(direction, { delayMs: ms }),
    stall: (direction) => change(direction, { isStalled: true }),
    flow: (direction) => change(direction, { isStalled: false }),
    limit: (bytesPerSecond) => change(undefined, { bytesPerSecond }),
    loseAnswers(isMeant = () => true) {
      for (const pair of pairs) loseNext(pair, isMeant);
    },
    heal() {
      isRefusing = false;
      for (const pair of pairs) pair.up.onChunk = undefined;
      change(undefined, { delayMs: 0, isStalled: false, bytesPerSecond: null });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Both sides are reset, and what was still on its way is gone. */
function end({ client, server, up, down }: Pair): void {
  up.drop();
  down.drop();
  client.resetAndDestroy();
  // One that never connected has nothing to reset.
  if (server.connecting) server.destroy();
  else server.resetAndDestroy();
}

async function closed(listener: Server): Promise<void> {
  if (!listener.listening) return;
  listener.close();
  await once(listener, 'close');
}
