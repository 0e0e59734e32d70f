/** What a contender is to do. */
export interface JobParams {
  /** The site's origin, by a name that the proxies know. */
  readonly origin: string;
  readonly pages: number;
  /** Requests at once. */
  readonly concurrent: number;
  readonly proxies: readonly string[];
  /** When to give up, in milliseconds. */
  readonly timeoutMs: number;
}

/** What it did. */
export interface JobRun {
  readonly ms: number;
  /** URLs whose page was got, whole. */
  readonly pages: number;
  /** Users it made; null where it knows no users. */
  readonly created: number | null;
  /** Those of them that it gave up because of what the site answered. */
  readonly burnt: number | null;
  /** It did not end in time, and was stopped. */
  readonly isTimedOut: boolean;
}

export function urlsOf({ origin, pages }: JobParams): string[] {
  return Array.from({ length: pages }, (_, index) => `${origin}/offer/${index + 1}`);
}

/** Whether it is the page of that URL, whole: neither a captcha nor another's. */
export function isPageOf(url: string, text: string): boolean {
  return text.length === 2_000 && text.includes(`<h1>Item ${url.slice(url.lastIndexOf('/') + 1)}</h1>`);
}
