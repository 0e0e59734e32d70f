import type { BrowserIdentity } from './browser-identity.ts';

/** One sign by which a site tells a made-up browser. */
export interface CoherenceRule {
  readonly rule: string;
  /** What a site would see, where the rule is broken. */
  readonly check: (identity: BrowserIdentity) => string | undefined;
}
