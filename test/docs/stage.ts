import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startUnreliableProxy, type UnreliableProxy } from '../../playground/servers/unreliable-proxy.ts';
import { type PlaygroundProcess, startPlaygroundProcess } from '../../playground/start-process.ts';
import { postgresUrl, redisUrl } from '../servers/index.ts';
import { root } from './blocks.ts';

/** How a command or a script ended. */
export interface Ending {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** For a busy machine; idle, the longest takes a few seconds. */
export const timeoutMs = 60_000;
const here = (path: string): string => fileURLToPath(new URL(path, root));
/** The site of all examples, and nothing that only begins like it. */
const exampleSite = /https:\/\/shop\.example(?![\w.-])/g;
/** The servers of all examples, as who installs them has them. */
const exampleRedis = /redis:\/\/localhost(?![\w.:/-])/g;
const examplePostgres = /postgres:\/\/localhost\/troupe(?![\w./-])/g;

/** The proxies of all examples: those with a number work, and lead to the site; at the other nobody is. */
const exampleProxy = /\bproxy([12])\.example:8080\b/g;
const deadProxy = /\bdead\.example:8080\b/g;
const NOBODY = '127.0.0.1:1';

/** A folder to run examples in, with a real site behind the one that they name. */
export class Stage implements AsyncDisposable {
  readonly folder: string;
  readonly #site: PlaygroundProcess;
  readonly #proxies: readonly UnreliableProxy[];
  #folders = 0;

  private constructor(folder: string, site: PlaygroundProcess, proxies: readonly UnreliableProxy[]) {
    this.folder = folder;
    this.#site = site;
    this.#proxies = proxies;
  }

  static async set(): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-docs-'));
    symlinkSync(here('node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
    mkdirSync(join(folder, 'bin'));
    const command = join(folder, 'bin', 'troupe');
    writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${here('src/cli/main.ts')}" "$@"\n`);
    chmodSync(command, 0o755);
    const exits = ['127.0.3.1', '127.0.3.2'];
    const proxies = await Promise.all(exits.map((exitAddress) => startUnreliableProxy({ exitAddress })));
    return new Stage(folder, await startPlaygroundProcess(), proxies);
  }

  /** A folder of its own within the stage, and with it a Redis database and a PostgreSQL schema of its own. */
  newFolder(): string {
    const folder = join(this.folder, `example-${++this.#folders}`);
    mkdirSync(folder);
    return folder;
  }

  /** Runs a TypeScript example. */
  async runTs(code: string): Promise<Ending> {
    const folder = this.newFolder();
    this.write(join(folder, 'example.ts'), code);
    return this.#run(process.execPath, ['example.ts'], folder);
  }

  /** Writes a file of an example, with the real site's address, and the sources for the package in TypeScript. */
  write(path: string, text: string): void {
    const mapped = path.endsWith('.ts')
      ? text
          .replaceAll(`'troupe/redis'`, `'${new URL('src/stores/redis/redis-store.ts', root)}'`)
          .replaceAll(`'troupe/postgres'`, `'${new URL('src/stores/postgres/postgres-store.ts', root)}'`)
          .replaceAll(`'troupe/testing'`, `'${new URL('src/testing/index.ts', root)}'`)
          .replaceAll(`'troupe'`, `'${new URL('src/index.ts', root)}'`)
      : text;
    writeFileSync(path, this.#localized(mapped, dirname(path)));
  }

  /** Runs a line of a shell, with `troupe` as a command and these variables. */
  runLine(line: string, folder: string, variables: Record<string, string>): Promise<Ending> {
    return this.#run('/bin/sh', ['-c', this.#localized(line, folder)], folder, variables);
  }

  /** Starts a line that goes on until Ctrl-C, which `until` stands for. */
  startLine(
    line: string,
    folder: string,
    variables: Record<string, string>,
    until: Promise<void>,
  ): Promise<Ending> {
    const args = ['-c', `exec ${this.#localized(line, folder)}`];
    return this.#run('/bin/sh', args, folder, variables, until);
  }

  /** Runs a script of package.json. */
  runScript(name: string): Promise<Ending> {
    return this.#run('npm', ['run', '--silent', name], here('.'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#site.close();
    for (const proxy of this.#proxies) await proxy.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #localized(text: string, folder: string): string {
    const place = /\d+$/.exec(folder)![0];
    return text
      .replace(exampleSite, this.#site.url)
      .replace(exampleProxy, (_, number: string) => hostOf(this.#proxies[Number(number) - 1]!))
      .replace(deadProxy, NOBODY)
      .replace(exampleRedis, `${redisUrl}/${place}`)
      .replace(examplePostgres, `${postgresUrl}?schema=example_${place}`);
  }

  #run(
    command: string,
    args: string[],
    cwd: string,
    variables: Record<string, string> = {},
    until?: Promise<void>,
  ): Promise<Ending> {
    const PATH = [join(this.folder, 'bin'), here('node_modules/.bin'), process.env.PATH].join(delimiter);
    // Neither colours nor a terminal's width, and no store of the reader's own.
    const env: NodeJS.ProcessEnv = { ...process.env, PATH, NO_COLOR: '1' };
    delete env.TROUPE_STORE;
    delete env.TROUPE_QUEUE;
    delete env.TROUPE_KEY;
    Object.assign(env, variables);
    const child = spawn(command, args, { cwd, env, timeout: timeoutMs, stdio: ['ignore', 'pipe', 'pipe'] });
    const ending: Ending = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      ending.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      ending.stderr += text;
    });
    void until?.then(() => child.kill('SIGINT'));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        // As a shell counts: 128 and the signal.
        ending.code = signal ? 128 + constants.signals[signal] : code;
        resolve({ ...ending, stdout: this.#told(ending.stdout) });
      });
    });
  }

  /** The output as a reader would see it, with the site's name. */
  #told(output: string): string {
    const { host, hostname } = new URL(this.#site.url);
    let told = output;
    for (const [index, proxy] of this.#proxies.entries()) {
      told = told.replaceAll(hostOf(proxy), `proxy${index + 1}.example:8080`);
    }
    return told
      .replace(/\b127\.0\.0\.1:1\b/g, 'dead.example:8080')
      .replaceAll(this.#site.url, 'https://shop.example')
      .replaceAll(host, 'shop.example')
      .replaceAll(hostname, 'shop.example');
  }
}

function hostOf({ host, port }: UnreliableProxy): string {
  return `${host}:${port}`;
}
