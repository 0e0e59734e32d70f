import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChaosOptions, commandOf, HELP, parseOptions } from './options.ts';
import type { StoreKind } from './plan.ts';
import { type RunResult, runSeed } from './run-seed.ts';
import { startServer } from './stage.ts';
import { sumOf, type Tally, tallyOf } from './tally.ts';

/** The whole of it may take no longer than this. */
const BOUND_MS = 10 * 60_000;
const TOLD_AT_MOST = 10;

interface StoreResult {
  store: StoreKind;
  seeds: number;
  violations: number;
  tally: Tally;
}

async function main(options: ChaosOptions): Promise<number> {
  const root = mkdtempSync(join(tmpdir(), 'troupe-chaos-'));
  const giveUpAt = performance.now() + BOUND_MS;
  const waiting = [...options.stores];
  const results: StoreResult[] = [];
  const work = async () => {
    for (let store = waiting.shift(); store; store = waiting.shift())
      results.push(await runStore(store, options, root, giveUpAt));
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  results.sort((a, b) => options.stores.indexOf(a.store) - options.stores.indexOf(b.store));
  console.table(
    Object.fromEntries(
      results.map(({ store, seeds, tally, violations }) => [store, { seeds, ...tally, violations }]),
    ),
  );
  const isSound = results.every(({ seeds, violations }) => violations === 0 && seeds === options.seeds);
  if (isSound && !options.isKept) rmSync(root, { recursive: true });
  else console.log(`logs: ${root}`);
  return isSound ? 0 : 1;
}

async function runStore(
  store: StoreKind,
  options: ChaosOptions,
  root: string,
  giveUpAt: number,
): Promise<StoreResult> {
  const { seed: first, seeds, seconds, workers, broken, isKept } = options;
  const server = await startServer(store);
  const tallies: Tally[] = [];
  let violations = 0;
  try {
    for (let seed = first; seed < first + seeds; seed++) {
      if (performance.now() > giveUpAt) {
        console.log(`${store}: seeds from ${seed} on were not run: the time is up`);
        break;
      }
      const folder = join(root, `${store}-${seed}`);
      const result = await runSeed({ store, seed, seconds, workers, folder, server, broken }).catch(notRun);
      tallies.push(result.tally);
      violations += result.violations.length;
      const { holds, hops } = result.tally;
      console.log(
        `${store} seed ${seed}: ${holds} holds, ${hops} hops, ${result.violations.length} violations`,
      );
      const told = result.violations.map(({ rule, message }) => `${rule}: ${message.split('\n')[0]}`);
      for (const one of [...new Set(told)].slice(0, TOLD_AT_MOST)) console.log(`  ${one}`);
      if (result.violations.length > 0) {
        console.log(`  again: ${commandOf(store, seed, options)}\n  logs: ${folder}`);
      } else if (!isKept) rmSync(folder, { recursive: true });
    }
  } finally {
    await server?.close();
  }
  return { store, seeds: tallies.length, violations, tally: sumOf(tallies) };
}

/** What keeps a run from its end is found in its logs, too. */
function notRun(error: unknown): RunResult {
  return { violations: [{ rule: 'the run', message: String(error) }], tally: tallyOf([], 0, 0) };
}

let options: ChaosOptions | 'help';
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${HELP}`);
  process.exit(2);
}
if (options === 'help') console.log(HELP);
// At once: left to end by itself, Node 24.21 was seen to spin for ever in its own clean-up after hundreds of child processes.
else process.exit(await main(options));
