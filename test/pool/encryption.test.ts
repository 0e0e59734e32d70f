import { execFileSync } from 'node:child_process';
import { randomBytes, webcrypto } from 'node:crypto';
import { existsSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type EncryptionKey, Session, SessionPool, type SessionPoolOptions } from '../../src/index.ts';
import { agreeOnKeys, readAgreement } from '../../src/pool/encryption/agreement.ts';
import { newKeyText, readKeys } from '../../src/pool/encryption/keys.ts';
import { rotateKeys } from '../../src/pool/encryption/rotate.ts';
import { Sealing } from '../../src/pool/encryption/sealing.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { failureOf, type Scene, scene, until } from './helpers.ts';

const one = randomBytes(32);
const two = randomBytes(32);
const keyId = (key: EncryptionKey) => readKeys(key, 'key')[0]!.id;

function sealingWith(...keys: [EncryptionKey, ...EncryptionKey[]]): Sealing {
  const [first, ...others] = readKeys(keys, 'keys');
  return new Sealing([first!, ...others]);
}

const SECRETS = ['cookie-secret-4711', 'data-secret-4711', 'proxyuser4711', 'proxy-secret-4711'];

function secretSession(id: string) {
  return {
    id,
    cookies: [{ name: 'sid', value: SECRETS[0]!, domain: 'shop.example' }],
    userData: { token: SECRETS[1]! },
    proxy: `http://${SECRETS[2]}:${SECRETS[3]}@proxy.example:8080`,
  };
}

/** Looks through every byte of the file and its log. By another process: to close a file here drops SQLite's locks on it. */
function secretsOnDisk(file: string): string[] {
  const files = [file, `${file}-wal`].filter((path) => existsSync(path));
  const bytes = execFileSync('cat', files, { encoding: 'latin1', maxBuffer: 2 ** 30 });
  return SECRETS.filter((secret) => bytes.includes(secret));
}

async function bodiesOf(store: SessionStore): Promise<Record<string, string>> {
  const { sessions } = await store.list({ limit: 1000 });
  return Object.fromEntries(sessions.map(({ id, body }) => [id, body as string]));
}

describe('a sealed body', () => {
  it('comes back as it was, whatever it was', () => {
    const sealing = sealingWith(one);
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme', maxLength: 2_000 }),
        (id, text) => {
          const sealed = sealing.seal(id, text);
          expect(sealing.open(id, sealed)).toBe(text);
          expect(sealing.seal(id, text)).not.toBe(sealed);
        },
      ),
    );
  });

  it('has the form that is documented, computed here by other means', async () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index);
    const { subtle } = webcrypto;
    const master = await subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits']);
    const derive = (info: string) =>
      subtle.deriveBits(
        { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: Buffer.from(info) },
        master,
        256,
      );
    const id = Buffer.from(await derive('troupe key id'))
      .toString('hex')
      .slice(0, 12);
    expect(keyId(bytes)).toBe(id);
    expect(id).toBe('d39d0e4ab64a');

    const bodyKey = await subtle.importKey('raw', await derive('troupe body ada'), 'AES-GCM', false, [
      'encrypt',
      'decrypt',
    ]);
    const head = `troupe-sealed:1:${id}:`;
    const parameters = (iv: Uint8Array) => ({
      name: 'AES-GCM',
      iv,
      additionalData: Buffer.from(`${head}ada`),
      tagLength: 128,
    });
    const sealing = sealingWith(bytes);

    const sealed = sealing.seal('ada', '{"a":"ü"}');
    expect(sealed.startsWith(head)).toBe(true);
    const content = Buffer.from(sealed.slice(head.length), 'base64url');
    const opened = await subtle.decrypt(parameters(content.subarray(0, 12)), bodyKey, content.subarray(12));
    expect(Buffer.from(opened).toString()).toBe('{"a":"ü"}');

    const iv = Buffer.from('000102030405060708090a0b', 'hex');
    const encrypted = await subtle.encrypt(parameters(iv), bodyKey, Buffer.from('{}'));
    const made = head + Buffer.concat([iv, Buffer.from(encrypted)]).toString('base64url');
    expect(made).toBe('troupe-sealed:1:d39d0e4ab64a:AAECAwQFBgcICQoLWVZXRhHNCV3ntIOn2DEL9mkP');
    expect(sealing.open('ada', made)).toBe('{}');

    const columnKey = await subtle.importKey(
      'raw',
      await derive('troupe column tag'),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    );
    const column = await subtle.sign('HMAC', columnKey, Buffer.from('a proxy'));
    expect(readKeys(bytes, 'key')[0]!.column('tag', 'a proxy')).toBe(
      Buffer.from(column).toString('base64url'),
    );
  });

  const sealing = sealingWith(one);
  const sealed = sealing.seal('ada', '{"secret":"value"}');
  const [mark, version, id, content] = sealed.split(':') as [string, string, string, string];
  const bytes = Buffer.from(content, 'base64url');
  const changed = (at: number) => {
    const copy = Buffer.from(bytes);
    copy[at < 0 ? copy.length + at : at]! ^= 1;
    return [mark, version, id, copy.toString('base64url')].join(':');
  };
  const tampered: [string, string, string, string][] = [
    ['of another session', 'bob', sealed, 'INVALID_STATE'],
    ['with another nonce', 'ada', changed(0), 'INVALID_STATE'],
    ['with another text', 'ada', changed(14), 'INVALID_STATE'],
    ['with another tag', 'ada', changed(-1), 'INVALID_STATE'],
    ['that was cut', 'ada', sealed.slice(0, -8), 'INVALID_STATE'],
    ['that was cut to its head', 'ada', `${mark}:${version}:${id}:`, 'INVALID_STATE'],
    ['that goes on', 'ada', `${sealed}AAAA`, 'INVALID_STATE'],
    ['that is no base64', 'ada', `${mark}:${version}:${id}:%%%`, 'INVALID_STATE'],
    ['of a newer form', 'ada', `${mark}:2:${id}:${content}`, 'STATE_TOO_NEW'],
    ['with the name of another key', 'ada', `${mark}:1:000000000000:${content}`, 'WRONG_KEY'],
    ['that names no key', 'ada', `${mark}:`, 'STATE_TOO_NEW'],
    ['in clear text', 'ada', '{"secret":"value"}', 'WRONG_KEY'],
    ['that is empty', 'ada', '', 'WRONG_KEY'],
  ];
  it.each(tampered)('does not open if it is one %s', (_, sessionId, stored, code) => {
    let problem: (Error & { code?: string; field?: string }) | undefined;
    try {
      sealing.open(sessionId, stored);
    } catch (error) {
      problem = error as Error;
    }
    expect(problem).toMatchObject({ code, field: 'body' });
    expect(problem!.message).toContain(sessionId);
    expect(inspect(problem)).not.toContain('value"');
  });

  it('does not open with a text of one key under the name of another', () => {
    const other = sealingWith(two, one);
    const renamed = sealed.replace(id, keyId(two));
    expect(() => other.open('ada', renamed)).toThrow(/does not open/);
    expect(other.open('ada', sealed)).toBe('{"secret":"value"}');
  });
});

describe('a key', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is taken as bytes and as the text of `troupe keys new`', () => {
    const text = newKeyText();
    expect(text).toMatch(/^troupe_key_[\w-]{43}$/);
    expect(newKeyText()).not.toBe(text);
    const bytes = Buffer.from(text.slice('troupe_key_'.length), 'base64url');
    const others: EncryptionKey[] = [bytes, new Uint8Array(bytes), ` ${text}\n`];
    expect(others.map(keyId)).toEqual([keyId(text), keyId(text), keyId(text)]);
    const several = [`${text},${newKeyText()}`, newKeyText()];
    expect(readKeys(several, 'keys').map(({ id }) => id)[0]).toBe(keyId(text));
    expect(readKeys(several, 'keys')).toHaveLength(3);
    expect(readKeys(null, 'keys')).toEqual([]);
  });

  const text = newKeyText();
  const secret = text.slice(11);
  const wrong: [string, unknown, RegExp][] = [
    ['too short', Buffer.alloc(16), /"encryptionKey" must be 32 bytes; got 16; `troupe keys new` makes one/],
    ['too long', new Uint8Array(33), /must be 32 bytes; got 33/],
    ['an empty text', '', /got an empty one/],
    ['a text with a hole', `${text},`, /got an empty one/],
    ['a text without the prefix', secret, /got a text that begins otherwise/],
    ['a text that was cut', text.slice(0, -1), /got one of 42 characters that was cut or changed/],
    ['a text that goes on', `${text}A`, /got one of 44 characters/],
    ['a text with another character', `${text.slice(0, -2)}!!`, /cut or changed/],
    ['a number', 7, /must be a key of 32 bytes, its text, or a list of keys; got 7/],
    ['an array buffer', new ArrayBuffer(32), /got a ArrayBuffer/],
    ['an empty list', [], /must be at least one key; got an empty list/],
    ['a list with a wrong one', [text, 'no'], /"encryptionKey.1" must be/],
    ['a list within a list', [[text]], /"encryptionKey.0" must be/],
    ['a list with null', [null], /"encryptionKey.0" must be/],
    ['the same twice', [text, text], /"encryptionKey" holds the key [0-9a-f]{12} twice/],
    ['the same twice in two forms', [Buffer.from(secret, 'base64url'), text], /twice/],
  ];
  it.each(wrong)('is refused if it is %s, and not shown', (_, encryptionKey, expected) => {
    const make = () => new SessionPool({ encryptionKey } as SessionPoolOptions);
    expect(make).toThrow(expected);
    try {
      make();
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_OPTION' });
      expect(inspect(error)).not.toContain(secret.slice(2, -2));
    }
  });

  it('comes from TROUPE_KEY, unless the option says otherwise', async () => {
    vi.stubEnv('TROUPE_KEY', `${text},${newKeyText()}`);
    await using sealed = await scene('sqlite');
    await sealed.pool().add(secretSession('ada'));
    expect(await readAgreement(sealed.store())).toMatchObject({ keys: [keyId(text)] });
    await using clear = await scene('sqlite');
    await clear.pool({ encryptionKey: null }).add(secretSession('ada'));
    expect(await readAgreement(clear.store())).toBeUndefined();
    await using other = await scene('sqlite');
    await other.pool({ encryptionKey: one }).add(secretSession('ada'));
    expect(await readAgreement(other.store())).toMatchObject({ keys: [keyId(one)] });
  });

  it.each(['', ' ', 'secret-but-wrong'])('is refused if TROUPE_KEY is %j', (value) => {
    vi.stubEnv('TROUPE_KEY', value);
    expect(() => new SessionPool()).toThrow(/^"TROUPE_KEY" must be the text of a key/);
    expect(() => new SessionPool()).not.toThrow(/secret/);
    expect(() => new SessionPool({ encryptionKey: null })).not.toThrow();
  });

  it('is in nothing that can be looked at', async () => {
    await using stage = await scene('sqlite');
    const pool = stage.pool({ encryptionKey: text });
    await pool.add(secretSession('ada'));
    const lease = await pool.acquire();
    const seen = inspect([pool, lease, await pool.get('ada'), await pool.stats()], {
      depth: 20,
      showHidden: true,
    });
    const key = Buffer.from(secret, 'base64url');
    const forms = [secret, key.toString('hex'), inspect(key).slice(8, 40), [...key].join(', ').slice(0, 20)];
    for (const form of forms) expect(seen).not.toContain(form);
    for (const hidden of SECRETS) expect(seen).not.toContain(hidden);
    await lease.release();
  });
});

describe('a pool with a key', () => {
  it('leaves nothing secret in the file, through a whole life', async () => {
    await using stage = await scene('sqlite');
    const pool = stage.pool({
      encryptionKey: one,
      maxPoolSize: 3,
      leaseMs: 150,
      createSession: (options) => new Session({ ...options, ...secretSession('made') }),
    });
    await pool.add([secretSession('ada'), secretSession('grace')]);
    const made = await pool.acquire();
    const others = await Promise.all([pool.acquire(), pool.acquire()]);
    expect(made.session.id).toBe('ada');
    expect(others.map(({ session }) => session.id).sort()).toEqual(['grace', 'made']);
    made.session.userData.more = `${SECRETS[1]} again`;
    made.session.cookies.set({ name: 'later', value: SECRETS[0]!, domain: 'shop.example' });
    const before = (await bodiesOf(stage.store())).ada;
    await until(async () => (await bodiesOf(stage.store())).ada !== before, 'a renewal saves a checkpoint');
    expect(secretsOnDisk(stage.file)).toEqual([]);
    made.session.markGood();
    await made.release();
    for (const lease of others) await lease.release();
    await pool.retire('grace');

    const model = (await stage.pool({ encryptionKey: one }).get('ada'))!.model;
    expect(model.userData).toEqual({ token: SECRETS[1], more: `${SECRETS[1]} again` });
    expect(model.proxy?.url).toContain(SECRETS[3]);
    expect(secretsOnDisk(stage.file)).toEqual([]);
    const sessions = (await stage.store().list({ limit: 10 })).sessions;
    expect(sessions.map(({ tag }) => tag)).toEqual(Array(3).fill(expect.stringMatching(/^[\w-]{43}$/)));
    expect(new Set(sessions.map(({ tag }) => tag)).size).toBe(1);
    await pool.close();
    expect(secretsOnDisk(stage.file)).toEqual([]);
  });

  it('does not hide what is in clear text without one: the test above sees what it looks for', async () => {
    await using stage = await scene('sqlite');
    await stage.pool().add(secretSession('ada'));
    expect(secretsOnDisk(stage.file)).toEqual(SECRETS);
  });

  it('passes over what was tampered with, tells of it, and serves others', async () => {
    await using stage = await scene('sqlite');
    const pool = stage.pool({ encryptionKey: one, create: false });
    await pool.add([secretSession('ada'), secretSession('bob'), secretSession('cora')]);
    const store = stage.store();
    const bodies = await bodiesOf(store);
    const written = await store.rewrite!([
      { id: 'ada', ifBody: bodies.ada, body: bodies.cora },
      { id: 'bob', ifBody: bodies.bob, body: '{}' },
    ]);
    expect(written).toBe(2);
    const skipped: { sessionId: string; reason: string }[] = [];
    pool.on('skipped', (event) => skipped.push(event));
    await using lease = await pool.acquire();
    expect(lease.session.id).toBe('cora');
    expect(skipped.map(({ sessionId }) => sessionId)).toEqual(['ada', 'bob']);
    expect(skipped[0]!.reason).toMatch(/session ada does not open with its key/);
    expect(skipped[1]!.reason).toMatch(/session bob is stored in clear text.*troupe keys rotate/);
    expect((await bodiesOf(store)).ada).toBe(bodies.cora);
    const ada = (await pool.get('ada'))!;
    expect(() => ada.model).toThrow(/session ada does not open/);
  });

  it('needs no key where nothing is at rest', async () => {
    await using stage = await scene('memory');
    await stage.pool({ encryptionKey: one }).add(secretSession('ada'));
    const model = (await stage.pool().get('ada'))!.model;
    expect(model.userData.token).toBe(SECRETS[1]);
  });
});

describe('opening a store', () => {
  const asks = (pool: SessionPool): Record<string, () => Promise<unknown>> => ({
    acquire: () => pool.acquire(),
    add: () => pool.add(secretSession('new')),
    get: () => pool.get('ada'),
    list: () => pool.list().next(),
    stats: () => pool.stats(),
    retire: () => pool.retire('ada'),
    remove: () => pool.remove('ada'),
  });

  async function contents(stage: Scene): Promise<unknown> {
    const store = stage.store();
    const { sessions } = await store.list({ limit: 100 });
    return { sessions, document: await store.document('encryption') };
  }

  const cases: [string, SessionPoolOptions['encryptionKey'], SessionPoolOptions['encryptionKey'], RegExp][] =
    [
      [
        'sealed, without a key',
        one,
        null,
        new RegExp(`sealed with the key ${keyId(one)}; give it as TROUPE_KEY`),
      ],
      ['sealed, with another key', one, two, new RegExp(`key ${keyId(one)}; given is ${keyId(two)}`)],
      ['sealed, with two others', one, [two, newKeyText()], /given are .* and /],
      [
        'in clear text, with a key',
        null,
        one,
        /not sealed, and holds sessions in clear text.*`troupe keys rotate`/,
      ],
    ];
  it.each(cases)('that is %s, is refused, and nothing written', async (_, before, now, expected) => {
    await using stage = await scene('sqlite');
    const first = stage.pool({ encryptionKey: before });
    await first.add(secretSession('ada'));
    const stood = await contents(stage);
    const pool = stage.pool({ encryptionKey: now });
    for (const [name, ask] of Object.entries(asks(pool))) {
      const error = await failureOf(ask());
      expect(error, name).toMatchObject({ name: 'StoreError', code: 'WRONG_KEY' });
      expect(error.message).toMatch(expected);
    }
    expect(await contents(stage)).toEqual(stood);
    await pool.close();
    expect((await first.get('ada'))?.state).toBe('ready');
  });

  it('is refused for the dead alone, too', async () => {
    await using stage = await scene('sqlite');
    const clear = stage.pool();
    await clear.add(secretSession('ada'));
    await clear.retire('ada');
    expect(await failureOf(stage.pool({ encryptionKey: one }).stats())).toMatchObject({ code: 'WRONG_KEY' });
    await clear.remove('ada');
    expect(await stage.pool({ encryptionKey: one }).stats()).toMatchObject({ sessions: { usable: 0 } });
    expect(await failureOf(stage.pool().stats())).toMatchObject({ code: 'WRONG_KEY' });
  });

  it('by many at once ends with one agreement that names the keys of all', async () => {
    await using stage = await scene('sqlite');
    const keys = [[one, two], [two, one], one] as const;
    const pools = Array.from({ length: 12 }, (_, index) => stage.pool({ encryptionKey: keys[index % 3]! }));
    const results = await Promise.allSettled(pools.map((pool) => pool.stats()));
    const agreement = (await readAgreement(stage.store()))!;
    expect([...agreement.keys].sort()).toEqual([keyId(one), keyId(two)].sort());
    const refused = results.filter(({ status }) => status === 'rejected');
    for (const result of refused) expect(result).toMatchObject({ reason: { code: 'WRONG_KEY' } });
    // Those with both keys always get in.
    expect(results.filter((_, index) => index % 3 < 2).every(({ status }) => status === 'fulfilled')).toBe(
      true,
    );
  });

  const documents: [string, string, RegExp][] = [
    ['not JSON', 'no', /document "encryption" is damaged/],
    ['without keys', '{"version":1,"keys":[]}', /damaged/],
    ['with something else for a key', '{"version":1,"keys":["x\\u001b[2J"]}', /damaged/],
    ['of a newer troupe', '{"version":2}', /newer troupe; update/],
  ];
  it.each(documents)('whose document is %s, is refused', async (_, value, expected) => {
    await using stage = await scene('sqlite');
    await stage.store().putDocument('encryption', value, 0);
    for (const encryptionKey of [one, null]) {
      const error = await failureOf(stage.pool({ encryptionKey }).stats());
      expect(error).toMatchObject({ code: 'STORE_UNUSABLE' });
      expect(error.message).toMatch(expected);
    }
  });

  it('is tried again by the next call, when what was wrong is right', async () => {
    await using stage = await scene('sqlite');
    const clear = stage.pool({ encryptionKey: null });
    await clear.add(secretSession('ada'));
    const pool = stage.pool({ encryptionKey: one });
    expect(await failureOf(pool.stats())).toMatchObject({ code: 'WRONG_KEY' });
    await rotateKeys(stage.store(), sealingWith(one));
    expect((await pool.get('ada'))?.model.userData).toEqual({ token: SECRETS[1] });
  });
});

describe('a change of keys', () => {
  async function filled(
    stage: Scene,
    encryptionKey: SessionPoolOptions['encryptionKey'],
  ): Promise<SessionPool> {
    const pool = stage.pool({ encryptionKey, create: false });
    await pool.add(Array.from({ length: 450 }, (_, index) => secretSession(`s${1000 + index}`)));
    await pool.retire('s1007');
    await pool.rest('s1008', 60_000);
    return pool;
  }

  async function expectAllWith(stage: Scene, key: EncryptionKey): Promise<void> {
    const head = `troupe-sealed:1:${keyId(key)}:`;
    const store = stage.store();
    expect(Object.values(await bodiesOf(store)).every((body) => body.startsWith(head))).toBe(true);
    expect(await readAgreement(store)).toMatchObject({ keys: [keyId(key)], isPartlyClear: false });
    const pool = stage.pool({ encryptionKey: key });
    let seen = 0;
    for await (const session of pool.list()) {
      seen += 1;
      expect(session.model.userData.token).toBe(SECRETS[1]);
    }
    expect(seen).toBe(450);
    const { tag } = (await store.get('s1000'))!;
    expect(tag).toBe(readKeys(key, 'key')[0]!.column('tag', secretSession('').proxy));
  }

  it('seals what was in clear text, and leaves none of it in the file', async () => {
    await using stage = await scene('sqlite');
    await (await filled(stage, null)).close();
    expect(secretsOnDisk(stage.file)).toEqual(SECRETS);
    expect(await rotateKeys(stage.store(), sealingWith(one))).toMatchObject({
      end: 'done',
      sealed: 450,
      clear: 450,
    });
    expect(secretsOnDisk(stage.file)).toEqual([]);
    await expectAllWith(stage, one);
    const counts = await stage.store().count();
    expect(counts).toMatchObject({ living: 449, dead: 1, resting: 1 });
  });

  it('goes from one key to the next, and has nothing to do the second time', async () => {
    await using stage = await scene('sqlite');
    await (await filled(stage, one)).close();
    const sealing = sealingWith(two, one);
    const progress: number[] = [];
    const onProgress = ({ lookedAt }: { lookedAt: number }) => void progress.push(lookedAt);
    expect(await rotateKeys(stage.store(), sealing, { onProgress })).toMatchObject({
      end: 'done',
      sealed: 450,
      clear: 0,
    });
    expect(progress).toEqual([200, 400, 450, 200, 400, 450]);
    await expectAllWith(stage, two);
    const before = await bodiesOf(stage.store());
    expect(await rotateKeys(stage.store(), sealing)).toMatchObject({ end: 'done', sealed: 0 });
    expect(await bodiesOf(stage.store())).toEqual(before);
    expect(await failureOf(stage.pool({ encryptionKey: one }).stats())).toMatchObject({ code: 'WRONG_KEY' });
  });

  it('brings the tag along where a body has the new key already', async () => {
    await using stage = await scene('sqlite');
    await filled(stage, one);
    const pool = stage.pool({ encryptionKey: [two, one], create: false });
    await using lease = await pool.acquire({ id: 's1000' });
    lease.session.userData.more = true;
    await lease.release();
    const store = stage.store();
    const column = (key: Buffer) => readKeys(key, 'key')[0]!.column('tag', secretSession('').proxy);
    const before = (await store.get('s1000'))!;
    expect(before.body).toMatch(`troupe-sealed:1:${keyId(two)}:`);
    expect(before.tag).toBe(column(one));
    expect(await rotateKeys(store, sealingWith(two, one))).toMatchObject({ end: 'done', sealed: 450 });
    expect((await store.get('s1000'))!.tag).toBe(column(two));
  });

  it('does not call itself done if somebody brings another key in the last pass', async () => {
    await using stage = await scene('sqlite');
    await (await filled(stage, one)).close();
    const third = newKeyText();
    let pages = 0;
    let joining: Promise<unknown> | undefined;
    const onProgress = () => {
      pages += 1;
      if (pages === 4) joining = stage.pool({ encryptionKey: [third, two, one] }).stats();
    };
    const error = await failureOf(rotateKeys(stage.store(), sealingWith(two, one), { onProgress }));
    await joining;
    expect(error).toMatchObject({ code: 'WRONG_KEY' });
    expect((await readAgreement(stage.store()))?.keys).toEqual([keyId(third), keyId(two), keyId(one)]);
    expect(await rotateKeys(stage.store(), sealingWith(two, one, third))).toMatchObject({ end: 'done' });
    await expectAllWith(stage, two);
  });

  it('can be stopped anywhere, and goes on', async () => {
    await using stage = await scene('sqlite');
    await (await filled(stage, null)).close();
    const store = stage.store();
    const stop = new AbortController();
    const onProgress = () => stop.abort();
    const stopped = await rotateKeys(store, sealingWith(one), { signal: stop.signal, onProgress });
    expect(stopped).toMatchObject({ end: 'interrupted', sealed: 200 });
    for (const encryptionKey of [one, null]) {
      const error = await failureOf(stage.pool({ encryptionKey }).stats());
      expect(error).toMatchObject({ code: 'WRONG_KEY' });
      expect(error.message).toMatch(
        encryptionKey ? /being sealed, which is not done/ : /is sealed with the key/,
      );
    }
    expect(await rotateKeys(store, sealingWith(one))).toMatchObject({ end: 'done', sealed: 250, clear: 250 });
    expect(secretsOnDisk(stage.file)).toEqual([]);
    await expectAllWith(stage, one);
  });

  it('refuses to begin without a key that is in force', async () => {
    await using stage = await scene('sqlite');
    const pool = await filled(stage, one);
    const error = await failureOf(rotateKeys(stage.store(), sealingWith(two)));
    expect(error).toMatchObject({ code: 'WRONG_KEY' });
    expect(await readAgreement(stage.store())).toMatchObject({ keys: [keyId(one)] });
    expect((await pool.get('s1000'))?.model.userData).toBeDefined();
  });

  it('leaves what cannot be opened, says why, and keeps the old key in force', async () => {
    await using stage = await scene('sqlite');
    const pool = await filled(stage, one);
    const store = stage.store();
    const bodies = await bodiesOf(store);
    await store.rewrite!([{ id: 's1001', ifBody: bodies.s1001, body: bodies.s1002 }]);
    const result = await rotateKeys(store, sealingWith(two, one));
    expect(result).toMatchObject({ end: 'unreadable', sealed: 449, unreadable: 1 });
    expect(result.reasons).toEqual([expect.stringContaining('session s1001 does not open')]);
    expect((await bodiesOf(store)).s1001).toBe(bodies.s1002);
    expect((await readAgreement(store))?.keys).toEqual([keyId(two), keyId(one)]);
    await pool.remove('s1001');
    expect(await rotateKeys(store, sealingWith(two, one))).toMatchObject({ end: 'done', sealed: 0 });
  });

  it('loses nothing of pools that work meanwhile and know both keys', async () => {
    await using stage = await scene('sqlite');
    await (await filled(stage, one)).close();
    const pools = [0, 1].map(() => stage.pool({ encryptionKey: [two, one], create: false }));
    const uses: Record<string, number> = {};
    let isOver = false;
    const work = async (pool: SessionPool) => {
      while (!isOver) {
        await using lease = await pool.acquire();
        const { id, userData } = lease.session;
        userData.uses = ((userData.uses as number | undefined) ?? 0) + 1;
        uses[id] = (uses[id] ?? 0) + 1;
      }
    };
    const working = Promise.all(pools.flatMap((pool) => [work(pool), work(pool)]));
    const result = await rotateKeys(stage.store(), sealingWith(two, one));
    isOver = true;
    await working;
    expect(result.end).toBe('done');
    expect(Object.keys(uses).length).toBeGreaterThan(20);
    await expectAllWith(stage, two);
    const pool = stage.pool({ encryptionKey: two });
    for await (const { id, model } of pool.list()) expect(model.userData.uses).toBe(uses[id]);
  });

  it('keeps what a worker saves that knows the old key only, and needs it once more', async () => {
    await using stage = await scene('sqlite');
    const old = await filled(stage, one);
    const lease = await old.acquire({ id: 's1000' });
    lease.session.userData.late = 'saved';
    const store = stage.store();
    expect(await rotateKeys(store, sealingWith(two, one))).toMatchObject({ end: 'done' });
    await lease.release();

    // It was written, with the old key: who has the new one alone passes it over, and does not touch it.
    const late = (await bodiesOf(store)).s1000;
    const pool = stage.pool({ encryptionKey: two });
    const error = await failureOf((async () => (await pool.get('s1000'))!.model)());
    expect(error).toMatchObject({ code: 'WRONG_KEY' });
    expect((await bodiesOf(store)).s1000).toBe(late);
    // What has the new key is passed over by the old worker in the same way.
    const skipped: string[] = [];
    old.on('skipped', ({ reason }) => skipped.push(reason));
    const another = await old.acquire();
    expect(another.session.id).toBe('s1000');
    expect(skipped.length).toBe(447);
    await another.release();

    expect(await rotateKeys(store, sealingWith(two, one))).toMatchObject({ end: 'done', sealed: 1 });
    expect((await pool.get('s1000'))?.model.userData.late).toBe('saved');
  });

  it('gives up where somebody goes on sealing with another key', async () => {
    await using stage = await scene('sqlite');
    await (await filled(stage, one)).close();
    const store = stage.store();
    const old = sealingWith(one);
    let sealed = 0;
    const onProgress = () => {
      sealed += 1;
      void (async () => {
        const session = (await store.get('s1000'))!;
        const text = sealingWith(two, one).open('s1000', session.body as string);
        await store.rewrite!([{ id: 's1000', ifBody: session.body, body: old.seal('s1000', text) }]);
      })();
    };
    const error = await failureOf(rotateKeys(store, sealingWith(two, one), { onProgress }));
    expect(sealed).toBe(30);
    expect(error).toMatchObject({ code: 'STORE_BUSY' });
    expect((await readAgreement(store))?.keys).toEqual([keyId(two), keyId(one)]);
    await agreeOnKeys(store, sealingWith(two, one));
  });
});

describe('the tag of a proxy', () => {
  it('tells proxies apart, also by their password, and is no means to guess one', async () => {
    const tags = async (encryptionKey: SessionPoolOptions['encryptionKey'], ...proxies: string[]) => {
      await using stage = await scene('sqlite');
      const pool = stage.pool({ encryptionKey });
      await pool.add(proxies.map((proxy, index) => ({ id: `s${index}`, proxy })));
      await pool.add({ id: 'without' });
      const { sessions } = await stage.store().list({ limit: 10 });
      return sessions.map(({ tag }) => tag);
    };
    const urls = ['http://u:a@p.example:1', 'http://u:b@p.example:1', 'http://v:a@p.example:1'] as const;
    const clear = await tags(null, ...urls);
    expect(new Set(clear).size).toBe(4);
    expect(clear[3]).toBeNull();
    // Of another store's random bytes: by a tag alone nobody can try passwords.
    expect(await tags(null, urls[0])).not.toEqual([clear[0], null]);
    const hidden = await tags(one, ...urls);
    expect(new Set(hidden).size).toBe(4);
    expect(hidden).not.toContain(clear[0]);
    expect(await tags(one, urls[0])).toEqual([hidden[0], null]);
    expect(await tags(two, urls[0])).not.toEqual([hidden[0], null]);
  });
});
