import assert from 'node:assert/strict';
import type { Scene, SceneTest } from '../scene.ts';

/** More than any one call may look at, several times over. */
const MANY = 1500;
/** At least ten records a call, whatever is to be done with them. */
const MOST_CALLS = MANY / 10;

/** Invariant 6: bounded work a call. What needs more answers `again`, and comes to an end. */
export function flatness(it: SceneTest): void {
  const site = 'shop.example';

  /** Calls until the answer, counting the calls. */
  async function calls(scene: Scene, lookup: Parameters<Scene['leaseOnce']>[0]) {
    for (let count = 1; count <= MANY; count++) {
      const result = await scene.leaseOnce(lookup);
      if (result.kind !== 'again') return { count, result };
    }
    assert.fail('it never came to an end');
  }

  async function ban(scene: Scene, ids: readonly string[]): Promise<void> {
    await Promise.all(
      ids.map(async (id) => {
        const held = await scene.leased({ id });
        await scene.store.release(held.lease, scene.used(held, { blocks: [{ site, ms: null }] }));
      }),
    );
  }

  for (const rotation of ['round-robin', 'use-until-failure', 'random'] as const) {
    it(`finds the few that are not banned, and finds them quickly the next time (${rotation})`, async (scene) => {
      const ids = await scene.add(MANY);
      const free = new Set(ids.filter((_, index) => index % 10 === 7));
      await ban(
        scene,
        ids.filter((id) => !free.has(id)),
      );
      await scene.advance(10);
      const seen = new Set<string>();
      for (let turn = 0; turn < free.size; turn++) {
        const { lease } = await scene.leased({ site, rotation });
        assert.ok(free.has(lease.id));
        seen.add(lease.id);
      }
      assert.equal(seen.size, free.size);
      await calls(scene, { site, rotation });
      await scene.advance(10);
      const { count, result } = await calls(scene, { site, rotation });
      assert.equal(result.kind, 'none');
      assert.ok(count <= 2, `${count} calls, although it looked before`);
    });
  }

  it('comes to an end when all are banned', async (scene) => {
    const ids = await scene.add(MANY);
    await ban(scene, ids);
    await scene.advance(10);
    const { count, result } = await calls(scene, { site });
    assert.deepEqual(result, { kind: 'none', retryInMs: null });
    assert.ok(count <= MOST_CALLS, `${count} calls`);
    assert.equal((await scene.vacant({ site, limit: MANY })).kind, 'vacant');
  });

  it('comes to an end after a mass expiry', async (scene) => {
    await scene.add(MANY, { expiresInMs: scene.ms(1000) }, 'old');
    await scene.add(3, {}, 'young');
    await scene.advance(1000);
    const { lease } = await scene.leased({ limit: MANY });
    assert.match(lease.id, /^young/);
    await scene.leased();
    await scene.leased();
    const { count, result } = await calls(scene, { limit: MANY });
    assert.equal(result.kind, 'vacant');
    assert.ok(count <= MOST_CALLS, `${count} calls`);
    let step = 0;
    while ((await scene.lease()).kind !== 'none') assert.ok(step++ <= MOST_CALLS);
    await scene.assertCountsAgree();
  });

  it('comes to an end when all were lost on their last use', async (scene) => {
    const ids = await scene.add(MANY, { maxUsageCount: 1 });
    await Promise.all(ids.map((id) => scene.leased({ id, leaseMs: scene.ms(1000) })));
    await scene.advance(1000);
    const { count, result } = await calls(scene, {});
    assert.deepEqual(result, { kind: 'none', retryInMs: null });
    assert.ok(count <= MOST_CALLS, `${count} calls`);
    const counts = await scene.store.count();
    assert.deepEqual([counts.living, counts.dead], [0, MANY]);
  });

  it('finds the rested among the many who rest', async (scene) => {
    const ids = await scene.add(MANY);
    await scene.store.order({ ids: ids.slice(0, -1) }, { kind: 'rest', ms: scene.ms(5000), site });
    await scene.store.order({ ids: [ids.at(-1)!] }, { kind: 'rest', ms: scene.ms(3000), site });
    await scene.assertRetryIn(await scene.none({ site }), 3000);
    await scene.advance(3000);
    assert.equal((await scene.leased({ site })).lease.id, ids.at(-1));
    await scene.advance(2000);
    for (let turn = 0; turn < 20; turn++) await scene.leased({ site });
    await scene.assertCountsAgree();
  });
}
