import { type HopHeaders, headerOf } from './transport.ts';

/** The headers of an answer as they came, to be read: making `Headers` of them costs more than looking at a few. */
export class HeaderReader {
  readonly #headers: HopHeaders;

  constructor(headers: HopHeaders) {
    this.#headers = headers;
  }

  /** The value, several joined by commas; `null` without the header. */
  get(name: string): string | null {
    const value = this.#headers[name.toLowerCase()];
    return (typeof value === 'object' ? value.join(', ') : value) ?? null;
  }

  has(name: string): boolean {
    return headerOf(this.#headers, name.toLowerCase()) !== undefined;
  }

  getSetCookie(): readonly string[] {
    const value = this.#headers['set-cookie'];
    if (value === undefined) return [];
    return typeof value === 'string' ? [value] : value;
  }
}
