import assert from 'node:assert/strict';
import type { SceneTest } from '../scene.ts';

/** One holder, fenced by its token, for as long as the lease lasts. */
export function leases(it: SceneTest): void {
  it('gives each session to one of many claimers', async (scene) => {
    await scene.add(20);
    const results = await Promise.all(Array.from({ length: 50 }, () => scene.lease()));
    const held = results.filter((result) => result.kind === 'leased');
    assert.equal(held.length, 20);
    assert.equal(new Set(held.map(({ lease }) => lease.id)).size, 20);
    assert.equal(new Set(held.map(({ lease }) => `${lease.token} ${lease.fence}`)).size, 20);
  });

  it('hands out what it was given', async (scene) => {
    const given = scene.session('alice', {
      ageMs: scene.ms(5000),
      expiresInMs: scene.ms(100_000),
      usageCount: 3,
      maxUsageCount: 50,
      errorScore: 1.5,
      key: 'alice@example.com',
      tag: 'proxy-1',
      body: scene.body({ cookies: [{ name: 'ä', value: '✓' }] }),
    });
    assert.equal((await scene.store.add([given])).kind, 'added');
    const { lease, session, recovered, now } = await scene.leased();
    assert.equal(lease.id, 'alice');
    assert.equal(recovered, false);
    assert.deepEqual(scene.value(session.body), { cookies: [{ name: 'ä', value: '✓' }] });
    const { createdAt, expiresAt } = session;
    assert.deepEqual([session.id, session.status, session.reason], ['alice', 'usable', null]);
    assert.deepEqual([session.usageCount, session.maxUsageCount, session.errorScore], [3, 50, 1.5]);
    assert.deepEqual([session.key, session.tag], ['alice@example.com', 'proxy-1']);
    assert.ok(Math.abs(now - createdAt - scene.ms(5000)) <= scene.slack);
    assert.ok(Math.abs(expiresAt! - now - scene.ms(100_000)) <= scene.slack);
  });

  it('writes a release in one step: counts, body and order in the queue', async (scene) => {
    await scene.add(2);
    const first = await scene.leased();
    const change = scene.used(first, { errorScore: 0.5, body: scene.body({ token: 7 }) });
    assert.equal(await scene.store.release(first.lease, change), 'released');
    const after = await scene.get(first.lease.id);
    assert.equal(after.usageCount, 1);
    assert.equal(after.errorScore, 0.5);
    assert.equal(after.state, 'ready');
    assert.deepEqual(scene.value(after.body), { token: 7 });
    assert.notEqual((await scene.leased()).lease.id, first.lease.id, 'it went to the end of the queue');
    assert.ok((await scene.leased()).lease.fence > first.lease.fence);
  });

  it('gives a session back as it was, uncounted, when there is no change', async (scene) => {
    const [id] = await scene.add(1);
    const before = await scene.get(id!);
    const { lease } = await scene.leased();
    assert.equal(await scene.store.release(lease, null), 'released');
    assert.deepEqual(await scene.get(id!), before);
    assert.equal((await scene.leased()).recovered, false);
  });

  it('refuses a second release of the same lease', async (scene) => {
    await scene.add(1);
    const held = await scene.leased();
    assert.equal(await scene.store.release(held.lease, scene.used(held)), 'released');
    assert.equal(await scene.store.release(held.lease, scene.used(held, { usageCount: 9 })), 'lost');
    assert.equal((await scene.get(held.lease.id)).usageCount, 1);
  });

  it('refuses a wrong token although the fence is right, and writes nothing', async (scene) => {
    await scene.add(1);
    const held = await scene.leased();
    const before = await scene.get(held.lease.id);
    for (const token of [`${held.lease.token}x`, held.lease.token.slice(0, -1), 'nonsense', '']) {
      const forged = { ...held.lease, token };
      const change = scene.used(held, { usageCount: 99, body: scene.body('forged') });
      assert.equal(await scene.store.release(forged, change), 'lost');
      assert.equal(await scene.store.release(forged, null), 'lost');
      const [renewed] = await scene.store.renew([{ lease: forged, leaseMs: 1, body: scene.body('forged') }]);
      assert.equal(renewed?.kind, 'lost');
    }
    assert.deepEqual(await scene.get(held.lease.id), before);
  });

  it('refuses the lease of another session', async (scene) => {
    await scene.add(2);
    const one = await scene.leased();
    const two = await scene.leased();
    const swapped = { ...two.lease, id: one.lease.id };
    assert.equal(await scene.store.release(swapped, scene.used(one)), 'lost');
    assert.equal(await scene.store.release(one.lease, scene.used(one)), 'released');
  });

  it('fences off a holder whose lease ran out, before and after the session has a new one', async (scene) => {
    await scene.add(1);
    const stale = await scene.leased({ leaseMs: scene.ms(1000) });
    await scene.advance(1000);
    const change = scene.used(stale, { usageCount: 77, body: scene.body('stale') });
    assert.equal(await scene.store.release(stale.lease, change), 'lost');
    const fresh = await scene.leased();
    assert.ok(fresh.lease.fence > stale.lease.fence);
    assert.equal(await scene.store.release(stale.lease, change), 'lost');
    const [renewed] = await scene.store.renew([
      { lease: stale.lease, leaseMs: 1, body: scene.body('stale') },
    ]);
    assert.equal(renewed?.kind, 'lost');
    assert.deepEqual(scene.value((await scene.get(fresh.lease.id)).body), { of: fresh.lease.id });
    assert.equal(await scene.store.release(fresh.lease, scene.used(fresh)), 'released');
  });

  it('keeps a renewed lease, and saves the body it was given', async (scene) => {
    await scene.add(2);
    const kept = await scene.leased({ leaseMs: scene.ms(4000) });
    const left = await scene.leased({ leaseMs: scene.ms(4000) });
    await scene.advance(3000);
    const outcomes = await scene.store.renew([
      { lease: kept.lease, leaseMs: scene.ms(4000), body: scene.body({ saved: true }) },
    ]);
    assert.deepEqual(outcomes, [{ kind: 'held' }]);
    await scene.advance(3000);
    const recovered = await scene.leased();
    assert.equal(recovered.lease.id, left.lease.id);
    await scene.none();
    assert.deepEqual(scene.value((await scene.get(kept.lease.id)).body), { saved: true });
    assert.equal(await scene.store.release(kept.lease, scene.used(kept)), 'released');
  });

  it('counts a lease that ran out as one use, and tells the next holder', async (scene) => {
    const [id] = await scene.add(1, { usageCount: 4 });
    await scene.leased({ leaseMs: scene.ms(1000) });
    await scene.assertRetryIn(await scene.none(), 1000);
    await scene.advance(1000);
    const next = await scene.leased();
    assert.equal(next.lease.id, id);
    assert.equal(next.recovered, true);
    assert.equal(next.session.usageCount, 5);
    assert.equal(await scene.store.release(next.lease, scene.used(next)), 'released');
    const later = await scene.leased();
    assert.equal(later.recovered, false);
    assert.equal(later.session.usageCount, 6);
  });

  it('hands out a session whose lease ran out soon, although others are free all the time', async (scene) => {
    await scene.add(3);
    const lost = await scene.leased({ leaseMs: scene.ms(1000) });
    await scene.advance(1000);
    let next = await scene.leased();
    for (let turn = 0; turn < 20 && next.lease.id !== lost.lease.id; turn++) {
      assert.equal(await scene.store.release(next.lease, scene.used(next)), 'released');
      await scene.advance(100);
      next = await scene.leased();
    }
    assert.equal(next.lease.id, lost.lease.id);
    assert.equal(next.recovered, true);
  });

  it('retires as used up what a lost lease brought to its limit', async (scene) => {
    const [id] = await scene.add(1, { usageCount: 0, maxUsageCount: 1 });
    await scene.leased({ leaseMs: scene.ms(1000) });
    await scene.advance(1000);
    assert.equal(await scene.none(), null);
    const dead = await scene.get(id!);
    assert.equal(dead.state, 'dead');
    assert.equal(dead.status, 'used-up');
    assert.equal(dead.usageCount, 1);
    assert.equal((await scene.store.count()).living, 0);
  });

  it('leases a particular session, or none', async (scene) => {
    const ids = await scene.add(3);
    const held = await scene.leased({ id: ids[1]! });
    assert.equal(held.lease.id, ids[1]);
    await scene.assertRetryIn(await scene.none({ id: ids[1]!, limit: 100 }), 60_000);
    assert.equal(await scene.none({ id: 'nobody', limit: 100 }), null);
  });

  it('calls a removed session lost to its holder', async (scene) => {
    const [id] = await scene.add(1);
    const held = await scene.leased();
    assert.equal(await scene.store.remove([id!, 'nobody']), 1);
    assert.equal(await scene.store.get(id!), undefined);
    assert.equal(await scene.store.release(held.lease, scene.used(held)), 'lost');
    await scene.add(1);
    assert.equal(await scene.store.release(held.lease, scene.used(held)), 'lost');
    await scene.assertCountsAgree();
  });

  it('answers renewals in their order', async (scene) => {
    await scene.add(3);
    const held = [await scene.leased(), await scene.leased(), await scene.leased()];
    await scene.store.release(held[1]!.lease, null);
    const outcomes = await scene.store.renew(held.map(({ lease }) => ({ lease, leaseMs: scene.ms(1000) })));
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['held', 'lost', 'held'],
    );
  });
}
