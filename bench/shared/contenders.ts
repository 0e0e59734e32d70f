import { Contender } from '../harness/contender.ts';
import { type LoadParams, type LoadRun, type Together, together } from '../harness/load.ts';
import { verify } from '../harness/subject.ts';

export const storeFile = new URL('../stores/store.ts', import.meta.url);

/** A row's name: `pool, 2 processes`. */
export function inProcesses(what: string, count: number): string {
  return `${what}, ${count} ${count === 1 ? 'process' : 'processes'}`;
}

/** One measurement: so many processes of their own do pairs on this store at the same time, each `concurrent` at once. */
export async function pairs(
  url: string,
  processes: number,
  through: 'pool' | 'store',
  load: LoadParams,
  profileDir?: string,
): Promise<Together> {
  const stores = Array.from({ length: processes }, () => new Contender(storeFile, { profileDir }));
  try {
    const [open, question, close] =
      through === 'pool' ? ['usePool', 'poolPairs', 'closePool'] : ['open', 'pairs', 'close'];
    await Promise.all(stores.map((store) => store.ask(open, { url })));
    const runs = await Promise.all(
      stores.map((store) => store.ask<LoadRun>(question, { ...load, isChanged: false })),
    );
    await Promise.all(stores.map((store) => store.ask(close)));
    return together(runs);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}

/** Fills an empty store. */
export async function fill(url: string, sessions: number): Promise<void> {
  await using store = new Contender(storeFile);
  await store.ask('open', { url });
  await store.ask('add', { sessions });
  await store.ask('close');
}

/** Every acknowledged release is in the store. */
export async function checkUses(url: string, samples: Iterable<Together>): Promise<void> {
  let acknowledged = 0;
  for (const { pairs: done } of samples) acknowledged += done;
  await using store = new Contender(storeFile);
  await store.ask('open', { url });
  const stored = await store.ask<number>('storeUses');
  verify(stored === acknowledged, `${stored} uses are stored of ${acknowledged}`);
  await store.ask('close');
}
