import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { expect, it } from 'vitest';
import { prose, readPages, root } from './blocks.ts';

const pages = ['CONTRIBUTING.md', 'SECURITY.md', 'playground/README.md']
  .map((path) => ({ path, text: readFileSync(new URL(path, root), 'utf8') }))
  .concat(readPages());

/** The anchors that GitHub gives a page's headings. */
function anchors(text: string): Set<string> {
  const seen = new Map<string, number>();
  const headings = [...prose(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading]) => {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(slug) ?? 0;
    seen.set(slug, times + 1);
    return times === 0 ? slug : `${slug}-${times}`;
  });
  return new Set(headings);
}

for (const { path, text } of pages) {
  it(`leads nowhere wrong: ${path}`, () => {
    const links = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [file, anchor] = link.split('#') as [string, string | undefined];
      const target = file === '' ? path : posix.normalize(posix.join(dirname(path), file));
      const url = new URL(target, root);
      if (target.startsWith('..') || !existsSync(url)) return true;
      if (anchor === undefined) return false;
      return !statSync(url).isFile() || !anchors(readFileSync(url, 'utf8')).has(anchor);
    });
    expect(broken).toEqual([]);
  });
}

it('names every guide in the index', () => {
  const index = pages.find(({ path }) => path === 'docs/README.md')!.text;
  const guides = pages.filter(({ path }) => /^docs\/(?!README)/.test(path));
  expect(guides.filter(({ path }) => !index.includes(`(${posix.basename(path)})`))).toEqual([]);
});
