import { TroupeError, type TroupeInfo } from '../../index.ts';
import { FetchError } from '../../transport/fetch-error.ts';
import { ProxyFailure } from '../../transport/proxy-failure.ts';
import type { FetchRequest } from './request-line.ts';

/** One line of the output. */
export interface FetchResult {
  /** When it was done, ISO 8601. */
  readonly time: string;
  /** As in the input, without credentials. */
  readonly url: string;
  /** The line of the input, for a request that is more than a URL. */
  readonly line?: number;
  readonly method?: string;
  /** Where the redirects ended; `null` without an answer, as are `status` and `bytes`. */
  readonly finalUrl: string | null;
  readonly status: number | null;
  readonly verdict: string | null;
  readonly sessionId: string | null;
  readonly attempts: number | null;
  /** From asking for a user to the last byte. */
  readonly ms: number;
  readonly bytes: number | null;
  readonly body?: string;
  /** Host and process id of the one who fetched it, where a queue shares a list between several. */
  readonly worker?: string;
  readonly error: string | null;
}

/** How every line of an output begins. */
export const RESULT_START = '{"time":"';

/** What became of a request. */
export interface Ending {
  readonly info: TroupeInfo | undefined;
  readonly ms: number;
  readonly answer?: {
    readonly finalUrl: string;
    readonly status: number;
    readonly bytes: number;
    readonly file?: string;
  };
  readonly error?: unknown;
}

export function resultOf(request: FetchRequest, { info, ms, answer, error }: Ending): FetchResult {
  const verdict = info?.verdict ?? (error instanceof FetchError ? 'failed' : null);
  return {
    time: new Date().toISOString(),
    url: request.url,
    ...(request.line === null ? {} : { line: request.line }),
    ...(request.method === 'GET' ? {} : { method: request.method }),
    finalUrl: answer ? withoutCredentials(answer.finalUrl) : null,
    status: answer?.status ?? null,
    verdict,
    sessionId: info?.sessionId ?? null,
    attempts: info?.attempts ?? null,
    ms: Math.round(ms),
    bytes: answer?.bytes ?? null,
    ...(answer?.file === undefined ? {} : { body: answer.file }),
    error: error === undefined ? null : errorText(error, request),
  };
}

/** Whether the URL counts as done well. */
export function isGood({ verdict, error }: FetchResult): boolean {
  return verdict === 'ok' && error === null;
}

const WORDS: Record<string, string> = {
  FETCH_CONNECT: 'no connection',
  FETCH_TIMEOUT: 'too slow',
  FETCH_RESET: 'the connection was cut',
  FETCH_PROTOCOL: 'the answer is not HTTP',
  FETCH_BODY: 'the body is broken or cut short',
  FETCH_TOO_LARGE: 'the body is larger than --max-body',
  FETCH_REDIRECT: 'a redirect that cannot be followed',
};

/** An error in words that give nothing away: messages of others may repeat what was sent. */
export function errorText(error: unknown, request: FetchRequest): string {
  if (error instanceof FetchError) {
    const { cause } = error;
    // A proxy's failure says what it was, and names nobody.
    const words = cause instanceof ProxyFailure ? cause.message : WORDS[error.code];
    const detail = systemCode(error);
    return `${error.code}${words ? `: ${words}` : ''}${detail ? ` (${detail})` : ''}`;
  }
  if (error instanceof TroupeError) return `${error.code}: ${error.message}`;
  if (!(error instanceof Error)) return 'unknown error';
  return `${error.name}: ${withoutSecrets(error.message, request)}`;
}

/** `ECONNREFUSED`, `UND_ERR_HEADERS_TIMEOUT`: wherever in the chain of causes it is. */
function systemCode(error: Error): string | undefined {
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string') return code;
    if (cause instanceof AggregateError) {
      const first = (cause.errors as { code?: unknown }[]).find(({ code: one }) => typeof one === 'string');
      if (first) return String(first.code);
    }
  }
  return undefined;
}

function withoutSecrets(message: string, { headers, body }: FetchRequest): string {
  let text = message;
  for (const secret of [...Object.values(headers), body]) if (secret) text = text.replaceAll(secret, '…');
  return text;
}

/** A site may redirect to a URL with a password in it. */
function withoutCredentials(text: string): string {
  const url = new URL(text);
  if (url.username === '' && url.password === '') return text;
  url.username = '';
  url.password = '';
  return url.href;
}
