import { Readable } from 'node:stream';
import { RequestBodyFailure } from './fetch-error.ts';
import type { ByteSource, HopRequestBody } from './transport.ts';

/** What `fetch` takes as a body; beyond the standard, Node streams and async iterables of bytes or strings. */
export type BodyLike =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | FormData
  | URLSearchParams
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  // As Node's own `fetch` types it, so that ours can be handed to whoever wants that one.
  | NonNullable<RequestInit['body']>;

/** A request body, opened once per hop. */
export interface RequestBody {
  /** The `content-type` that the standard gives it (Fetch §5.2, "extract a body"), if the caller gives none. */
  readonly type: string | undefined;
  /** False for a stream: it can be sent only once, so not again after a redirect. */
  readonly isReplayable: boolean;
  open(): HopRequestBody;
}

/**
 * A body of the kinds that Fetch knows. Throws a TypeError for what is none.
 * @param boundary between the parts of a form; one of our own without it
 */
export function toRequestBody(body: unknown, boundary?: string): RequestBody | null {
  if (body === undefined || body === null) return null;
  if (typeof body === 'string') return fixed(Buffer.from(body), 'text/plain;charset=UTF-8');
  if (body instanceof URLSearchParams) {
    return fixed(Buffer.from(body.toString()), 'application/x-www-form-urlencoded;charset=UTF-8');
  }
  // Copied, as the standard has it: the caller may go on writing into it.
  if (body instanceof ArrayBuffer) return fixed(Buffer.from(body.slice(0)), undefined);
  if (ArrayBuffer.isView(body)) {
    return fixed(Buffer.from(new Uint8Array(body.buffer, body.byteOffset, body.byteLength)), undefined);
  }
  if (body instanceof Blob) return fixed(body, body.type || undefined);
  if (body instanceof FormData)
    return formBody(body, boundary ?? `----troupe${crypto.randomUUID().replaceAll('-', '')}`);
  if (body instanceof ReadableStream || body instanceof Readable) {
    if (Readable.isDisturbed(body as Readable) || ('locked' in body && body.locked)) {
      throw new TypeError('the request body is a stream that is locked or has been read');
    }
  }
  if (typeof body === 'object' && Symbol.asyncIterator in body)
    return streamed(body as AsyncIterable<unknown>);
  if (typeof body === 'object' && Symbol.iterator in body) {
    const pieces = [...(body as Iterable<unknown>)];
    if (pieces.every((piece) => piece instanceof Uint8Array)) return fixed(Buffer.concat(pieces), undefined);
  }
  if (typeof body === 'object' && Object.getPrototypeOf(body) === Object.prototype) {
    throw new TypeError('a plain object is no request body; send JSON.stringify(object)');
  }
  return fixed(Buffer.from(String(body)), 'text/plain;charset=UTF-8');
}

/** Bytes or a blob, whose size is known and which can be sent again. */
export function fixed(bytes: Uint8Array | Blob, type: string | undefined): RequestBody {
  return { type, isReplayable: true, open: () => bytes };
}

/** A stream; `first` is what has been read of it before. */
export function streamed(source: AsyncIterable<unknown>, first: readonly Uint8Array[] = []): RequestBody {
  return { type: undefined, isReplayable: false, open: () => new StreamSource(source, first) };
}

/**
 * Multipart (RFC 7578), as a blob of blobs: files are not read before they are sent, and the length is known.
 */
function formBody(form: FormData, boundary: string): RequestBody {
  const parts: (string | Blob)[] = [];
  for (const [name, value] of form) {
    parts.push(`--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`);
    if (typeof value === 'string') {
      parts.push(`\r\n\r\n${value.replace(/\r\n|\r|\n/g, '\r\n')}\r\n`);
    } else {
      const type = value.type || 'application/octet-stream';
      parts.push(`; filename="${escapeName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`, value, '\r\n');
    }
  }
  parts.push(`--${boundary}--\r\n`);
  return fixed(new Blob(parts), `multipart/form-data; boundary=${boundary}`);
}

/** As the HTML standard escapes the names of a form; a line break must not end its header. */
function escapeName(name: string): string {
  return name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22');
}

class StreamSource implements ByteSource {
  readonly #source: AsyncIterable<unknown>;
  readonly #first: readonly Uint8Array[];
  #iterator: AsyncIterator<unknown> | undefined;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #isOver = false;

  constructor(source: AsyncIterable<unknown>, first: readonly Uint8Array[]) {
    this.#source = source;
    this.#first = first;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#first;
    try {
      // A reader and not the stream's own iterator: it can be cancelled while a read is waiting.
      if (this.#source instanceof ReadableStream) this.#reader = this.#source.getReader();
      else this.#iterator = this.#source[Symbol.asyncIterator]();
      while (!this.#isOver) {
        const { done, value } = await (this.#reader?.read() ?? this.#iterator!.next());
        if (done) break;
        yield toBytes(value, this.#reader !== undefined);
      }
      this.#isOver = true;
    } catch (error) {
      throw new RequestBodyFailure(error);
    }
  }

  cancel(reason?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#source instanceof Readable) this.#source.destroy();
    // A rejection would only repeat what the request has failed with already.
    else if (this.#source instanceof ReadableStream) {
      (this.#reader ?? this.#source).cancel(reason).catch(() => {});
    } else this.#iterator?.return?.().catch(() => {});
  }
}

function toBytes(chunk: unknown, isStandard: boolean): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string' && !isStandard) return Buffer.from(chunk);
  throw new TypeError('a streamed request body must be made of Uint8Arrays');
}
