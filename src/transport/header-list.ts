import { type HeaderOrder, headerFor } from '../fingerprints/header-order.ts';

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const outerBlanks = /^[\t\n\r ]+|[\t\n\r ]+$/g;
const notHeaderText = /[^\t\x20-\x7e\x80-\xff]/;

/** Belong to the connection, which is not the caller's (RFC 9110 §7.6.1); copied from a browser they do no harm if left out. */
const connectionHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** What `fetch` takes as headers. */
export type HeadersLike =
  | Headers
  | Iterable<readonly [string, string]>
  | Readonly<Record<string, string>>
  // As Node's own `fetch` types them, so that ours can be handed to whoever wants that one.
  | NonNullable<RequestInit['headers']>;

/** `isDefault`: not the caller's, but ours or the browser's. */
type Entry = [name: string, value: string, isDefault: boolean];

/**
 * Request headers that keep the order and the spelling they were given in, which `Headers` does not: both
 * are part of how a browser looks. Checked like `Headers` checks (a TypeError, naming the header and never
 * its value), so that no value can end its line.
 */
export class HeaderList {
  readonly #entries = new Map<string, Entry>();

  static from(init: HeadersLike | undefined | null): HeaderList {
    const list = new HeaderList();
    if (init === undefined || init === null) return list;
    if (Symbol.iterator in init) {
      for (const pair of init as Iterable<readonly [string, string]>) {
        if (pair.length !== 2) throw new TypeError('a header must be a pair of name and value');
        list.append(pair[0], pair[1]);
      }
    } else {
      for (const name of Object.keys(init)) list.append(name, (init as Record<string, string>)[name]!);
    }
    return list;
  }

  has(lowerName: string): boolean {
    return this.#entries.has(lowerName);
  }

  get(lowerName: string): string | undefined {
    return this.#entries.get(lowerName)?.[1];
  }

  delete(lowerName: string): void {
    this.#entries.delete(lowerName);
  }

  /** Adds a header of our own, unless it is there. */
  setDefault(name: string, value: string): void {
    const key = name.toLowerCase();
    if (!this.#entries.has(key)) this.#entries.set(key, [name, value, true]);
  }

  /** Checks and adds; a second one of the same name joins the first. */
  append(name: string, value: unknown): void {
    const text = String(value).replace(outerBlanks, '');
    if (!token.test(name)) throw new TypeError('invalid header name');
    if (notHeaderText.test(text)) throw new TypeError(`invalid value of header "${name}"`);
    const key = name.toLowerCase();
    if (connectionHeaders.has(key)) return;
    const entry = this.#entries.get(key);
    if (entry) entry[1] += `${key === 'cookie' ? '; ' : ', '}${text}`;
    else this.#entries.set(key, [name, text, false]);
  }

  /**
   * Names and values by turns, as {@link Hop} wants them, with the session's cookies unless the caller gave some.
   * @param browser the order of the one it appears to be; its own headers are left out where it does not send them
   */
  toFlat(cookie = '', browser?: { readonly order: HeaderOrder; readonly url: URL }): string[] {
    const flat: string[] = [];
    if (!browser) {
      for (const [name, value] of this.#entries.values()) flat.push(name, value);
      if (cookie !== '') flat.push('cookie', cookie);
      return flat;
    }
    const { order, url } = browser;
    const placed: [place: number, name: string, value: string][] = [];
    const place = (key: string) => order.places.get(key) ?? order.others;
    for (const [key, [name, given, isDefault]] of this.#entries) {
      const value = isDefault ? headerFor(url, key, given) : given;
      if (value !== undefined) placed.push([place(key), name, value]);
    }
    if (cookie !== '') placed.push([place('cookie'), 'Cookie', cookie]);
    placed.sort(([a], [b]) => a - b);
    for (const [, name, value] of placed) flat.push(name, value);
    return flat;
  }
}
