import { setTimeout } from 'node:timers/promises';
import { Contender } from '../harness/contender.ts';
import type { Results } from '../harness/subject.ts';
import { digits, latency } from '../stats.ts';
import { storeFile } from './contenders.ts';

/** Two processes pass one session to and fro: how long after one begins to give it back does the other, which waits, have it? */
export async function wakeUps(url: string, times: number, results: Results): Promise<void> {
  await using first = new Contender(storeFile);
  await using second = new Contender(storeFile);
  await first.ask('open', { url });
  await first.ask('add', { sessions: 1 });
  for (const process of [first, second]) await process.ask('usePool', { url });
  await first.ask('take');
  const waits: number[] = [];
  let [holder, waiter] = [first, second];
  for (let turn = 0; turn < times; turn++) {
    const taken = waiter.ask<string>('take');
    // Long enough for it to wait, and at no regular distance from anybody's timer.
    await setTimeout(30 + Math.random() * 70);
    const begun = BigInt(await holder.ask<string>('free'));
    waits.push(Number(BigInt(await taken) - begun) / 1e6);
    [holder, waiter] = [waiter, holder];
  }
  await holder.ask('free');
  for (const process of [first, second]) await process.ask('closePool');
  const { p50, p99, max } = latency(waits);
  results.table({
    title: 'From a release to a waiter on another process',
    note: `One session passed to and fro ${times} times between two processes: from the beginning of \`release()\` in one to the end of \`acquire()\` in the other.`,
    columns: ['p50 ms', 'p99 ms', 'longest ms'],
    rows: [[digits(p50), digits(p99), digits(max)]],
  });
  results.target('A freed session reaches a waiter elsewhere in under 20 ms', `${digits(p50)} ms`, p50 < 20);
}
