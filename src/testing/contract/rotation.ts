import assert from 'node:assert/strict';
import type { Rotation } from '../../stores/store.ts';
import type { Scene, SceneTest } from '../scene.ts';

/** Who comes next. */
export function rotation(it: SceneTest): void {
  async function turns(scene: Scene, howMany: number, order: Rotation): Promise<string[]> {
    const ids: string[] = [];
    for (let turn = 0; turn < howMany; turn++) {
      const held = await scene.leased({ rotation: order });
      ids.push(held.lease.id);
      assert.equal(await scene.store.release(held.lease, scene.used(held)), 'released');
    }
    return ids;
  }

  it('takes turns: the least recently used first, also within one millisecond', async (scene) => {
    const ids = await scene.add(5);
    assert.deepEqual(await turns(scene, 15, 'round-robin'), [...ids, ...ids, ...ids]);
  });

  it('takes turns in the order in which sessions were given back', async (scene) => {
    await scene.add(4);
    const held = [await scene.leased(), await scene.leased(), await scene.leased(), await scene.leased()];
    for (const turn of [2, 0, 3, 1]) await scene.store.release(held[turn]!.lease, null);
    const next = [await scene.leased(), await scene.leased(), await scene.leased(), await scene.leased()];
    assert.deepEqual(
      next.map(({ lease }) => lease.id),
      [2, 0, 3, 1].map((turn) => held[turn]!.lease.id),
    );
  });

  it('lets one who rested stand in line by the end of the rest', async (scene) => {
    const [rested, busy] = await scene.add(2);
    await scene.use(rested!, { restMs: scene.ms(1000) });
    await scene.advance(2000);
    await scene.use(busy!);
    assert.equal((await scene.leased()).lease.id, rested);
  });

  it("keeps the same one until it fails with 'use-until-failure'", async (scene) => {
    await scene.add(5);
    const order = 'use-until-failure';
    const [first, ...others] = await turns(scene, 6, order);
    assert.ok(others.every((id) => id === first));
    const held = await scene.leased({ rotation: order });
    await scene.store.release(held.lease, scene.used(held, { status: 'blocked' }));
    const [second, ...later] = await turns(scene, 4, order);
    assert.notEqual(second, first);
    assert.ok(later.every((id) => id === second));
  });

  it("passes over the banned with 'use-until-failure'", async (scene) => {
    const ids = await scene.add(50);
    const site = 'shop.example';
    for (const id of ids.slice(10)) await scene.use(id, { blocks: [{ site, ms: null }] });
    await scene.advance(5);
    const lookup = { rotation: 'use-until-failure', site } as const;
    const held = await scene.leased(lookup);
    assert.ok(ids.slice(0, 10).includes(held.lease.id));
    await scene.store.release(held.lease, scene.used(held));
    assert.equal((await scene.leased(lookup)).lease.id, held.lease.id);
  });

  it("mixes with 'random', and finds the only one that is free", async (scene) => {
    const ids = await scene.add(40);
    const seen = new Set(await turns(scene, 200, 'random'));
    assert.ok(seen.size > 20, `${seen.size} of 40 seen in 200 turns`);
    for (const id of ids.slice(1)) await scene.use(id, { restMs: scene.ms(9000) });
    assert.deepEqual(await turns(scene, 3, 'random'), [ids[0], ids[0], ids[0]]);
  });
}
