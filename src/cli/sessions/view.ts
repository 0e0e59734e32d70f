import { StateError } from '../../errors.ts';
import type { Decision, PooledSession, SiteBlockView } from '../../index.ts';
import { showProxy } from '../../proxies/proxy.ts';
import { showDuration } from '../quantities.ts';

/** A cookie as people may see it: without its value. */
export interface CookieView {
  readonly name: string;
  readonly domain: string | null;
  readonly path: string;
  readonly expiresAt: Date | null;
}

/** A user as lists show it. */
export interface SessionView {
  readonly id: string;
  readonly state: PooledSession['state'];
  readonly status: PooledSession['status'];
  readonly reason: string | null;
  readonly usageCount: number;
  readonly errorScore: number;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly untilAt: Date | null;
  readonly holder: string | null;
  readonly sinceAt: Date | null;
  readonly blocks: readonly SiteBlockView[];
}

/** Who it is and whence it comes: never a user name of the proxy's, or a password. */
export interface IdentityView {
  /** The user name that it is logged in with. */
  readonly account: string | null;
  readonly proxy: string | null;
}

/** A user with all that can be shown of it: never a cookie's value, user data, or a password. */
export interface SessionDetails extends SessionView, IdentityView {
  readonly maxUsageCount: number | null;
  readonly maxErrorScore: number;
  readonly userDataKeys: readonly string[];
  readonly userAgent: string | null;
  readonly cookies: readonly CookieView[];
  readonly decisions: readonly (Omit<Decision, 'at'> & { readonly at: Date })[];
}

export function viewOf(session: PooledSession): SessionView {
  const { id, state, status, reason, usageCount, errorScore, createdAt, expiresAt } = session;
  const { untilAt, holder, sinceAt, blocks } = session;
  return {
    id,
    state,
    status,
    reason,
    usageCount,
    errorScore,
    createdAt,
    expiresAt,
    untilAt,
    holder,
    sinceAt,
    blocks,
  };
}

/** As `ls --json` prints it; a state that this troupe cannot read tells neither account nor proxy, and is listed all the same. */
export function listedViewOf(session: PooledSession): SessionView & Partial<IdentityView> {
  const view = viewOf(session);
  try {
    return { ...view, ...identityOf(session.model) };
  } catch (error) {
    if (error instanceof StateError) return view;
    throw error;
  }
}

function identityOf({ account, proxy }: PooledSession['model']): IdentityView {
  return { account: account ?? null, proxy: proxy ? showProxy(proxy) : null };
}

/** @throws StateError where its state cannot be read by this troupe */
export function detailsOf(session: PooledSession): SessionDetails {
  const { model } = session;
  return {
    ...viewOf(session),
    maxUsageCount: model.maxUsageCount,
    maxErrorScore: model.maxErrorScore,
    userDataKeys: Object.keys(model.userData),
    ...identityOf(model),
    userAgent: model.fingerprint?.userAgent ?? null,
    cookies: model.cookies.map(cookieView),
    decisions: model.decisions.map((decision) => ({ ...decision, at: new Date(decision.at) })),
  };
}

function cookieView(cookie: Readonly<Record<string, unknown>>): CookieView {
  const { name, domain, path, expiresAt } = cookie;
  return {
    name: String(name),
    domain: typeof domain === 'string' ? domain : null,
    path: typeof path === 'string' ? path : '/',
    expiresAt: typeof expiresAt === 'number' ? new Date(expiresAt) : null,
  };
}

/** `in 5m`, `2h ago`. */
export function relative(date: Date, now: number): string {
  const ms = date.getTime() - now;
  return ms >= 0 ? `in ${showDuration(ms)}` : `${showDuration(-ms)} ago`;
}

/** What a user is doing, in a few words. */
export function stateWords({ state, status, reason, untilAt, holder }: SessionView, now: number): string {
  if (state === 'dead') return reason === null || reason === status ? status : `${status}: ${reason}`;
  const until = untilAt ? ` until ${relative(untilAt, now)}`.replace('until in', 'for') : '';
  return state === 'leased' ? `leased by ${holder ?? 'somebody'}` : `${state}${until}`;
}

/** `a.com for good, b.com for 5m`. */
export function blockWords(blocks: readonly SiteBlockView[], now: number): string {
  return blocks
    .map(
      ({ site, untilAt }) =>
        `${site} ${untilAt ? `for ${showDuration(Math.max(0, untilAt.getTime() - now))}` : 'for good'}`,
    )
    .join(', ');
}
