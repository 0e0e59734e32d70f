import type { Clock } from '../internal/clock.ts';
import type { MaybePromise } from '../internal/maybe-promise.ts';
import type { SessionStore } from '../stores/store.ts';

/** The test framework, by the two functions that the suite calls; those of Vitest, Jest, Mocha and `node:test` fit. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/** How the suite gets at the store under test. */
export interface StoreHarness {
  /** The store's name in the names of the tests. */
  readonly name: string;
  /**
   * Opens a store that is fresh and empty, on the given clock; without one, on its own. The suite closes it.
   * A store that runs on somebody else's clock (a server's) says so with `usesOwnClock`.
   */
  open(options: OpenOptions): MaybePromise<SessionStore>;
  /**
   * It cannot take a clock: the suite then waits in real time, with shorter durations. A test that fails when
   * the machine was too busy for them runs again, with longer ones.
   */
  readonly usesOwnClock?: boolean;
  /** Another handle onto the same data, as another process would have. Needed where it is durable or shared. */
  reopen?(store: SessionStore, options: OpenOptions): MaybePromise<SessionStore>;
  /**
   * How a child process opens the same store: a module with an `open(argument: string): SessionStore` (or a promise
   * of it), and the argument. Needed where it is durable: the child is then killed in the middle of its work.
   */
  child?(store: SessionStore): StoreInChild;
}

export interface OpenOptions {
  readonly clock?: Clock;
}

export interface StoreInChild {
  /** URL or absolute path of the module. */
  readonly module: string;
  readonly argument: string;
}
