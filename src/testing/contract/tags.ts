import assert from 'node:assert/strict';
import type { StoreHarness } from '../harness.ts';
import type { Scene, SceneTest } from '../scene.ts';

/** What sessions belong to (their proxies): counted while they live, limited when they come, and changed by a release. */
export function tags(it: SceneTest, harness: StoreHarness): void {
  it('counts the living by tag, through every way in and out of life', async (scene) => {
    const { store } = scene;
    const counted = async () => ({ ...(await store.count()).tags });
    await scene.add(2, {}, 'untagged');
    assert.deepEqual(await counted(), {});
    const a = await scene.add(4, { tag: 'proxy a' }, 'a');
    await scene.add(2, { tag: 'proxy b', expiresInMs: scene.ms(10_000) }, 'b');
    const place = await scene.vacant({ limit: 99, fill: 'first' });
    const made = await store.create(place.lease, scene.session('made', { tag: 'proxy b' }));
    assert.equal(made.kind, 'created');
    assert.deepEqual(await counted(), { 'proxy a': 4, 'proxy b': 3 });

    await scene.use(a[0]!);
    await scene.use(a[0]!, { restMs: scene.ms(60_000), blocks: [{ site: 'shop.example', ms: null }] });
    const held = await scene.leased({ id: a[1]! });
    assert.deepEqual(
      await counted(),
      { 'proxy a': 4, 'proxy b': 3 },
      'uses, rests and leases change nothing',
    );

    assert.equal(await store.release(held.lease, scene.used(held, { status: 'blocked' })), 'released');
    assert.deepEqual(await counted(), { 'proxy a': 3, 'proxy b': 3 });
    const ordered = await scene.leased({ id: a[2]! });
    assert.equal(await store.order({ tag: 'proxy a' }, { kind: 'retire', reason: 'gone' }), 3);
    assert.deepEqual(await counted(), { 'proxy a': 1, 'proxy b': 3 }, 'its holder still has it');
    assert.equal(await store.release(ordered.lease, null), 'ordered');
    await scene.advance(10_000);
    // Whoever looks at all of them finds that they have expired.
    while ((await scene.lease()).kind === 'leased');
    assert.deepEqual(await counted(), { 'proxy b': 1 });
    await scene.assertCountsAgree();

    assert.equal(await store.order({ tag: 'proxy a' }, { kind: 'revive', expiresInMs: null }), 4);
    assert.deepEqual(await counted(), { 'proxy a': 4, 'proxy b': 1 });
    assert.equal(await store.remove([a[0]!, 'made']), 2);
    assert.deepEqual(await counted(), { 'proxy a': 3 });
    await scene.use(a[1]!, { status: 'retired' });
    await scene.advance(10);
    assert.equal((await store.prune({ olderThanMs: 0, keepAtMost: 0, limit: 10 })).removed, 3);
    assert.equal(await store.remove([a[1]!]), 0);
    assert.deepEqual(await counted(), { 'proxy a': 2 });
    await scene.assertCountsAgree();
  });

  it('counts those whose holder vanished on their last use no more', async (scene) => {
    await scene.add(1, { tag: 'proxy', maxUsageCount: 1 });
    await scene.leased({ leaseMs: scene.ms(1000) });
    await scene.advance(1000);
    await scene.none();
    assert.deepEqual({ ...(await scene.store.count()).tags }, {});
    await scene.assertCountsAgree();
  });

  it('counts one that takes the id of a dead one by its own tag', async (scene) => {
    await scene.add(1, { tag: 'old' });
    await scene.use('s-00000', { status: 'retired' });
    await scene.add(1, { tag: 'new' });
    assert.deepEqual({ ...(await scene.store.count()).tags }, { new: 1 });
  });

  it('takes any text for a tag', async (scene) => {
    const names = ['__proto__', 'toString', '', ' ', 'http://user@[::1]:80/?a=b&c', '"', 'é', 'tag:x', '0'];
    await scene.store.add(names.map((tag, index) => scene.session(`s${index}`, { tag, tagLimit: 1 })));
    const { tags } = await scene.store.count();
    assert.deepEqual(Object.entries(tags).sort(), names.map((name) => [name, 1]).sort());
    const more = await scene.store.add([scene.session('more', { tag: '', tagLimit: 1 })]);
    assert.deepEqual(more, { kind: 'tag-full', id: 'more' });
  });

  it('shows at most 10 000 tags', async (scene) => {
    for (let from = 0; from < 10_500; from += 500) {
      const ids = Array.from({ length: 500 }, (_, index) => `s${from + index}`);
      await scene.store.add(ids.map((id) => scene.session(id, { tag: `proxy ${id}` })));
    }
    const { tags } = await scene.store.count();
    assert.equal(Object.keys(tags).length, 10_000);
    assert.ok(Object.values(tags).every((living) => living === 1));
  });

  it('makes none beyond the limit of its tag, and keeps the place', async (scene) => {
    const { store } = scene;
    const place = await scene.vacant({ limit: 9, fill: 'first' });
    const create = async (tag: string | null, tagLimit?: number) => {
      const session = scene.session('made', { tag, ...(tagLimit !== undefined && { tagLimit }) });
      return (await store.create(place.lease, session)).kind;
    };
    await scene.add(2, { tag: 'proxy a' });
    assert.equal(await create('proxy a', 2), 'tag-full');
    assert.equal(await create('proxy a', 0), 'tag-full');
    assert.equal(await create('proxy b', 0), 'tag-full');
    assert.equal(await store.get('made'), undefined);
    assert.equal((await store.count()).places, 1);
    assert.equal(await create('proxy a', 3), 'created');
    assert.deepEqual({ ...(await store.count()).tags }, { 'proxy a': 3 });
    await scene.assertCountsAgree();

    const other = await scene.vacant({ limit: 9, fill: 'first' });
    const untagged = scene.session('untagged', { tag: null, tagLimit: 0 });
    assert.equal((await store.create(other.lease, untagged)).kind, 'created');
    const third = await scene.vacant({ limit: 9, fill: 'first' });
    const unlimited = scene.session('unlimited', { tag: 'proxy a' });
    assert.equal((await store.create(third.lease, unlimited)).kind, 'created');
  });

  it('adds all or none within the limits of tags, counting those that come together', async (scene) => {
    const { store } = scene;
    const add = (...sessions: [id: string, tag: string, tagLimit?: number][]) =>
      store.add(
        sessions.map(([id, tag, tagLimit]) =>
          scene.session(id, { tag, ...(tagLimit !== undefined && { tagLimit }) }),
        ),
      );
    assert.deepEqual(await add(['a', 'x', 2], ['b', 'x', 2], ['c', 'x', 2]), { kind: 'tag-full', id: 'c' });
    assert.equal((await store.count()).living, 0);
    assert.deepEqual(await add(['a', 'x', 2], ['b', 'y', 1], ['c', 'x', 2]), { kind: 'added' });
    assert.deepEqual(await add(['d', 'z', 1], ['e', 'y', 1]), { kind: 'tag-full', id: 'e' });
    assert.deepEqual(await add(['d', 'y'], ['e', 'y', 3], ['f', 'x', 3]), { kind: 'added' });
    assert.deepEqual(await add(['g', 'y'], ['a', 'y', 1]), { kind: 'duplicate', id: 'a' });
    assert.deepEqual({ ...(await store.count()).tags }, { x: 3, y: 3 });
    await scene.assertCountsAgree();
  });

  it('lets the dead and the expired stand in no limit', async (scene) => {
    await scene.add(2, { tag: 'proxy', expiresInMs: scene.ms(1000) }, 'old');
    await scene.advance(1000);
    await addTagged(scene, 'a', 1);
    await scene.use('a', { status: 'retired' });
    const place = await scene.vacant({ limit: 9, fill: 'first' });
    const created = await scene.store.create(
      place.lease,
      scene.session('b', { tag: 'proxy', tagLimit: 1, expiresInMs: scene.ms(1000) }),
    );
    assert.equal(created.kind, 'created');
    await scene.store.release(created.kind === 'created' ? created.lease : assert.fail(), null);
    const next = await scene.vacant({ limit: 9, fill: 'first' });
    await scene.advance(1000);
    const session = scene.session('c', { tag: 'proxy', tagLimit: 1 });
    assert.equal((await scene.store.create(next.lease, session)).kind, 'created');
    await scene.assertCountsAgree();
  });

  it('keeps to the limit of a tag when many create and add at once', async (scene) => {
    const stores = harness.reopen ? [scene.store, await scene.anotherHandle()] : [scene.store];
    const places = await Promise.all(
      Array.from({ length: 20 }, () => scene.vacant({ limit: 20, fill: 'first' })),
    );
    const results = await Promise.all(
      places.map(({ lease }, index) => {
        const store = stores[index % stores.length]!;
        const session = scene.session(`s${index}`, { tag: 'proxy', tagLimit: 7 });
        return index % 3 ? store.create(lease, session) : store.add([session]);
      }),
    );
    const kinds = results.map(({ kind }) => kind);
    assert.equal(kinds.filter((kind) => kind === 'tag-full').length, 13);
    assert.deepEqual({ ...(await stores.at(-1)!.count()).tags }, { proxy: 7 });
    await scene.assertCountsAgree();
  });

  it('gives a session another tag with its release', async (scene) => {
    const { store } = scene;
    const [id, other] = await scene.add(2, { tag: 'proxy a' });
    const held = await scene.leased({ id: id! });
    const change = scene.used(held, { tag: 'proxy b', body: scene.body('rebound') });
    assert.equal(await store.release(held.lease, change), 'released');
    assert.equal((await scene.get(id!)).tag, 'proxy b');
    assert.deepEqual({ ...(await store.count()).tags }, { 'proxy a': 1, 'proxy b': 1 });
    assert.equal(await store.order({ tag: 'proxy a' }, { kind: 'rest', ms: scene.ms(60_000) }), 1);
    assert.equal((await scene.get(other!)).state, 'resting');
    const again = await scene.leased();
    assert.deepEqual([again.lease.id, again.session.tag, again.session.usageCount], [id, 'proxy b', 1]);
    assert.equal(scene.value(again.session.body), 'rebound');
    assert.equal(await store.order({ tag: 'proxy b' }, { kind: 'rest', ms: scene.ms(60_000) }), 1);

    // The order that waited is carried out, whatever it belongs to now.
    assert.equal(await store.release(again.lease, scene.used(again, { tag: null })), 'released');
    const freed = await scene.get(id!);
    assert.deepEqual([freed.tag, freed.state], [null, 'resting']);
    assert.deepEqual({ ...(await store.count()).tags }, { 'proxy a': 1 });
    await scene.assertCountsAgree();
  });

  it('gives it another tag also with its end, and to one that had none', async (scene) => {
    const { store } = scene;
    const [dead, free] = await scene.add(2);
    await scene.use(dead!, { status: 'retired', tag: 'proxy a' });
    assert.deepEqual({ ...(await store.count()).tags }, {});
    assert.equal((await scene.get(dead!)).tag, 'proxy a');
    assert.equal(await store.order({ tag: 'proxy a' }, { kind: 'revive', expiresInMs: null }), 1);
    assert.deepEqual({ ...(await store.count()).tags }, { 'proxy a': 1 });
    await scene.use(free!, { tag: 'proxy a', restMs: scene.ms(60_000) });
    await scene.use(dead!, { tag: 'proxy a' });
    assert.deepEqual({ ...(await store.count()).tags }, { 'proxy a': 2 });
    await scene.assertCountsAgree();
  });

  it('leaves the tag alone with a release that is lost', async (scene) => {
    const [id] = await scene.add(1, { tag: 'proxy a' });
    const held = await scene.leased();
    await scene.store.release(held.lease, scene.used(held));
    assert.equal(await scene.store.release(held.lease, scene.used(held, { tag: 'proxy b' })), 'lost');
    assert.equal((await scene.get(id!)).tag, 'proxy a');
    await scene.assertCountsAgree();
  });
}

async function addTagged(scene: Scene, id: string, tagLimit: number): Promise<void> {
  const added = await scene.store.add([scene.session(id, { tag: 'proxy', tagLimit })]);
  assert.equal(added.kind, 'added');
}
