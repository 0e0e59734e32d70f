import assert from 'node:assert/strict';
import type { Rewrite } from '../../stores/store.ts';
import type { Scene, SceneTest } from '../scene.ts';

/**
 * Bodies, keys and tags written in another way, for a change of encryption keys. A store whose bodies are live objects
 * keeps none of it anywhere, and needs none.
 */
export function rewriting(it: SceneTest): void {
  it('has what a change of keys needs, if its bodies are text', async ({ store }) => {
    if (store.capabilities.bodies === 'text') assert.equal(typeof store.rewrite, 'function');
  });

  const itRewrites: SceneTest = (name, body) =>
    it(name, async (scene) => {
      if (scene.store.rewrite !== undefined) await body(scene);
    });

  itRewrites(
    'rewrites sessions that are free, resting, leased and dead, and nothing else of them',
    async (scene) => {
      const ids = await scene.add(4, { tag: 'before', maxUsageCount: 9, errorScore: 0.5 });
      await scene.use(ids[1]!, { restMs: scene.ms(60_000), blocks: [{ site: 'a.example', ms: null }] });
      const held = await scene.leased({ id: ids[2]!, holder: 'host:42' });
      await scene.use(ids[3]!, { status: 'retired', reason: 'seen' });
      const before = await scene.all();
      const countsBefore = await scene.store.count();

      assert.equal(await rewriteAll(scene, ids), 4);

      const withNewBody = before.map((session) => ({ ...session, body: scene.body({ new: session.id }) }));
      assert.deepEqual(await scene.all(), withNewBody);
      const { nextReadyInMs, ...counts } = await scene.store.count();
      const { nextReadyInMs: nextBefore, ...others } = countsBefore;
      assert.deepEqual(counts, others);
      assert.ok(Math.abs(nextReadyInMs! - nextBefore!) <= scene.slack + 1000);
      assert.equal(await scene.store.release(held.lease, scene.used(held)), 'released');
      assert.deepEqual(scene.value((await scene.get(ids[2]!)).body), { new: ids[2] });
    },
  );

  itRewrites('leaves alone what has another body by now, and who is not there', async (scene) => {
    const ids = await scene.add(3);
    await scene.use(ids[1]!, { body: scene.body('used meanwhile') });
    assert.equal(await rewriteAll(scene, [...ids, 'nobody']), 2);
    assert.deepEqual(
      (await scene.all()).map(({ body }) => scene.value(body)),
      [{ new: ids[0] }, 'used meanwhile', { new: ids[2] }],
    );
    assert.equal(await rewriteAll(scene, ids), 0);
    assert.equal(await scene.store.rewrite!([]), 0);
  });

  itRewrites('lets the holder write over it, and shows the new body to the next', async (scene) => {
    const [id] = await scene.add(1);
    const held = await scene.leased();
    assert.equal(await rewriteAll(scene, [id!]), 1);
    const renewal = { lease: held.lease, leaseMs: scene.ms(60_000), body: scene.body('checkpoint') };
    assert.deepEqual(await scene.store.renew([renewal]), [{ kind: 'held' }]);
    assert.deepEqual(scene.value((await scene.get(id!)).body), 'checkpoint');
    const change = scene.used(held, { body: scene.body('released') });
    assert.equal(await scene.store.release(held.lease, change), 'released');
    assert.deepEqual(scene.value((await scene.leased()).session.body), 'released');
  });

  itRewrites(
    'replaces keys and tags where they are given, and finds sessions by the new ones',
    async (scene) => {
      const { store } = scene;
      await store.add([
        scene.session('a', { key: 'account a', tag: 'proxy 1' }),
        scene.session('b', { key: 'account b', tag: 'proxy 1' }),
        scene.session('c', { key: 'account c', tag: 'proxy 1' }),
      ]);
      assert.equal(await rewriteAll(scene, ['a'], { key: 'hidden a', tag: 'hidden 1' }), 1);
      assert.equal(await rewriteAll(scene, ['b'], { key: null, tag: null }), 1);
      assert.equal(await rewriteAll(scene, ['c']), 1);
      assert.deepEqual(
        (await scene.all()).map(({ key, tag }) => [key, tag]),
        [
          ['hidden a', 'hidden 1'],
          [null, null],
          ['account c', 'proxy 1'],
        ],
      );

      const add = async (id: string, key: string) => (await store.add([scene.session(id, { key })])).kind;
      assert.equal(await add('d', 'hidden a'), 'duplicate');
      assert.equal(await add('e', 'account c'), 'duplicate');
      assert.equal(await add('f', 'account a'), 'added');
      assert.equal(await add('g', 'account b'), 'added');
      const rest = (tag: string) => store.order({ tag }, { kind: 'rest', ms: scene.ms(60_000) });
      assert.equal(await rest('hidden 1'), 1);
      assert.equal((await scene.get('a')).state, 'resting');
      assert.equal(await rest('proxy 1'), 1);
      assert.equal((await scene.get('c')).state, 'resting');
      assert.equal((await scene.get('b')).state, 'ready');
    },
  );

  itRewrites('rewrites a thousand in one call', async (scene) => {
    const ids = await scene.add(1000);
    assert.equal(await rewriteAll(scene, ids), 1000);
    const sessions = await scene.all(undefined, 1000);
    assert.ok(sessions.every(({ id, body }) => body === scene.body({ new: id })));
    await scene.assertCountsAgree();
  });
}

/** Writes `{ new: id }` where the body still is the one that {@link Scene.add} gave. */
async function rewriteAll(
  scene: Scene,
  ids: readonly string[],
  columns: Pick<Rewrite, 'key' | 'tag'> = {},
): Promise<number> {
  const rewrites = ids.map((id) => ({
    id,
    ifBody: scene.body({ of: id }),
    body: scene.body({ new: id }),
    ...columns,
  }));
  return scene.store.rewrite!(rewrites);
}
