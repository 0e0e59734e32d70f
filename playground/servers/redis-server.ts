import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireProgram } from './programs.ts';
import { freePort, type LocalServer, ServerProcess } from './server-process.ts';

export interface RedisServerOptions {
  /** Clients must give it. */
  password?: string;
  /**
   * More of its configuration, `['--maxmemory-policy', 'allkeys-lru']`.
   * By default it appends each write to its file without fsync, so that a restart, also after `kill -9`, loses nothing.
   */
  config?: readonly string[];
}

/** Starts a Redis server on the loopback, in a temporary folder. */
export async function startRedis({ password, config = [] }: RedisServerOptions = {}): Promise<LocalServer> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-redis-'));
  const host = '127.0.0.1';
  const port = await freePort();
  const args = [
    ...['--bind', host, '--port', String(port), '--dir', folder, '--save', ''],
    ...['--databases', '1000'],
    ...['--appendonly', 'yes', '--appendfsync', 'no', '--maxmemory-policy', 'noeviction'],
    ...(password === undefined ? [] : ['--requirepass', password]),
    ...config,
  ];
  const server = new ServerProcess('redis-server', requireProgram('redis-server'), args, {}, () =>
    answersPing(port, password),
  );
  const close = async (): Promise<void> => {
    await server.end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await server.start();
  } catch (error) {
    await close();
    throw error;
  }
  const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return {
    url: `redis://${credentials}${host}:${port}`,
    host,
    port,
    get pid() {
      return server.pid;
    },
    stop: () => server.end('SIGTERM'),
    kill: () => server.end('SIGKILL'),
    start: () => server.start(),
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** `-LOADING` is no yes: it still reads its file. */
function answersPing(port: number, password: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const auth =
      password === undefined ? '' : `*2\r\n$4\r\nAUTH\r\n$${Buffer.byteLength(password)}\r\n${password}\r\n`;
    let heard = '';
    const answer = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.on('error', () => answer(false));
    socket.on('close', () => resolve(false));
    socket.on('connect', () => socket.write(`${auth}*1\r\n$4\r\nPING\r\n`));
    socket.on('data', (chunk) => {
      heard += chunk;
      if (heard.includes('+PONG')) answer(true);
      else if (heard.includes('-')) answer(false);
    });
  });
}
