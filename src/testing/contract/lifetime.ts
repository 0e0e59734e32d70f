import assert from 'node:assert/strict';
import type { SceneTest } from '../scene.ts';

/** Who is over is never handed out again, and no longer counts. */
export function lifetime(it: SceneTest): void {
  it('never hands out what has expired, and buries it', async (scene) => {
    await scene.add(3, { expiresInMs: scene.ms(1000) }, 'old');
    await scene.add(1, {}, 'young');
    await scene.advance(1000);
    assert.equal((await scene.leased()).lease.id, 'young-00000');
    await scene.none({ limit: 1 });
    const counts = await scene.store.count();
    assert.equal(counts.living, 1);
    assert.equal(counts.dead, 3);
    assert.equal(counts.deaths.expired, 3);
    assert.equal((await scene.get('old-00000')).status, 'expired');
    await scene.assertCountsAgree();
  });

  it('makes room for new ones where old ones expired', async (scene) => {
    await scene.add(2, { expiresInMs: scene.ms(1000) });
    await scene.advance(1000);
    await scene.vacant({ limit: 2 });
    await scene.vacant({ limit: 2 });
    await scene.none({ limit: 2 });
  });

  it('lets a holder finish although the session expires meanwhile, and then no one', async (scene) => {
    const [id] = await scene.add(1, { expiresInMs: scene.ms(1000) });
    const held = await scene.leased();
    await scene.advance(2000);
    await scene.none({ limit: 1 });
    const change = scene.used(held, { body: scene.body('last words') });
    assert.equal(await scene.store.release(held.lease, change), 'released');
    await scene.none();
    const dead = await scene.get(id!);
    assert.equal(dead.status, 'expired');
    assert.equal(scene.value(dead.body), 'last words');
    await scene.assertCountsAgree();
  });

  it('expects a holder back who has a session that expires before the lease could end', async (scene) => {
    const [id] = await scene.add(1, { expiresInMs: scene.ms(1000) });
    await scene.leased();
    assert.notEqual(await scene.none(), null);
    assert.notEqual(await scene.none({ id: id! }), null);
    assert.notEqual(await scene.none({ site: 'example.com' }), null);
  });

  it('never hands out what is used up', async (scene) => {
    await scene.add(1, { maxUsageCount: 2 });
    for (let use = 0; use < 2; use++) {
      const held = await scene.leased();
      assert.equal(await scene.store.release(held.lease, scene.used(held)), 'released');
    }
    assert.equal(await scene.none(), null);
    assert.equal((await scene.get('s-00000')).status, 'used-up');
    await scene.assertCountsAgree();
  });

  for (const status of ['blocked', 'expired', 'used-up', 'retired'] as const) {
    it(`ends a session that is released as ${status}`, async (scene) => {
      const [id] = await scene.add(1);
      await scene.use(id!, { blocks: [{ site: 'a.example', ms: null }] });
      const held = await scene.leased();
      const change = scene.used(held, {
        status,
        reason: 'seen a 403',
        errorScore: 3,
        body: scene.body('end'),
      });
      assert.equal(await scene.store.release(held.lease, change), 'released');
      assert.equal(await scene.none(), null);
      assert.equal(await scene.none({ id: id! }), null);
      const dead = await scene.get(id!);
      assert.equal(dead.state, 'dead');
      assert.equal(dead.status, status);
      assert.equal(dead.reason, 'seen a 403');
      assert.equal(dead.errorScore, 3);
      assert.equal(scene.value(dead.body), 'end');
      const counts = await scene.store.count();
      assert.deepEqual({ ...counts.deaths }, { 'seen a 403': 1 });
      assert.deepEqual({ ...counts.sites }, {});
      assert.equal(counts.living, 0);
    });
  }

  it('gives the status as the reason where none is given', async (scene) => {
    await scene.add(1);
    const held = await scene.leased();
    await scene.store.release(held.lease, scene.used(held, { status: 'blocked' }));
    assert.deepEqual({ ...(await scene.store.count()).deaths }, { blocked: 1 });
  });

  it('rests a session, and lets it come back by itself', async (scene) => {
    const [id] = await scene.add(1);
    await scene.use(id!, { restMs: scene.ms(5000) });
    assert.equal((await scene.get(id!)).state, 'resting');
    assert.equal((await scene.store.count()).resting, 1);
    await scene.assertRetryIn(await scene.none(), 5000);
    await scene.assertRetryIn(await scene.none({ id: id! }), 5000);
    await scene.advance(5000);
    await scene.assertCountsAgree();
    const held = await scene.leased();
    assert.equal(held.recovered, false);
    assert.equal(held.session.usageCount, 1);
    await scene.assertCountsAgree();
  });

  it('counts at most 100 reasons of death, and the rest as other', async (scene) => {
    const ids = await scene.add(120);
    for (const [index, id] of ids.entries()) {
      await scene.store.order({ ids: [id] }, { kind: 'retire', reason: `reason ${index}` });
    }
    const { deaths } = await scene.store.count();
    assert.ok(Object.keys(deaths).length <= 100);
    assert.ok(deaths.other! >= 20);
    const sum = Object.values(deaths).reduce((all, some) => all + some, 0);
    assert.equal(sum, 120);
  });
}
