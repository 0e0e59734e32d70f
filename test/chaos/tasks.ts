import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionLease, SessionPool } from '../../src/index.ts';
import type { Random } from '../../src/testing/random.ts';
import type { Log } from './log.ts';
import { codeOf, type LoggedStore } from './logged-store.ts';
import { SITE_HOSTS } from './site-hosts.ts';

interface TasksOptions {
  pool: SessionPool;
  store: LoggedStore;
  log: Log;
  random: Random;
  leaseMs: number;
  sitePort: number;
  name: string;
}

/** What may go wrong while servers, connections and leases are being broken. Any other error is one too many. */
const EXPECTED =
  /^(STORE_UNAVAILABLE|STORE_BUSY|ACQUIRE_TIMEOUT|NO_SESSION|LEASE_LOST|CREATE_FAILED|CREATION_PAUSED)$/;

/** One user of the pool after another, in all the ways that a pool is used. */
export class Tasks {
  readonly #options: TasksOptions;
  #hops = 0;
  /** One that was used before, to ask for by its id. */
  #known: string | undefined;

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  async next(): Promise<void> {
    const { random, log } = this.#options;
    const dice = random.below(100);
    // A process that does nothing but lease would keep the others from their turn at the processor.
    await sleep(random.below(20));
    try {
      if (dice < 60) await this.#use(await this.#acquire(), 1 + random.below(3));
      else if (dice < 66) await this.#useLong(await this.#acquire());
      else if (dice < 82) await this.#run();
      else if (dice < 90 && this.#known) await this.#useAgain(this.#known);
      else if (dice < 93 && this.#known) await this.#options.pool.retire(this.#known, 'ordered by a worker');
      else await this.#useBare();
    } catch (error) {
      const code = codeOf(error);
      if (!EXPECTED.test(code)) {
        const stack = error instanceof Error ? error.stack : '';
        log.write({ step: 'unexpected', message: `a task failed with ${code}: ${stack}` });
      }
      // A crawler that gets no session does not hammer either.
      await sleep(20 + random.below(60));
    }
  }

  async #acquire(id?: string): Promise<SessionLease> {
    const { pool, random } = this.#options;
    const site = random.percent(70) ? random.pick(SITE_HOSTS) : undefined;
    const lease = await pool.acquire({ ...(site && { site }), ...(id && { id, timeoutMs: 500 }) });
    this.#known = lease.session.id;
    return lease;
  }

  /** A few hops, a mark, and back. */
  async #use(lease: SessionLease, hops: number): Promise<void> {
    const { random } = this.#options;
    try {
      for (let hop = 0; hop < hops; hop++) {
        if (hop > 0) await sleep(random.below(10));
        await this.#hop(lease);
      }
    } finally {
      await this.#giveBack(lease);
    }
  }

  /** Held for longer than the lease lasts: renewals keep it. */
  async #useLong(lease: SessionLease): Promise<void> {
    const { random, leaseMs } = this.#options;
    const until = performance.now() + leaseMs * (0.8 + random.below(100) / 100);
    try {
      while (performance.now() < until) {
        await this.#hop(lease);
        await sleep(30 + random.below(100));
      }
    } finally {
      await this.#giveBack(lease);
    }
  }

  async #useAgain(id: string): Promise<void> {
    await this.#use(await this.#acquire(id), 1);
  }

  /** As most programs do it: the pool marks, retries and gives back. */
  async #run(): Promise<void> {
    const { pool, random } = this.#options;
    const site = random.pick(SITE_HOSTS);
    await pool.run(
      async (session, { lease }) => {
        await this.#hop(lease);
        session.userData.mark = lease.grant.fence;
      },
      { site, retries: 2 },
    );
  }

  /** The store's own calls, without a pool; what it does to the user is a use without a hop. */
  async #useBare(): Promise<void> {
    const { store, random, leaseMs, name } = this.#options;
    const result = await store.lease({ rotation: 'random', fill: 'on-demand', leaseMs, holder: name });
    if (result.kind !== 'leased') return;
    await sleep(random.below(30));
    if (random.percent(30)) await store.renew([{ lease: result.lease, leaseMs }]);
    const { usageCount, errorScore } = result.session;
    const change = { usageCount: usageCount + 1, errorScore, status: 'usable', restMs: 0 } as const;
    await store.release(result.lease, random.percent(10) ? null : change);
  }

  async #hop(lease: SessionLease): Promise<void> {
    const { log, random, name, sitePort } = this.#options;
    const hop = `${name}-${++this.#hops}`;
    const answer = random.percent(92) ? 200 : random.pick([403, 429, 500, 500]);
    // Each hop has a URL of its own: one that is refused to user after user is the URL's fault, and costs nobody anything.
    const url = `http://${random.pick(SITE_HOSTS)}:${sitePort}/?answer=${answer}&hop=${hop}`;
    log.write({ step: 'hop', hop, id: lease.grant.id, fence: lease.grant.fence });
    let isAnswered = false;
    try {
      const response = await lease.session.fetch(url, { headers: { 'x-hop': hop } });
      await response.text();
      isAnswered = true;
    } finally {
      log.write({ step: 'hopped', hop, isAnswered });
    }
  }

  /** What a holder leaves behind goes with the release, in one step. */
  async #giveBack(lease: SessionLease): Promise<void> {
    const { random } = this.#options;
    const { session } = lease;
    if (lease.isHeld) {
      const dice = random.below(100);
      if (dice < 15) session.markGood();
      else if (dice < 18) session.markBad();
      else if (dice < 20) session.retire('worn out');
      else if (dice < 24) session.rest(100 + random.below(700));
      else if (dice < 27) session.rest(100 + random.below(700), { site: random.pick(SITE_HOSTS) });
      session.userData.mark = lease.grant.fence;
    }
    await lease.release();
  }
}
