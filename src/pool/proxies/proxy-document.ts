import { z } from 'zod';
import type { SessionStore } from '../../stores/store.ts';
import { SharedDocument } from '../shared-document.ts';

/** A proxy that failed, as all processes of a store know it. */
export interface FailingProxy {
  /** In a row. */
  readonly failures: number;
  /** Nobody uses it before this instant, by the store's clock. */
  readonly untilAt: number;
  /** One session tries it; until this instant nobody else does. */
  readonly probeUntilAt?: number | undefined;
}

/** By tags alone: no URL and no credential is in it. */
export interface ProxyDocument {
  /** Goes into the tags of a store whose bodies are not sealed. */
  readonly salt?: string | undefined;
  /** By tag. */
  readonly failing: Readonly<Record<string, FailingProxy>>;
}

/** Loose: what a newer troupe wrote beside it is kept. */
const schema = z.looseObject({
  salt: z.string().min(32).optional(),
  failing: z
    .record(
      z.string(),
      z.looseObject({
        failures: z.int().min(1),
        untilAt: z.number(),
        probeUntilAt: z.number().optional(),
      }),
    )
    .default({}),
});

export function proxyDocument(store: SessionStore): SharedDocument<ProxyDocument> {
  return new SharedDocument<ProxyDocument>(store, 'proxies', (value) => schema.parse(value));
}
