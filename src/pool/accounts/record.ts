import { z } from 'zod';
import { aboutAsLong } from '../../internal/chance.ts';
import type { Fingerprint, SessionProxy } from '../../session/identity.ts';

/** Of how much time logins are counted: a day. */
export const LOGINS_COUNTED_MS = 86_400_000;
/** Logins remembered; as many as may be allowed a day. */
export const MAX_LOGINS = 1_000;
const FIRST_COOLING_MS = 60_000;
const MAX_COOLING_MS = 6 * 3_600_000;

const recordSchema = z.object({
  /** What somebody decided of it; `ready` while a login only has to wait. */
  state: z.enum(['ready', 'cooling', 'locked', 'bad-credentials', 'parked']),
  /** When the state ends by itself; `null`: it does not. */
  untilAt: z.number().nullable(),
  /** Logins in a row that failed. */
  failures: z.int().min(0),
  /** When it logged in during the last day, oldest first. */
  logins: z.array(z.number()),
  /** The session that has it, or had it last. */
  sessionId: z.string().nullable(),
  /** A login is under way, and nobody else may try before then. */
  claim: z.object({ token: z.string(), holder: z.string(), untilAt: z.number() }).nullable(),
  proxy: z
    .object({
      url: z.string(),
      id: z.string().optional(),
      country: z.string().optional(),
      assignedAt: z.number().optional(),
      rotation: z.number().optional(),
    })
    .nullable(),
  fingerprint: z.looseObject({ userAgent: z.string() }).nullable(),
});

type Stored = z.output<typeof recordSchema>;

/** What a store knows of an account. Never its password. Instants are of the store's clock. */
export type AccountRecord = Readonly<Omit<Stored, 'proxy' | 'fingerprint'>> & {
  readonly proxy: SessionProxy | null;
  readonly fingerprint: Fingerprint | null;
};

/** Records by the accounts' ids. */
export type AccountRecords = Readonly<Record<string, AccountRecord>>;

/** Loose: what a newer troupe wrote beside it is kept. */
const recordsSchema = z.record(z.string(), recordSchema.loose());

/** @throws where it is none */
export function parseRecords(value: unknown): AccountRecords {
  return recordsSchema.parse(value) as AccountRecords;
}

export const NEW_RECORD: AccountRecord = Object.freeze({
  state: 'ready',
  untilAt: null,
  failures: 0,
  logins: [],
  sessionId: null,
  claim: null,
  proxy: null,
  fingerprint: null,
});

/** Whether an account may log in, and if not, why and until when (`null`: that does not end by itself). */
export type Standing =
  | { readonly kind: 'free' }
  | {
      readonly kind: 'cooling' | 'locked' | 'bad-credentials' | 'parked' | 'spent' | 'logging-in';
      readonly untilAt: number | null;
    };

export function standingOf(record: AccountRecord, now: number, maxLoginsPerDay: number): Standing {
  const { state, untilAt, claim } = record;
  if (state !== 'ready' && (untilAt === null || untilAt > now)) return { kind: state, untilAt };
  if (claim !== null && claim.untilAt > now) return { kind: 'logging-in', untilAt: claim.untilAt };
  const logins = loginsOf(record, now);
  if (logins.length < maxLoginsPerDay) return { kind: 'free' };
  return { kind: 'spent', untilAt: logins.at(-maxLoginsPerDay)! + LOGINS_COUNTED_MS };
}

/** Its logins of the last day. One of a clock that was ahead counts for no longer than a day. */
export function loginsOf({ logins }: AccountRecord, now: number): number[] {
  return logins.map((at) => Math.min(at, now)).filter((at) => at > now - LOGINS_COUNTED_MS);
}

/** One more login, counted before it is tried. */
export function withLogin(record: AccountRecord, now: number): AccountRecord {
  return { ...record, logins: [...loginsOf(record, now), now].slice(-MAX_LOGINS) };
}

/** It logged in. What somebody decided of it meanwhile holds. */
export function loggedIn(record: AccountRecord): AccountRecord {
  const isDecided = record.state !== 'ready' && record.state !== 'cooling';
  return { ...record, ...(isDecided ? {} : READY), failures: 0, claim: null };
}

/** Its login failed, for a reason that may pass: it waits, twice as long each time, give or take a fifth. */
export function cooled(record: AccountRecord, now: number): AccountRecord {
  const failures = record.failures + 1;
  const grown = FIRST_COOLING_MS * 2 ** Math.min(record.failures, 20);
  const ms = Math.round(aboutAsLong(Math.min(grown, MAX_COOLING_MS)));
  const isDecided = record.state !== 'ready' && record.state !== 'cooling';
  const state = isDecided ? {} : ({ state: 'cooling', untilAt: now + ms } as const);
  return { ...record, ...state, failures, claim: null };
}

const READY = { state: 'ready', untilAt: null } as const;

/** As if nothing had been wrong with it; its logins stay counted. */
export function madeReady(record: AccountRecord): AccountRecord {
  return { ...record, ...READY, failures: 0, claim: null };
}

/** Nobody logs in with it, until then or until it is made ready. */
export function parked(
  record: AccountRecord,
  state: 'locked' | 'bad-credentials' | 'parked',
  untilAt: number | null,
): AccountRecord {
  return { ...record, state, untilAt, claim: null };
}
