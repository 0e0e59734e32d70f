/** What a response of `from` sets, and what then goes to each URL. */
export interface CookieRule {
  rule: string;
  from: string;
  set: string[];
  /** URL → Cookie header. */
  sent: Record<string, string>;
}

const name4096 = `n=${'v'.repeat(4095)}`;
const name4097 = `n=${'v'.repeat(4096)}`;

export const cookieRules: CookieRule[] = [
  {
    rule: 'a cookie without Domain is for its host alone',
    from: 'https://example.com/',
    set: ['a=1'],
    sent: { 'https://example.com/': 'a=1', 'https://www.example.com/': '', 'https://example.org/': '' },
  },
  {
    rule: 'Domain includes subdomains, its leading dot and case do not count',
    from: 'https://www.example.com/',
    set: ['a=1; Domain=.Example.COM'],
    sent: {
      'https://example.com/': 'a=1',
      'https://a.b.example.com/': 'a=1',
      'https://badexample.com/': '',
    },
  },
  {
    rule: 'a foreign Domain is refused',
    from: 'https://example.com/',
    set: ['a=1; Domain=example.org', 'b=2; Domain=www.example.com', 'c=3; Domain=ample.com'],
    sent: { 'https://example.com/': '', 'https://www.example.com/': '', 'https://example.org/': '' },
  },
  {
    rule: 'a public suffix is refused',
    from: 'https://example.co.uk/',
    set: ['a=1; Domain=co.uk', 'b=2; Domain=uk'],
    sent: { 'https://example.co.uk/': '', 'https://other.co.uk/': '' },
  },
  {
    rule: 'a private public suffix is refused too',
    from: 'https://me.github.io/',
    set: ['a=1; Domain=github.io'],
    sent: { 'https://me.github.io/': '', 'https://you.github.io/': '' },
  },
  {
    rule: 'a public suffix that is the host itself becomes host-only (5.7)',
    from: 'https://github.io/',
    set: ['a=1; Domain=github.io'],
    sent: { 'https://github.io/': 'a=1', 'https://me.github.io/': '' },
  },
  {
    rule: 'localhost works, for itself alone',
    from: 'http://localhost:8080/',
    set: ['a=1', 'b=2; Domain=localhost'],
    sent: { 'http://localhost:9090/': 'a=1; b=2', 'http://x.localhost/': '' },
  },
  {
    rule: 'an IPv4 address works, for itself alone',
    from: 'http://127.0.0.1/',
    set: ['a=1', 'b=2; Domain=127.0.0.1', 'c=3; Domain=0.0.1'],
    sent: { 'http://127.0.0.1:81/': 'a=1; b=2', 'http://127.0.0.2/': '' },
  },
  {
    rule: 'an IPv6 address works',
    from: 'http://[::1]:8080/',
    set: ['a=1'],
    sent: { 'http://[::1]/': 'a=1', 'http://[::2]/': '' },
  },
  {
    rule: 'the last Domain counts; tough-cookie: an empty one does not undo it',
    from: 'https://www.example.com/',
    set: [
      'a=1; Domain=www.example.com; Domain=example.com',
      'b=2; Domain=example.com; Domain=',
      'c=3; Domain=',
    ],
    sent: { 'https://www.example.com/': 'a=1; b=2; c=3', 'https://example.com/': 'a=1; b=2' },
  },
  {
    rule: 'without Path it is the folder of the request',
    from: 'https://example.com/a/b/page',
    set: ['a=1'],
    sent: {
      'https://example.com/a/b': 'a=1',
      'https://example.com/a/b/other': 'a=1',
      'https://example.com/a/bc': '',
      'https://example.com/a': '',
    },
  },
  {
    rule: 'a Path that does not start with a slash counts as none',
    from: 'https://example.com/a/page',
    set: ['a=1; Path=b'],
    sent: { 'https://example.com/a/': 'a=1', 'https://example.com/b': '' },
  },
  {
    rule: 'longer paths come first, then older cookies',
    from: 'https://example.com/',
    set: ['a=1; Path=/', 'b=2; Path=/x', 'c=3; Path=/', 'a=4; Path=/'],
    sent: { 'https://example.com/x/y': 'b=2; a=4; c=3', 'https://example.com/': 'a=4; c=3' },
  },
  {
    rule: 'Secure goes to https only, and only https may set it',
    from: 'https://example.com/',
    set: ['a=1; Secure'],
    sent: { 'https://example.com/': 'a=1', 'http://example.com/': '' },
  },
  {
    rule: 'http may not set a Secure cookie, not even on localhost',
    from: 'http://localhost/',
    set: ['a=1; Secure'],
    sent: { 'http://localhost/': '', 'https://localhost/': '' },
  },
  {
    rule: 'Max-Age of nought deletes',
    from: 'https://example.com/',
    set: ['a=1', 'b=2', 'a=; Max-Age=0', 'b=; Max-Age=-5'],
    sent: { 'https://example.com/': '' },
  },
  {
    rule: 'Max-Age goes before Expires',
    from: 'https://example.com/',
    set: [
      'a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      'b=2; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Max-Age=0',
    ],
    sent: { 'https://example.com/': 'a=1' },
  },
  {
    rule: 'Expires in the past deletes, and a broken one says nothing',
    from: 'https://example.com/',
    set: ['a=1', 'a=2; Expires=Thu, 01-Jan-1970 00:00:01 GMT', 'b=2; Expires=soon', 'c=3; Max-Age=1h'],
    sent: { 'https://example.com/': 'b=2; c=3' },
  },
  {
    rule: '__Secure- wants Secure, in any case (5.4)',
    from: 'https://example.com/',
    set: ['__Secure-a=1', '__secure-b=2', '__Secure-c=3; Secure'],
    sent: { 'https://example.com/': '__Secure-c=3' },
  },
  {
    rule: '__Host- wants Secure, Path=/ said aloud, and no Domain (5.4)',
    from: 'https://example.com/',
    set: [
      '__Host-a=1; Secure',
      '__Host-b=2; Path=/',
      '__Host-c=3; Secure; Path=/; Domain=example.com',
      '__HOST-d=4; Secure; Path=/x',
      '__Host-e=5; Secure; Path=/',
    ],
    sent: { 'https://example.com/': '__Host-e=5' },
  },
  {
    rule: 'a nameless cookie may not pretend a prefix',
    from: 'https://example.com/',
    set: ['__Secure-a', '=__Host-b=1', 'plain'],
    sent: { 'https://example.com/': 'plain' },
  },
  {
    rule: 'name and value of 4096 bytes are the most',
    from: 'https://example.com/',
    set: [name4096, name4097.replace('n=', 'm=')],
    sent: { 'https://example.com/': name4096 },
  },
  {
    rule: 'an attribute over 1024 bytes is ignored',
    from: 'https://example.com/',
    set: [`a=1; Path=/${'x'.repeat(1024)}`],
    sent: { 'https://example.com/': 'a=1' },
  },
  {
    rule: 'control characters make a cookie void',
    from: 'https://example.com/',
    set: ['a=1\r\nX: y', 'b=\u0000', 'c=\u007f', 'd=ok\t'],
    sent: { 'https://example.com/': 'd=ok' },
  },
  {
    rule: 'bytes beyond ASCII go back as they came; tough-cookie: but for a byte A0 at either end',
    from: 'https://example.com/',
    set: ['a=\u00c3\u00a9', 'b=\u00c3\u00a0!', 'c=\u00c3\u00a0'],
    sent: { 'https://example.com/': 'a=\u00c3\u00a9; b=\u00c3\u00a0!; c=\u00c3' },
  },
  {
    rule: 'tough-cookie: a host-only cookie and a domain cookie of one name and host are one',
    from: 'https://example.com/',
    set: ['a=1', 'a=2; Domain=example.com'],
    sent: { 'https://example.com/': 'a=2', 'https://www.example.com/': 'a=2' },
  },
  {
    rule: 'a single label that names itself means itself alone (5.7)',
    from: 'http://intranet/',
    set: ['a=1; Domain=intranet', 'b=2; Domain=.intranet', 'c=3; Domain=other'],
    sent: { 'http://intranet/': 'a=1; b=2', 'http://x.intranet/': '' },
  },
  {
    rule: 'a prefix counts in any case, and no nameless value may have one (5.4, 5.7)',
    from: 'https://example.com/',
    set: ['__SECURE-a', '=__secure-b; Secure=', '__host-c=1; Secure', '__hOST-d=1; Secure; Path=/'],
    sent: { 'https://example.com/': '__hOST-d=1' },
  },
  {
    rule: 'the 1024 bytes of an attribute count without its name and blanks, and the others stay (5.6)',
    from: 'https://example.com/',
    set: [
      `a=1; Path=  /${'x'.repeat(1023)} ; Secure`,
      `b=1; Path=/; Domain=${'x'.repeat(1025)}; Secure`,
      `c=1; Expires=${' '.repeat(2000)}Thu, 01 Jan 1970 00:00:00 GMT`,
    ],
    sent: { 'https://example.com/': 'b=1', 'http://example.com/': '' },
  },
];
