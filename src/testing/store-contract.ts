import { crash } from './contract/crash.ts';
import { flatness } from './contract/flatness.ts';
import { leases } from './contract/leases.ts';
import { lifetime } from './contract/lifetime.ts';
import { orders } from './contract/orders.ts';
import { places } from './contract/places.ts';
import { randomCalls } from './contract/random-calls.ts';
import { rewriting } from './contract/rewriting.ts';
import { rotation } from './contract/rotation.ts';
import { sharing } from './contract/sharing.ts';
import { sites } from './contract/sites.ts';
import { tags } from './contract/tags.ts';
import { views } from './contract/views.ts';
import type { StoreHarness, TestRunner } from './harness.ts';
import { sceneTest } from './scene.ts';

/**
 * Proves that a store keeps the contract of `SessionStore` and its invariants: one holder, durable, fenced,
 * bounded, fair in its order, flat. Registers its tests with the framework that is handed in.
 *
 * @example
 * import { afterAll, describe, it } from 'vitest';
 * import { storeContract } from 'troupe/testing';
 *
 * storeContract({ describe, it }, { name: 'my store', open: ({ clock }) => myStore({ clock }) });
 */
export function storeContract(runner: TestRunner, harness: StoreHarness): void {
  const it = sceneTest(runner, harness);
  const parts = {
    leases,
    lifetime,
    places,
    sites,
    orders,
    tags,
    rotation,
    views,
    rewriting,
    flatness,
    sharing,
    randomCalls,
    crash,
  };
  const titles: Record<keyof typeof parts, string> = {
    leases: 'leases',
    lifetime: 'the end of a session',
    places: 'places and new sessions',
    sites: 'bans and rests of a site',
    orders: 'orders',
    tags: 'tags: what sessions belong to',
    rotation: 'rotation',
    views: 'lists, counts and documents',
    rewriting: 'bodies written in another way',
    flatness: 'bounded work',
    sharing: 'shared and reopened',
    randomCalls: 'random calls',
    crash: 'kill -9',
  };
  runner.describe(`${harness.name}: the store contract`, () => {
    for (const [name, part] of Object.entries(parts)) {
      if (!isGiven(name, harness)) continue;
      runner.describe(titles[name as keyof typeof parts], () => part(it, harness));
    }
  });
}

/** A part that the harness gives no means for; frameworks refuse an empty group. */
function isGiven(name: string, harness: StoreHarness): boolean {
  if (name === 'sharing') return harness.reopen !== undefined;
  if (name === 'crash') return harness.reopen !== undefined && harness.child !== undefined;
  return name !== 'randomCalls' || harness.usesOwnClock !== true;
}
