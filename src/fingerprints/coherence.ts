import type { BrowserIdentity } from './browser-identity.ts';
import type { CoherenceRule } from './coherence-rule.ts';
import { HEADER_RULES } from './header-rules.ts';
import { MACHINE_RULES } from './machine-rules.ts';

/** What gives an identity away. */
export interface Incoherence {
  /** The rule that was broken. */
  readonly rule: string;
  /** What a site would see. */
  readonly seen: string;
}

/**
 * What in an identity contradicts the rest of it, or no real browser would say; empty where nothing does. For identities
 * that come from elsewhere: those that a pool makes have passed.
 */
export function incoherencesOf(identity: BrowserIdentity): Incoherence[] {
  const found: Incoherence[] = [];
  for (const { rule, check } of [...HEADER_RULES, ...MACHINE_RULES]) {
    const seen = check(identity);
    if (seen !== undefined) found.push({ rule, seen });
  }
  return found;
}

/** Whether it breaks none of these rules. */
export function keeps(rules: readonly CoherenceRule[], identity: BrowserIdentity): boolean {
  return rules.every(({ check }) => check(identity) === undefined);
}
