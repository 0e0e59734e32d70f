import { crc32 } from 'node:zlib';
import { SessionCookies } from '../cookies/session-cookies.ts';
import { OptionError, StateError } from '../errors.ts';
import type { Decision } from './decision.ts';
import { type Fingerprint, fingerprintOf, proxyOf, type SessionProxy } from './identity.ts';
import { DEFAULT_LIMITS, type SessionLimits } from './limits.ts';
import type { UserData } from './options.ts';
import { type BodyState, parseBody, STATE_MIN_READER, STATE_VERSION, unknownFields } from './state.ts';

/**
 * What a session is beside the columns its store looks at. Never changed in place: a changed session has a new one.
 * A store in memory keeps this object; others keep {@link encodeBody} of it.
 */
export interface SessionBody {
  readonly limits: SessionLimits;
  /** JSON text, so that a task which kept the object of an earlier use cannot reach into a later one. */
  readonly userData: string | undefined;
  readonly cookies: SessionCookies | undefined;
  readonly proxy: SessionProxy | undefined;
  readonly fingerprint: Fingerprint | undefined;
  /** The account that it is logged in as. */
  readonly account: string | undefined;
  readonly decisions: readonly Decision[];
  /** Version and fields that a newer troupe wrote, kept for it. */
  readonly newer: NewerState | undefined;
}

/** A stored body that is decoded when something of it is first needed, which most of many sessions' uses do not. */
export interface LazyBody {
  /** As far as it was read. */
  readonly body: SessionBody | undefined;
  /** The limit of uses, which is a column of the store. */
  readonly maxUsageCount: number | null;
  read(): SessionBody;
}

export function isLazy(body: SessionBody | LazyBody): body is LazyBody {
  return 'read' in body;
}

export interface NewerState {
  readonly version: number;
  readonly minReader: number;
  readonly fields: Record<string, unknown> | undefined;
}

const noDecisions: readonly Decision[] = Object.freeze([]);
const freshBodies = new WeakMap<SessionLimits, SessionBody>();

/** The body of a session that has nothing yet: one object for all sessions of the same limits. */
export function freshBody(limits: SessionLimits = DEFAULT_LIMITS): SessionBody {
  let body = freshBodies.get(limits);
  if (!body) {
    body = Object.freeze({
      limits,
      userData: undefined,
      cookies: undefined,
      proxy: undefined,
      fingerprint: undefined,
      account: undefined,
      decisions: noDecisions,
      newer: undefined,
    });
    freshBodies.set(limits, body);
  }
  return body;
}

/**
 * User data as text; `undefined` where there is none.
 * @throws StateError where it holds what JSON cannot carry
 */
export function encodeUserData(userData: UserData): string | undefined {
  try {
    const text = JSON.stringify(userData);
    return text === '{}' ? undefined : text;
  } catch (cause) {
    throw new StateError(
      'INVALID_STATE',
      'userData',
      'session userData must be JSON values: no cycles, no BigInt',
      {
        cause,
      },
    );
  }
}

/** How the text of a body ends: with a sum of all before it. */
const SUM = ',"sum":"';
const SUM_DIGITS = 8;
const TAIL_LENGTH = SUM.length + SUM_DIGITS + '"}'.length;

/** Another version's sum is another: what it wrote is looked at more closely. */
function sumOf(text: string): string {
  return crc32(text, STATE_VERSION).toString(16).padStart(SUM_DIGITS, '0');
}

/**
 * Whether a stored text is, letter by letter, what a troupe of this version wrote, and so can be decoded whenever it is
 * needed. It takes a tenth of what decoding it would. Against mistakes, not against attacks: sealing is for these.
 */
export function isWhole(text: string): boolean {
  const end = text.length - TAIL_LENGTH;
  return text.startsWith(SUM, end) && text.slice(end + SUM.length, -2) === sumOf(text.slice(0, end));
}

/** The body as text, for stores that keep text. */
export function encodeBody(body: SessionBody): string {
  const { limits, cookies, newer } = body;
  const head = JSON.stringify({
    ...newer?.fields,
    version: newer?.version ?? STATE_VERSION,
    minReader: newer?.minReader ?? STATE_MIN_READER,
    maxAgeMs: limits.maxAgeMs,
    maxErrorScore: limits.maxErrorScore,
    errorScoreDecrement: limits.errorScoreDecrement,
    blockedStatusCodes: limits.blockedStatusCodes,
    cookies: cookies?.toJSON() ?? [],
    proxy: body.proxy ?? null,
    fingerprint: body.fingerprint ?? null,
    account: body.account,
    decisions: body.decisions,
  });
  // The user data is JSON text already: putting it in saves parsing it only to print it again.
  const text = `${head.slice(0, -1)},"userData":${body.userData ?? '{}'}`;
  return `${text}${SUM}${sumOf(text)}"}`;
}

/**
 * A body from its text. The limit of uses is a column of the store, and given beside.
 * @throws StateError where it is malformed or needs a newer troupe
 */
export function decodeBody(text: string, maxUsageCount: number | null): SessionBody {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Without a cause: its message quotes the text, and with it a cookie.
    throw new StateError('INVALID_STATE', 'body', 'stored session body is not JSON');
  }
  if (typeof parsed === 'object' && parsed !== null && 'sum' in parsed) delete parsed.sum;
  try {
    return bodyOf(parseBody(parsed), maxUsageCount);
  } catch (error) {
    // Nested too deep for the stack, for example: whatever it is, others must be served.
    if (error instanceof StateError) throw error;
    throw new StateError('INVALID_STATE', 'body', 'stored session body cannot be read', { cause: error });
  }
}

/**
 * A body from validated state.
 * @throws StateError where cookies, proxy or fingerprint could not have been given as options
 */
export function bodyOf(state: BodyState, maxUsageCount: number | null): SessionBody {
  try {
    return assemble(state, maxUsageCount);
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    const message = `session state is malformed: ${error.message}`;
    throw new StateError('INVALID_STATE', error.option, message, { cause: error });
  }
}

function assemble(state: BodyState, maxUsageCount: number | null): SessionBody {
  const limits: SessionLimits = {
    maxAgeMs: state.maxAgeMs,
    maxErrorScore: state.maxErrorScore,
    errorScoreDecrement: state.errorScoreDecrement,
    maxUsageCount,
    blockedStatusCodes: state.blockedStatusCodes,
  };
  return {
    limits: shared(limits),
    userData: encodeUserData(state.userData),
    cookies: state.cookies.length > 0 ? SessionCookies.fromJSON(state.cookies) : undefined,
    proxy: state.proxy ? proxyOf(state.proxy as SessionProxy) : undefined,
    fingerprint: state.fingerprint ? fingerprintOf(state.fingerprint as Fingerprint) : undefined,
    account: state.account,
    decisions: state.decisions,
    newer:
      state.version > STATE_VERSION
        ? { version: state.version, minReader: state.minReader, fields: unknownFields(state) }
        : undefined,
  };
}

/** Most sessions live by the default limits: they share that object. */
function shared(limits: SessionLimits): SessionLimits {
  const isDefault =
    limits.maxAgeMs === DEFAULT_LIMITS.maxAgeMs &&
    limits.maxErrorScore === DEFAULT_LIMITS.maxErrorScore &&
    limits.errorScoreDecrement === DEFAULT_LIMITS.errorScoreDecrement &&
    limits.maxUsageCount === DEFAULT_LIMITS.maxUsageCount &&
    limits.blockedStatusCodes.join() === DEFAULT_LIMITS.blockedStatusCodes.join();
  return isDefault ? DEFAULT_LIMITS : Object.freeze(limits);
}
