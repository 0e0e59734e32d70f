import { EXIT, type ExitCode } from '../exit-codes.ts';
import { print, printJson } from '../print.ts';

/** Does one thing to each of some users, and says which of them were there. */
export async function each(
  ids: readonly string[],
  json: boolean | undefined,
  words: { done: string; missing: string },
  order: (id: string) => Promise<boolean>,
): Promise<ExitCode> {
  const results: { id: string; done: boolean }[] = [];
  for (const id of ids) results.push({ id, done: await order(id) });
  if (json) await printJson(results);
  else await print(results.filter(({ done }) => done).map(({ id }) => `${words.done} ${id}`));
  const missing = results.filter(({ done }) => !done);
  for (const { id } of missing) process.stderr.write(`troupe: ${id}: ${words.missing}\n`);
  return missing.length > 0 ? EXIT.failed : EXIT.done;
}
