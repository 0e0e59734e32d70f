// Packs the package, installs the tarball into an empty folder, imports every subpath there and runs the binary:
// what a user gets, not what the repository holds.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'troupe-package-'));
// npm scripts put the repository's own Node first; the installed binary must find the same.
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };

function run(command: string, args: string[], cwd: string): string {
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

try {
  const packed = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], '.'),
  );
  const { filename, files } = packed[0] as { filename: string; files: { path: string }[] };
  for (const needed of ['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'README.md', 'LICENSE']) {
    if (!files.some(({ path }) => path === needed)) throw new Error(`the tarball has no ${needed}`);
  }
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `./${filename}`], folder);

  const { name, exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    name: string;
    exports: object;
  };
  const subpaths = Object.keys(exports).filter((subpath) => !subpath.endsWith('.json'));
  for (const subpath of subpaths) {
    const specifier = join(name, subpath);
    const script = `const m = await import('${specifier}'); if (Object.keys(m).length === 0) process.exit(1);`;
    run(process.execPath, ['--input-type=module', '-e', script], folder);
    console.log(`imports ${specifier}`);
  }

  const version = run(join(folder, 'node_modules/.bin/troupe'), ['--version'], folder).trim();
  const help = run(join(folder, 'node_modules/.bin/troupe'), ['--help'], folder);
  if (!/^\d+\.\d+\.\d+/.test(version) || !help.includes('fetch'))
    throw new Error('the troupe binary does not answer');
  console.log(`runs troupe ${version}`);

  writeFileSync(
    join(folder, 'use.ts'),
    `import { Session, SessionPool, memoryStore, openStore } from 'troupe';
import { storeContract } from 'troupe/testing';
const pool = new SessionPool({ store: memoryStore(), session: { maxUsageCount: 10 } });
const answer: Promise<string> = pool.run(async (session: Session, { signal }) => (await session.fetch('http://x', { signal })).text());
// @ts-expect-error a rotation that does not exist
new SessionPool({ rotation: 'sometimes' });
void answer; void openStore; void storeContract;
`,
  );
  const compiler = [
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--lib',
    'es2024,esnext.disposable',
  ];
  run(
    join(process.cwd(), 'node_modules/.bin/tsc'),
    [...compiler, '--typeRoots', join(process.cwd(), 'node_modules/@types'), '--types', 'node', 'use.ts'],
    folder,
  );
  console.log('compiles against the published types');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
