import { randomBytes } from 'node:crypto';
import {
  type LeasedResult,
  type LeaseRequest,
  type NewSession,
  openStore,
  Session,
  type SessionLease,
  SessionPool,
  type SessionStore,
} from '../../src/index.ts';
import { encodeBody } from '../../src/session/body.ts';
import { sessionInternals } from '../../src/session/session.ts';
import { answerWith } from '../harness/contender.ts';
import { type LoadParams, type LoadRun, runLoad, timed, watchStalls } from '../harness/load.ts';
import { verify } from '../harness/subject.ts';
import { type Latency, latency } from '../stats.ts';

const SITE = 'shop.test';
/** Added or banned in one call. */
const STEP = 5_000;
/** Of user data: with it a body is 1 KB. */
const TOKEN_BYTES = 600;
const request: LeaseRequest = {
  rotation: 'round-robin',
  fill: 'on-demand',
  leaseMs: 60_000,
  holder: 'bench',
};

let store: SessionStore;
let pool: SessionPool | undefined;
let held: SessionLease | undefined;

answerWith({
  async open({ url }: { url: string }): Promise<void> {
    store = await openStore(url);
    await store.count();
  },

  /** So many sessions with bodies of 1 KB. */
  async add({ sessions }: { sessions: number }): Promise<void> {
    for (let added = 0; added < sessions; added += STEP) {
      const some = Array.from({ length: Math.min(STEP, sessions - added) }, newSession);
      verify((await store.add(some)).kind === 'added', 'sessions were not added');
    }
    const { living } = await store.count();
    verify(living === sessions, `${living} sessions of ${sessions}`);
  },

  /** Lease and release; `isChanged`: with a new body each time. */
  async pairs({ isChanged, ...params }: LoadParams & { isChanged: boolean }): Promise<LoadRun> {
    return await runLoad(async (took) => {
      const leased = await timed(took, () => store.lease(request));
      if (leased.kind !== 'leased') throw new Error(`a lease was ${leased.kind}`);
      const { usageCount, body } = leased.session;
      // Read now: it is only lent.
      const change = { usageCount: usageCount + 1, errorScore: 0, status: 'usable' as const };
      const given = isChanged ? { ...change, body: rotated(body as string) } : change;
      const released = await timed(took, () => store.release(leased.lease, given));
      verify(released === 'released', `a release was ${released}`);
    }, params);
  },

  /** What processes of this number do to each other's event loops where there is no store at all. */
  async idle(params: LoadParams): Promise<LoadRun> {
    return await runLoad(async (took) => {
      await timed(took, () => new Promise((resolve) => setImmediate(resolve)));
    }, params);
  },

  async openPool({ url, sessions }: { url: string; sessions: number }): Promise<void> {
    pool = new SessionPool({
      store: url,
      maxPoolSize: sessions,
      fill: 'first',
      session: { maxUsageCount: null },
    });
    const make = async () => (await pool!.acquire()).release();
    for (let made = 0; made < sessions; made += 50) {
      await Promise.all(Array.from({ length: Math.min(50, sessions - made) }, make));
    }
    const { usable } = (await pool.stats()).sessions;
    verify(usable === sessions, `${usable} sessions of ${sessions}`);
  },

  /** A whole use: ten cookies get new values. */
  async uses(params: LoadParams): Promise<LoadRun> {
    let value = 0;
    return await runLoad(async (took) => {
      const lease = await timed(took, () => pool!.acquire());
      const { cookies } = lease.session;
      value++;
      for (let index = 0; index < 10; index++) {
        cookies.set(`cookie${index}`, `value-${value}-${index}`, { domain: SITE, path: '/' });
      }
      lease.session.markGood();
      await timed(took, () => lease.release());
    }, params);
  },

  /** A pool over sessions that are there. */
  usePool({ url }: { url: string }): void {
    pool = new SessionPool({ store: url, create: false });
  },

  /** A whole use that leaves the body as it was. */
  async poolPairs(params: LoadParams): Promise<LoadRun> {
    return await runLoad(async (took) => {
      const lease = await timed(took, () => pool!.acquire());
      lease.session.markGood();
      await timed(took, () => lease.release());
    }, params);
  },

  /** Takes the session, when it is free; answers when that was, on the machine's monotonic clock. */
  async take(): Promise<string> {
    held = await pool!.acquire();
    return `${process.hrtime.bigint()}`;
  },

  /** Gives it back; answers when that began. */
  async free(): Promise<string> {
    const begun = process.hrtime.bigint();
    await held!.release();
    return `${begun}`;
  },

  async closePool(): Promise<void> {
    await pool!.close();
  },

  /** All uses that the pool's sessions have had, and that the cookies were kept. */
  async poolUses(): Promise<number> {
    let uses = 0;
    for await (const { usageCount, model } of pool!.list()) {
      uses += usageCount;
      verify(usageCount === 0 || model.cookies.length === 10, `${model.cookies.length} cookies of 10`);
    }
    await pool!.close();
    return uses;
  },

  async storeUses(): Promise<number> {
    let uses = 0;
    let after: string | undefined;
    do {
      const page = await store.list({ limit: 1_000, ...(after === undefined ? {} : { after }) });
      for (const { usageCount } of page.sessions) uses += usageCount;
      after = page.next;
    } while (after !== undefined);
    return uses;
  },

  /** In a process that has not touched the store: until it is open, and until the first session is leased. */
  async timeToOpen({
    url,
    sessions,
  }: {
    url: string;
    sessions: number;
  }): Promise<{ openMs: number; leaseMs: number }> {
    const start = performance.now();
    store = await openStore(url);
    await store.count();
    const openMs = performance.now() - start;
    const leased = await store.lease(request);
    const leaseMs = performance.now() - start;
    verify(leased.kind === 'leased', `the first lease was ${leased.kind}`);
    if (leased.kind === 'leased') await store.release(leased.lease, null);
    const { living } = await store.count();
    verify(living === sessions, `${living} sessions of ${sessions}`);
    return { openMs, leaseMs };
  },

  /** 90 % are banned, and they are those that the queue gives first: the hardest order for who looks for another. */
  async ban({ sessions }: { sessions: number }): Promise<void> {
    const banned = sessions * 0.9;
    for (let done = 0; done < sessions; done += STEP) {
      const count = Math.min(STEP, sessions - done);
      const leased = await Promise.all(Array.from({ length: count }, () => store.lease(request)));
      const released = leased.map((result, index) => {
        if (result.kind !== 'leased') throw new Error(`a lease was ${result.kind}`);
        const blocks = done + index < banned ? [{ site: SITE, ms: null }] : [];
        return store.release(result.lease, { usageCount: 1, errorScore: 0, status: 'usable', blocks });
      });
      await Promise.all(released);
    }
    const site = (await store.count()).sites[SITE];
    verify(site?.banned === banned, `${site?.banned} banned of ${banned}`);
  },

  /** The first lease for the site has to find its way past the banned; the later ones know it. */
  async leaseBeyondBanned({ uses }: { uses: number }): Promise<BeyondBanned> {
    let calls = 0;
    const stall = await watchStalls();
    const start = performance.now();
    const first = await leaseForSite(() => calls++);
    const warmMs = performance.now() - start;
    const stallMs = await stall();
    await giveBack(first);
    const durations: number[] = [];
    for (let use = 0; use < uses; use++) {
      const leased = await timed(
        (ms) => durations.push(ms),
        () => leaseForSite(() => {}),
      );
      await giveBack(leased);
    }
    return { warmMs, calls, stallMs, lease: latency(durations) };
  },

  async close(): Promise<void> {
    await store.close();
  },
});

export interface BeyondBanned {
  readonly warmMs: number;
  /** Calls of `lease`, each with its bounded look, until the first session was found. */
  readonly calls: number;
  readonly stallMs: number;
  readonly lease: Latency;
}

async function leaseForSite(called: () => void): Promise<LeasedResult> {
  for (;;) {
    called();
    const leased = await store.lease({ ...request, site: SITE });
    if (leased.kind === 'leased') return leased;
    if (leased.kind !== 'again') throw new Error(`a lease was ${leased.kind}`);
  }
}

async function giveBack({ lease, session }: LeasedResult): Promise<void> {
  const { usageCount, errorScore } = session;
  const released = await store.release(lease, { usageCount: usageCount + 1, errorScore, status: 'usable' });
  verify(released === 'released', `a release was ${released}`);
}

function newSession(): NewSession {
  return {
    id: randomBytes(16).toString('base64url'),
    ageMs: 0,
    expiresInMs: 3_000_000,
    usageCount: 0,
    maxUsageCount: null,
    errorScore: 0,
    body: encodeBody(
      sessionInternals.body(
        new Session({ userData: { token: randomBytes(TOKEN_BYTES).toString('base64url') } }),
      ),
    ),
  };
}

/** Another body of the same length. */
function rotated(body: string): string {
  return body.slice(1) + body[0];
}
