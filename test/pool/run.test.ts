import { describe, expect, it } from 'vitest';
import { BlockedError, LeaseError, RateLimitedError, type Session } from '../../src/index.ts';
import {
  deadPort,
  failureOf,
  scene,
  serve,
  sessionsOf,
  sleep,
  storeKinds,
  type TestSite,
} from './helpers.ts';

/** `/403`, `/429?wait=7`, … answer with that status. */
const statusSite = (host?: string): Promise<TestSite> =>
  serve((request, response) => {
    const url = new URL(request.url!, 'http://site');
    const wait = url.searchParams.get('wait');
    response.writeHead(Number(url.pathname.slice(1)) || 200, wait ? { 'retry-after': wait } : {});
    response.end(url.pathname);
  }, host);

const get = async (session: Session, url: string, init = {}) => {
  const response = await session.fetch(url, init);
  await response.text();
  return response.status;
};

describe.each(storeKinds)('run (%s)', (kind) => {
  it('gives what the task gives, and gives the session back, used once', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    let kept: Session | undefined;
    const value = await pool.run((session, { signal, lease, attempt }) => {
      kept = session;
      expect({ aborted: signal.aborted, attempt, same: lease.session === session }).toEqual({
        aborted: false,
        attempt: 1,
        same: true,
      });
      return 42;
    });
    expect(value).toBe(42);
    expect(() => kept!.markGood()).toThrow(LeaseError);
    expect(await pool.get(kept!.id)).toMatchObject({ state: 'ready', usageCount: 1, errorScore: 0 });
  });

  it('counts the gravest verdict of all fetches, once', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool({ maxPoolSize: 1 });
    const id = await pool.run(async (session) => {
      for (const path of ['/200', '/500', '/503', '/200']) await get(session, site.url + path);
      return session.id;
    });
    expect(await pool.get(id)).toMatchObject({ usageCount: 1, errorScore: 1, blocks: [] });
    await pool.run((session) => get(session, `${site.url}/200`));
    expect(await pool.get(id)).toMatchObject({ usageCount: 2, errorScore: 0.5 });
    const { decisions } = (await pool.get(id))!.model;
    expect(decisions.map(({ verdict }) => verdict)).toEqual(['ok', 'failed', 'failed', 'ok', 'ok']);
  });

  it('takes parallel fetches for one user loading a page', async () => {
    await using stage = await scene(kind);
    await using site = await serve(async (request, response) => {
      await sleep(5);
      response.setHeader('set-cookie', `c${request.url!.slice(1)}=1; Path=/`).end('ok');
    });
    const pool = stage.pool({ maxPoolSize: 1 });
    const id = await pool.run(async (session) => {
      await Promise.all(Array.from({ length: 20 }, (_, index) => get(session, `${site.url}/${index}`)));
      return session.id;
    });
    const after = (await pool.get(id))!;
    expect(after.usageCount).toBe(1);
    expect(after.model.cookies).toHaveLength(20);
  });

  it('leaves out fetches that are not to be judged', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool({ maxPoolSize: 1 });
    const id = await pool.run(async (session) => {
      expect(await get(session, `${site.url}/403`, { judge: false })).toBe(403);
      expect(await get(session, `${site.url}/500`, { judge: false })).toBe(500);
      return session.id;
    });
    expect(await pool.get(id)).toMatchObject({ usageCount: 1, errorScore: 0, blocks: [] });
  });

  it('leaves the last word to a task that marked by itself', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool({ maxPoolSize: 1 });
    const id = await pool.run(async (session) => {
      await get(session, `${site.url}/403`);
      session.markGood();
      return session.id;
    });
    expect(await pool.get(id)).toMatchObject({ usageCount: 1, errorScore: 0, blocks: [] });
    await pool.run(async (session) => {
      await get(session, `${site.url}/200`);
      session.markBad();
      session.markBad();
    });
    expect(await pool.get(id)).toMatchObject({ usageCount: 3, errorScore: 2 });
  });

  it("rethrows the task's own error, retries nothing, and counts no use", async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool({ maxPoolSize: 1 });
    const own = new Error('a bug of mine');
    let calls = 0;
    let id = '';
    const error = await failureOf(
      pool.run(
        async (session) => {
          calls++;
          id = session.id;
          session.userData.seen = true;
          await get(session, `${site.url}/200`);
          await get(session, `${site.url}/500`);
          throw own;
        },
        { retries: 5 },
      ),
    );
    expect(error).toBe(own);
    expect(calls).toBe(1);
    const after = (await pool.get(id))!;
    expect(after).toMatchObject({ usageCount: 0, errorScore: 0, state: 'ready' });
    expect(after.model.userData).toEqual({ seen: true });
  });

  it('holds to what a site has said, also where the task then fails by itself', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    await using other = await statusSite('127.0.0.2');
    const pool = stage.pool({ maxPoolSize: 1 });
    let id = '';
    let calls = 0;
    await failureOf(
      pool.run(
        async (session) => {
          calls++;
          id = session.id;
          await get(session, `${site.url}/403`);
          await get(session, `${other.url}/429?wait=60`);
          throw new Error('as ky does on a 403');
        },
        { retries: 3 },
      ),
    );
    expect(calls).toBe(1);
    const { blocks, usageCount, status } = (await pool.get(id))!;
    expect({ usageCount, status }).toEqual({ usageCount: 1, status: 'usable' });
    expect(blocks.map(({ site, untilAt }) => [site, untilAt === null]).toSorted()).toEqual([
      ['127.0.0.1', true],
      ['127.0.0.2', false],
    ]);
  });

  it('takes BlockedError for a ban from the site it was asked for, and for the end without one', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const blocked = new BlockedError();
    let id = '';
    const task = (session: Session) => {
      id = session.id;
      throw blocked;
    };
    expect(await failureOf(pool.run(task, { url: 'https://www.example.com/page' }))).toBe(blocked);
    expect(await pool.get(id)).toMatchObject({
      status: 'usable',
      usageCount: 1,
      blocks: [{ site: 'example.com', untilAt: null }],
    });
    expect(await failureOf(pool.run(task))).toBe(blocked);
    expect(await pool.get(id)).toMatchObject({ status: 'retired', usageCount: 2 });
  });

  it.each([Number.NaN, -1000])(
    'takes RateLimitedError without a sensible time (%s) for a rest',
    async (ms) => {
      await using stage = await scene(kind);
      const pool = stage.pool();
      const limited = new RateLimitedError('slow down', { retryAfterMs: ms });
      await failureOf(pool.run(() => Promise.reject(limited), { url: 'http://a.example/' }));
      const [session] = await sessionsOf(pool);
      expect(session!.blocks).toMatchObject([{ site: 'a.example', untilAt: expect.any(Date) }]);
    },
  );

  it('takes RateLimitedError for a rest, as long as it says', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    let id = '';
    const task = (session: Session) => {
      id = session.id;
      throw new RateLimitedError('slow down', { retryAfterMs: 120_000 });
    };
    const before = Date.now();
    await failureOf(pool.run(task, { site: 'example.com' }));
    const { blocks, usageCount, errorScore } = (await pool.get(id))!;
    expect({ usageCount, errorScore }).toEqual({ usageCount: 1, errorScore: 0 });
    expect(blocks).toMatchObject([{ site: 'example.com' }]);
    expect(blocks[0]!.untilAt!.getTime() - before).toBeGreaterThan(119_000);
    await failureOf(pool.run(task));
    const rested = (await pool.get(id))!;
    expect(rested.state).toBe('resting');
    expect(rested.untilAt!.getTime() - before).toBeGreaterThan(119_000);
  });

  it("hears the task's own word also after a site has failed", async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool();
    const failing = (error: Error) => async (session: Session) => {
      await get(session, `${site.url}/500`);
      throw Object.assign(error, { id: session.id });
    };
    const blocked = await failureOf(pool.run(failing(new BlockedError())));
    expect(await pool.get(blocked.id as string)).toMatchObject({ status: 'retired' });
    const limited = await failureOf(pool.run(failing(new RateLimitedError('', { retryAfterMs: 60_000 }))));
    expect(await pool.get(limited.id as string)).toMatchObject({ state: 'resting' });
  });

  it('tries again as another where the verdict asks for it, as often as allowed', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool();
    const ids: string[] = [];
    const attempts: number[] = [];
    const status = await pool.run(
      (session, { attempt }) => {
        ids.push(session.id);
        attempts.push(attempt);
        return get(session, `${site.url}/${attempt < 3 ? 403 : 200}`);
      },
      { retries: 2, url: site.url },
    );
    expect(status).toBe(200);
    expect(attempts).toEqual([1, 2, 3]);
    expect(new Set(ids).size).toBe(3);
    ids.length = 0;
    const last = await pool.run(
      (session) => {
        ids.push(session.id);
        return get(session, `${site.url}/403`);
      },
      { retries: 1, url: site.url },
    );
    expect(last).toBe(403);
    expect(ids).toHaveLength(2);
  });

  it('tries again where a site gave no answer, and throws the error when its tries are spent', async () => {
    await using stage = await scene(kind);
    const pool = stage.pool({ maxPoolSize: 1 });
    let calls = 0;
    let id = '';
    const error = await failureOf(
      pool.run(
        (session) => {
          calls++;
          id = session.id;
          return session.fetch(`http://127.0.0.1:${deadPort}/`);
        },
        { retries: 1 },
      ),
    );
    expect(error).toMatchObject({ name: 'TypeError', code: 'FETCH_CONNECT' });
    expect(calls).toBe(2);
    expect(await pool.get(id)).toMatchObject({ usageCount: 2, errorScore: 2 });
  });

  it('never tries a session that was asked for by id as another', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool();
    await pool.add([{ id: 'ann' }, { id: 'bob' }]);
    const ids: string[] = [];
    const status = await pool.run(
      (session) => {
        ids.push(session.id);
        return get(session, `${site.url}/403`);
      },
      { id: 'ann', retries: 3 },
    );
    expect(status).toBe(403);
    expect(ids).toEqual(['ann']);
  });

  it("aborts the task's signal with the caller's, and with the end of the lease", async () => {
    await using stage = await scene(kind);
    const pool = stage.pool();
    const changed = new AbortController();
    const seen = (signal: AbortSignal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const mine = pool.run(
      (_session, { signal }) => {
        setImmediate(() => changed.abort(new Error('enough')));
        return seen(signal);
      },
      { signal: changed.signal, retries: 3 },
    );
    expect(await failureOf(mine)).toBe(changed.signal.reason);
    const taken = pool.run(async (session, { signal }) => {
      const ended = seen(signal);
      await pool.retire(session.id, 'account closed');
      return ended;
    });
    expect(await failureOf(taken)).toMatchObject({ code: 'LEASE_LOST' });
    expect((await pool.stats()).sessions.leased).toBe(0);
  });

  it('may give the session back in the middle, and is counted once', async () => {
    await using stage = await scene(kind);
    await using site = await statusSite();
    const pool = stage.pool();
    const id = await pool.run(async (session, { lease }) => {
      await get(session, `${site.url}/200`);
      await lease.release();
      await sleep(2);
      return session.id;
    });
    expect(await pool.get(id)).toMatchObject({ usageCount: 1, state: 'ready' });
  });

  it('does not hold up others at a site by bodies that were never read', async () => {
    await using stage = await scene(kind);
    await using site = await serve((_request, response) => response.end(Buffer.alloc(3_000_000)));
    const pool = stage.pool({ maxConcurrentPerSite: 2, maxPoolSize: 3 });
    for (let use = 0; use < 6; use++) {
      const status = await pool.run(async (session) => (await session.fetch(site.url)).status, {
        signal: AbortSignal.timeout(5_000),
      });
      expect(status).toBe(200);
    }
  });
});
