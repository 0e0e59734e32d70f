import { fetch, ProxyAgent } from 'undici';
import { answerWith } from '../harness/contender.ts';
import { isPageOf, type JobParams, type JobRun, urlsOf } from './job.ts';

const RETRIES = 3;

answerWith({
  /** What one writes first: the next proxy for each request, no cookies, three retries. */
  async crawl(params: JobParams): Promise<JobRun> {
    const start = performance.now();
    const stop = AbortSignal.timeout(params.timeoutMs);
    const agents = params.proxies.map((uri) => new ProxyAgent({ uri }));
    let turn = 0;
    const got = new Set<string>();
    const rest = urlsOf(params).values();
    const get = async (url: string): Promise<boolean> => {
      try {
        const dispatcher = agents[turn++ % agents.length]!;
        const response = await fetch(url, { dispatcher, signal: stop });
        const text = await response.text();
        return response.status === 200 && isPageOf(url, text);
      } catch {
        return false;
      }
    };
    const worker = async () => {
      for (const url of rest) {
        for (let attempt = 0; attempt <= RETRIES && !stop.aborted; attempt++) {
          if (!(await get(url))) continue;
          got.add(url);
          break;
        }
      }
    };
    await Promise.all(Array.from({ length: params.concurrent }, worker));
    const ms = performance.now() - start;
    await Promise.all(agents.map((agent) => agent.destroy()));
    return { ms, pages: got.size, created: null, burnt: null, isTimedOut: stop.aborted };
  },
});
