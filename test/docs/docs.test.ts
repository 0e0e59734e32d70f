// The README and the guides hold only commands and code that run: this runs them.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Block, readPages, root } from './blocks.ts';
import { commandLines, readCommand } from './commands.ts';
import { configurations } from './production.ts';
import { type Ending, Stage, timeoutMs } from './stage.ts';

const pages = readPages();
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage[Symbol.asyncDispose]());

describe.concurrent('code', { timeout: timeoutMs }, () => {
  for (const block of blocksOf('ts').filter(({ label }) => label === '')) {
    it(`runs as pasted: ${block.name}`, async () => {
      const ending = await stage.runTs(block.code);
      expect(ending, told(block.name, ending)).toMatchObject({ code: 0 });
      if (block.output !== undefined) expectOutput(ending.stdout, block.output, block.name);
    });
  }

  it('is sound to the compiler', async () => {
    const folder = stage.newFolder();
    for (const { name, code } of blocksOf('ts')) {
      writeFileSync(join(folder, `${name.replaceAll(/\W/g, '-')}.ts`), code);
    }
    const path = (file: string) => fileURLToPath(new URL(file, root));
    const paths = {
      troupe: [path('src/index.ts')],
      'troupe/postgres': [path('src/stores/postgres/postgres-store.ts')],
      'troupe/redis': [path('src/stores/redis/redis-store.ts')],
      'troupe/testing': [path('src/testing/index.ts')],
    };
    const compilerOptions = { paths, noUnusedLocals: false };
    const config = { extends: path('tsconfig.json'), compilerOptions, include: ['*.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = path('node_modules/typescript/bin/tsc');
    const problems = await promisify(execFile)(process.execPath, [tsc, '-p', folder], { cwd: folder }).then(
      () => [],
      (error: { stdout?: string; message: string }) => (error.stdout || error.message).trim().split('\n'),
    );
    // What is wrong in the sources themselves is for the type check to tell.
    expect(problems.filter((line) => !/^\.\.|^\s/.test(line))).toEqual([]);
  });
});

describe.concurrent('commands', { timeout: 2 * timeoutMs }, () => {
  for (const { path, blocks } of pages) {
    const commands = blocks.filter(
      ({ language, label }) =>
        !configurations.includes(label) && (language === 'sh' || isFile(language, label)),
    );
    if (commands.length === 0) continue;
    it(`run one after another: ${path}`, async () => {
      const folder = stage.newFolder();
      const place: Place = { folder, variables: {}, started: [], end: Promise.withResolvers() };
      try {
        for (const block of commands) {
          if (block.language === 'sh') await runCommands(block, place);
          else stage.write(join(folder, block.label), block.code);
        }
      } finally {
        place.end.resolve();
      }
      for (const { name, ending } of place.started) {
        expect(await ending, told(name, await ending)).toMatchObject({ code: 130 });
      }
    });
  }

  it('npm start shows the main job', async () => {
    const ending = await stage.runScript('start');
    expect(ending, told('npm start', ending)).toMatchObject({ code: 0 });
  });
});

it('holds no block that nobody runs', () => {
  const idle = pages.flatMap(({ blocks }) => {
    const commands = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code);
    return blocks.filter(({ language, label }) => {
      if (configurations.includes(label)) return false;
      if (isFile(language, label)) return !commands.some((code) => code.includes(label));
      return language !== 'sh' && (language !== 'ts' || label !== '');
    });
  });
  expect(idle.map(({ name }) => name)).toEqual([]);
});

/** Where the commands of one page run, and what they have in common. */
interface Place {
  readonly folder: string;
  readonly variables: Record<string, string>;
  /** What goes on until the page's end. */
  readonly started: { name: string; ending: Promise<Ending> }[];
  readonly end: PromiseWithResolvers<void>;
}

async function runCommands(block: Block, { folder, variables, started, end }: Place): Promise<void> {
  let stdout = '';
  for (const line of commandLines(block.code)) {
    const command = readCommand(line);
    if (command.kind === 'nothing' || command.kind === 'npm') continue;
    if (command.kind === 'start') {
      const ending = stage.startLine(command.line, folder, variables, end.promise);
      started.push({ name: `${block.name}: ${line}`, ending });
      continue;
    }
    const isExport = command.kind === 'export';
    const shellLine = isExport ? `printf %s ${command.value}` : command.line;
    const ending = await stage.runLine(shellLine, folder, variables);
    const code = isExport ? 0 : command.exitCode;
    expect(ending, told(`${block.name}: ${line}`, ending)).toMatchObject({ code });
    if (isExport) variables[command.name] = ending.stdout;
    else stdout += ending.stdout;
  }
  if (block.output !== undefined) expectOutput(stdout, block.output, block.name);
}

function blocksOf(language: string): Block[] {
  return pages.flatMap(({ blocks }) => blocks.filter((block) => block.language === language));
}

/** A `text urls.txt` or `ts users.ts` block is a file for the commands that follow. */
function isFile(language: string, label: string): boolean {
  return ['text', 'json', 'ts'].includes(language) && /^[\w-]+\.\w+$/.test(label);
}

/** `…` stands for anything, also for nothing. */
function expectOutput(actual: string, expected: string, name: string): void {
  const pattern = expected
    .trim()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[\\s\\S]*');
  expect(actual.trim(), name).toMatch(new RegExp(`^${pattern}$`));
}

function told(what: string, { stdout, stderr }: Ending): string {
  return `${what}\n${stdout.slice(-2_000)}\n${stderr.slice(-4_000)}`;
}
