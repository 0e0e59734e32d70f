// Eight proxies that work, each with an address of its own towards the site, and two that do not, in one process.
import { answerWith } from '../harness/contender.ts';
import { startFailingProxy, startRefusingProxy } from './bad-proxies.ts';
import { type RunningProxy, startForwardProxy } from './forward-proxy.ts';

/** What one proxy got. */
export interface ProxyCount {
  readonly isGood: boolean;
  /** When each of its requests came, in milliseconds since the first of any. Of the good ones only how many. */
  readonly requests: number;
  readonly at: readonly number[];
}

const GOOD = 8;

let running: RunningProxy[] = [];
let counts: { isGood: boolean; requests: number; at: number[] }[] = [];

answerWith({
  /** New proxies, nothing counted yet: good and bad ones mixed, as in a list that was bought. */
  async open(): Promise<string[]> {
    await Promise.all(running.map((proxy) => proxy.close()));
    counts = [];
    running = [];
    for (let n = 1; n <= GOOD; n++) {
      running.push(await startForwardProxy(`127.0.1.${n}`, counter(true)));
      if (n === 3) running.push(await startRefusingProxy(counter(false)));
      if (n === 6) running.push(await startFailingProxy(counter(false)));
    }
    return running.map(({ url }) => url);
  },

  counts: (): ProxyCount[] => counts,
});

function counter(isGood: boolean): () => void {
  const count = { isGood, requests: 0, at: [] as number[] };
  counts.push(count);
  return () => {
    count.requests++;
    if (!isGood) count.at.push(performance.now());
  };
}
