import { nearest } from '../../internal/nearest.ts';

/** One request to be made, as a line of the input asks for it. */
export interface FetchRequest {
  /** As it was written, but without credentials: this is what outputs and messages show. */
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** The line of the input, where a request is more than its URL: it is known by it when a run goes on. */
  readonly line: number | null;
}

/** A line that asks for nothing that can be done. Its message never repeats the line: it may hold a password. */
export class BadLine extends Error {}

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_FETCHED = new Set(['CONNECT', 'TRACE', 'TRACK']);
const NOT_HEADER_TEXT = /[^\t\x20-\x7e\x80-\xff]/;
const FIELDS = ['url', 'method', 'headers', 'body'];

/**
 * Reads a line: a URL, or JSON with `url`, `method`, `headers` and `body`. `undefined` for a blank line or a comment.
 * @throws BadLine
 */
export function parseLine(text: string, line: number): FetchRequest | undefined {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('#')) return undefined;
  if (!trimmed.startsWith('{')) return parseUrl(trimmed, line);
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(trimmed) as Record<string, unknown>;
  } catch {
    throw new BadLine('not valid JSON');
  }
  return parseFields(fields, line);
}

/** A request for a URL alone. @throws BadLine */
export function parseUrl(text: string, line: number | null): FetchRequest {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new BadLine('not an absolute URL that begins with http:// or https://');
  }
  const plain = { url: text, method: 'GET', headers: {}, body: null, line: null };
  if (url.username === '' && url.password === '') return plain;
  // A URL that is shown must hold no password: it goes where it belongs, as curl does it (RFC 7617).
  const authorization = `Basic ${Buffer.from(`${decode(url.username)}:${decode(url.password)}`).toString('base64')}`;
  url.username = '';
  url.password = '';
  return { ...plain, url: url.href, headers: { authorization }, line };
}

function parseFields(fields: Record<string, unknown>, line: number): FetchRequest {
  for (const name of Object.keys(fields)) {
    if (FIELDS.includes(name)) continue;
    const near = nearest(name, FIELDS);
    throw new BadLine(`unknown field${near ? `; did you mean "${near}"?` : `; known: ${FIELDS.join(', ')}`}`);
  }
  if (typeof fields.url !== 'string') throw new BadLine('"url" is missing');
  const request = parseUrl(fields.url, line);
  if (Object.keys(fields).length === 1) return request;
  const method = parseMethod(fields.method);
  const body = parseBody(fields.body, method);
  const headers = { ...request.headers, ...parseHeaders(fields.headers) };
  const isJson = body !== null && typeof fields.body !== 'string';
  if (isJson && !Object.hasOwn(headers, 'content-type')) headers['content-type'] = 'application/json';
  return { url: request.url, method, headers, body, line };
}

function parseMethod(method: unknown = 'GET'): string {
  if (typeof method !== 'string' || !METHOD.test(method)) throw new BadLine('"method" is no HTTP method');
  const upper = method.toUpperCase();
  if (NOT_FETCHED.has(upper)) throw new BadLine(`the method ${upper} cannot be fetched`);
  return upper;
}

/** A string goes as it is; any other JSON value as JSON. */
function parseBody(body: unknown, method: string): string | null {
  if (body === undefined || body === null) return null;
  if (method === 'GET' || method === 'HEAD') throw new BadLine(`a ${method} request cannot have a body`);
  try {
    return typeof body === 'string' ? body : JSON.stringify(body);
  } catch {
    // Reading JSON has no depth that is too deep; writing it has.
    throw new BadLine('"body" is nested too deep');
  }
}

function parseHeaders(headers: unknown = {}): Record<string, string> {
  if (headers === null || typeof headers !== 'object' || Array.isArray(headers)) {
    throw new BadLine('"headers" must be an object of names and texts');
  }
  const parsed: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!METHOD.test(name)) throw new BadLine('a header has an invalid name');
    if (typeof value !== 'string' || NOT_HEADER_TEXT.test(value)) {
      throw new BadLine(`the header "${name}" must be a text of one line`);
    }
    parsed[name.toLowerCase()] = value;
  }
  return parsed;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray % means itself.
    return text;
  }
}
