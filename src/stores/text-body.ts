import { fail } from '../internal/options.ts';

/** Where `capabilities.bodies` is `text`: anything else is a mistake of the caller, said before anything is written. */
export function checkTextBody(body: unknown): asserts body is string | undefined {
  if (body !== undefined && typeof body !== 'string')
    fail('body', 'a string (see capabilities.bodies)', body);
}
