import { hash, randomBytes } from 'node:crypto';
import type { SocketRecord } from './ledger-entries.ts';
import { newTally, type Tally } from './limit.ts';

/** One user cookie and what the site knows of whoever carries it. */
export interface User extends Tally {
  /** The value of the `uid` cookie. */
  readonly id: string;
  /** The value of its companion cookies `mate` and `hop<i>`; nobody else gets it. */
  readonly mate: string;
  /** The token its login form must send back. */
  readonly csrfToken: string;
  /** The User-Agent of the request it was issued to. */
  readonly userAgent: string;
  /** The address of that request's client, or of its proxy. */
  readonly address: string;
  /** The connection it was issued over. */
  readonly issuedOn: SocketRecord;
  /** 429s of its own limit so far. */
  violations: number;
  isBanned: boolean;
  /** The value of its `auth` cookie, while it is logged in. */
  auth: string | undefined;
  account: string | undefined;
}

// A client that drops its cookies gets a new one with every request: the oldest make room.
const maxUsers = 200_000;

/** The user cookies the site has issued, and to whom every value that it ever set belongs. */
export class Users {
  readonly #byId = new Map<string, User>();
  readonly #owners = new Map<string, User>();
  // Keyed, so that a companion cookie cannot be made up from a uid.
  readonly #key = randomBytes(16).toString('hex');

  /** A new user cookie. */
  issue(userAgent: string, address: string, issuedOn: SocketRecord): User {
    const id = randomBytes(12).toString('base64url');
    const user: User = {
      id,
      mate: this.#derive('mate', id),
      csrfToken: this.#derive('csrf', id),
      userAgent,
      address,
      issuedOn,
      ...newTally(),
      violations: 0,
      isBanned: false,
      auth: undefined,
      account: undefined,
    };
    if (this.#byId.size >= maxUsers) this.#forgetOldest();
    this.#byId.set(id, user);
    this.#owners.set(user.mate, user);
    return user;
  }

  /** The user of a `uid` cookie, unless this site never issued it (or forgot it). */
  find(id: string): User | undefined {
    return this.#byId.get(id);
  }

  /** Who got this cookie value; undefined for a value of no user, or of an earlier run of the playground. */
  ownerOf(value: string): User | undefined {
    return this.#owners.get(value);
  }

  /** Logs the user in and returns the value of its `auth` cookie. */
  logIn(user: User, account: string): string {
    this.logOut(user);
    user.auth = randomBytes(12).toString('base64url');
    user.account = account;
    this.#owners.set(user.auth, user);
    return user.auth;
  }

  logOut(user: User): void {
    if (user.auth) this.#owners.delete(user.auth);
    user.auth = undefined;
    user.account = undefined;
  }

  #derive(purpose: string, id: string): string {
    return hash('sha256', `${this.#key}:${purpose}:${id}`, 'base64url').slice(0, 16);
  }

  #forgetOldest(): void {
    for (const oldest of this.#byId.values()) {
      this.logOut(oldest);
      this.#owners.delete(oldest.mate);
      this.#byId.delete(oldest.id);
      return;
    }
  }
}
