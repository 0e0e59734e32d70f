// Eight proxies that work, each with an address of its own towards the site, and two that do not, in one process.
import { answerWith } from '../harness/contender.ts';
import { startFailingProxy, startRefusingProxy } from './bad-proxies.ts';
import { startForwardProxy } from './forward-proxy.ts';

/** What one proxy got. */
export interface ProxyCount {
  readonly isGood: boolean;
  readonly requests: number;
  /** When each of its requests came, in milliseconds; of the bad ones only. */
  readonly at: readonly number[];
}

const GOOD = 8;

const counts: { isGood: boolean; requests: number; at: number[] }[] = [];

answerWith({
  /** Starts them, and answers their URLs: good and bad ones mixed, as in a list that was bought. */
  async open(): Promise<string[]> {
    const urls: string[] = [];
    for (let n = 1; n <= GOOD; n++) {
      urls.push(await startForwardProxy(`127.0.1.${n}`, counter(true)));
      if (n === 3) urls.push(await startRefusingProxy(counter(false)));
      if (n === 6) urls.push(await startFailingProxy(counter(false)));
    }
    return urls;
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
