import { expect, it } from 'vitest';
import { SessionPool, type SessionPoolOptions } from '../../../src/index.ts';
import { scene, serve } from '../helpers.ts';

it('a given pace of addresses holds from the first request, and is not learnt anew', async () => {
  let served = 0;
  await using site = await serve((_request, response) => {
    served += 1;
    response.writeHead(served === 3 ? 429 : 200).end();
  });
  await using stage = await scene('memory');
  const pool = stage.pool({ pace: { perAddressMs: 100 }, retries: 0 });
  const since = performance.now();
  await Promise.all(Array.from({ length: 7 }, (_, page) => pool.fetch(`${site.url}/${page}`)));
  // The first two go at once: a turn that was not taken before is not lost.
  expect(performance.now() - since).toBeGreaterThan(5 * 90);
  expect((await pool.stats()).sites['127.0.0.1']?.pace).toEqual({
    perSessionMs: 0,
    perAddressMs: 100,
    objections: 0,
  });
});

it('a given pace of sessions is met by more of them', async () => {
  await using site = await serve((_request, response) => response.end());
  await using stage = await scene('memory');
  const pool = stage.pool({ pace: { perSessionMs: 60_000 } });
  for (let page = 0; page < 9; page++) await pool.fetch(`${site.url}/${page}`);
  const { sessions } = await pool.stats();
  // Two turns of each: the first was not taken before.
  expect(sessions.usable).toBeGreaterThanOrEqual(5);
});

it.each([
  ['fast', 'option "pace" must be "auto", "off", or numbers: { perSessionMs?, perAddressMs? }'],
  [{}, 'option "pace" must be "auto", "off", or numbers: { perSessionMs?, perAddressMs? }'],
  [[5], 'option "pace" must be "auto", "off", or numbers'],
  [{ perSessionMs: -1 }, 'option "pace.perSessionMs" must be a number'],
  [{ perSession: 1 }, 'perSessionMs'],
])('%j is no pace', (pace, message) => {
  expect(() => new SessionPool({ pace } as unknown as SessionPoolOptions)).toThrow(message);
});
