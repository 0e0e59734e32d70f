import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { encodeBody, freshBody } from '../../src/session/body.ts';
import { fakeClock } from '../../src/testing/fake-clock.ts';
import { failureOf, type Scene, scene, sessionsOf } from './helpers.ts';

/** The stored text of a session's body, read and written past the store, as another version of troupe would. */
function bodyIn(stage: Scene, id: string, change?: (text: string) => string): string {
  using file = new DatabaseSync(stage.file);
  const { sid, body } = file
    .prepare('SELECT sid, body FROM body JOIN session USING (sid) WHERE id = ?')
    .get(id) as { sid: number; body: string };
  if (change) file.prepare('UPDATE body SET body = ? WHERE sid = ?').run(change(body), sid);
  return change ? change(body) : body;
}

const edit = (changes: object) => (text: string) => JSON.stringify({ ...JSON.parse(text), ...changes });

async function stageWith(change: (text: string) => string) {
  const clock = fakeClock();
  const stage = await scene('sqlite', clock);
  const pool = stage.pool({ maxPoolSize: 2 });
  await pool.add([
    { id: 'theirs', clock, userData: { of: 'theirs' }, maxAgeMs: null },
    { id: 'ours', clock, userData: { of: 'ours' }, maxAgeMs: null },
  ]);
  const written = bodyIn(stage, 'theirs', change);
  const skipped: unknown[] = [];
  pool.on('skipped', (event) => skipped.push(event));
  return { stage, clock, pool, written, skipped };
}

describe.each([
  [
    'that needs a newer troupe',
    edit({ version: 9, minReader: 9, shape: { new: true } }),
    /version 9/,
    'STATE_TOO_NEW',
  ],
  ['that is malformed', edit({ cookies: 'none' }), /"cookies"/, 'INVALID_STATE'],
  ['with a malformed cookie', edit({ cookies: [{ name: 5 }] }), /"cookies\.0\.name"/, 'INVALID_STATE'],
  ['with a malformed proxy', edit({ proxy: { url: 'secret@proxy' } }), /"proxy\.url"/, 'INVALID_STATE'],
  [
    'that is nested too deep',
    (text: string) =>
      text.replace('"userData":{', `"userData":{"deep":${'['.repeat(1e4)}${']'.repeat(1e4)},`),
    /cannot be read/,
    'INVALID_STATE',
  ],
  [
    'of which one letter was changed',
    (text: string) => text.replace('"maxErrorScore":3', '"maxErrorScore":0'),
    /"maxErrorScore"/,
    'INVALID_STATE',
  ],
  ['that is no JSON', (text: string) => text.slice(0, -5), /JSON/, 'INVALID_STATE'],
  [
    'that has a field nobody knows',
    edit({ maxAgeMS: 5 }),
    /"maxAgeMS"; did you mean "maxAgeMs"/,
    'INVALID_STATE',
  ],
])('a stored session %s', (_what, change, reason, code) => {
  it('is passed over with an event, and others are served', async () => {
    const { stage, pool, skipped, written } = await stageWith(change);
    await using _stage = stage;
    await using lease = await pool.acquire();
    expect(lease.session.id).toBe('ours');
    expect(skipped).toEqual([{ sessionId: 'theirs', reason: expect.stringMatching(reason) }]);
    // Byte for byte: whoever can read it finds it as it was.
    expect(bodyIn(stage, 'theirs')).toBe(written);
  });

  it('is left as it is however often it is come across, and keeps its counts', async () => {
    const { stage, clock, pool, skipped, written } = await stageWith(change);
    await using _stage = stage;
    for (let round = 0; round < 3; round++) {
      await pool.run((session) => {
        session.userData.round = round;
      });
      clock.advance(120_000);
      await (await pool.acquire({ id: 'ours' })).release();
      clock.advance(1);
    }
    expect(skipped.length).toBeGreaterThan(1);
    expect(bodyIn(stage, 'theirs')).toBe(written);
    expect(await pool.get('theirs')).toMatchObject({ status: 'usable', usageCount: 0, errorScore: 0 });
  });

  it('is refused to who asks for it by id, and can be looked at, listed and retired', async () => {
    const { stage, pool, written } = await stageWith(change);
    await using _stage = stage;
    expect(await failureOf(pool.acquire({ id: 'theirs' }))).toMatchObject({ name: 'StateError', code });
    const seen = (await pool.get('theirs'))!;
    expect(seen).toMatchObject({ id: 'theirs', usageCount: 0 });
    expect(() => seen.model).toThrow(expect.objectContaining({ code }));
    expect((await sessionsOf(pool)).map(({ id }) => id)).toEqual(['ours', 'theirs']);
    expect(bodyIn(stage, 'theirs')).toBe(written);
    expect(await pool.retire('theirs')).toBe(true);
    expect(await pool.get('theirs')).toMatchObject({ status: 'retired' });
  });

  it('holds up nobody for longer than its turn: those who wait get the others', async () => {
    const { stage, pool } = await stageWith(change);
    await using _stage = stage;
    const served: string[] = [];
    await Promise.all(
      Array.from({ length: 10 }, () =>
        pool.run((session) => {
          served.push(session.id);
        }),
      ),
    );
    expect(new Set(served)).toEqual(new Set(['ours']));
    expect((await pool.stats()).sessions).toMatchObject({ leased: 0, places: 0 });
  });
});

it('keeps what a newer troupe wrote and an older one may read', async () => {
  const { stage, pool, skipped } = await stageWith(
    edit({ version: 7, minReader: 1, mood: { of: 'the day' } }),
  );
  await using _stage = stage;
  await pool.run(
    (session) => {
      session.userData.seen = true;
      session.cookies.set('a', '1', { domain: 'example.com' });
    },
    { id: 'theirs' },
  );
  expect(JSON.parse(bodyIn(stage, 'theirs'))).toMatchObject({
    version: 7,
    minReader: 1,
    mood: { of: 'the day' },
    userData: { of: 'theirs', seen: true },
    cookies: [{ name: 'a' }],
  });
  expect(skipped).toEqual([]);
});

it('decodes what it wrote itself only for who looks into it, and tells of what it cannot decode then', async () => {
  const proxy = { url: 'no proxy at all' };
  const { stage, pool, skipped, written } = await stageWith(() => encodeBody({ ...freshBody(), proxy }));
  await using _stage = stage;
  const lease = await pool.acquire({ id: 'theirs' });
  lease.session.markGood();
  expect(() => lease.session.proxy).toThrow(expect.objectContaining({ code: 'INVALID_STATE' }));
  await lease.release();
  expect(skipped).toEqual([]);
  expect(await pool.get('theirs')).toMatchObject({ status: 'usable', usageCount: 1 });
  expect(bodyIn(stage, 'theirs')).toBe(written);
});

it('tells at once where there is only what cannot be read', async () => {
  const clock = fakeClock();
  await using stage = await scene('sqlite', clock);
  const pool = stage.pool({ create: false });
  await pool.add({ id: 'theirs', clock });
  bodyIn(stage, 'theirs', edit({ version: 9, minReader: 9 }));
  const error = await failureOf(pool.acquire({ timeoutMs: 50 }));
  // It rests, so that others are asked first: to wait for it is what there is to do.
  expect(error).toMatchObject({ code: 'ACQUIRE_TIMEOUT', facts: { resting: 1 } });
});
