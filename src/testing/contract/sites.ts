import assert from 'node:assert/strict';
import type { SceneTest } from '../scene.ts';

/** Bans and rests that hold for one site only. */
export function sites(it: SceneTest): void {
  const site = 'shop.example';

  it('does not hand out a session for a site that banned it, but for others', async (scene) => {
    const [banned, other] = await scene.add(2);
    await scene.use(banned!, { blocks: [{ site, ms: null }] });
    await scene.use(other!);
    assert.equal((await scene.leased({ site })).lease.id, other);
    assert.equal(await scene.none({ site, id: banned! }), null);
    assert.equal((await scene.leased({ site: 'other.example' })).lease.id, banned);
  });

  it('lets a rest for a site end by itself', async (scene) => {
    const [id] = await scene.add(1);
    await scene.use(id!, { blocks: [{ site, ms: scene.ms(3000) }] });
    await scene.assertRetryIn(await scene.none({ site }), 3000);
    await scene.assertRetryIn(await scene.none({ site, id: id! }), 3000);
    const [block] = (await scene.get(id!)).blocks;
    assert.equal(block?.site, site);
    assert.ok(Math.abs(block.untilAt! - block.sinceAt - scene.ms(3000)) <= 1);
    const elsewhere = await scene.leased({ site: 'other.example' });
    await scene.store.release(elsewhere.lease, null);
    await scene.advance(3000);
    assert.deepEqual((await scene.get(id!)).blocks, []);
    await scene.assertCountsAgree();
    assert.equal((await scene.leased({ site })).lease.id, id);
  });

  it('hands out a rested session although later ones are banned', async (scene) => {
    const ids = await scene.add(40);
    await scene.use(ids[0]!, { blocks: [{ site, ms: scene.ms(3000) }] });
    for (const id of ids.slice(1)) await scene.use(id, { blocks: [{ site, ms: null }] });
    await scene.assertRetryIn(await scene.none({ site }), 3000);
    await scene.advance(3000);
    assert.equal((await scene.leased({ site })).lease.id, ids[0]);
    await scene.none({ site });
  });

  it('finds the free among those added at the same moment', async (scene) => {
    const ids = await scene.add(40);
    const ms = scene.ms(60_000);
    const rotations = ['round-robin', 'use-until-failure'] as const;
    for (const [index, rotation] of rotations.entries()) {
      const resting = index === 0 ? ids.slice(0, 10) : ids.slice(30);
      await scene.store.order({ ids: resting }, { kind: 'rest', ms, site: rotation });
      for (let turn = 0; turn < 3; turn++) {
        const { lease } = await scene.leased({ site: rotation, rotation });
        assert.ok(!resting.includes(lease.id));
        await scene.store.release(lease, null);
      }
    }
    // And among those that became free at the same moment.
    await scene.store.order({ ids }, { kind: 'rest', ms, site });
    await scene.store.order({ ids }, { kind: 'lift', site });
    await scene.store.order({ ids: ids.slice(0, 10) }, { kind: 'rest', ms, site });
    for (let turn = 0; turn < 3; turn++) await scene.leased({ site });
  });

  it('lets the longer block go on, whichever came first, and lifts any with 0', async (scene) => {
    const [id] = await scene.add(1);
    const counts = async () => (await scene.store.count()).sites[site];
    const untilAt = async () => (await scene.get(id!)).blocks.find((block) => block.site === site)?.untilAt;
    await scene.use(id!, { blocks: [{ site, ms: scene.ms(1000) }] });
    assert.deepEqual({ ...(await counts()) }, { resting: 1, banned: 0 });
    await scene.use(id!, { blocks: [{ site, ms: null }] });
    assert.deepEqual({ ...(await counts()) }, { resting: 0, banned: 1 });
    const [ban] = (await scene.get(id!)).blocks;
    await scene.advance(10);
    await scene.use(id!, { blocks: [{ site, ms: scene.ms(1000) }] });
    await scene.use(id!, { blocks: [{ site, ms: null }] });
    assert.deepEqual({ ...(await counts()) }, { resting: 0, banned: 1 });
    assert.deepEqual((await scene.get(id!)).blocks, [ban], 'a ban keeps its beginning');
    await scene.use(id!, { blocks: [{ site, ms: 0 }] });
    assert.equal(await counts(), undefined);

    await scene.use(id!, { blocks: [{ site, ms: scene.ms(9000) }] });
    const end = await untilAt();
    await scene.use(id!, { blocks: [{ site, ms: scene.ms(2000) }] });
    assert.equal(await untilAt(), end);
    await scene.use(id!, { blocks: [{ site, ms: scene.ms(20_000) }] });
    assert.ok((await untilAt())! > end!);
    assert.deepEqual({ ...(await counts()) }, { resting: 1, banned: 0 });
    await scene.use(id!, {
      blocks: [
        { site, ms: 0 },
        { site, ms: scene.ms(2000) },
      ],
    });
    assert.ok((await untilAt())! < end!, 'in their order');
    await scene.assertCountsAgree();
    await scene.use(id!, { blocks: [{ site, ms: 0 }] });
    assert.equal((await scene.leased({ site })).lease.id, id);
  });

  it('waits for the longer of two rests', async (scene) => {
    const [id] = await scene.add(1);
    await scene.use(id!, { restMs: scene.ms(2000), blocks: [{ site, ms: scene.ms(6000) }] });
    await scene.assertRetryIn(await scene.none({ site }), 6000);
    await scene.assertRetryIn(await scene.none(), 2000);
    await scene.advance(2000);
    await scene.assertRetryIn(await scene.none({ site }), 4000);
    await scene.advance(4000);
    assert.equal((await scene.leased({ site })).lease.id, id);
  });

  it('does not expect anything of those banned for good', async (scene) => {
    const [banned, leased] = await scene.add(2);
    await scene.use(banned!, { restMs: scene.ms(1000), blocks: [{ site, ms: null }] });
    const held = await scene.leased({ id: leased!, leaseMs: scene.ms(9000) });
    await scene.assertRetryIn(await scene.none({ site }), 9000);
    const change = scene.used(held, { blocks: [{ site, ms: null }] });
    await scene.store.release(held.lease, change);
    assert.equal(await scene.none({ site }), null);
  });

  it('lets the one banned longest make room when the pool is full of the banned', async (scene) => {
    const ids = await scene.add(3);
    for (const id of [ids[1]!, ids[0]!, ids[2]!]) {
      await scene.use(id, { blocks: [{ site, ms: null }] });
      await scene.advance(10);
    }
    await scene.vacant({ site, limit: 3 });
    const gone = await scene.get(ids[1]!);
    assert.equal(gone.status, 'retired');
    assert.equal(gone.reason, 'made room');
    const counts = await scene.store.count();
    assert.deepEqual([counts.living, counts.places, counts.deaths['made room']], [2, 1, 1]);
    await scene.assertCountsAgree();
  });

  it('lets no one make room while somebody may still serve, or while they are held', async (scene) => {
    const ids = await scene.add(2);
    await scene.use(ids[0]!, { blocks: [{ site, ms: null }] });
    const held = await scene.leased({ id: ids[1]! });
    await scene.none({ site, limit: 2 });
    await scene.store.release(held.lease, scene.used(held, { blocks: [{ site, ms: scene.ms(9000) }] }));
    await scene.assertRetryIn(await scene.none({ site, limit: 2 }), 9000);
    await scene.use(ids[1]!, { blocks: [{ site, ms: null }] });
    const both = [await scene.leased(), await scene.leased()];
    assert.notEqual(await scene.none({ site, limit: 2 }), null);
    assert.equal((await scene.store.count()).dead, 0);
    await scene.store.release(both[0]!.lease, null);
    await scene.vacant({ site, limit: 2 });
    assert.equal((await scene.get(both[0]!.lease.id)).state, 'dead');
  });

  it('makes a new one while there is room, before anyone has to make room', async (scene) => {
    const [id] = await scene.add(1);
    await scene.use(id!, { blocks: [{ site, ms: null }] });
    await scene.vacant({ site, limit: 2 });
    assert.equal((await scene.get(id!)).state, 'ready');
  });

  it('counts sites by the living who are blocked there', async (scene) => {
    const ids = await scene.add(4);
    await scene.use(ids[0]!, {
      blocks: [
        { site, ms: null },
        { site: 'b', ms: scene.ms(5000) },
      ],
    });
    await scene.use(ids[1]!, { blocks: [{ site, ms: null }] });
    await scene.use(ids[2]!, { blocks: [{ site, ms: scene.ms(5000) }] });
    await scene.assertCountsAgree();
    const counts = await scene.store.count();
    assert.deepEqual({ ...counts.sites[site] }, { resting: 1, banned: 2 });
    await scene.use(ids[1]!, { status: 'retired' });
    await scene.store.remove([ids[0]!]);
    await scene.assertCountsAgree();
    assert.deepEqual({ ...(await scene.store.count()).sites }, { [site]: { resting: 1, banned: 0 } });
  });
}
