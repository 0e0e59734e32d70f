import { Configuration, HttpCrawler, log, ProxyConfiguration, Session, SessionError } from '@crawlee/http';
import { answerWith } from '../harness/contender.ts';
import { isPageOf, type JobParams, type JobRun, urlsOf } from './job.ts';

log.setLevel(log.LEVELS.OFF);

answerWith({
  /**
   * As the guides on session management and on proxies set it up (a pool of 100, a proxy and the cookies to each session), with
   * 20 retries and a `SessionError` where the page is not what was asked for.
   */
  async crawl(params: JobParams & { sameDomainDelaySecs: number }): Promise<JobRun> {
    const got = new Set<string>();
    const sessions: Session[] = [];
    const start = performance.now();
    const crawler = new HttpCrawler(
      {
        proxyConfiguration: new ProxyConfiguration({ proxyUrls: [...params.proxies] }),
        useSessionPool: true,
        persistCookiesPerSession: true,
        sessionPoolOptions: {
          maxPoolSize: 100,
          persistenceOptions: { enable: false },
          createSessionFunction: (sessionPool) => {
            const session = new Session({ sessionPool });
            sessions.push(session);
            return session;
          },
        },
        maxRequestRetries: 20,
        sameDomainDelaySecs: params.sameDomainDelaySecs,
        minConcurrency: params.concurrent,
        maxConcurrency: params.concurrent,
        requestHandler: ({ request, body }) => {
          if (!isPageOf(request.url, String(body))) throw new SessionError('a page that was not asked for');
          got.add(request.url);
        },
      },
      new Configuration({ persistStorage: false, purgeOnStart: true }),
    );
    let isTimedOut = false;
    const timer = setTimeout(() => {
      isTimedOut = true;
      void crawler.stop();
    }, params.timeoutMs);
    await crawler.run(urlsOf(params));
    clearTimeout(timer);
    const ms = performance.now() - start;
    return {
      ms,
      pages: got.size,
      created: sessions.length,
      burnt: sessions.filter(isBurnt).length,
      isTimedOut,
    };
  },
});

/** Given up for what was done to it, and not because of its age or its uses. */
function isBurnt(session: Session): boolean {
  return session.isBlocked();
}
