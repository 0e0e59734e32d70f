import { Agent, request } from 'undici';
import type { Playground } from '../../playground/site.ts';

/** An answer as the tests look at it. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  setCookies: string[];
  body: string;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  userAgent?: string;
}

/** One request, redirects not followed: the tests look at every hop. */
export async function ask(url: string, options: Ask & { agent?: Agent } = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, userAgent = 'test-browser/1', agent } = options;
  const answer = await request(url, {
    method: method as 'GET',
    headers: { 'user-agent': userAgent, ...headers },
    body: body ?? null,
    ...(agent && { dispatcher: agent }),
  });
  const setCookie = answer.headers['set-cookie'] ?? [];
  return {
    status: answer.statusCode,
    headers: answer.headers,
    setCookies: Array.isArray(setCookie) ? setCookie : [setCookie],
    body: await answer.body.text(),
  };
}

/** A connection from that address of the loopback. */
export function agentAt(localAddress = '127.0.0.1'): Agent {
  return new Agent({ connections: 1, localAddress });
}

/** A user with its own connections and a jar as simple as this one site needs. */
export class Visitor implements AsyncDisposable {
  readonly jar = new Map<string, string>();
  readonly agent: Agent;
  readonly #origin: string;

  constructor(playground: Pick<Playground, 'url'>, agent = agentAt()) {
    this.#origin = playground.url;
    this.agent = agent;
  }

  /** One hop. */
  async hop(path: string, options: Ask = {}): Promise<Answer> {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = cookie ? { cookie, ...options.headers } : (options.headers ?? {});
    const answer = await ask(new URL(path, this.#origin).href, { ...options, headers, agent: this.agent });
    for (const line of answer.setCookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (/Max-Age=0/i.test(line)) this.jar.delete(name!);
      else this.jar.set(name!, value!);
    }
    return answer;
  }

  /** Follows redirects with GET, as a browser does after a 302 or 303. */
  async visit(path: string, options: Ask = {}): Promise<Answer> {
    let answer = await this.hop(path, options);
    for (let hops = 0; answer.headers.location && hops < 20; hops++) {
      answer = await this.hop(String(answer.headers.location));
    }
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.destroy();
  }
}
