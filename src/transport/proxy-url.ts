import { OptionError } from '../errors.ts';
import type { OptionCheck } from '../internal/options.ts';

/** Checks what a transport goes through: impit takes any text, and goes around what it does not understand. */
export const isProxyUrl: OptionCheck = (value, path) => {
  if (typeof value === 'string' && /^(?:https?|socks5h?):$/.test(URL.parse(value)?.protocol ?? '')) return;
  throw new OptionError(
    path,
    `option "${path}" must be a URL such as http://user:password@host:8080 (http: https: socks5:)`,
  );
};
