import { answerWith } from '../harness/contender.ts';
import { verify } from '../harness/subject.ts';
import { clients, type Get } from './clients.ts';

export interface FetchRun {
  readonly requests: number;
  readonly perSecond: number;
  /** Of all the process's threads, in microseconds a request. */
  readonly cpuMicros: number;
}

let users: Get[] = [];

answerWith({
  async open({ name, origin, users: count, cookies }: OpenParams): Promise<void> {
    const makeUser = await clients[name]!.load();
    users = await Promise.all(Array.from({ length: count }, () => makeUser(origin, cookies)));
  },

  /** Keeps so many requests under way until the time is over; a user of several takes its turn with the others. */
  async run({ url, concurrent, ms }: { url: string; concurrent: number; ms: number }): Promise<FetchRun> {
    let requests = 0;
    const cpuBefore = process.cpuUsage();
    const start = performance.now();
    const until = start + ms;
    const worker = async (get: Get) => {
      while (performance.now() < until) {
        const text = await get(url);
        verify(text.length === 1_000, `a body of ${text.length} characters`);
        requests++;
      }
    };
    await Promise.all(Array.from({ length: concurrent }, (_, index) => worker(users[index % users.length]!)));
    const perSecond = (requests * 1_000) / (performance.now() - start);
    const { user, system } = process.cpuUsage(cpuBefore);
    return { requests, perSecond, cpuMicros: (user + system) / requests };
  },
});

export interface OpenParams {
  readonly name: string;
  readonly origin: string;
  readonly users: number;
  readonly cookies: number;
}
