import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SessionPool, type SessionPoolOptions } from '../../src/index.ts';
import { answerWith } from '../harness/contender.ts';
import { isPageOf, type JobParams, type JobRun, urlsOf } from './pages.ts';

answerWith({
  memory: (params: JobParams) => job(params, {}),

  async sqlite(params: JobParams): Promise<JobRun> {
    const folder = await mkdtemp(join(tmpdir(), 'troupe-bench-'));
    try {
      return await job(params, { store: `sqlite:${join(folder, 'users.db')}` });
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});

async function job(params: JobParams, options: SessionPoolOptions): Promise<JobRun> {
  const urls = urlsOf(params);
  const start = performance.now();
  const pool = new SessionPool({
    ...options,
    maxPoolSize: params.users,
    maxConcurrentPerSite: params.users,
    session: { maxUsageCount: null },
  });
  let pages = 0;
  // One iterator for all: each takes the next URL.
  const rest = urls.values();
  const worker = async () => {
    for (const url of rest) {
      const response = await pool.fetch(url);
      if (response.status === 200 && isPageOf(url, await response.text())) pages++;
    }
  };
  await Promise.all(Array.from({ length: params.users }, worker));
  const ms = performance.now() - start;
  await pool.close();
  return { ms, pages };
}
