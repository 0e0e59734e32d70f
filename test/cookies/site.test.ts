import { expect, test } from 'vitest';
import { isPublicSuffix, siteOf } from '../../src/cookies/site.ts';

test.each([
  ['https://www.example.com:8443/a', 'example.com'],
  ['https://shop.example.co.uk/', 'example.co.uk'],
  ['https://me.github.io/', 'me.github.io'],
  ['https://github.io/', 'github.io'],
  ['http://localhost:3000/', 'localhost'],
  ['http://intranet/', 'intranet'],
  ['http://127.0.0.1:8080/', '127.0.0.1'],
  ['http://[::1]:8080/', '[::1]'],
  ['https://WWW.B\u00fccher.example/', 'xn--bcher-kva.example'],
  ['https://example.com./', 'example.com'],
])('the site of %s is %s', (url, site) => {
  expect(siteOf(url)).toBe(site);
  expect(siteOf(new URL(url))).toBe(site);
});

test('stays right when more hosts pass than it remembers', () => {
  for (let i = 0; i < 5000; i++) expect(siteOf(`https://a.h${i}.com/`)).toBe(`h${i}.com`);
  expect(siteOf('https://a.h0.com/')).toBe('h0.com');
});

test('tells listed suffixes from hosts', () => {
  expect(['com', 'co.uk', 'github.io'].map(isPublicSuffix)).toEqual([true, true, true]);
  expect(['localhost', '127.0.0.1', 'example.com'].map(isPublicSuffix)).toEqual([false, false, false]);
});
