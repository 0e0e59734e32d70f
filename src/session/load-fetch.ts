import type { MaybePromise } from '../internal/maybe-promise.ts';

type SessionFetch = typeof import('./fetch.ts').sessionFetch;

let loaded: SessionFetch | undefined;

/** Loaded with the first fetch: who only keeps sessions for another client needs no HTTP. Once: asking the loader again shows in every request. */
export function loadSessionFetch(): MaybePromise<SessionFetch> {
  return loaded ?? load();
}

async function load(): Promise<SessionFetch> {
  loaded = (await import('./fetch.ts')).sessionFetch;
  return loaded;
}
