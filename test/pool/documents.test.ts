import { describe, expect, it, vi } from 'vitest';
import type { SessionStore } from '../../src/index.ts';
import { AccountBook } from '../../src/pool/accounts/account-book.ts';
import { NEW_RECORD } from '../../src/pool/accounts/record.ts';
import { proxyDocument } from '../../src/pool/proxies/proxy-document.ts';
import { ProxyHealth } from '../../src/pool/proxies/proxy-health.ts';
import { fakeClock } from '../../src/testing/index.ts';
import { failureOf, scene, serve } from './helpers.ts';
import { listen, proxyThat } from './proxy-helpers.ts';

/** The document as it stands in the store, changed by hand. */
async function rewrite(
  store: SessionStore,
  name: string,
  change: (value: never) => unknown,
): Promise<unknown> {
  const { value, version } = (await store.document(name))!;
  return store.putDocument(name, JSON.stringify(change(JSON.parse(value) as never)), version);
}

async function read(store: SessionStore, name: string): Promise<unknown> {
  return JSON.parse((await store.document(name))!.value);
}

describe('a document that a newer troupe wrote, too', () => {
  it('keeps what that wrote beside the failures of proxies', async () => {
    await using place = await scene('memory');
    const store = place.store();
    const newer = { failing: { a: { failures: 1, untilAt: 5, why: 'x' } }, pools: { b: 1 } };
    await store.putDocument('proxies', JSON.stringify(newer), 0);
    await proxyDocument(store).change((document) => ({ ...document, salt: 's'.repeat(32) }));
    expect(await read(store, 'proxies')).toEqual({ ...newer, salt: 's'.repeat(32) });
  });

  it('keeps what that wrote of an account, and when its proxy was given', async () => {
    await using place = await scene('memory');
    const store = place.store();
    const proxy = { url: 'http://h:1', assignedAt: 7, rotation: 2 };
    await new AccountBook(store, undefined).change('ada', () => ({ ...NEW_RECORD, proxy }));
    const name = await nameOfOnly(store);
    await rewrite(store, name, (records: Record<string, object>) => ({
      ada: { ...records.ada, note: 'newer' },
    }));
    await new AccountBook(store, undefined).change('ada', (record) => ({ ...record!, failures: 3 }));
    expect(await read(store, name)).toMatchObject({ ada: { note: 'newer', failures: 3, proxy } });
  });
});

describe('a quarantine', () => {
  it('of a clock that was set back since does not last for as much', async () => {
    await using place = await scene('memory');
    const clock = fakeClock();
    const aYear = 365 * 86_400_000;
    const failing = { tag: { failures: 2, untilAt: clock.now() + aYear, probeUntilAt: clock.now() + aYear } };
    await place.store().putDocument('proxies', JSON.stringify({ failing }), 0);
    const health = new ProxyHealth(proxyDocument(place.store()), clock, () => {});
    await health.load();
    expect([health.stateOf('tag'), health.closedForMs('tag')]).toEqual(['returning', 0]);
    expect(await health.claim('tag')).toBe(true);
    expect(health.stateOf('tag')).toBe('probing');
    expect(health.closedForMs('tag')).toBeLessThanOrEqual(30_000);
  });
});

describe('a damaged document of proxies', () => {
  it('is an error that names it, to whoever opens a pool', async () => {
    await using place = await scene('sqlite');
    const store = place.store();
    await store.putDocument('proxies', '{"failing":[1]}', 0);
    const error = await failureOf(place.pool({ proxies: ['http://h:1'] }).acquire());
    expect(error).toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('"proxies" is damaged'),
    });
  });

  it('does not stop those who work, and is told no more than once a second', async () => {
    await using site = await serve((_request, response) => response.end('a page'));
    await using place = await scene('memory');
    const { url } = await proxyThat('work');
    const pool = place.pool({ proxies: [url] });
    const errors = listen(pool, 'error');
    await pool.fetch(site.url);
    await rewrite(place.store(), 'proxies', (document: object) => ({ ...document, failing: 'nonsense' }));
    const begin = performance.now();
    while (performance.now() - begin < 2_500) expect((await pool.fetch(site.url)).status).toBe(200);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.length).toBeLessThanOrEqual(3);
  });
});

describe('a user name', () => {
  it.each(['__proto__', 'x'.repeat(321), ''])('that no account can have is not parked: %s', async (id) => {
    await using place = await scene('memory');
    const error = await failureOf(place.pool().accounts.park(id));
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(error.message).toContain('1 to 320 characters');
  });
});

describe('a source that never answers', () => {
  it('is given up, by who opens the pool and by who asks again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await using place = await scene('memory');
      const asked = failureOf(place.pool({ accounts: () => new Promise(() => {}) }).open());
      await vi.advanceTimersByTimeAsync(30_000);
      expect((await asked).message).toBe('the source of accounts did not answer for 30000 ms');
    } finally {
      vi.useRealTimers();
    }
  });
});

async function nameOfOnly(store: SessionStore): Promise<string> {
  for (let bucket = 0; bucket < 256; bucket += 1) {
    const name = `accounts:${bucket.toString(16).padStart(2, '0')}`;
    if (await store.document(name)) return name;
  }
  throw new Error('no account is stored');
}
