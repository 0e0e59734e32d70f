import { openSync, readFileSync, writeSync } from 'node:fs';
import type { SessionStatus } from '../../src/stores/store.ts';

/**
 * What a process writes down of its calls to the store and of its hops, each line before or after the step and written
 * through: what a process has heard is in its log, whatever becomes of the process. Instants are {@link machineNow}.
 */
export type Line =
  | { step: 'asked'; at: number; call: number; request: Request }
  | { step: 'answered'; at: number; call: number; answer: Answer }
  /** No answer: an error with this code. Whether it was carried out is not known. */
  | { step: 'failed'; at: number; call: number; code: string }
  /** A hop begins; and it ended, with or without an answer. */
  | { step: 'hop'; at: number; hop: string; id: string; fence: number }
  | { step: 'hopped'; at: number; hop: string; isAnswered: boolean }
  /** Something happened that must not: an error that is not one of troupe's for the occasion. */
  | { step: 'unexpected'; at: number; message: string };

export type Request =
  | { kind: 'lease'; leaseMs: number; id?: string; site?: string; limit?: number }
  /** `place`: the token of the reserved place, which names it also where it is renewed or released. */
  | { kind: 'create'; place: string; session: Birth }
  | { kind: 'add'; sessions: Birth[] }
  | { kind: 'renew'; leaseMs: number; leases: { id: string; fence: number }[] }
  | { kind: 'release'; id: string; fence: number; change: Change | null }
  | { kind: 'retire'; id: string };

export type Answer =
  | { kind: 'leased'; lease: Leased }
  | { kind: 'vacant'; place: string }
  | { kind: 'none' | 'again' }
  | { kind: 'created'; fence: number }
  | { kind: 'not created'; why: string }
  | { kind: 'added'; isAdded: boolean }
  | { kind: 'renewed'; outcomes: ('held' | 'lost')[] }
  | { kind: 'released'; result: 'released' | 'ordered' | 'lost' }
  | { kind: 'ordered'; reached: number };

/** A session as it was made. */
export interface Birth {
  id: string;
  usageCount: number;
  maxUsageCount: number | null;
  /** `null`: it has no end. */
  expiresInMs: number | null;
}

/** A session as the store handed it out. */
export interface Leased {
  id: string;
  fence: number;
  usageCount: number;
  maxUsageCount: number | null;
  expiresInMs: number | null;
  recovered: boolean;
  mark: number;
}

/** What a release asked for. */
export interface Change {
  usageCount: number;
  status: SessionStatus;
  restMs: number;
  blocks: { site: string; ms: number | null }[];
  /** The fence that the holder left in the user data; absent where the body is not written. */
  mark?: number;
}

/** Milliseconds of the machine's monotonic clock: one for all processes, whatever their wall clocks say. */
export function machineNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

type WithoutInstant<T> = T extends unknown ? Omit<T, 'at'> : never;

/** A log of one process. */
export class Log {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a', 0o600);
  }

  write(line: WithoutInstant<Line>): void {
    writeSync(this.#file, `${JSON.stringify({ at: machineNow(), ...line })}\n`);
  }
}

/** Lines of a log; of a process that was killed the last one may be half a line, and is none. */
export function readLog<T>(path: string): T[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as T);
}
