import { afterEach, describe, expect, it } from 'vitest';
import { SharedDocument } from '../../src/pool/shared-document.ts';
import { failureOf, type Scene, scene, storeKinds } from './helpers.ts';

interface Counted {
  readonly count: number;
}

const parse = (value: unknown): Counted => {
  const { count = 0 } = value as Partial<Counted>;
  if (typeof count !== 'number') throw new TypeError('count must be a number');
  return { count };
};
const oneMore = ({ count }: Counted): Counted => ({ count: count + 1 });

describe.each(storeKinds)('a document that processes share (%s)', (kind) => {
  let opened: Scene | undefined;
  afterEach(() => opened?.[Symbol.asyncDispose]());
  const open = async (): Promise<Scene> => {
    opened = await scene(kind);
    return opened;
  };

  it('is empty where nothing is stored', async () => {
    const document = new SharedDocument((await open()).store(), 'counted', parse);
    expect(document.value).toEqual({ count: 0 });
    expect(await document.read()).toEqual({ count: 0 });
  });

  it('loses no change of those who change it at the same time', async () => {
    const place = await open();
    const writers = [1, 2, 3].map(() => new SharedDocument(place.store(), 'counted', parse));
    await Promise.all(Array.from({ length: 30 }, (_, index) => writers[index % 3]!.change(oneMore)));
    for (const writer of writers) expect(await writer.read()).toEqual({ count: 30 });
  });

  it('is read again only when it is older than one is content with', async () => {
    const place = await open();
    const [mine, other] = [1, 2].map(() => new SharedDocument(place.store(), 'counted', parse));
    await mine!.read();
    await other!.change(oneMore);
    expect(await mine!.read(60_000)).toEqual({ count: 0 });
    expect(await mine!.read()).toEqual({ count: 1 });
  });

  it('writes nothing where a change changes nothing', async () => {
    const store = (await open()).store();
    const document = new SharedDocument(store, 'counted', parse);
    await document.change((value) => value);
    expect(await store.document('counted')).toBeUndefined();
  });

  it('says which document cannot be read', async () => {
    const store = (await open()).store();
    await store.putDocument('counted', '{"count":"many"}', 0);
    const document = new SharedDocument(store, 'counted', parse);
    for (const failed of [document.read(), document.change(oneMore)]) {
      expect(await failureOf(failed)).toMatchObject({
        code: 'STORE_UNUSABLE',
        message: expect.stringContaining('"counted"'),
      });
    }
    expect((await store.document('counted'))?.value).toBe('{"count":"many"}');
  });
});
