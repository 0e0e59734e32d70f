import type { CookieJar } from 'tough-cookie';

/** Fetches a page and reads it as text. */
export type Get = (url: string) => Promise<string>;

/** Makes a user: with a jar of its own, these cookies in it, where the client has jars. */
export type MakeUser = (origin: string, cookies: number) => Get | Promise<Get>;

export interface Client {
  readonly label: string;
  readonly sendsCookies: boolean;
  /** Loads only this client, so that a process never has another's code in it. */
  load(): Promise<MakeUser>;
}

export const clients: Record<string, Client> = {
  troupe: {
    label: 'troupe session.fetch',
    sendsCookies: true,
    async load() {
      const { Session } = await import('../../src/index.ts');
      return (origin, count) => {
        const cookies = Object.fromEntries(cookieList(count));
        const session = new Session({ cookies, cookiesFor: origin });
        return async (url) => await (await session.fetch(url)).text();
      };
    },
  },
  'undici-request': {
    label: 'undici.request, no cookies',
    sendsCookies: false,
    async load() {
      const { request } = await import('undici');
      return () => async (url) => await (await request(url)).body.text();
    },
  },
  'undici-fetch': {
    label: 'undici.fetch, no cookies',
    sendsCookies: false,
    async load() {
      const { fetch } = await import('undici');
      return () => async (url) => await (await fetch(url)).text();
    },
  },
  'fetch-cookie': {
    label: 'fetch-cookie over undici.fetch',
    sendsCookies: true,
    async load() {
      const [{ fetch }, { default: makeFetchCookie }] = await Promise.all([
        import('undici'),
        import('fetch-cookie'),
      ]);
      return async (origin, count) => {
        const cookieFetch = makeFetchCookie(fetch, await jarWith(origin, count));
        return async (url) => await (await cookieFetch(url)).text();
      };
    },
  },
  got: {
    label: 'got with a jar',
    sendsCookies: true,
    async load() {
      const [{ default: got }, { Agent }] = await Promise.all([import('got'), import('node:http')]);
      const agent = { http: new Agent({ keepAlive: true }) };
      return async (origin, count) => {
        const user = got.extend({ cookieJar: await jarWith(origin, count), agent, retry: { limit: 0 } });
        return async (url) => await user(url).text();
      };
    },
  },
  'got-scraping': {
    label: 'got-scraping with a jar',
    sendsCookies: true,
    async load() {
      const [{ gotScraping }, { Agent }] = await Promise.all([import('got-scraping'), import('node:http')]);
      const agent = { http: new Agent({ keepAlive: true }) };
      return async (origin, count) => {
        const cookieJar = await jarWith(origin, count);
        const options = { cookieJar, agent, retry: { limit: 0 }, sessionToken: {} };
        return async (url) => await gotScraping(url, options).text();
      };
    },
  },
  impit: {
    label: 'impit with a jar',
    sendsCookies: true,
    async load() {
      const { Impit } = await import('impit');
      return async (origin, count) => {
        const jar = await jarWith(origin, count);
        const cookieJar = {
          setCookie: async (cookie: string, url: string) => void (await jar.setCookie(cookie, url)),
          getCookieString: (url: string) => jar.getCookieString(url),
        };
        const user = new Impit({ cookieJar });
        return async (url) => await (await user.fetch(url)).text();
      };
    },
  },
};

function cookieList(count: number): [name: string, value: string][] {
  return Array.from({ length: count }, (_, index) => [`cookie${index}`, `value-of-cookie-${index}`]);
}

async function jarWith(origin: string, count: number): Promise<CookieJar> {
  const { CookieJar } = await import('tough-cookie');
  const jar = new CookieJar();
  for (const [name, value] of cookieList(count)) await jar.setCookie(`${name}=${value}; Path=/`, origin);
  return jar;
}
