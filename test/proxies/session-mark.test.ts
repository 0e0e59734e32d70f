import { describe, expect, it } from 'vitest';
import { sessionToken } from '../../src/proxies/session-mark.ts';
import { Session } from '../../src/session/session.ts';

describe("the word of a session in a provider's user name", () => {
  it('is short, of letters and digits, and the same for life', () => {
    expect(sessionToken('ada')).toMatch(/^[a-z0-9]{12}$/);
    expect(sessionToken('ada')).toBe(sessionToken('ada'));
    expect(sessionToken('ada', 1)).not.toBe(sessionToken('ada'));
    const words = new Set(Array.from({ length: 10_000 }, (_, index) => sessionToken(`s${index}`)));
    expect(words.size).toBe(10_000);
  });

  it('stands in what the session uses, and its state keeps the template', () => {
    const url = 'http://user-session-{session}:pass@gate.example:7000';
    const session = new Session({ id: 'ada', proxy: url });
    expect(session.proxy!.url).toBe(`http://user-session-${sessionToken('ada')}:pass@gate.example:7000`);
    expect(session.getState().proxy).toEqual({ url });
    expect(Session.fromState(session.getState()).proxy).toEqual(session.proxy);
  });

  it('has no place in the host', () => {
    expect(() => new Session({ proxy: 'http://u:SECRET@{session}.example:1' })).toThrow(
      'option "proxy.url" may have {session} in its user name and its password only',
    );
  });
});
