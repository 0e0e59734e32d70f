import { FetchError, RequestBodyFailure } from './fetch-error.ts';
import type { ImpitClient, ImpitInit, ImpitResponse } from './impit-client.ts';
import { fromImpit } from './impit-errors.ts';
import { proxyAnswer } from './proxy-answer.ts';
import type { BodySink, Hop, HopBody, HopHeaders, HopRequestBody, HopResponse } from './transport.ts';

/** What holds for a hop. Times in milliseconds; 0: no limit. */
export interface ImpitHopConditions {
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  /** For all of it; the only limit that impit itself knows. */
  readonly maxRequestMs: number;
  /** A proxy that can read it passes it on, and may answer in the site's place. */
  readonly isForwarded: boolean;
}

/** How a request ends for whoever sent it. */
export interface ImpitHopOutcome {
  respond(response: HopResponse): void;
  fail(error: unknown): void;
  /** Once: nothing more is wanted of it. */
  done(): void;
}

/** impit's own headers for a browser: those that a hop does not send are taken out, with an empty value. */
const PROFILE_HEADERS = [
  'accept',
  'accept-encoding',
  'accept-language',
  'priority',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'te',
  'upgrade-insecure-requests',
  'user-agent',
];

/** Codings that impit has decoded when it gives a body out; it leaves all others, and several at once, as they came. */
const DECODED = /^(?:gzip|deflate|br|zstd)$/;

/** One request on its way through impit. */
export class ImpitHop implements HopBody {
  readonly #hop: Hop;
  readonly #conditions: ImpitHopConditions;
  readonly #outcome: ImpitHopOutcome;
  #response: ImpitResponse | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #sink: BodySink | undefined;
  #isPaused = false;
  #isReading = false;
  #isDone = false;
  #isAnswered = false;
  #onDone: (() => void) | undefined;
  #ending: { error?: unknown } | undefined;
  #bodyFailure: RequestBodyFailure | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(hop: Hop, conditions: ImpitHopConditions, outcome: ImpitHopOutcome) {
    this.#hop = hop;
    this.#conditions = conditions;
    this.#outcome = outcome;
    hop.signal?.addEventListener('abort', this.#onAbort);
  }

  get url(): URL {
    return this.#hop.url;
  }

  async send(client: ImpitClient): Promise<void> {
    const { url, body } = this.#hop;
    this.#limit(this.#conditions.headersTimeoutMs, 'headers', 'no answer');
    try {
      const bytes = body && (await this.#bodyFor(body));
      if (this.#isDone) return;
      const response = await client.fetch(url.href, this.#init(bytes));
      // impit cannot be told to stop while it waits for an answer: one that nobody waits for any more ends here.
      if (this.#isDone) letGo(response);
      else this.#answer(response);
    } catch (error) {
      this.fail(fromImpit(this.#bodyFailure ?? error, { url, phase: 'headers' }));
    }
  }

  /** Ends it with an error, wherever it is. */
  fail(error: unknown): void {
    if (this.#isDone) return;
    this.#ending = { error };
    const wasAnswered = this.#isAnswered;
    this.#stop();
    if (wasAnswered) this.#settleSink();
    else this.#outcome.fail(error);
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    if (this.#ending) this.#settleSink();
    else if (!this.#isPaused) void this.#read();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#ending) this.#settleSink();
    else void this.#read();
  }

  cancel(): void {
    this.#sink = undefined;
    this.#stop();
  }

  onDone(callback: () => void): void {
    if (this.#isDone) callback();
    else this.#onDone = callback;
  }

  readonly #onAbort = (): void => this.fail(this.#hop.signal?.reason);

  #init(body: Uint8Array | AsyncIterable<Uint8Array> | null): ImpitInit {
    const { method, headers: flat } = this.#hop;
    const headers: [string, string][] = [];
    const sent = new Set<string>();
    for (let i = 0; i < flat.length; i += 2) {
      headers.push([flat[i]!, textOf(flat[i + 1]!)]);
      sent.add(flat[i]!.toLowerCase());
    }
    for (const name of PROFILE_HEADERS) if (!sent.has(name)) headers.push([name, '']);
    // An empty body of a method that has one is told as such (RFC 9110 §8.6); impit tells nothing.
    if (body instanceof Uint8Array && body.length === 0) headers.push(['content-length', '0']);
    const timeout = this.#conditions.maxRequestMs || 0xff_ff_ff_ff;
    return { method, headers, timeout, redirect: 'manual', ...(body && { body }) };
  }

  async #bodyFor(body: HopRequestBody): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
    if (body instanceof Uint8Array) return body;
    if (body instanceof Blob) return new Uint8Array(await body.arrayBuffer());
    return this.#watched(body);
  }

  /** The caller's stream; impit's error would show only the words of what it throws. */
  async *#watched(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* body;
    } catch (error) {
      this.#bodyFailure = error instanceof RequestBodyFailure ? error : new RequestBodyFailure(error);
      throw error;
    }
  }

  #answer(response: ImpitResponse): void {
    const headers = headersOf(response.headers);
    const failure = this.#conditions.isForwarded ? proxyAnswer(response.status, headers) : undefined;
    if (failure) {
      letGo(response);
      this.fail(fromImpit(failure, { url: this.#hop.url, phase: 'headers' }));
      return;
    }
    clearTimeout(this.#timer);
    this.#isAnswered = true;
    this.#response = response;
    const coding = headers['content-encoding'];
    const isDecoded = typeof coding === 'string' && DECODED.test(coding);
    this.#limit(this.#conditions.bodyTimeoutMs, 'body', 'nobody read the body');
    const { status, statusText } = response;
    if (this.#hop.method === 'HEAD' || status === 204 || status === 304) {
      this.#ending = {};
      this.#finish();
    }
    this.#outcome.respond({ status, statusText, headers, body: this, isDecoded });
  }

  async #read(): Promise<void> {
    if (this.#isReading || this.#isDone) return;
    this.#isReading = true;
    this.#limit(this.#conditions.bodyTimeoutMs, 'body', 'no more of the body came');
    try {
      this.#reader ??= this.#response!.body.getReader();
      while (this.#sink && !this.#isPaused && !this.#isDone) {
        const { done, value } = await this.#reader.read();
        if (this.#isDone) return;
        if (done) {
          this.#ending = {};
          this.#finish();
          if (!this.#isPaused) this.#settleSink();
          return;
        }
        this.#timer?.refresh();
        this.#sink?.chunk(value);
      }
    } catch (error) {
      this.fail(fromImpit(error, { url: this.#hop.url, phase: 'body' }));
    } finally {
      this.#isReading = false;
    }
    if (!this.#isDone) this.#limit(this.#conditions.bodyTimeoutMs, 'body', 'nobody read the body');
  }

  /** Fails it with FETCH_TIMEOUT unless something happens until then. */
  #limit(ms: number, phase: 'headers' | 'body', what: string): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (ms === 0 || this.#isDone) return;
    this.#timer = setTimeout(() => {
      const cause = new Error(`${what} for ${ms} ms`);
      this.fail(new FetchError({ code: 'FETCH_TIMEOUT', phase, url: this.#hop.url, cause }));
    }, ms);
    // Without an answer impit itself keeps the process alive; a body that nobody reads must not.
    if (phase === 'body') this.#timer.unref();
  }

  #stop(): void {
    if (this.#isDone) return;
    if (this.#reader) this.#reader.cancel().catch(() => {});
    else if (this.#response) letGo(this.#response);
    this.#finish();
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    clearTimeout(this.#timer);
    this.#hop.signal?.removeEventListener('abort', this.#onAbort);
    const { body } = this.#hop;
    if (body && 'cancel' in body) body.cancel();
    this.#outcome.done();
    this.#onDone?.();
  }

  #settleSink(): void {
    const sink = this.#sink;
    if (!sink || !this.#ending) return;
    this.#sink = undefined;
    if ('error' in this.#ending) sink.fail(this.#ending.error);
    else sink.end();
  }
}

/** Closes the connection of an answer whose body nobody wants. */
function letGo(response: ImpitResponse): void {
  response.body.cancel().catch(() => {});
}

function headersOf(headers: Headers): HopHeaders {
  const list: Record<string, string | readonly string[]> = {};
  for (const [name, value] of headers) if (name !== 'set-cookie') list[name] = value;
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) list['set-cookie'] = cookies;
  return list;
}

/** impit writes text as UTF-8, and a header's value is bytes: those that are UTF-8 are given to it as the text they mean. */
function textOf(bytes: string): string {
  if (!/[\x80-\xff]/.test(bytes)) return bytes;
  const text = Buffer.from(bytes, 'latin1').toString();
  return text.includes('\ufffd') ? bytes : text;
}
