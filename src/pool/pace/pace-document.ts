import { z } from 'zod';
import type { SessionStore } from '../../stores/store.ts';
import { SharedDocument } from '../shared-document.ts';
import type { LearntPace } from './learnt-limit.ts';

/** What the workers of a store know of one site. Instants are the store's. */
export interface SharedSite {
  /** When the site last objected, and so taught what is told here. */
  readonly learntAt: number;
  /** When a worker last went there. */
  readonly usedAt: number;
  readonly perSession?: LearntPace | undefined;
  readonly perAddress?: LearntPace | undefined;
  /** Nobody goes there before then: it blocked too many. */
  readonly pausedUntil?: number | undefined;
  /** When each worker was last there; those who were not for a while are left out. */
  readonly workers: Readonly<Record<string, number>>;
}

export interface PaceDocument {
  /** By name. */
  readonly sites: Readonly<Record<string, SharedSite>>;
}

const learntPace = z.object({
  intervalMs: z.number().min(0),
  objectedMs: z.number().min(0),
  isGuess: z.boolean(),
});

const schema = z.object({
  sites: z
    .record(
      z.string(),
      z.object({
        learntAt: z.number(),
        usedAt: z.number(),
        perSession: learntPace.optional(),
        perAddress: learntPace.optional(),
        pausedUntil: z.number().optional(),
        workers: z.record(z.string(), z.number()),
      }),
    )
    .default({}),
});

export function paceDocument(store: SessionStore): SharedDocument<PaceDocument> {
  return new SharedDocument<PaceDocument>(store, 'pace', (value) => schema.parse(value));
}
