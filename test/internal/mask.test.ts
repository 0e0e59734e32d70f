import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { maskError, maskUrls } from '../../src/internal/mask.ts';

describe('credentials in what an error says', () => {
  it.each([
    ['no http://user:SECRET@127.0.0.1:8080 here', 'no http://…@127.0.0.1:8080 here'],
    ['"socks5://u:SEC@RET@h:1", \'http://SECRET@h\'', '"socks5://…@h:1", \'http://…@h\''],
    ['http://user:SEC/RET@host/path', 'http://…@host/path'],
    [
      'see https://shop.example/a and mail ada@shop.example',
      'see https://shop.example/a and mail ada@shop.example',
    ],
  ])('%s', (text, masked) => {
    expect(maskUrls(text)).toBe(masked);
  });

  it('are left out of an error and its causes, of whose kind it stays', () => {
    class OwnError extends Error {
      readonly code = 'OWN';
    }
    const error = new OwnError('outside', { cause: new TypeError('http://u:SECRET@host failed') });
    const masked = maskError(error);
    expect(masked).toBeInstanceOf(OwnError);
    expect(masked).toMatchObject({ code: 'OWN', message: 'outside' });
    expect(masked.cause).toMatchObject({ message: 'http://…@host failed' });
    expect(inspect(masked, { depth: 5, showHidden: true })).not.toContain('SECRET');
    // The user's own is as it was.
    expect((error.cause as Error).message).toContain('SECRET');
  });

  it('where there are none, it is the very same error', () => {
    const error = new Error('outside', { cause: new Error('inside') });
    expect(maskError(error)).toBe(error);
    expect(maskError(7)).toBe(7);
  });
});
