import assert from 'node:assert/strict';
import type { StoreHarness } from '../harness.ts';
import type { SceneTest } from '../scene.ts';

/** Others who use the same data: a handle that is opened later, and one that is open at the same time. */
export function sharing(it: SceneTest, harness: StoreHarness): void {
  if (harness.reopen === undefined) return;

  it('finds everything again after it was closed', async (scene) => {
    const ids = await scene.add(5, { tag: 't' });
    await scene.use(ids[0]!, { status: 'retired', reason: 'seen' });
    await scene.use(ids[1]!, { restMs: scene.ms(60_000), blocks: [{ site: 'a', ms: null }] });
    const held = await scene.leased({ id: ids[2]! });
    await scene.store.order({ ids: [ids[2]!] }, { kind: 'retire', reason: 'waits' });
    const version = await scene.store.putDocument('d', '{}', 0);
    const before = { sessions: await scene.all(), counts: await scene.store.count() };
    await scene.store.close();

    const store = await scene.anotherHandle();
    const { sessions } = await store.list({ limit: 100 });
    assert.deepEqual(sessions, before.sessions);
    const { nextReadyInMs, ...counts } = await store.count();
    const { nextReadyInMs: nextBefore, ...countsBefore } = before.counts;
    assert.deepEqual(counts, countsBefore);
    assert.ok(Math.abs(nextReadyInMs! - nextBefore!) <= scene.slack + 1000);
    assert.deepEqual(await store.document('d'), { value: '{}', version });
    assert.equal(await store.release(held.lease, scene.used(held)), 'ordered');
  });

  if (harness.usesOwnClock !== true) {
    it('keeps the order of the queue when it is opened again', async (scene) => {
      const ids = await scene.add(10);
      for (const id of ids) await scene.use(id);
      const store = await scene.anotherHandle();
      for (const id of ids) assert.equal((await scene.leased({}, store)).lease.id, id);
    });
  }

  it('gives each session to one of many claimers on two handles', async (scene) => {
    await scene.add(30);
    const other = await scene.anotherHandle();
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, index) => scene.lease({}, index % 2 ? other : scene.store)),
    );
    const ids = results.flatMap((result) => (result.kind === 'leased' ? [result.lease.id] : []));
    assert.equal(ids.length, 30);
    assert.equal(new Set(ids).size, 30);
  });

  it('lets one handle release what another leased, and refuses the stale', async (scene) => {
    await scene.add(1);
    const other = await scene.anotherHandle();
    const held = await scene.leased();
    assert.equal(await other.release(held.lease, scene.used(held)), 'released');
    assert.equal(await scene.store.release(held.lease, scene.used(held)), 'lost');
    const again = await scene.leased({}, other);
    assert.equal(again.session.usageCount, 1);
  });

  it('sees a ban that another handle lifts', async (scene) => {
    const ids = await scene.add(20);
    const site = 'shop.example';
    const other = await scene.anotherHandle();
    for (const id of ids) await scene.use(id, { blocks: [{ site, ms: null }] });
    await scene.advance(10);
    await scene.none({ site });
    await scene.advance(10);
    await other.order({ ids: [ids[5]!] }, { kind: 'lift', site });
    assert.equal((await scene.leased({ site })).lease.id, ids[5]);
  });

  it('keeps to the limit on two handles', async (scene) => {
    const other = await scene.anotherHandle();
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, index) => scene.lease({ limit: 9 }, index % 2 ? other : scene.store)),
    );
    assert.equal(results.filter(({ kind }) => kind === 'vacant').length, 9);
  });

  it('wakes a waiter when another handle frees a session', async (scene) => {
    const other = await scene.anotherHandle();
    if (!scene.store.capabilities.wakeUps) return;
    await scene.add(1);
    const held = await scene.leased();
    const wake = { wake: true };
    assert.equal((await scene.lease(wake, other)).kind, 'none');
    let stop: (() => void) | undefined;
    const woken = new Promise<void>((resolve) => {
      stop = other.watch!(resolve);
    });
    try {
      assert.equal((await scene.lease(wake, other)).kind, 'none');
      await scene.store.release(held.lease, scene.used(held));
      const late = setTimeout(() => assert.fail('not woken within 20 s'), 20_000);
      await woken;
      clearTimeout(late);
    } finally {
      stop?.();
    }
    assert.equal((await scene.lease({}, other)).kind, 'leased');
  });
}
