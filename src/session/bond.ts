import type { Transport } from '../transport/transport.ts';
import type { Answer } from '../verdict/answer.ts';
import type { Outcome, Verdict } from '../verdict/judge.ts';

/** What ties a leased session to its pool. A session by itself has none. */
export interface SessionBond {
  /** @throws LeaseError once the session was given back or lost */
  guard(): void;
  /** Asked before every hop. @throws LeaseError where the session may be somebody else's by now */
  beforeHop(): void;
  /** The session's own connections, kept by the pool between uses, for a request to this URL. */
  transport(url: URL): Promise<Transport>;
  /** Waits for a place among those who fetch from this site; answers how to give it back. */
  enter(url: URL, signal: AbortSignal | undefined): Promise<() => void>;
  /** An answer, or the lack of one, to be judged; `undefined` where nobody judges any more. */
  onOutcome(url: URL, outcome: Outcome): Verdict | undefined;
  /** The beginning of a body has come, whose head was found in order. */
  onPage(url: URL, answer: Answer): void;
  /** The largest body that is read, in bytes, where the caller does not say. */
  readonly maxBodyBytes: number;
  /** Aborts when the lease ends early. */
  readonly signal: AbortSignal;
}
