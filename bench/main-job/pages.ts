/** What a contender did in one job. */
export interface JobRun {
  readonly ms: number;
  /** Pages that came with status 200 and are the ones asked for. */
  readonly pages: number;
}

export interface JobParams {
  readonly origin: string;
  readonly pages: number;
  readonly users: number;
}

export function urlsOf({ origin, pages }: JobParams): string[] {
  return Array.from({ length: pages }, (_, index) => `${origin}/item/${index + 1}`);
}

/** Whether it is the page of that URL, whole. */
export function isPageOf(url: string, text: string): boolean {
  return text.length === 2_000 && text.includes(`<h1>Item ${url.slice(url.lastIndexOf('/') + 1)}</h1>`);
}
