import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Address, Addresses } from './addresses.ts';
import { type CookiePair, cookieValue, parseCookies } from './cookies.ts';
import type { Flakiness } from './flaky.ts';
import type { Ledger } from './ledger.ts';
import type { PlaygroundOptions } from './options.ts';
import type { User, Users } from './users.ts';

/** What all the routes of one site share. */
export interface Site {
  readonly options: Required<PlaygroundOptions>;
  readonly users: Users;
  readonly addresses: Addresses;
  readonly ledger: Ledger;
  /** Of the flaky pages. */
  readonly flakiness: Flakiness;
  /** Of the item pages. */
  readonly unavailability: Flakiness;
}

/** Answers one route. */
export type Handler = (exchange: Exchange) => void | Promise<void>;

/** The request cannot be answered as asked; the site turns it into this status. */
export class RequestProblem extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'RequestProblem';
    this.status = status;
  }
}

/** One request and its answer. Every way to answer tells the ledger first, so that it never lags behind a client. */
export class Exchange {
  readonly site: Site;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What follows the route's name in the path, without its slash: `7` of `/item/7?a=b`. */
  readonly argument: string;
  readonly cookies: readonly CookiePair[];
  /** The user of the request's cookie, or the one that `issue()` just made. */
  user: User | undefined;
  readonly #search: string;
  #query: URLSearchParams | undefined;
  readonly #setCookies: string[] = [];

  constructor(
    site: Site,
    request: IncomingMessage,
    response: ServerResponse,
    path: { argument: string; search: string },
  ) {
    this.site = site;
    this.request = request;
    this.response = response;
    this.argument = path.argument;
    this.#search = path.search;
    this.cookies = parseCookies(request.headers.cookie);
    const uid = cookieValue(this.cookies, 'uid');
    this.user = uid === undefined ? undefined : site.users.find(uid);
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#search);
    return this.#query;
  }

  get userAgent(): string {
    return this.request.headers['user-agent'] ?? '';
  }

  /** Where the request comes from: the client, or its proxy. */
  get address(): Address {
    return this.site.addresses.at(this.request.socket.remoteAddress ?? '');
  }

  /** The argument as a whole number from 0 to `max`; anything else is a 400. */
  wholeNumber(max: number): number {
    const value = /^\d{1,16}$/.test(this.argument) ? Number(this.argument) : Number.NaN;
    if (!(value <= max))
      throw new RequestProblem(400, `expected a whole number from 0 to ${max} in the path`);
    return value;
  }

  /** Makes a new user and gives its cookies with the answer. */
  issue(): User {
    const { users, ledger } = this.site;
    const user = users.issue(this.userAgent, this.address.ip, ledger.socket(this.request.socket));
    ledger.issuedCookie();
    this.user = user;
    this.setCookie(`uid=${user.id}; Path=/; HttpOnly; SameSite=Lax`);
    this.setCompanion(user);
    return user;
  }

  /**
   * Gives the cookie that must always travel with its `uid`. It comes with every page, not only the first: an
   * answer stored with the wrong user shows at that user's next request.
   */
  setCompanion(user: User): void {
    this.setCookie(`mate=${user.mate}; Path=/; SameSite=Lax`);
  }

  /** Adds a `Set-Cookie` header to the answer. */
  setCookie(line: string): void {
    this.#setCookies.push(line);
  }

  /** Tells the ledger, and sends the head; the body is the caller's. */
  begin(status: number, headers: OutgoingHttpHeaders): void {
    this.site.ledger.answered(status);
    if (this.#setCookies.length > 0) headers['set-cookie'] = this.#setCookies;
    this.response.writeHead(status, headers);
  }

  /** A whole answer. */
  send(status: number, type: string, body: string | Buffer, headers: OutgoingHttpHeaders = {}): void {
    headers['content-type'] = type;
    headers['content-length'] = Buffer.byteLength(body);
    this.begin(status, headers);
    this.response.end(body);
  }

  json(value: unknown, status = 200): void {
    this.send(status, 'application/json', JSON.stringify(value));
  }

  html(status: number, body: string, headers?: OutgoingHttpHeaders): void {
    this.send(status, 'text/html; charset=utf-8', body, headers);
  }

  text(status: number, body: string, headers?: OutgoingHttpHeaders): void {
    this.send(status, 'text/plain; charset=utf-8', body, headers);
  }

  redirect(status: number, location: string): void {
    this.text(status, `see ${location}\n`, { location });
  }

  /** Cuts the connection without an answer. */
  drop(): void {
    this.site.ledger.answered('dropped');
    this.request.socket.destroy();
  }
}
