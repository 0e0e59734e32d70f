import type { Transport } from '../transport/transport.ts';
import type { Outcome } from '../verdict/judge.ts';

/** What ties a leased session to its pool. A session by itself has none. */
export interface SessionBond {
  /** @throws LeaseError once the session was given back or lost */
  guard(): void;
  /** Asked before every hop. @throws LeaseError where the session may be somebody else's by now */
  beforeHop(): void;
  /** The session's own connections, kept by the pool between uses. */
  transport(): Promise<Transport>;
  /** Waits for a place among those who fetch from this site; answers how to give it back. */
  enter(url: URL, signal: AbortSignal | undefined): Promise<() => void>;
  /** An answer, or the lack of one, to be judged. */
  onOutcome(url: URL, outcome: Outcome): void;
  /** The largest body that is read, in bytes, where the caller does not say. */
  readonly maxBodyBytes: number;
  /** Aborts when the lease ends early. */
  readonly signal: AbortSignal;
}
