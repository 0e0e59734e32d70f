import assert from 'node:assert/strict';
import type { SceneTest } from '../scene.ts';

/** What can be seen of a store, and how the dead leave it. */
export function views(it: SceneTest): void {
  it('lists in the order of the ids, page by page, without gaps', async (scene) => {
    const ids = ['b', 'a', 'é', 'A', 'zz', 'z', '10', '9'];
    await scene.store.add(ids.map((id) => scene.session(id)));
    await scene.vacant({ limit: 9, fill: 'first' });
    const whole = (await scene.all()).map(({ id }) => id);
    assert.deepEqual([...whole].sort(), [...ids].sort());
    for (const limit of [1, 3, 8]) {
      assert.deepEqual(
        (await scene.all(undefined, limit)).map(({ id }) => id),
        whole,
      );
    }
  });

  it('lists by state', async (scene) => {
    const ids = await scene.add(7);
    await scene.use(ids[0]!, { status: 'retired' });
    await scene.use(ids[1]!, { restMs: scene.ms(9000) });
    await scene.leased({ id: ids[2]!, holder: 'host:42' });
    const found = async (state: Parameters<typeof scene.all>[0]) =>
      (await scene.all(state, 2)).map(({ id }) => id);
    assert.deepEqual(await found('dead'), [ids[0]]);
    assert.deepEqual(await found('resting'), [ids[1]]);
    assert.deepEqual(await found('leased'), [ids[2]]);
    assert.deepEqual(await found('ready'), ids.slice(3));
    await scene.assertCountsAgree();
  });

  it('shows who holds a session, since when and until when', async (scene) => {
    const [id] = await scene.add(1);
    assert.deepEqual((await scene.get(id!)).holder, null);
    const { now } = await scene.leased({ holder: 'host:42', leaseMs: scene.ms(5000) });
    const held = await scene.get(id!);
    assert.equal(held.holder, 'host:42');
    assert.ok(Math.abs(held.sinceAt! - now) <= 1);
    assert.ok(Math.abs(held.untilAt! - now - scene.ms(5000)) <= 1);
    await scene.advance(5000);
    const left = await scene.get(id!);
    assert.deepEqual([left.state, left.holder, left.untilAt], ['ready', null, null]);
    await scene.assertCountsAgree();
    assert.equal(await scene.store.get('nobody'), undefined);
  });

  it('says when the next one is ready', async (scene) => {
    const [first, second] = await scene.add(2);
    assert.equal((await scene.store.count()).nextReadyInMs, null);
    await scene.use(first!, { restMs: scene.ms(7000) });
    await scene.leased({ id: second!, leaseMs: scene.ms(3000) });
    await scene.assertRetryIn((await scene.store.count()).nextReadyInMs, 3000);
  });

  it('counts what a walk over the list counts, through a mixed life', async (scene) => {
    const ids = await scene.add(60, { maxUsageCount: 3 });
    for (const [index, id] of ids.entries()) {
      if (index % 5 === 1) await scene.use(id, { status: 'retired', reason: `reason ${index % 2}` });
      if (index % 5 === 2) await scene.use(id, { restMs: scene.ms(100 * index) });
      if (index % 5 === 3) await scene.use(id, { blocks: [{ site: `site-${index % 3}`, ms: null }] });
      if (index % 5 === 4) await scene.leased({ id, leaseMs: scene.ms(150 * index) });
    }
    for (let step = 0; step < 5; step++) {
      await scene.assertCountsAgree();
      await scene.advance(1500);
      const held = await scene.leased();
      await scene.store.release(held.lease, scene.used(held));
    }
    await scene.assertCountsAgree();
  });

  it('prunes the oldest dead, those kept long enough and those too many', async (scene) => {
    const ids = await scene.add(6);
    for (const id of ids.slice(0, 5)) {
      await scene.use(id, { status: 'retired' });
      await scene.advance(1000);
    }
    const prune = (olderThanMs: number, keepAtMost: number, limit: number) =>
      scene.store.prune({ olderThanMs: scene.ms(olderThanMs), keepAtMost, limit });
    assert.deepEqual(await prune(100_000, 100, 10), { removed: 0, more: false });
    assert.deepEqual(await prune(3500, 100, 1), { removed: 1, more: true });
    assert.deepEqual(await prune(3500, 100, 1), { removed: 1, more: false });
    assert.equal(await scene.store.get(ids[0]!), undefined);
    assert.equal(await scene.store.get(ids[1]!), undefined);
    assert.equal((await scene.get(ids[2]!)).state, 'dead');
    assert.deepEqual(await prune(100_000, 1, 10), { removed: 2, more: false });
    assert.equal((await scene.get(ids[4]!)).state, 'dead');
    const counts = await scene.store.count();
    assert.deepEqual([counts.living, counts.dead, counts.deaths.retired], [1, 1, 5]);
    await scene.assertCountsAgree();
  });

  it('prunes a bounded number a call', async (scene) => {
    const ids = await scene.add(50);
    await scene.store.order({ ids }, { kind: 'retire', reason: 'all' });
    await scene.advance(10);
    let calls = 0;
    for (let more = true; more; calls++) {
      const result = await scene.store.prune({ olderThanMs: 0, keepAtMost: 0, limit: 20 });
      assert.ok(result.removed <= 20);
      more = result.more;
    }
    assert.ok(calls >= 3 && calls < 10);
    assert.equal((await scene.store.count()).dead, 0);
  });

  it('writes a document only over the version that was read', async (scene) => {
    const { store } = scene;
    assert.equal(await store.document('proxies'), undefined);
    assert.equal(await store.putDocument('proxies', '{"a":1}', 1), undefined);
    const first = await store.putDocument('proxies', '{"a":1}', 0);
    assert.ok(first !== undefined && first > 0);
    assert.deepEqual(await store.document('proxies'), { value: '{"a":1}', version: first });
    assert.equal(await store.putDocument('proxies', '{}', 0), undefined);
    const writers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => store.putDocument('proxies', `{"by":${index}}`, first)),
    );
    assert.equal(writers.filter((version) => version !== undefined).length, 1);
    const now = await store.document('proxies');
    assert.equal(
      now?.version,
      writers.find((version) => version !== undefined),
    );
    assert.equal(await store.document('other'), undefined);
  });

  it('may be closed twice', async (scene) => {
    await scene.add(1);
    await scene.store.close();
    await scene.store.close();
  });
}
