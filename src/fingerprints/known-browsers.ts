import { type BrowserKind, DEVICES, OPERATING_SYSTEMS } from './browser-identity.ts';
import type { Drawing } from './drawing.ts';

/** Whether a transport can appear as a browser, down to its TLS. */
export type CanAppearAs = (kind: BrowserKind) => boolean;

/** Beyond what any browser will have soon. */
const MAX_VERSION = 255;
/** How often a version is drawn in search of one identity without a contradiction. */
const MAX_DRAWS = 200;

/**
 * The versions of browsers that both sides know: the generator has seen them, and without contradictions, and the transport
 * can appear as them. Looked for when they are first asked for, some ms for each browser and system.
 */
export class KnownBrowsers {
  readonly #drawing: Drawing;
  readonly #canAppearAs: CanAppearAs;
  readonly #maxVersionsBehind: number;
  readonly #versions = new Map<string, readonly number[]>();

  constructor(drawing: Drawing, canAppearAs: CanAppearAs, maxVersionsBehind: number) {
    this.#drawing = drawing;
    this.#canAppearAs = canAppearAs;
    this.#maxVersionsBehind = maxVersionsBehind;
  }

  /**
   * The versions to make new identities of, newest first: those at most `maxVersionsBehind` behind the newest known
   * of the browser, on any system; empty where none is known.
   */
  versionsOf(place: Omit<BrowserKind, 'version'>): readonly number[] {
    const { browser } = place;
    const newest = Math.max(
      ...OPERATING_SYSTEMS.flatMap((os) =>
        DEVICES.map((device) => this.#versionsOn({ browser, os, device })[0] ?? 0),
      ),
    );
    return this.#versionsOn(place).filter((version) => newest - version <= this.#maxVersionsBehind);
  }

  /** The newest known version of the browser on its system, if any. */
  newestOf(place: Omit<BrowserKind, 'version'>): number | undefined {
    return this.#versionsOn(place)[0];
  }

  #versionsOn({ browser, os, device }: Omit<BrowserKind, 'version'>): readonly number[] {
    const key = `${browser} ${os} ${device}`;
    let versions = this.#versions.get(key);
    if (!versions) {
      versions = this.#look({ browser, os, device });
      this.#versions.set(key, versions);
    }
    return versions;
  }

  #look(place: Omit<BrowserKind, 'version'>): number[] {
    const found: number[] = [];
    let last = 1;
    for (let version = this.#newestSeen(place); version >= last; version--) {
      const kind = { ...place, version };
      if (!this.#canAppearAs(kind) || !this.#isKnown(kind)) continue;
      if (found.length === 0) last = Math.max(last, version - this.#maxVersionsBehind);
      found.push(version);
    }
    return found;
  }

  /** The newest that the generator has seen; 0: none. By halves: a draw that fails is slow. */
  #newestSeen(place: Omit<BrowserKind, 'version'>): number {
    let low = 0;
    let high = MAX_VERSION;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#drawing.hasSeen(place, middle)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #isKnown(kind: BrowserKind): boolean {
    for (let draws = 0; draws < MAX_DRAWS; draws++) {
      const seen = this.#drawing.drawOne(kind);
      if (seen === undefined) return false;
      if (seen !== 'other' && isSame(seen.kind, kind) && this.#drawing.complete(seen, SOMEWHERE)) return true;
    }
    return false;
  }
}

const SOMEWHERE = { locale: 'en-US', timeZone: 'America/New_York' };

function isSame(a: BrowserKind, b: BrowserKind): boolean {
  return a.browser === b.browser && a.version === b.version && a.os === b.os && a.device === b.device;
}
