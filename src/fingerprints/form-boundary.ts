import { randomBytes } from 'node:crypto';
import { readUserAgent } from './user-agent.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** What the browser of a User-Agent puts between the parts of a form (RFC 7578); undefined where we do not know it. */
export function formBoundaryFor(userAgent: string): string | undefined {
  const kind = readUserAgent(userAgent);
  if (!kind) return undefined;
  if (kind.browser === 'firefox') return `----geckoformboundary${randomBytes(16).toString('hex')}`;
  // The same in Chromium, which has it from WebKit. The letters are not quite as likely each, which 16 of them do not show.
  const letters = Array.from(randomBytes(16), (byte) => LETTERS[byte % LETTERS.length]);
  return `----WebKitFormBoundary${letters.join('')}`;
}
