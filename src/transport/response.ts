import { Readable } from 'node:stream';
import type { inspect as Inspect, InspectOptions } from 'node:util';
import { Beginning } from './beginning.ts';
import { HeaderReader } from './header-reader.ts';
import type { ResponseBody } from './response-body.ts';
import type { HopHeaders, HopResponse } from './transport.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Where the body is: still on its way, read into memory, or handed out as a stream. */
type BodyPlace =
  | { kind: 'none' }
  | { kind: 'wire'; body: ResponseBody }
  | { kind: 'memory'; bytes: Bytes }
  | { kind: 'stream'; stream: ReadableStream<Bytes> };

const none: BodyPlace = { kind: 'none' };

/**
 * A `Response` that makes its `Headers` and its stream only when they are asked for. Node's own makes
 * both at once, which is most of what a small fetch costs there. It inherits from the global `Response` for
 * `instanceof` and answers every member of it itself; the constructor of the parent is never run.
 */
class FetchedResponse {
  readonly #status: number;
  readonly #statusText: string;
  readonly #url: string;
  readonly #redirected: boolean;
  readonly #list: HopHeaders;
  #headers: Headers | undefined;
  #place: BodyPlace;
  #isUsed = false;
  readonly #wire: ResponseBody | undefined;

  constructor(
    head: Pick<HopResponse, 'status' | 'statusText' | 'headers'>,
    url: string,
    redirected: boolean,
    place: BodyPlace,
  ) {
    this.#status = head.status;
    this.#statusText = head.statusText;
    this.#list = head.headers;
    this.#url = url;
    this.#redirected = redirected;
    this.#place = place;
    this.#wire = place.kind === 'wire' ? place.body : undefined;
  }

  static isOne(value: unknown): value is FetchedResponse {
    return typeof value === 'object' && value !== null && #place in value;
  }

  get type(): Response['type'] {
    return 'basic';
  }

  get url(): string {
    return this.#url;
  }

  get redirected(): boolean {
    return this.#redirected;
  }

  get status(): number {
    return this.#status;
  }

  get ok(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  get statusText(): string {
    return this.#statusText;
  }

  get headers(): Headers {
    if (this.#headers) return this.#headers;
    const headers = new Headers();
    for (const name of Object.keys(this.#list)) {
      const value = this.#list[name];
      if (typeof value === 'string') headers.append(name, value);
      else for (const one of value ?? []) headers.append(name, one);
    }
    this.#headers = headers;
    return headers;
  }

  get body(): ReadableStream<Bytes> | null {
    const place = this.#place;
    if (place.kind === 'none') return null;
    if (place.kind === 'stream') return place.stream;
    const stream = this.#isUsed
      ? lockedStream()
      : place.kind === 'wire'
        ? place.body.stream()
        : streamOf(place.bytes);
    this.#place = { kind: 'stream', stream };
    return stream;
  }

  get bodyUsed(): boolean {
    const place = this.#place;
    return this.#isUsed || (place.kind === 'stream' && Readable.isDisturbed(place.stream as never));
  }

  async text(): Promise<string> {
    const bytes = await this.#take();
    // "UTF-8 decode" drops a byte order mark.
    const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    return Buffer.from(bytes.buffer, start, bytes.length - start).toString();
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async bytes(): Promise<Bytes> {
    return ownBytes(await this.#take());
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return ownBytes(await this.#take()).buffer;
  }

  async blob(): Promise<Blob> {
    return (await this.#standard()).blob();
  }

  async formData(): Promise<FormData> {
    return (await this.#standard()).formData();
  }

  clone(): Response {
    if (this.bodyUsed || (this.#place.kind === 'stream' && this.#place.stream.locked)) {
      throw new TypeError('the body of the response has been read or is being read');
    }
    let place = this.#place;
    if (place.kind === 'wire' || place.kind === 'stream') {
      const [mine, other] = this.body!.tee();
      this.#place = { kind: 'stream', stream: mine };
      place = { kind: 'stream', stream: other };
    }
    const copy = new FetchedResponse(
      { status: this.#status, statusText: this.#statusText, headers: this.#list },
      this.#url,
      this.#redirected,
      place,
    );
    if (this.#headers) copy.#headers = new Headers(this.#headers);
    return copy as unknown as Response;
  }

  /** Status and place only: headers set cookies, queries carry tokens. */
  [Symbol.for('nodejs.util.inspect.custom')](
    _depth: number,
    options: InspectOptions,
    inspect: typeof Inspect,
  ): string {
    const { origin, pathname } = new URL(this.#url);
    const facts = {
      status: this.#status,
      url: origin + pathname,
      redirected: this.#redirected,
      bodyUsed: this.bodyUsed,
    };
    return `Response ${inspect(facts, options)}`;
  }

  /** Reads the body into memory, from where it can still be read as if nothing had happened. */
  async readWhole(maxBodyBytes?: number): Promise<Uint8Array> {
    if (this.#place.kind === 'memory' && !this.#isUsed) return this.#place.bytes;
    if (this.#place.kind === 'none') return new Uint8Array();
    const bytes = await this.#take(maxBodyBytes);
    this.#place = { kind: 'memory', bytes };
    this.#isUsed = false;
    return bytes;
  }

  /** The same head over another body. */
  over(stream: ReadableStream<Bytes>): FetchedResponse {
    const head = { status: this.#status, statusText: this.#statusText, headers: this.#list };
    return new FetchedResponse(head, this.#url, this.#redirected, { kind: 'stream', stream });
  }

  /** What can be known of it without making anything. */
  head(): ResponseHead {
    return {
      status: this.#status,
      url: this.#url,
      redirected: this.#redirected,
      headers: new HeaderReader(this.#list),
    };
  }

  /** Tells its first bytes as somebody reads them; nothing comes where there is no body, or it has been read. */
  listen(beginning: Beginning): void {
    if (this.#place.kind === 'wire') this.#place.body.listen(beginning);
    else beginning.end();
  }

  /** Calls back once nothing more comes over the wire for this response. */
  onDone(callback: () => void): void {
    if (this.#wire) this.#wire.onDone(callback);
    else callback();
  }

  async #take(maxBodyBytes?: number): Promise<Bytes> {
    const place = this.#place;
    if (place.kind === 'none') return new Uint8Array();
    const isLocked = place.kind === 'stream' && place.stream.locked;
    if (isLocked || this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read');
    this.#isUsed = true;
    if (place.kind === 'memory') return place.bytes;
    if (place.kind === 'wire') return place.body.readAll(maxBodyBytes);
    return new Uint8Array(await new Response(place.stream).arrayBuffer());
  }

  async #standard(): Promise<Response> {
    const type = this.headers.get('content-type');
    return new Response(await this.#take(), { headers: type === null ? [] : [['content-type', type]] });
  }
}

Object.setPrototypeOf(FetchedResponse.prototype, Response.prototype);

/** What `bytes` gives away must not be what a later reader finds: the caller may write into it, or transfer it. */
function ownBytes(bytes: Bytes): Bytes {
  return bytes.slice();
}

function streamOf(bytes: Bytes): ReadableStream<Bytes> {
  return new Response(bytes).body as unknown as ReadableStream<Bytes>;
}

/** A body that was read is a stream that nobody can read. */
function lockedStream(): ReadableStream<Bytes> {
  const stream = new ReadableStream<Bytes>();
  stream.getReader();
  return stream;
}

/** A response whose body, if it has one, is still on the wire. */
export function makeResponse(
  head: HopResponse,
  url: string,
  redirected: boolean,
  body: ResponseBody | undefined,
): Response {
  const place: BodyPlace = body ? { kind: 'wire', body } : none;
  return new FetchedResponse(head, url, redirected, place) as unknown as Response;
}

/**
 * Reads a response's body into memory and leaves it readable there: `text()`, `json()`, `body` and the rest go on to
 * work, also when its session serves somebody else. For a pool, which must see the end of a body before it
 * gives the session back.
 *
 * Rejects with a `FetchError`: cut short, too slow, or larger than `maxBodyBytes` (`FETCH_TOO_LARGE`); with a
 * TypeError if it has been read. The bytes are those of the response: not to be changed.
 */
export async function readWhole(response: Response, maxBodyBytes?: number): Promise<Uint8Array> {
  if (FetchedResponse.isOne(response)) return response.readWhole(maxBodyBytes);
  return new Uint8Array(await response.clone().arrayBuffer());
}

/**
 * The same answer with another body in its place. Node's own `Response` would refuse statuses and reasons that servers
 * do send, and prints the headers.
 */
export function withBody(response: Response, stream: ReadableStream<Bytes>): Response {
  if (FetchedResponse.isOne(response)) return response.over(stream) as unknown as Response;
  return new Response(stream, response);
}

/** Of a response, what there is before its body. */
export interface ResponseHead {
  readonly status: number;
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: HeaderReader;
}

/** The head alone, without the `Headers` that `response.headers` would make. */
export function headOf(response: Response): ResponseHead {
  if (FetchedResponse.isOne(response)) return response.head();
  const { status, url, redirected, headers } = response;
  const list = Object.fromEntries(headers);
  return {
    status,
    url,
    redirected,
    headers: new HeaderReader({ ...list, 'set-cookie': headers.getSetCookie() }),
  };
}

/** Tells the first bytes of a body, its codings undone, when its reader has got so far; empty ones where there is none. */
export function listenToBeginning(
  response: Response,
  maxBytes: number,
  tell: (bytes: Uint8Array) => void,
): void {
  if (FetchedResponse.isOne(response)) response.listen(new Beginning(maxBytes, tell));
}

/** Resolves once nothing more comes over the wire for a response: its body ended, failed, or was cancelled or forgotten. */
export function bodyDone(response: Response): Promise<void> {
  return new Promise((resolve) => {
    if (FetchedResponse.isOne(response)) response.onDone(resolve);
    else resolve();
  });
}
