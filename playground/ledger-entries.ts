/** One connection and the users that came over it. */
export interface SocketRecord {
  readonly id: number;
  readonly users: Set<string>;
}

/** A cookie that a user sent although it was issued to another. */
export interface ForeignCookie {
  cookie: string;
  /** The `uid` it was issued to. */
  owner: string;
}

/** A connection over which several users came. */
export interface SharedSocket {
  socket: number;
  users: string[];
}

/** Why a guarded page was not given, as the ledger counts it. */
export type Refusal =
  | 'address-banned'
  | 'user-banned'
  | 'other-browser'
  | 'other-address'
  | 'address-limit'
  | 'user-limit'
  | 'captcha'
  | 'unavailable'
  | 'other';

/** What the site saw of one user cookie. */
export interface UserRecord {
  /** The value of its `uid` cookie. */
  id: string;
  /** Requests that carried the cookie. */
  requests: number;
  userAgents: string[];
  /** Numbers of the connections it came over. */
  sockets: number[];
  remoteAddresses: string[];
  /** 429s it got from the limit. */
  limited: number;
  banned: boolean;
  /** Requests of it that came from another address than its cookie was issued to, or with another User-Agent. */
  strayed: number;
  /** Requests of it that carried cookies of others. */
  mixed: number;
  foreign: ForeignCookie[];
}

/** The totals of a ledger; each is explained at the property of that name of `Ledger`. */
export interface LedgerSummary {
  requests: number;
  users: number;
  issued: number;
  limited: number;
  banned: number;
  bannedAddresses: number;
  pages: number;
  refusals: Partial<Record<Refusal, number>>;
  mixed: number;
  otherAddress: number;
  otherUserAgent: number;
  sharedSockets: number;
}

/** The whole ledger as JSON data: what `/__ledger` answers. */
export interface LedgerSnapshot extends LedgerSummary {
  /** Answers by status; `dropped` where the site cut the connection, `aborted` where the client did. */
  byStatus: Record<string, number>;
  /** Requests by the first segment of their path: `/item`, `/login`; `other` for pages that do not exist. */
  byRoute: Record<string, number>;
  /** The first 100 connections that several users came over. */
  shared: SharedSocket[];
  perUser: UserRecord[];
}

// Enough to see what went wrong; a run of a million requests must not fill the memory.
const maxSockets = 1_000;
const maxListed = 20;

/** What the ledger gathers of one user. */
export class UserEntry {
  #requests = 0;
  #mixed = 0;
  strayed = 0;
  limited = 0;
  banned = false;
  readonly #userAgents: string[] = [];
  readonly #sockets = new Set<number>();
  readonly #remoteAddresses: string[] = [];
  readonly #foreign: ForeignCookie[] = [];

  saw(socket: number, userAgent: string, remoteAddress: string): void {
    this.#requests++;
    addTo(this.#userAgents, userAgent);
    addTo(this.#remoteAddresses, remoteAddress);
    if (this.#sockets.size < maxSockets) this.#sockets.add(socket);
  }

  gotForeign(cookies: readonly ForeignCookie[]): void {
    this.#mixed++;
    this.#foreign.push(...cookies.slice(0, maxListed - this.#foreign.length));
  }

  toRecord(id: string): UserRecord {
    return {
      id,
      requests: this.#requests,
      userAgents: this.#userAgents,
      sockets: [...this.#sockets],
      remoteAddresses: this.#remoteAddresses,
      limited: this.limited,
      banned: this.banned,
      strayed: this.strayed,
      mixed: this.#mixed,
      foreign: this.#foreign,
    };
  }
}

function addTo(list: string[], item: string): void {
  if (list.length < maxListed && !list.includes(item)) list.push(item);
}
