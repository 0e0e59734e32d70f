// `npm start`: the main job against the built-in playground, so that a newcomer sees a pool at work; with URLs it is
// `troupe fetch` for those.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../src/cli/program.ts';
import { facts } from '../src/cli/table.ts';
import { styled } from '../src/cli/terminal.ts';
import { type PlaygroundProcess, startPlaygroundProcess } from './start-process.ts';

/** Defences hard enough that users run into them all within some seconds. */
const DEFENCES = { requestsPerCookie: 10, windowMs: 2_000, banAfterViolations: 2, flakyRatio: 0.3 };
const POOL_SIZE = 10;

/** What the demo fetches: mostly defended pages, and some of every trouble a site can make. */
function demoList(site: string): string {
  const lines = ['# A defended shop: 240 pages, each demands the cookie of the entry.'];
  for (let n = 1; n <= 240; n++) {
    lines.push(`${site}/item/${n}`);
    if (n % 6 === 0) lines.push(`${site}/flaky/${n}`);
    if (n % 24 === 0) lines.push(`${site}/redirect/3`);
    if (n % 60 === 0) lines.push(`${site}/slow/400`, `${site}/gzip`);
  }
  lines.push('# JSON lines carry a method, headers and a body.');
  lines.push(JSON.stringify({ url: `${site}/echo`, method: 'POST', body: { hello: 'troupe' } }));
  return `${lines.join('\n')}\n`;
}

async function demo(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-demo-'));
  const list = join(folder, 'urls.txt');
  const results = join(folder, 'results.jsonl');
  const store = `sqlite:${join(folder, 'users.db')}`;
  await using site = await startPlaygroundProcess(DEFENCES);
  await writeFile(list, demoList(site.url));

  say('A local site that defends itself', [
    ['site', site.url],
    [
      'limit',
      `${DEFENCES.requestsPerCookie} requests per user in ${DEFENCES.windowMs / 1_000} s, then 429 with Retry-After`,
    ],
    ['ban', `403 for good after ${DEFENCES.banAfterViolations} of those`],
    ['trouble', 'pages that fail at first, slow ones, redirects that set cookies'],
  ]);
  const argv = ['fetch', '--input', list, '--output', results, '--store', store];
  argv.push('--pool-size', String(POOL_SIZE), '--retries', '5');
  print(`\n${styled('bold', `A pool of ${POOL_SIZE} simulated users fetches its pages`, process.stderr)}`);
  print(`$ npm run troupe -- ${argv.join(' ')}\n`);
  const exitCode = await runCli(argv);
  if (exitCode === 130) return exitCode;
  const isClean = await showLedger(site);
  say('What is there now', [
    ['results', results],
    ['users', store.slice('sqlite:'.length)],
  ]);
  say('How to go on', [
    ['the users', `npm run troupe -- sessions ls --store ${store}`],
    ['in numbers', `npm run troupe -- sessions stats --store ${store}`],
    ['your own URLs', 'npm start -- https://example.com/ https://example.org/'],
    ['all there is', 'npm run troupe -- fetch --help'],
  ]);
  return exitCode === 0 && !isClean ? 1 : exitCode;
}

/** Answers whether no two users were ever mixed up. */
async function showLedger(site: PlaygroundProcess): Promise<boolean> {
  const { requests, users, limited, banned, mixed, sharedSockets } = await site.summary();
  const isClean = mixed === 0 && sharedSockets === 0;
  say('What the site saw', [
    ['requests', `${requests}, ${limited} of them turned away with a 429`],
    ['users', `${users}, ${banned} of them banned`],
    ['mixed up', `${mixed} requests with the cookies of another, ${sharedSockets} connections shared by two`],
  ]);
  return isClean;
}

function say(title: string, pairs: readonly (readonly [string, string])[]): void {
  print(`\n${styled('bold', title, process.stderr)}`);
  // Paths and commands are there to be copied: never cut.
  for (const line of facts(pairs, Number.POSITIVE_INFINITY)) print(`  ${line}`);
}

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}

const urls = process.argv.slice(2);
process.exitCode = urls.length > 0 ? await runCli(['fetch', ...urls]) : await demo();
