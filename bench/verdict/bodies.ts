import { readFileSync } from 'node:fs';

/** A body that is judged, and what must come of it. */
export interface Body {
  readonly title: string;
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly verdict: 'ok' | 'blocked';
}

const KB_64 = 65_536;

const PRODUCT = `<div class="product-card col-md-4" data-id="48213"><a href="/item/48213?ref=list&amp;page=2"><img src="/img/48213.jpg"
alt="Shoes" loading="lazy"></a><h3>Running shoes, three colours</h3><p class="price">59.90 &euro;</p><button>Add</button></div>\n`;
const SCRIPT = `function a(b,c){var d=window.document,e=d.createElement("script");e.src="https://static.shop.example/a.js?x="+b.id;
e.onload=function(){c&&c({ok:!0,id:b.id})};d.head.appendChild(e)}window.shopProps=window.shopProps||{"key":"a1b2","list":[1,2,3]};\n`;
const ARTICLE = `<p>A page with <code>&lt;div class="g-recaptcha" data-sitekey="x"&gt;</code>, <code>window._cf_chl_opt</code>, <code>&lt;p id="cmsg"&gt;</code>
or <code>/_Incapsula_Resource?SWJIYLWA=</code> is the work of a firewall; <q>error code: 1020</q> is short for it.</p>\n`;

/** What there is to look at, from the usual to the worst. */
export function bodies(): Body[] {
  const html = 'text/html; charset=utf-8';
  const page = (piece: string) =>
    Buffer.from(`<!doctype html><title>Shop</title>${piece.repeat(800)}`).subarray(0, KB_64);
  const sample = readFileSync(
    new URL('../../test/verdict/data/samples/imperva-challenge.http', import.meta.url),
    'utf8',
  );
  const blockPage = sample.slice(sample.indexOf('\n\n') + 2);
  return [
    { title: 'a list of products, 64 KB', contentType: html, bytes: page(PRODUCT), verdict: 'ok' },
    {
      title: 'a page of scripts, 64 KB',
      contentType: html,
      bytes: page(`<script>${SCRIPT}</script>`),
      verdict: 'ok',
    },
    { title: 'an article full of the marks, 64 KB', contentType: html, bytes: page(ARTICLE), verdict: 'ok' },
    {
      title: 'products, and a block page’s mark at the end, 64 KB',
      contentType: html,
      bytes: Buffer.concat([page(PRODUCT).subarray(0, KB_64 - blockPage.length), Buffer.from(blockPage)]),
      verdict: 'blocked',
    },
    {
      title: 'JSON, 1 MB',
      contentType: 'application/json',
      bytes: Buffer.from(
        JSON.stringify(
          Array.from({ length: 12_000 }, (_, id) => ({ id, name: `Item ${id}`, price: id / 7 })),
        ),
      ),
      verdict: 'ok',
    },
    {
      title: 'a list of products, 2 KB',
      contentType: html,
      bytes: page(PRODUCT).subarray(0, 2_000),
      verdict: 'ok',
    },
    { title: 'a picture, 64 KB', contentType: 'image/jpeg', bytes: page(PRODUCT), verdict: 'ok' },
  ];
}
