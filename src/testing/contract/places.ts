import assert from 'node:assert/strict';
import type { SceneTest } from '../scene.ts';

/** Reserved places, the limit, and how new sessions come in. */
export function places(it: SceneTest): void {
  it('reserves a place before a session is made, and never more than the limit', async (scene) => {
    await scene.add(2);
    const results = await Promise.all(Array.from({ length: 30 }, () => scene.lease({ limit: 10 })));
    const kinds = results.map(({ kind }) => kind);
    assert.equal(kinds.filter((kind) => kind === 'leased').length, 2);
    assert.equal(kinds.filter((kind) => kind === 'vacant').length, 8);
    assert.equal((await scene.store.count()).places, 8);
    assert.equal((await scene.all()).length, 2, 'places are not listed');
  });

  it('creates nothing without a limit', async (scene) => {
    assert.equal(await scene.none(), null);
    assert.equal(await scene.none({ limit: 0 }), null);
    assert.equal(await scene.none({ fill: 'first' }), null);
  });

  it('turns a place into a session that its maker holds', async (scene) => {
    const place = await scene.vacant({ limit: 1 });
    const made = await scene.store.create(place.lease, scene.session('made', { tag: 't', key: 'k' }));
    assert.equal(made.kind, 'created');
    const lease = made.kind === 'created' ? made.lease : assert.fail();
    assert.equal(lease.id, 'made');
    const counts = await scene.store.count();
    assert.deepEqual([counts.living, counts.leased, counts.places], [1, 1, 0]);
    await scene.none({ limit: 1 });
    const change = { usageCount: 1, errorScore: 0, status: 'usable' } as const;
    assert.equal(await scene.store.release(lease, change), 'released');
    const held = await scene.leased({ limit: 1 });
    assert.equal(held.lease.id, 'made');
    assert.equal(held.session.tag, 't');
    assert.equal(held.session.key, 'k');
    assert.equal((await scene.store.create(place.lease, scene.session('twice'))).kind, 'lost');
  });

  it('frees a place that is given back', async (scene) => {
    const place = await scene.vacant({ limit: 1 });
    await scene.none({ limit: 1 });
    assert.equal(await scene.store.release(place.lease, null), 'released');
    assert.equal(await scene.store.release(place.lease, null), 'lost');
    assert.equal((await scene.store.create(place.lease, scene.session('late'))).kind, 'lost');
    await scene.vacant({ limit: 1 });
  });

  it('frees a place whose holder vanished', async (scene) => {
    const place = await scene.vacant({ limit: 1, leaseMs: scene.ms(2000) });
    await scene.assertRetryIn(await scene.none({ limit: 1 }), 2000);
    await scene.advance(2000);
    assert.equal((await scene.store.count()).places, 0);
    assert.equal((await scene.store.create(place.lease, scene.session('late'))).kind, 'lost');
    await scene.vacant({ limit: 1 });
    assert.equal((await scene.store.count()).places, 1);
  });

  it('keeps a renewed place', async (scene) => {
    const place = await scene.vacant({ limit: 1, leaseMs: scene.ms(2000) });
    await scene.advance(1000);
    const outcomes = await scene.store.renew([{ lease: place.lease, leaseMs: scene.ms(4000) }]);
    assert.deepEqual(outcomes, [{ kind: 'held' }]);
    await scene.advance(2000);
    await scene.none({ limit: 1 });
    assert.equal((await scene.store.create(place.lease, scene.session('made'))).kind, 'created');
  });

  it('refuses a forged place', async (scene) => {
    const place = await scene.vacant({ limit: 1 });
    const forged = { ...place.lease, token: `${place.lease.token}x` };
    assert.equal((await scene.store.create(forged, scene.session('made'))).kind, 'lost');
    assert.equal(await scene.store.release(forged, null), 'lost');
    assert.equal((await scene.store.count()).places, 1);
  });

  it('keeps the place when the id or key is taken', async (scene) => {
    await scene.store.add([scene.session('alice', { key: 'account' })]);
    const place = await scene.vacant({ limit: 5, fill: 'first' });
    assert.equal((await scene.store.create(place.lease, scene.session('alice'))).kind, 'duplicate');
    const sameKey = scene.session('bob', { key: 'account' });
    assert.equal((await scene.store.create(place.lease, sameKey)).kind, 'duplicate');
    assert.equal((await scene.store.count()).places, 1);
    assert.equal((await scene.store.create(place.lease, scene.session('bob', { key: 'b' }))).kind, 'created');
  });

  it('lets the id and key of the dead be taken again', async (scene) => {
    await scene.store.add([scene.session('alice', { key: 'account' })]);
    await scene.use('alice', { status: 'retired' });
    assert.equal((await scene.store.add([scene.session('bob', { key: 'account' })])).kind, 'added');
    assert.equal((await scene.store.add([scene.session('alice')])).kind, 'added');
    assert.equal((await scene.get('alice')).state, 'ready');
    await scene.assertCountsAgree();
    assert.equal((await scene.store.count()).dead, 0);
  });

  it('adds all or none', async (scene) => {
    const duplicate = async (...sessions: [string, string?][]) => {
      const result = await scene.store.add(
        sessions.map(([id, key]) => scene.session(id, { key: key ?? null })),
      );
      return result.kind === 'duplicate' ? result.id : result.kind;
    };
    assert.equal(await duplicate(['a', 'k']), 'added');
    assert.equal(await duplicate(['b'], ['a'], ['c']), 'a');
    assert.equal(await duplicate(['b'], ['c', 'k']), 'c');
    assert.equal(await duplicate(['b'], ['b']), 'b');
    assert.equal(await duplicate(['b', 'x'], ['c', 'x']), 'c');
    assert.deepEqual(
      (await scene.all()).map(({ id }) => id),
      ['a'],
    );
    const full = await scene.store.add([scene.session('b'), scene.session('c')], 2);
    assert.equal(full.kind, 'full');
    assert.equal((await scene.store.count()).living, 1);
    assert.equal((await scene.store.add([scene.session('b')], 2)).kind, 'added');
    assert.equal((await scene.store.add([])).kind, 'added');
  });

  it('counts reserved places against the limit when adding', async (scene) => {
    await scene.vacant({ limit: 2 });
    assert.equal((await scene.store.add([scene.session('a'), scene.session('b')], 2)).kind, 'full');
    assert.equal((await scene.store.add([scene.session('a')], 2)).kind, 'added');
  });

  it("makes a new one before any is used again with fill 'first'", async (scene) => {
    await scene.add(1);
    const place = await scene.vacant({ limit: 2, fill: 'first' });
    assert.equal((await scene.leased({ limit: 2, fill: 'first' })).lease.id, 's-00000');
    await scene.store.release(place.lease, null);
    await scene.vacant({ limit: 2, fill: 'first' });
    await scene.none({ limit: 2, fill: 'first' });
  });

  it("makes a new one only when none is free with fill 'on-demand'", async (scene) => {
    await scene.add(1);
    assert.equal((await scene.leased({ limit: 2 })).lease.id, 's-00000');
    await scene.vacant({ limit: 2 });
  });

  it('keeps to the limit when many create at once', async (scene) => {
    let most = 0;
    const user = async (name: number) => {
      for (let round = 0; round < 5; round++) {
        const result = await scene.lease({ limit: 7 });
        if (result.kind === 'vacant')
          await scene.store.create(result.lease, scene.session(`${name}-${round}`));
        const counts = await scene.store.count();
        most = Math.max(most, counts.living + counts.places);
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => user(index)));
    assert.equal(most, 7);
    assert.equal((await scene.store.count()).living, 7);
    await scene.assertCountsAgree();
  });
}
