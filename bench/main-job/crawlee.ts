import { Configuration, HttpCrawler, log } from '@crawlee/http';
import { answerWith } from '../harness/contender.ts';
import { isPageOf, type JobParams, type JobRun, urlsOf } from './pages.ts';

log.setLevel(log.LEVELS.OFF);

answerWith({
  async memory(params: JobParams): Promise<JobRun> {
    const urls = urlsOf(params);
    const start = performance.now();
    let pages = 0;
    // All at once from the start: Crawlee would otherwise feel its way up, and slow down where the machine is busy.
    const crawler = new HttpCrawler(
      {
        useSessionPool: true,
        persistCookiesPerSession: true,
        sessionPoolOptions: {
          maxPoolSize: params.users,
          sessionOptions: { maxUsageCount: Number.POSITIVE_INFINITY },
          persistenceOptions: { enable: false },
        },
        minConcurrency: params.users,
        maxConcurrency: params.users,
        requestHandler: ({ request, response, body }) => {
          if (response.statusCode === 200 && isPageOf(request.url, String(body))) pages++;
        },
      },
      new Configuration({ persistStorage: false, purgeOnStart: true }),
    );
    await crawler.run(urls);
    return { ms: performance.now() - start, pages };
  },
});
