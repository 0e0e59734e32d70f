import type { SpawnOptions } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type LocalServer, ServerProcess } from './server-process.ts';

export interface ProxyServerOptions {
  /**
   * The address that sites see: any of 127.0.0.0/8. Linux has them all; on other systems it must be set up first.
   * @default 127.0.0.1
   */
  exitAddress?: string;
  /** Clients must give them. Without any, all who reach the port are let in. */
  credentials?: ProxyCredentials;
}

export interface ProxyCredentials {
  readonly user: string;
  readonly password: string;
}

/** A real proxy server of our own on the loopback. */
export interface ProxyServer extends LocalServer {
  /** The address that sites see. */
  readonly exitAddress: string;
  /** The same proxy asked with other credentials, or with none. */
  urlWith(credentials: ProxyCredentials | undefined): string;
}

/** What differs from program to program. */
export interface ProxyProgram {
  readonly name: string;
  readonly scheme: 'http' | 'socks5';
  readonly command: string;
  /** Writes the configuration into the folder; answers the arguments. */
  configure(place: { folder: string; host: string; port: number }): {
    args: string[];
    spawn?: SpawnOptions;
  };
  /** After each of its ends: what it leaves behind elsewhere than in its folder. */
  clean?(place: { port: number }): void;
}

/** Starts a proxy on a port of its own. It is ready once it takes connections. */
export async function startProxy(
  program: ProxyProgram,
  { exitAddress = '127.0.0.1', credentials }: ProxyServerOptions,
): Promise<ProxyServer> {
  const folder = mkdtempSync(join(tmpdir(), `troupe-${program.name}-`));
  const host = '127.0.0.1';
  const port = await freePort();
  const { args, spawn = {} } = program.configure({ folder, host, port });
  const server = new ServerProcess(program.name, program.command, args, { cwd: folder, ...spawn }, () =>
    takesConnections(port),
  );
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    await server.end(signal);
    program.clean?.({ port });
  };
  const close = async (): Promise<void> => {
    await end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await server.start();
  } catch (error) {
    await close();
    throw error;
  }
  const urlWith = (given: ProxyCredentials | undefined): string => {
    const userInfo =
      given === undefined ? '' : `${encodeURIComponent(given.user)}:${encodeURIComponent(given.password)}@`;
    return `${program.scheme}://${userInfo}${host}:${port}`;
  };
  return {
    url: urlWith(credentials),
    urlWith,
    host,
    port,
    exitAddress,
    get pid() {
      return server.pid;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    start: () => server.start(),
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (isUp: boolean) => {
      socket.destroy();
      resolve(isUp);
    };
    socket.on('error', () => answer(false));
    socket.on('connect', () => answer(true));
  });
}
