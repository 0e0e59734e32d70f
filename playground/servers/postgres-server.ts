import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveTo } from './owner.ts';
import { requireProgram } from './programs.ts';
import { freePort, type LocalServer, ServerProcess } from './server-process.ts';

export interface PostgresServerOptions {
  /** Clients must give it. Without one, all who reach the port are let in. */
  password?: string;
  /**
   * More settings, `['max_connections=20']`. By default no fsync: a restart of the server, also after `kill -9`, loses
   * nothing; only a machine that loses power would.
   */
  config?: readonly string[];
}

const USER = 'troupe';

/** Starts a PostgreSQL server on the loopback, in a temporary folder, with an empty database `troupe`. */
export async function startPostgres({
  password,
  config = [],
}: PostgresServerOptions = {}): Promise<LocalServer> {
  const initdb = requireProgram('initdb');
  const postgres = requireProgram('postgres');
  const folder = mkdtempSync(join(tmpdir(), 'troupe-postgres-'));
  // PostgreSQL refuses to run as root: Debian's package makes a user for it.
  const owner = giveTo('postgres', folder);
  const data = join(folder, 'data');
  const host = '127.0.0.1';
  const port = await freePort();
  const settings = [
    ...[`port=${port}`, `listen_addresses=${host}`, `unix_socket_directories=${folder}`],
    ...['fsync=off', 'max_connections=200', 'shared_buffers=256MB'],
    ...config,
  ];
  const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  const server = new ServerProcess('postgres', postgres, args, { ...owner, cwd: folder }, () =>
    answersQuery(port, password),
  );
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server.isRunning) signalFamily(server.pid, 'SIGCONT');
    await server.end(signal);
  };
  const close = async (): Promise<void> => {
    await end('SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const init = ['-D', data, '-U', USER, '-E', 'UTF8', '--locale=C', '--no-sync'];
    if (password === undefined) init.push('--auth=trust');
    else {
      const passwordFile = join(folder, 'password');
      writeFileSync(passwordFile, password, { mode: 0o600 });
      if (owner.uid !== undefined) chownSync(passwordFile, owner.uid, owner.gid!);
      init.push('--auth=scram-sha-256', `--pwfile=${passwordFile}`);
    }
    execFileSync(initdb, init, { ...owner, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    await server.start();
    await query(port, password, 'postgres', 'create database troupe');
  } catch (error) {
    await close();
    throw error;
  }
  const credentials = password === undefined ? USER : `${USER}:${encodeURIComponent(password)}`;
  return {
    url: `postgres://${credentials}@${host}:${port}/troupe`,
    host,
    port,
    get pid() {
      return server.pid;
    },
    // "Fast": open connections are ended, and what was committed is written.
    stop: () => end('SIGINT'),
    // Its children would notice and end themselves, but go on with what they are asked until then.
    async kill() {
      if (server.isRunning) signalFamily(server.pid, 'SIGKILL');
      await server.end('SIGKILL');
    },
    start: () => server.start(),
    pause: () => signalFamily(server.pid, 'SIGSTOP'),
    resume: () => signalFamily(server.pid, 'SIGCONT'),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Each connection has a process of its own. */
function signalFamily(pid: number, signal: NodeJS.Signals): void {
  const listed = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  for (const one of [pid, ...listed.trim().split(/\s+/).map(Number)]) {
    try {
      process.kill(one, signal);
    } catch {
      // It ended meanwhile.
    }
  }
}

async function answersQuery(port: number, password: string | undefined): Promise<boolean> {
  try {
    await query(port, password, 'postgres', 'select 1');
    return true;
  } catch {
    return false;
  }
}

async function query(
  port: number,
  password: string | undefined,
  database: string,
  text: string,
): Promise<void> {
  const { Client } = (await import('pg')).default;
  const client = new Client({ host: '127.0.0.1', port, user: USER, password, database });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
