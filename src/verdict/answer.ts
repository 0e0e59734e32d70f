import { TextDecoder } from 'node:util';

/** So much of a body is looked at, in bytes. */
export const LOOKED_AT_BYTES = 65_536;

/** A title further down is none of a block page: those are short. */
const HEAD_BYTES = 4_096;

/** Of `Headers`, what judging needs. */
export interface AnswerHeaders {
  /** The value, several joined by commas; `null` without the header. */
  get(name: string): string | null;
  has(name: string): boolean;
  getSetCookie(): readonly string[];
}

/** An answer to be judged. */
export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Where it came from in the end. */
  readonly url?: string;
  readonly redirected?: boolean;
  /** The body, or as much of its beginning as has come, its content codings undone; absent while it is still to come. */
  readonly body?: Uint8Array;
}

/** The beginning of a body of text, each view of it made when it is asked for. */
export class Page {
  /** What is looked at. */
  readonly bytes: Buffer;
  /** Bytes in all, as far as they have come. */
  readonly size: number;
  readonly #contentType: string;
  #title: string | undefined;
  #text: string | undefined;

  constructor(body: Uint8Array, contentType: string) {
    this.bytes = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, LOOKED_AT_BYTES));
    this.size = body.length;
    this.#contentType = contentType;
  }

  /** The title, its white space squeezed; empty without one. */
  get title(): string {
    const title = this.#title ?? titleIn(this.around(0, 0, HEAD_BYTES));
    this.#title = title;
    return title;
  }

  /** As the answer's charset says, UTF-8 without one. */
  get text(): string {
    const text = this.#text ?? decoderFor(this.#contentType).decode(this.bytes);
    this.#text = text;
    return text;
  }

  /** A piece of it, one character a byte. */
  around(at: number, before: number, after: number): string {
    return this.bytes.toString('latin1', Math.max(0, at - before), Math.min(this.bytes.length, at + after));
  }
}

/** What there is to look at: nothing while the body is to come, and in one that is no text. */
export function pageOf({ body, headers }: Answer): Page | undefined {
  if (!body || body.length === 0) return undefined;
  const contentType = headers.get('content-type') ?? '';
  return isText(contentType) ? new Page(body, contentType) : undefined;
}

/** A body of no stated type is taken for text: a page of a firewall often has none. */
function isText(contentType: string): boolean {
  return (
    contentType === '' || /^\s*(text\/|application\/([\w.-]+\+)?(json|xml|javascript)\b)/i.test(contentType)
  );
}

/** It is read as UTF-8: in another charset only what is not ASCII is lost, and block pages speak English. */
function titleIn(head: string): string {
  const title = /<title\b[^>]{0,200}>([^<]{0,300})/i.exec(head)?.[1] ?? '';
  return Buffer.from(title, 'latin1').toString().replace(/\s+/g, ' ').trim();
}

function decoderFor(contentType: string): TextDecoder {
  const charset = /;\s*charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1];
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
