import type { Socket } from 'node:net';
import {
  type ForeignCookie,
  type LedgerSnapshot,
  type LedgerSummary,
  type Refusal,
  type SharedSocket,
  type SocketRecord,
  UserEntry,
} from './ledger-entries.ts';
import type { User } from './users.ts';

export type {
  ForeignCookie,
  LedgerSnapshot,
  LedgerSummary,
  Refusal,
  SharedSocket,
  UserRecord,
} from './ledger-entries.ts';

/** One request, as the ledger takes it down. */
export interface Sighting {
  route: string;
  socket: Socket;
  user: User | undefined;
  userAgent: string;
  /** Cookies of the request that were issued to somebody else than its user. */
  foreign: readonly ForeignCookie[];
}

// Beyond this the oldest entries are dropped; a dropped user that comes back counts as a new one.
const maxEntries = 100_000;
const maxSharedListed = 100;

/**
 * What the site saw. Tests read from it whether two users ever mixed: by a cookie that belongs to another
 * (`mixed`), by a connection that two of them used (`sharedSockets`), or by a cookie that came from an address or a
 * browser to which it was not issued (`otherAddress`, `otherUserAgent`).
 */
export class Ledger {
  #requests = 0;
  #issued = 0;
  #users = 0;
  #limited = 0;
  #banned = 0;
  #bannedAddresses = 0;
  #pages = 0;
  #refusals: Partial<Record<Refusal, number>> = {};
  #mixed = 0;
  #otherAddress = 0;
  #otherUserAgent = 0;
  #sharedSockets = 0;
  #byStatus = new Map<number | string, number>();
  #byRoute = new Map<string, number>();
  #entries = new Map<string, UserEntry>();
  #shared: SocketRecord[] = [];
  #sockets = new WeakMap<Socket, SocketRecord>();
  #lastSocketId = 0;

  /** Requests in all, the dropped ones included. */
  get requests(): number {
    return this.#requests;
  }

  /** User cookies that came back at least once. */
  get users(): number {
    return this.#users;
  }

  /** User cookies given out; more than `users` where a client does not keep its cookies. */
  get issued(): number {
    return this.#issued;
  }

  /** 429s given because of the limit per cookie. */
  get limited(): number {
    return this.#limited;
  }

  /** User cookies banned for good. */
  get banned(): number {
    return this.#banned;
  }

  /** Addresses banned for good. */
  get bannedAddresses(): number {
    return this.#bannedAddresses;
  }

  /** Item pages given. */
  get pages(): number {
    return this.#pages;
  }

  /** Guarded pages not given, by the reason. */
  get refusals(): Partial<Record<Refusal, number>> {
    return { ...this.#refusals };
  }

  /** Requests that carried a cookie of another user. */
  get mixed(): number {
    return this.#mixed;
  }

  /** Requests with a user cookie from another address than it was issued to. */
  get otherAddress(): number {
    return this.#otherAddress;
  }

  /** Requests with a user cookie and another User-Agent than it was issued to. */
  get otherUserAgent(): number {
    return this.#otherUserAgent;
  }

  /** Connections over which two or more users came. */
  get sharedSockets(): number {
    return this.#sharedSockets;
  }

  /** The record of a connection; one connection keeps one record for life. */
  socket(socket: Socket): SocketRecord {
    let record = this.#sockets.get(socket);
    if (!record) {
      record = { id: ++this.#lastSocketId, users: new Set() };
      this.#sockets.set(socket, record);
    }
    return record;
  }

  /** Takes down a request, before it is answered. */
  saw(sighting: Sighting): void {
    this.#requests++;
    this.#byRoute.set(sighting.route, (this.#byRoute.get(sighting.route) ?? 0) + 1);
    const { user } = sighting;
    if (!user) return;
    const entry = this.#entry(user);
    const record = this.socket(sighting.socket);
    const address = sighting.socket.remoteAddress ?? '';
    entry.saw(record.id, sighting.userAgent, address);
    if (address !== user.address) this.#otherAddress++;
    if (sighting.userAgent !== user.userAgent) this.#otherUserAgent++;
    if (address !== user.address || sighting.userAgent !== user.userAgent) entry.strayed++;
    this.#link(record, user);
    if (sighting.foreign.length === 0) return;
    this.#mixed++;
    entry.gotForeign(sighting.foreign);
  }

  /** Takes down how a request ended: its status, or a word where there was none. */
  answered(status: number | 'dropped' | 'aborted'): void {
    this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
  }

  /** A user cookie was given out. */
  issuedCookie(): void {
    this.#issued++;
  }

  /** The user ran into the limit. */
  limitedUser(user: User): void {
    this.#limited++;
    this.#entry(user).limited++;
  }

  /** The user is banned: when it happens, and again whenever it comes back. */
  bannedUser(user: User): void {
    const entry = this.#entry(user);
    if (entry.banned) return;
    entry.banned = true;
    this.#banned++;
  }

  /** The address is banned from now on. */
  bannedAddress(): void {
    this.#bannedAddresses++;
  }

  /** An item page was given. */
  gavePage(): void {
    this.#pages++;
  }

  /** A guarded page was not given. */
  refused(kind: Refusal): void {
    this.#refusals[kind] = (this.#refusals[kind] ?? 0) + 1;
  }

  /** The totals alone: what a demo or a benchmark polls. */
  summary(): LedgerSummary {
    const { requests, users, issued, limited, banned, bannedAddresses, pages, refusals } = this;
    const { mixed, otherAddress, otherUserAgent, sharedSockets } = this;
    const health = { requests, users, issued, limited, banned, bannedAddresses, pages, refusals };
    return { ...health, mixed, otherAddress, otherUserAgent, sharedSockets };
  }

  /** Everything, as plain JSON data. */
  snapshot(): LedgerSnapshot {
    return {
      ...this.summary(),
      byStatus: Object.fromEntries(this.#byStatus),
      byRoute: Object.fromEntries(this.#byRoute),
      shared: this.#shared.map(({ id, users }): SharedSocket => ({ socket: id, users: [...users] })),
      perUser: [...this.#entries].map(([id, entry]) => entry.toRecord(id)),
    };
  }

  /** Forgets everything it saw. Issued cookies, limits and bans are the site's, and stay. */
  reset(): void {
    this.#requests = this.#issued = this.#users = this.#limited = 0;
    this.#banned = this.#bannedAddresses = this.#pages = 0;
    this.#mixed = this.#otherAddress = this.#otherUserAgent = this.#sharedSockets = 0;
    this.#refusals = {};
    this.#byStatus = new Map();
    this.#byRoute = new Map();
    this.#entries = new Map();
    this.#shared = [];
    this.#sockets = new WeakMap();
  }

  #entry(user: User): UserEntry {
    const known = this.#entries.get(user.id);
    if (known) return known;
    if (this.#entries.size >= maxEntries) this.#entries.delete(this.#entries.keys().next().value!);
    const entry = new UserEntry();
    this.#entries.set(user.id, entry);
    this.#users++;
    // Only now that the cookie came back is it a user, and counts for the connection that it was issued over:
    // a client without a jar, which gets a cookie with every answer, is not many users on one socket.
    this.#link(user.issuedOn, user);
    return entry;
  }

  #link(socket: SocketRecord, user: User): void {
    if (socket.users.has(user.id)) return;
    socket.users.add(user.id);
    if (socket.users.size !== 2) return;
    this.#sharedSockets++;
    if (this.#shared.length < maxSharedListed) this.#shared.push(socket);
  }
}
