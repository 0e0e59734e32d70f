import { z } from 'zod';
import { StateError } from '../errors.ts';
import { nearest } from '../internal/nearest.ts';

/** The version of the state that this troupe writes, and the oldest reader that still understands it. */
export const STATE_VERSION = 1;
export const STATE_MIN_READER = 1;

const count = z.int().min(0);
const score = z.number().min(0);
const instant = z.union([z.date(), z.iso.datetime({ offset: true }).transform((value) => new Date(value))]);

const decision = z.object({
  at: z.number(),
  where: z.string(),
  verdict: z.enum([
    'ok',
    'failed',
    'rate-limited',
    'blocked',
    'logged-out',
    'proxy-failed',
    'bad',
    'retired',
    'rested',
    'revived',
  ]),
  rule: z.string(),
  evidence: z.string(),
});

/** What a store keeps in a session's body: everything but the columns that stores themselves look at. */
const bodyShape = {
  version: z.int().min(1),
  minReader: z.int().min(1),
  maxAgeMs: z.number().min(0).nullable(),
  maxErrorScore: z.number().positive(),
  errorScoreDecrement: score,
  blockedStatusCodes: z.array(z.int().min(100).max(999)),
  userData: z.record(z.string(), z.json()),
  cookies: z.array(z.looseObject({})),
  proxy: z
    .object({
      url: z.string(),
      id: z.string().optional(),
      country: z.string().optional(),
      assignedAt: count.optional(),
      rotation: count.optional(),
    })
    .nullable(),
  fingerprint: z.looseObject({ userAgent: z.string() }).nullable(),
  /** The account that it is logged in as; absent without one. */
  account: z.string().min(1).optional(),
  decisions: z.array(decision),
};

const stateShape = {
  ...bodyShape,
  id: z.string().regex(/^[A-Za-z0-9._~-]{1,200}$/, 'must be 1 to 200 characters of A-Z a-z 0-9 . _ ~ -'),
  createdAt: instant,
  expiresAt: instant.nullable(),
  usageCount: count,
  errorScore: score,
  maxUsageCount: z.int().min(1).nullable(),
  /** Why it was retired; `null` while it is not. */
  retired: z.string().nullable(),
  /** Rests that were asked for and not yet handed to a pool: `site` null is everywhere. */
  rests: z.array(z.object({ site: z.string().nullable(), untilAt: instant })),
};

const bodySchema = z.looseObject(bodyShape);
const stateSchema = z.looseObject(stateShape);

/** A session's body as stored, with fields of newer versions kept. */
export type BodyState = z.output<typeof bodySchema>;
/** A session's whole state, instants as `Date`. */
export type SessionModel = Readonly<z.output<typeof stateSchema>>;
/** The same as plain JSON: instants as ISO 8601 text. */
export type SessionDict = Record<string, unknown>;

/**
 * Validates a whole state, as a model or as plain JSON.
 * @throws StateError `INVALID_STATE` with the field, or `STATE_TOO_NEW`
 */
export function parseState(input: unknown): SessionModel {
  return parse(stateSchema, stateShape, input);
}

/**
 * Validates a stored body.
 * @throws StateError `INVALID_STATE` with the field, or `STATE_TOO_NEW`
 */
export function parseBody(input: unknown): BodyState {
  return parse(bodySchema, bodyShape, input);
}

function parse<Schema extends z.ZodType>(schema: Schema, shape: object, input: unknown): z.output<Schema> {
  refuseTooNew(input);
  const result = schema.safeParse(input);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    const field = issue.path.join('.') || 'state';
    throw new StateError('INVALID_STATE', field, `session state is malformed: "${field}": ${issue.message}`);
  }
  refuseUnknown(input as Record<string, unknown>, shape);
  return result.data;
}

function refuseTooNew(input: unknown): void {
  const minReader = (input as { minReader?: unknown } | null | undefined)?.minReader;
  if (typeof minReader !== 'number' || minReader <= STATE_VERSION) return;
  throw new StateError(
    'STATE_TOO_NEW',
    'minReader',
    `session state needs a troupe that reads state version ${minReader}; this one reads ${STATE_VERSION}: update troupe`,
  );
}

/** Fields we do not know come from a newer troupe, and are kept; in a state of our own version they are a mistake. */
function refuseUnknown(input: Record<string, unknown>, shape: object): void {
  if ((input.version as number) > STATE_VERSION) return;
  const known = Object.keys(shape);
  for (const field of Object.keys(input)) {
    if (known.includes(field)) continue;
    const near = nearest(field, known);
    const hint = near ? `; did you mean "${near}"?` : '';
    throw new StateError(
      'INVALID_STATE',
      field,
      `session state is malformed: unknown field "${field}"${hint}`,
    );
  }
}

/** Fields of a newer version, which an older reader keeps as they are. */
export function unknownFields(state: object): Record<string, unknown> | undefined {
  const unknown = Object.entries(state).filter(([field]) => !Object.hasOwn(stateShape, field));
  return unknown.length > 0 ? Object.fromEntries(unknown) : undefined;
}
