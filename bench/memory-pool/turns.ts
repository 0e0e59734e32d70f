import { setImmediate } from 'node:timers/promises';

/** Uses between two turns of the event loop: a program that did no I/O at all would starve every pool's own upkeep. */
const USES_A_TURN = 500;

/** Runs one use after the other; nanoseconds each. */
export async function timeUses(uses: number, use: (index: number) => Promise<void>): Promise<number> {
  const start = performance.now();
  for (let index = 0; index < uses; index++) {
    await use(index);
    if (index % USES_A_TURN === USES_A_TURN - 1) await setImmediate();
  }
  return ((performance.now() - start) * 1e6) / uses;
}

/** Memory in use after everything that can be collected is. */
export async function usedBytes(): Promise<number> {
  for (let pass = 0; pass < 4; pass++) {
    globalThis.gc?.();
    await setImmediate();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** In place; the same order every time. */
export function shuffle<T>(items: T[]): T[] {
  let seed = 1;
  for (let last = items.length - 1; last > 0; last--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((seed / 2 ** 32) * (last + 1));
    [items[last], items[other]] = [items[other]!, items[last]!];
  }
  return items;
}
