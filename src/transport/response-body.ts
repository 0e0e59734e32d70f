import type { UnderlyingByteSource } from 'node:stream/web';
import type { Beginning } from './beginning.ts';
import { codingsOf, decodeAll, decodeStream } from './decompress.ts';
import { FetchError, type FetchErrorCode } from './fetch-error.ts';
import { type HopBody, type HopResponse, headerOf } from './transport.ts';

/** Pieces that wait for a reader of the stream before the socket is told to. */
const highWaterMark = 64 * 1024;

/** The body of a response: decoded, held to a limit, and either read whole or as a stream; one of them, once. */
export class ResponseBody {
  readonly #body: HopBody;
  readonly #url: URL;
  readonly #codings: ReturnType<typeof codingsOf>;
  readonly #isFramed: boolean;
  readonly #length: number;
  readonly #codingError: unknown;
  readonly #maxBytes: number;
  /** Ends the generator below: after a cancel nothing else would wake it, nor whoever waits for it. */
  #endPieces: (() => void) | undefined;
  #beginning: Beginning | undefined;

  constructor(response: HopResponse, url: URL, maxBytes: number) {
    const { headers, body, isDecoded = false } = response;
    this.#body = body;
    this.#url = url;
    this.#maxBytes = maxBytes;
    const length = headerOf(headers, 'content-length');
    // That of a coded body is not what comes out.
    this.#length = length === undefined || isDecoded ? 0 : Number(length);
    this.#isFramed = length !== undefined || headers['transfer-encoding'] !== undefined;
    try {
      this.#codings = isDecoded ? undefined : codingsOf(String(headers['content-encoding'] ?? ''));
    } catch (error) {
      this.#codingError = error;
    }
  }

  /** Nothing more comes over the wire. */
  onDone(callback: () => void): void {
    this.#body.onDone(callback);
  }

  /** Lets somebody listen to its beginning while another reads it. */
  listen(beginning: Beginning): void {
    this.#beginning = beginning;
  }

  cancel(reason?: unknown): void {
    this.#body.cancel(reason);
    this.#endPieces?.();
  }

  /** All of it, in memory that nobody else sees. `maxBytes` can only lower the limit. */
  async readAll(maxBytes?: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#readAll(maxBytes);
    this.#beginning?.add(bytes);
    this.#beginning?.end();
    return bytes;
  }

  async #readAll(maxBytes: number = this.#maxBytes): Promise<Uint8Array<ArrayBuffer>> {
    const limit = Math.min(maxBytes, this.#maxBytes);
    const { pieces, size } = await this.#collect(limit);
    const raw = new Uint8Array(size);
    let offset = 0;
    for (const piece of pieces) {
      raw.set(piece, offset);
      offset += piece.length;
    }
    if (!this.#codings) return raw;
    try {
      const decoded = await decodeAll(raw, this.#codings, this.#isFramed, limit);
      // zlib's buffers may be slices of a shared one.
      return decoded.buffer.byteLength === decoded.length
        ? (decoded as Uint8Array<ArrayBuffer>)
        : new Uint8Array(decoded);
    } catch (error) {
      throw this.#decodingError(error, limit);
    }
  }

  /** A byte stream, as the standard has it; it asks for more only as fast as it is read. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const pieces = this.#limited(this.#codings ? this.#decoded() : this.#pieces());
    const source: UnderlyingByteSource = {
      type: 'bytes',
      pull: async (controller) => {
        let piece = await pieces.next();
        // A pull that gives nothing would be the last one.
        while (!piece.done && piece.value.length === 0) piece = await pieces.next();
        if (piece.done) {
          this.#beginning?.end();
          controller.close();
          controller.byobRequest?.respond(0);
        } else {
          this.#beginning?.add(piece.value);
          // Copied: a byte stream takes the memory away, and this piece shares it with others.
          controller.enqueue(new Uint8Array(piece.value));
        }
      },
      cancel: (reason) => {
        this.#beginning?.end();
        this.cancel(reason);
      },
    };
    return new ReadableStream(source, { highWaterMark: 0 }) as ReadableStream<Uint8Array<ArrayBuffer>>;
  }

  #collect(limit: number): Promise<{ pieces: Uint8Array[]; size: number }> {
    return new Promise((resolve, reject) => {
      const stop = (error: unknown) => {
        this.#body.cancel(error);
        reject(error);
      };
      if (this.#codingError) return stop(this.#error('FETCH_BODY', this.#codingError));
      if (!this.#codings && this.#length > limit) return stop(this.#tooLarge(limit));
      const pieces: Uint8Array[] = [];
      let size = 0;
      this.#body.pipe({
        chunk: (bytes) => {
          size += bytes.length;
          if (size > limit) stop(this.#tooLarge(limit));
          else pieces.push(bytes);
        },
        end: () => resolve({ pieces, size }),
        fail: reject,
      });
    });
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    let waiting: Uint8Array[] = [];
    let waitingBytes = 0;
    let ending: { error?: unknown } | undefined;
    let wake: (() => void) | undefined;
    const body = this.#body;
    this.#endPieces = () => {
      waiting = [];
      ending ??= {};
      wake?.();
    };
    body.pipe({
      chunk(bytes) {
        waiting.push(bytes);
        waitingBytes += bytes.length;
        if (waitingBytes >= highWaterMark) body.pause();
        wake?.();
      },
      end() {
        ending = {};
        wake?.();
      },
      fail(error) {
        ending = { error };
        wake?.();
      },
    });
    for (;;) {
      if (waiting.length > 0) {
        const pieces = waiting;
        waiting = [];
        waitingBytes = 0;
        for (const piece of pieces) yield piece;
        body.resume();
      } else if (ending) {
        if ('error' in ending) throw ending.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }

  async *#decoded(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* decodeStream(this.#pieces(), this.#codings!, this.#isFramed);
    } catch (error) {
      throw this.#decodingError(error, this.#maxBytes);
    }
  }

  async *#limited(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#codingError) {
      this.cancel(this.#codingError);
      throw this.#error('FETCH_BODY', this.#codingError);
    }
    let size = 0;
    for await (const piece of pieces) {
      size += piece.length;
      if (size > this.#maxBytes) {
        const error = this.#tooLarge(this.#maxBytes);
        this.cancel(error);
        throw error;
      }
      yield piece;
    }
  }

  /** zlib's error as ours; what came from the network, or the caller's own abort, passes as it is. */
  #decodingError(error: unknown, limit: number): unknown {
    const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
    if (code === 'ERR_BUFFER_TOO_LARGE') return this.#tooLarge(limit);
    const isZlibs =
      typeof code === 'string' && /^(Z_|ERR_|ZSTD_)/.test(code) && !(error instanceof FetchError);
    if (!isZlibs) return error;
    this.cancel(error);
    return this.#error('FETCH_BODY', error);
  }

  #tooLarge(limit: number): FetchError {
    return this.#error('FETCH_TOO_LARGE', new Error(`the body is larger than ${limit} bytes`));
  }

  #error(code: FetchErrorCode, cause: unknown): FetchError {
    return new FetchError({ code, phase: 'body', url: this.#url, cause });
  }
}
