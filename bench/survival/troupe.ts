import { SessionPool, type SessionPoolOptions } from '../../src/index.ts';
import { answerWith } from '../harness/contender.ts';
import { isPageOf, type JobParams, type JobRun, urlsOf } from './job.ts';

answerWith({
  /** The proxies and the retries; nothing that tells it of the site's limits. */
  async crawl(params: JobParams & { options?: SessionPoolOptions }): Promise<JobRun> {
    const start = performance.now();
    const stop = AbortSignal.timeout(params.timeoutMs);
    await using pool = new SessionPool({ ...params.options, proxies: [...params.proxies], retries: 20 });
    let created = 0;
    const burnt = new Set<string>();
    pool.on('created', () => created++);
    pool.on('banned', ({ sessionId }) => burnt.add(sessionId));
    pool.on('retired', ({ sessionId, reason }) => {
      if (!isOldAge(reason)) burnt.add(sessionId);
    });
    const got = new Set<string>();
    // One iterator for all: each takes the next URL.
    const rest = urlsOf(params).values();
    const worker = async () => {
      for (const url of rest) {
        if (stop.aborted) return;
        // One whose retries are spent is a page that was not got; so is one that the end of the time cuts off.
        const response = await pool.fetch(url, { signal: stop }).catch(() => undefined);
        if (response?.status === 200 && isPageOf(url, await response.text())) got.add(url);
      }
    };
    await Promise.all(Array.from({ length: params.concurrent }, worker));
    const ms = performance.now() - start;
    return { ms, pages: got.size, created, burnt: burnt.size, isTimedOut: stop.aborted };
  },
});

/** It came to the end of its uses or its days, as every user does. */
function isOldAge(reason: string): boolean {
  return reason === 'used-up' || reason === 'expired';
}
