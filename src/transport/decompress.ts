import { kMaxLength } from 'node:buffer';
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/** More codings than anyone needs are an attack on whoever decodes them (undici has the same number). */
const maxCodings = 5;

/** Up to this size decoding at once is cheaper than a worker thread; up to that output. */
const maxSyncBytes = 8 * 1024;
const maxSyncOutputBytes = 256 * 1024;

type Coding = 'gzip' | 'deflate' | 'br' | 'zstd';

/**
 * The content codings of a response in the order of decoding (RFC 9110 §8.4.1). Undefined where there are none,
 * and where one is not known: the body is then given as it came, as browsers do.
 */
export function codingsOf(header: string | undefined): Coding[] | undefined {
  if (header === undefined || header === '') return undefined;
  const codings: Coding[] = [];
  for (const name of header.toLowerCase().split(',')) {
    const coding = name.trim().replace(/^x-/, '');
    if (coding === 'identity' || coding === '') continue;
    if (coding !== 'gzip' && coding !== 'deflate' && coding !== 'br' && coding !== 'zstd') return undefined;
    codings.unshift(coding);
  }
  if (codings.length > maxCodings) throw new Error(`the body has ${codings.length} content codings`);
  return codings.length > 0 ? codings : undefined;
}

/**
 * Decodes a whole body. `isFramed`: HTTP itself has shown that the body is complete, and a missing end of the
 * coding is only a careless server; otherwise it is the one sign that the body was cut short.
 * Throws what zlib throws; ERR_BUFFER_TOO_LARGE where it grows beyond `maxBytes`.
 */
export async function decodeAll(
  bytes: Uint8Array,
  codings: readonly Coding[],
  isFramed: boolean,
  maxBytes: number,
): Promise<Uint8Array> {
  let decoded = bytes;
  for (const coding of codings) {
    if (decoded.length === 0) return decoded;
    decoded = await decodeOne(decoded, coding, isFramed, maxBytes);
  }
  return decoded;
}

async function decodeOne(
  bytes: Uint8Array,
  coding: Coding,
  isFramed: boolean,
  maxBytes: number,
): Promise<Uint8Array> {
  const [decode, decodeSync] = whole[coding === 'deflate' && !isZlib(bytes) ? 'raw' : coding];
  if (bytes.length <= maxSyncBytes) {
    try {
      return decodeSync(bytes, {
        ...leniency(coding, isFramed),
        maxOutputLength: Math.min(maxBytes, maxSyncOutputBytes),
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
      if (maxBytes <= maxSyncOutputBytes) throw error;
    }
  }
  return new Promise((resolve, reject) => {
    decode(
      bytes,
      { ...leniency(coding, isFramed), maxOutputLength: Math.min(maxBytes, kMaxLength) },
      (error, result) => {
        if (error) reject(error);
        else resolve(result);
      },
    );
  });
}

type Decode = (
  bytes: Uint8Array,
  options: object,
  done: (error: Error | null, result: Buffer) => void,
) => void;
type DecodeSync = (bytes: Uint8Array, options: object) => Buffer;

const whole: Record<Coding | 'raw', [Decode, DecodeSync]> = {
  gzip: [zlib.gunzip, zlib.gunzipSync],
  deflate: [zlib.inflate, zlib.inflateSync],
  raw: [zlib.inflateRaw, zlib.inflateRawSync],
  br: [zlib.brotliDecompress, zlib.brotliDecompressSync],
  zstd: [zlib.zstdDecompress, zlib.zstdDecompressSync],
};

function leniency(coding: Coding, isFramed: boolean): object {
  if (!isFramed) return {};
  if (coding === 'br') return { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH };
  if (coding === 'zstd') return { finishFlush: zlib.constants.ZSTD_e_flush };
  return { finishFlush: zlib.constants.Z_SYNC_FLUSH };
}

/** "deflate" means zlib's format, but servers send the bare one too (RFC 9110 §8.4.1.2). RFC 1950 §2.2: method 8. */
function isZlib(bytes: Uint8Array): boolean {
  return (bytes[0]! & 0x0f) === 8;
}

/** Decodes a body piece by piece. Throws what zlib throws. */
export async function* decodeStream(
  pieces: AsyncIterable<Uint8Array>,
  codings: readonly Coding[],
  isFramed: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  let stream = pieces;
  for (const coding of codings) stream = decodePieces(stream, coding, isFramed);
  yield* stream;
}

async function* decodePieces(
  pieces: AsyncIterable<Uint8Array>,
  coding: Coding,
  isFramed: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  let decoder: Transform | undefined;
  let feeding: Promise<void> | undefined;
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    let first = await iterator.next();
    // An empty body is one whatever its header says; the kind of "deflate" shows in the first byte.
    while (!first.done && first.value.length === 0) first = await iterator.next();
    if (first.done) return;
    decoder = makeDecoder(coding, first.value, isFramed);
    feeding = feed(decoder, first.value, iterator);
    yield* decoder as AsyncIterable<Uint8Array>;
    await feeding;
  } finally {
    decoder?.destroy();
    await iterator.return?.();
  }
}

async function feed(
  decoder: Transform,
  first: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): Promise<void> {
  try {
    let piece: IteratorResult<Uint8Array> = { done: false, value: first };
    while (!piece.done && !decoder.destroyed) {
      if (!decoder.write(piece.value)) await drained(decoder);
      piece = await iterator.next();
    }
    decoder.end();
  } catch (error) {
    // Comes out where the decoder is read; once that is over, nobody needs it.
    decoder.destroy(error as Error);
  }
}

/** Ready for more, or destroyed, which no 'drain' would tell of. */
function drained(decoder: Transform): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      decoder.off('drain', go);
      decoder.off('close', go);
      resolve();
    };
    decoder.on('drain', go).on('close', go);
  });
}

function makeDecoder(coding: Coding, first: Uint8Array, isFramed: boolean): Transform {
  const options = leniency(coding, isFramed);
  if (coding === 'gzip') return zlib.createGunzip(options);
  if (coding === 'br') return zlib.createBrotliDecompress(options);
  if (coding === 'zstd') return zlib.createZstdDecompress(options);
  return isZlib(first) ? zlib.createInflate(options) : zlib.createInflateRaw(options);
}
