import { createPool, type Pool as GenericPool } from 'generic-pool';
import { Pool as TarnPool } from 'tarn';
import { answerWith } from '../harness/contender.ts';
import { verify } from '../harness/subject.ts';
import { timeUses } from './turns.ts';

/** Pools of resources (connections): they lend one at a time, but know no health, no order and no sites. */
interface ResourcePool {
  acquire(): Promise<Resource>;
  release(resource: Resource): unknown;
  count(): number;
}

interface Resource {
  uses: number;
}

const resources: Resource[] = [];
const create = async (): Promise<Resource> => {
  const resource = { uses: 0 };
  resources.push(resource);
  return resource;
};

const makers: Record<string, (size: number) => ResourcePool> = {
  tarn(max) {
    const pool = new TarnPool<Resource>({ create, destroy: () => {}, min: 0, max });
    return {
      acquire: () => pool.acquire().promise,
      release: (resource) => pool.release(resource),
      count: () => pool.numFree(),
    };
  },
  'generic-pool'(max) {
    const pool: GenericPool<Resource> = createPool({ create, destroy: async () => {} }, { min: 0, max });
    return {
      acquire: async () => await pool.acquire(),
      release: (resource) => pool.release(resource),
      count: () => pool.available,
    };
  },
};

let pool: ResourcePool;
let uses = 0;

answerWith({
  async open({ name, size }: { name: string; size: number }): Promise<void> {
    pool = makers[name]!(size);
    const held: Resource[] = [];
    while (held.length < size) held.push(await pool.acquire());
    for (const resource of held.reverse()) await pool.release(resource);
    verify(pool.count() === size, `${pool.count()} resources of ${size}`);
  },

  async use({ uses: count }: { uses: number }): Promise<number> {
    uses += count;
    return await timeUses(count, async () => {
      const resource = await pool.acquire();
      resource.uses++;
      await pool.release(resource);
    });
  },

  check(): void {
    const counted = resources.reduce((sum, resource) => sum + resource.uses, 0);
    verify(counted === uses, `${counted} uses counted of ${uses}`);
  },
});
