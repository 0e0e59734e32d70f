import type { Answer, AnswerHeaders, Page } from './answer.ts';
import { type LiteralHit, LiteralSearch } from './literals.ts';
import data from './signatures.json' with { type: 'json' };

/** A literal of a page, and what must stand around it. */
export interface BodySign {
  /** Of ASCII characters, 13 or more: all literals are looked for at once, and the shortest decides how fast. */
  readonly find: string;
  /** An expression for the literal's surroundings, 256 bytes before and 600 after: markup mostly, which who writes about it escapes. */
  readonly near?: string;
  /** Only where the literal stands in a script. */
  readonly inScript?: boolean;
}

/**
 * How the block page of a vendor is known; a line of `signatures.json`. All signs that are given must be there. The
 * expressions take no notice of case.
 */
export interface Signature {
  readonly name: string;
  readonly vendor: string;
  readonly status?: readonly number[];
  /** Expressions for the values of headers, by lower-case name; an empty one asks only for the header. */
  readonly header?: Readonly<Record<string, string>>;
  /** An expression for the name of a cookie that the answer sets. */
  readonly cookie?: string;
  /** An expression for the address that answered in the end. */
  readonly url?: string;
  /** An expression for the page's title. */
  readonly title?: string;
  readonly body?: readonly BodySign[];
  /** The largest body of such a page. */
  readonly maxBytes?: number;
  /** Where it is said that this is a sign: documentation, an issue, a page. */
  readonly source: string;
  /** A public capture of such an answer that shows the signs; `false`: none is known, and a match can only rest a user. */
  readonly verified: string | false;
}

/** What a signature found, in words that hold nothing of the page. */
export interface SignatureMatch {
  readonly signature: Signature;
  readonly evidence: string;
}

/** Surroundings of a literal, in bytes. */
const BEFORE = 256;
const AFTER = 600;
/** How far back a script may have begun, in bytes: what a challenge is given to work with is long. */
const MAX_SCRIPT = 16_384;

interface CompiledSignature {
  readonly signature: Signature;
  readonly header: readonly (readonly [name: string, value: RegExp])[];
  readonly cookie: RegExp | undefined;
  readonly url: RegExp | undefined;
  readonly title: RegExp | undefined;
  readonly body: readonly { literal: number; near: RegExp | undefined; inScript: boolean }[];
  readonly evidence: string;
}

/** Signatures, ready to look for all of them at once. */
export class SignatureSet {
  readonly #signatures: readonly CompiledSignature[];
  readonly #search: LiteralSearch;

  constructor(signatures: readonly Signature[]) {
    const signs = signatures.flatMap(({ body = [] }) => body.map(({ find }) => find));
    const literals = [...new Set(signs)];
    this.#search = new LiteralSearch(literals);
    this.#signatures = signatures.map((signature) => compile(signature, literals));
  }

  /** The first signature whose signs are all there. `page` is absent where there is no text to look at. */
  match(answer: Answer, page: Page | undefined): SignatureMatch | undefined {
    const hits = page ? this.#search.find(page.bytes) : [];
    for (const compiled of this.#signatures) {
      const { signature, body, evidence } = compiled;
      // Most pages hold none of the literals: then most signatures are done with.
      if (body.length > 0 && hits.length === 0) continue;
      if (!matchesHead(compiled, answer)) continue;
      const isOfPage = body.length > 0 || compiled.title !== undefined;
      if (!isOfPage) return { signature, evidence };
      if (!page || page.size > (signature.maxBytes ?? Number.POSITIVE_INFINITY)) continue;
      if (compiled.title && !compiled.title.test(page.title)) continue;
      if (body.every((sign) => isThere(sign, hits, page))) return { signature, evidence };
    }
    return undefined;
  }
}

/** Those of `signatures.json`. */
export const signatures = data as readonly Signature[];

let known: SignatureSet | undefined;

/** The known block page that this answer is, if it is one. */
export function matchSignature(answer: Answer, page: Page | undefined): SignatureMatch | undefined {
  known ??= new SignatureSet(signatures);
  return known.match(answer, page);
}

function matchesHead({ signature, header, cookie, url }: CompiledSignature, answer: Answer): boolean {
  const { status, headers } = answer;
  if (signature.status && !signature.status.includes(status)) return false;
  for (const [name, value] of header) {
    const given = headers.get(name);
    if (given === null || !value.test(given)) return false;
  }
  if (url && !url.test(answer.url ?? '')) return false;
  return !cookie || setsCookie(headers, cookie);
}

function setsCookie(headers: AnswerHeaders, name: RegExp): boolean {
  return headers.getSetCookie().some((cookie) => name.test(cookie.split('=', 1)[0]!.trim()));
}

function isThere(
  { literal, near, inScript }: CompiledSignature['body'][number],
  hits: readonly LiteralHit[],
  page: Page,
): boolean {
  return hits.some(
    (hit) =>
      hit.literal === literal &&
      (!near || near.test(page.around(hit.at, BEFORE, AFTER))) &&
      (!inScript || isInScript(page.bytes, hit.at)),
  );
}

function isInScript(bytes: Buffer, at: number): boolean {
  const before = bytes.subarray(Math.max(0, at - MAX_SCRIPT), at);
  const start = before.lastIndexOf('<script');
  return start >= 0 && !before.subarray(start).includes('</script');
}

function compile(signature: Signature, literals: readonly string[]): CompiledSignature {
  const { header = {}, cookie, url, title, body = [] } = signature;
  return {
    signature,
    header: Object.entries(header).map(([name, value]) => [name, new RegExp(value, 'i')] as const),
    cookie: expression(cookie),
    url: expression(url),
    title: expression(title),
    body: body.map(({ find, near, inScript = false }) => ({
      literal: literals.indexOf(find),
      near: expression(near),
      inScript,
    })),
    evidence: evidenceOf(signature),
  };
}

function expression(source: string | undefined): RegExp | undefined {
  return source === undefined ? undefined : new RegExp(source, 'i');
}

/** Our own words for what was found: the page's might hold a token. */
function evidenceOf({ header = {}, cookie, url, title, body = [] }: Signature): string {
  const seen = Object.keys(header).map((name) => `header ${name}`);
  if (cookie !== undefined) seen.push(`cookie ${cookie.replace(/^\^/, '')}`);
  if (url !== undefined) seen.push('address');
  if (title !== undefined) seen.push('title');
  for (const { find } of body) seen.push(`${find} in the page`);
  return seen.join(', ');
}
