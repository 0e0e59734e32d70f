import assert from 'node:assert/strict';
import type { SceneTest } from '../scene.ts';

/** What somebody who is not the holder may ask: at once of the free, by way of the holder of the leased. */
export function orders(it: SceneTest): void {
  const site = 'shop.example';

  it('retires the free at once', async (scene) => {
    const ids = await scene.add(3);
    const order = { kind: 'retire', reason: 'by hand' } as const;
    assert.equal(await scene.store.order({ ids: [ids[0]!, ids[2]!, 'nobody'] }, order), 2);
    assert.equal(await scene.store.order({ ids: [ids[0]!] }, order), 0, 'the dead are not reached');
    assert.equal((await scene.get(ids[0]!)).reason, 'by hand');
    assert.equal((await scene.leased()).lease.id, ids[1]);
    await scene.none();
    assert.equal((await scene.store.count()).deaths['by hand'], 2);
  });

  it('retires the leased when they come back, and tells their holder before', async (scene) => {
    const [id] = await scene.add(1);
    const held = await scene.leased();
    const order = { kind: 'retire', reason: 'burnt' } as const;
    assert.equal(await scene.store.order({ ids: [id!] }, order), 1);
    assert.equal((await scene.get(id!)).state, 'leased');
    const outcomes = await scene.store.renew([{ lease: held.lease, leaseMs: scene.ms(60_000) }]);
    assert.deepEqual(outcomes, [{ kind: 'held', order }]);
    const change = scene.used(held, { body: scene.body('kept') });
    assert.equal(await scene.store.release(held.lease, change), 'ordered');
    const dead = await scene.get(id!);
    assert.deepEqual([dead.status, dead.reason, dead.usageCount], ['retired', 'burnt', 1]);
    assert.equal(scene.value(dead.body), 'kept');
    assert.equal((await scene.store.count()).living, 0);
  });

  it('carries out an order also when the session is given back unchanged', async (scene) => {
    const [id] = await scene.add(1);
    const held = await scene.leased();
    await scene.store.order({ ids: [id!] }, { kind: 'retire', reason: 'burnt' });
    assert.equal(await scene.store.release(held.lease, null), 'ordered');
    assert.equal((await scene.get(id!)).status, 'retired');
  });

  it('lets the own end of a session stand', async (scene) => {
    const [id] = await scene.add(1);
    const held = await scene.leased();
    await scene.store.order({ ids: [id!] }, { kind: 'retire', reason: 'ordered' });
    const change = scene.used(held, { status: 'blocked', reason: 'own' });
    assert.equal(await scene.store.release(held.lease, change), 'released');
    assert.equal((await scene.get(id!)).reason, 'own');
  });

  it('retires by order whose holder vanished, before anyone gets it', async (scene) => {
    const [id] = await scene.add(1);
    await scene.leased({ leaseMs: scene.ms(1000) });
    await scene.store.order({ ids: [id!] }, { kind: 'retire', reason: 'burnt' });
    await scene.advance(1000);
    assert.equal(await scene.none(), null);
    assert.equal((await scene.get(id!)).reason, 'burnt');
    await scene.assertCountsAgree();
  });

  it('rests the free at once and the leased when they come back', async (scene) => {
    const ids = await scene.add(2, { tag: 'proxy-1' });
    const held = await scene.leased({ id: ids[0]! });
    const order = { kind: 'rest', ms: scene.ms(5000) } as const;
    assert.equal(await scene.store.order({ tag: 'proxy-1' }, order), 2);
    assert.equal((await scene.get(ids[1]!)).state, 'resting');
    const [outcome] = await scene.store.renew([{ lease: held.lease, leaseMs: scene.ms(60_000) }]);
    assert.deepEqual(outcome, { kind: 'held', order });
    assert.equal(await scene.store.release(held.lease, scene.used(held)), 'released');
    assert.equal((await scene.get(ids[0]!)).state, 'resting');
    await scene.assertRetryIn(await scene.none(), 5000);
    await scene.advance(5000);
    await scene.leased();
    await scene.leased();
  });

  it('rests for one site only', async (scene) => {
    const [id] = await scene.add(1);
    assert.equal(await scene.store.order({ ids: [id!] }, { kind: 'rest', ms: scene.ms(5000), site }), 1);
    await scene.assertRetryIn(await scene.none({ site }), 5000);
    assert.equal((await scene.leased()).lease.id, id);
  });

  it('does not shorten a rest or a ban by a rest', async (scene) => {
    const [id, other] = await scene.add(2);
    await scene.use(id!, { restMs: scene.ms(9000), blocks: [{ site, ms: null }] });
    await scene.store.order({ ids: [id!] }, { kind: 'rest', ms: scene.ms(1000) });
    await scene.store.order({ ids: [id!] }, { kind: 'rest', ms: scene.ms(1000), site });
    await scene.store.order({ ids: [id!] }, { kind: 'rest', ms: 0 });
    await scene.store.order({ ids: [id!] }, { kind: 'rest', ms: 0, site });
    await scene.assertRetryIn(await scene.none({ id: id! }), 9000);
    assert.equal((await scene.get(id!)).blocks[0]?.untilAt, null);
    assert.equal((await scene.leased()).lease.id, other);
  });

  it('lifts rests and bans, for one site or everywhere', async (scene) => {
    const [id] = await scene.add(1);
    const blocks = [
      { site, ms: null },
      { site: 'b.example', ms: scene.ms(9000) },
    ];
    await scene.use(id!, { restMs: scene.ms(9000), blocks });
    assert.equal(await scene.store.order({ ids: [id!] }, { kind: 'lift', site }), 1);
    assert.deepEqual(
      (await scene.get(id!)).blocks.map((block) => block.site),
      ['b.example'],
    );
    assert.equal((await scene.get(id!)).state, 'resting');
    assert.equal(await scene.store.order({ ids: [id!] }, { kind: 'lift' }), 1);
    const lifted = await scene.get(id!);
    assert.deepEqual([lifted.state, lifted.blocks.length], ['ready', 0]);
    assert.equal((await scene.leased({ site })).lease.id, id);
    await scene.assertCountsAgree();
  });

  it('lifts a ban of someone who was long passed over', async (scene) => {
    const ids = await scene.add(30);
    for (const id of ids) await scene.use(id, { blocks: [{ site, ms: null }] });
    await scene.advance(10);
    await scene.none({ site });
    await scene.advance(10);
    await scene.store.order({ ids: [ids[12]!] }, { kind: 'lift', site });
    assert.equal((await scene.leased({ site })).lease.id, ids[12]);
  });

  it('lifts the bans of the leased when they come back', async (scene) => {
    const [id] = await scene.add(1);
    await scene.use(id!, { blocks: [{ site, ms: null }] });
    const held = await scene.leased();
    await scene.store.order({ ids: [id!] }, { kind: 'lift' });
    await scene.store.release(held.lease, scene.used(held));
    assert.equal((await scene.leased({ site })).lease.id, id);
  });

  it('revives the dead, as far as the limit allows', async (scene) => {
    const ids = await scene.add(4);
    const [usedUp, blocked, , living] = ids as [string, string, string, string];
    const blocks = [{ site, ms: null }];
    await scene.use(usedUp, { status: 'used-up', usageCount: 50, errorScore: 1, blocks });
    await scene.use(blocked, { status: 'blocked', usageCount: 7, errorScore: 3, blocks });
    await scene.use(ids[2]!, { status: 'retired' });
    const revive = { kind: 'revive', expiresInMs: null } as const;
    assert.equal(await scene.store.order({ ids }, { ...revive, limit: 3 }), 2);
    assert.equal((await scene.store.count()).living, 3);
    const [first, second] = [await scene.get(usedUp), await scene.get(blocked)];
    assert.deepEqual([first.state, first.status, first.reason], ['ready', 'usable', null]);
    assert.deepEqual([first.usageCount, first.errorScore], [0, 0]);
    assert.deepEqual([second.usageCount, second.errorScore, second.blocks.length], [7, 0, 0]);
    assert.equal((await scene.get(ids[2]!)).state, 'dead');
    assert.equal(await scene.store.order({ ids: [living] }, revive), 0, 'the living are not reached');
    assert.equal(await scene.store.order({ ids }, revive), 1);
    for (let count = 0; count < 4; count++) await scene.leased({ site });
    await scene.assertCountsAgree();
  });

  it('gives the expired a new time to live', async (scene) => {
    const [id] = await scene.add(1, { expiresInMs: scene.ms(1000) });
    await scene.advance(1000);
    await scene.none();
    const order = { kind: 'revive', expiresInMs: scene.ms(5000) } as const;
    assert.equal(await scene.store.order({ ids: [id!] }, order), 1);
    const held = await scene.leased();
    assert.ok(Math.abs(held.session.expiresAt! - held.now - scene.ms(5000)) <= scene.slack);
    await scene.store.release(held.lease, scene.used(held));
    await scene.advance(5000);
    await scene.none();
  });

  it('does not revive one whose account somebody else has by now', async (scene) => {
    await scene.store.add([scene.session('old', { key: 'account' })]);
    await scene.use('old', { status: 'retired' });
    await scene.store.add([scene.session('new', { key: 'account' })]);
    const revive = { kind: 'revive', expiresInMs: null } as const;
    assert.equal(await scene.store.order({ ids: ['old'] }, revive), 0);
    assert.equal((await scene.get('old')).state, 'dead');
  });

  it('reaches many by their tag', async (scene) => {
    await scene.add(700, { tag: 'proxy-1' }, 'a');
    await scene.add(5, { tag: 'proxy-2' }, 'b');
    const retire = { kind: 'retire', reason: 'proxy died' } as const;
    assert.equal(await scene.store.order({ tag: 'proxy-1' }, retire), 700);
    const counts = await scene.store.count();
    assert.deepEqual([counts.living, counts.dead], [5, 700]);
    const revive = { kind: 'revive', expiresInMs: null, limit: 500 } as const;
    assert.equal(await scene.store.order({ tag: 'proxy-1' }, revive), 495);
    await scene.assertCountsAgree();
  });
}
