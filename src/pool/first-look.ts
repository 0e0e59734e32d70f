import type { Deadlines } from '../internal/deadlines.ts';
import type { Ask } from './ask.ts';
import type { SessionLease } from './lease.ts';
import { MIN_LOOK_MS } from './outage.ts';
import type { Attempt } from './waiting-line.ts';

interface FirstLook {
  readonly ask: Ask;
  readonly attempt: Promise<Attempt<SessionLease>>;
  readonly deadlines: Deadlines;
  /** Its time is up: `giveUp` takes what the caller is told. */
  timeIsUp(ask: Ask, giveUp: (error: unknown) => void): void;
  /** Nobody was served: the rest of the time is spent in line. */
  wait(ask: Ask, retryInMs: number | null, leftMs: number): Promise<SessionLease>;
  /** Served when nobody was there any more. */
  unclaimed(served: Extract<Attempt<SessionLease>, { served: unknown }>['served']): void;
}

/** A first look at a store that takes its time, or never answers: it ends when the caller's time is up. */
export function firstLook(look: FirstLook): Promise<SessionLease> {
  const { ask, attempt, deadlines } = look;
  return new Promise((resolve, reject) => {
    const since = performance.now();
    let isOver = false;
    const end = () => {
      isOver = true;
      deadlines.delete(deadline);
      ask.signal?.removeEventListener('abort', aborted);
    };
    const giveUp = (error: unknown) => {
      if (!isOver) end();
      reject(error);
    };
    const aborted = () => giveUp(ask.signal!.reason);
    const deadline = {
      place: -1,
      at: since + Math.max(ask.timeoutMs, MIN_LOOK_MS),
      onPassed: () => look.timeIsUp(ask, giveUp),
    };
    deadlines.add(deadline);
    ask.signal?.addEventListener('abort', aborted, { once: true });
    attempt.then((result) => {
      if (isOver) {
        if ('served' in result) look.unclaimed(result.served);
        return;
      }
      end();
      if ('served' in result) resolve(result.served);
      else resolve(look.wait(ask, result.retryInMs, ask.timeoutMs - (performance.now() - since)));
    }, giveUp);
  });
}
