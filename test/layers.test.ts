import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** A house with our layers and nothing in them but what a test plants. */
let house: string;

beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'troupe-layers-'));
  execFileSync('git', ['init', '--quiet'], { cwd: house });
  copyFileSync('biome.json', join(house, 'biome.json'));
  const floors = [
    'internal',
    'cookies',
    'proxies',
    'fingerprints',
    'verdict',
    'stores',
    'stores/memory',
    'stores/sqlite',
    'stores/redis',
    'stores/postgres',
    'transport',
    'session',
    'pool',
    'cli',
    'testing',
  ];
  for (const floor of floors) plant(`src/${floor}/thing.ts`, 'export const thing = 1;\n');
  plant('src/index.ts', 'export const thing = 1;\n');
});

afterAll(() => rmSync(house, { recursive: true, force: true }));

function plant(file: string, content: string): void {
  mkdirSync(dirname(join(house, file)), { recursive: true });
  writeFileSync(join(house, file), content);
}

/** What `npm run lint` says of the house. */
function lint(): string {
  try {
    return execFileSync(resolve('node_modules/.bin/biome'), ['lint', 'src'], {
      cwd: house,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return `refused: ${stdout}${stderr}`;
  }
}

describe('npm run lint', () => {
  it('is content with imports that point down', () => {
    plant(
      'src/pool/extra.ts',
      "import { thing } from '../stores/memory/thing.ts';\nexport const more = thing;\n",
    );
    expect(lint()).not.toMatch(/^refused/);
  });

  const arrows: [from: string, to: string][] = [
    ['src/internal/extra.ts', '../cookies/thing.ts'],
    ['src/cookies/extra.ts', '../stores/thing.ts'],
    ['src/cookies/extra.ts', '../fingerprints/thing.ts'],
    ['src/fingerprints/extra.ts', '../transport/thing.ts'],
    ['src/proxies/extra.ts', '../session/thing.ts'],
    ['src/proxies/extra.ts', '../fingerprints/thing.ts'],
    ['src/stores/extra.ts', '../session/thing.ts'],
    ['src/stores/sqlite/extra.ts', '../memory/thing.ts'],
    ['src/transport/extra.ts', '../pool/thing.ts'],
    ['src/session/extra.ts', '../pool/thing.ts'],
    ['src/pool/extra.ts', '../index.ts'],
    ['src/pool/extra.ts', '../testing/thing.ts'],
    ['src/cli/extra.ts', '../../playground/thing.ts'],
  ];
  it.each(arrows)('refuses an arrow from %s to %s, also of a type', (from, to) => {
    plant(from, `import type { thing } from '${to}';\nexport type More = typeof thing;\n`);
    const said = lint();
    rmSync(join(house, from));
    expect(said).toMatch(/^refused/);
    expect(said).toContain('noRestrictedImports');
  });

  it('refuses a circle', () => {
    plant('src/pool/a.ts', "import { b } from './b.ts';\nexport const a = () => b;\n");
    plant('src/pool/b.ts', "import { a } from './a.ts';\nexport const b = () => a;\n");
    const said = lint();
    rmSync(join(house, 'src/pool/a.ts'));
    rmSync(join(house, 'src/pool/b.ts'));
    expect(said).toMatch(/^refused/);
    expect(said).toContain('noImportCycles');
  });
});
