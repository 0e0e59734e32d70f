import { setTimeout as sleep } from 'node:timers/promises';
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
    const burnt = new Set<Session>();
    let created = 0;
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
            created++;
            return new Session({ sessionPool });
          },
        },
        maxRequestRetries: 20,
        sameDomainDelaySecs: params.sameDomainDelaySecs,
        minConcurrency: params.concurrent,
        maxConcurrency: params.concurrent,
        requestHandler: ({ request, body }) => {
          if (!isPageOf(request.url, String(body))) throw new SessionError('a captcha');
          got.add(request.url);
        },
        errorHandler: ({ session }, error) => {
          if (session && isRefusal(error)) burnt.add(session);
        },
        failedRequestHandler: ({ session }, error) => {
          if (session && isRefusal(error)) burnt.add(session);
        },
      },
      new Configuration({ persistStorage: false, purgeOnStart: true }),
    );
    const isTimedOut = await Promise.race([
      crawler.run(urlsOf(params)).then(() => false),
      sleep(params.timeoutMs, true),
    ]);
    // What is still under way ends with this process.
    if (isTimedOut) void crawler.autoscaledPool?.abort();
    return { ms: performance.now() - start, pages: got.size, created, burnt: burnt.size, isTimedOut };
  },
});

/**
 * What makes Crawlee retire a session: a 401, 403 or 429, or our `SessionError`. Those that it gives up because of their
 * proxy are not counted.
 */
function isRefusal({ message }: Error): boolean {
  return message.includes('Request blocked') || message.includes('a captcha');
}
