import { DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { answerWith } from '../harness/contender.ts';
import { type LoadParams, type LoadRun, runLoad, timed } from '../harness/load.ts';
import { verify } from '../harness/subject.ts';

/*
 * The statements of a lease and a release on the store's own file, and nothing else: no expiry, no rests, no orders, no
 * checks of what was given, no sharing with other processes. What the store does more than this is its price.
 */

const SELECT = `SELECT s.sid, s.id, s.due, s.fence, s.uses, s.max_uses, s.score, s.expires, s.created, b.body
  FROM session s JOIN body b USING (sid) WHERE s.due <= ? ORDER BY s.due, s.sid LIMIT 1`;
const LEASE =
  'UPDATE session SET token = ?, due = ?, fence = ?, holder = ?, since = ?, resting = 0, recovered = 0 WHERE sid = ?';
const RELEASE = `UPDATE session SET token = NULL, due = ?, resting = 0, uses = ?, score = ?
  WHERE sid = ? AND token = ? AND fence = ?`;

interface Held {
  sid: number;
  token: string;
  fence: number;
  uses: number;
}

let db: DatabaseSync;
let leaseOne: () => Held;
let releaseOne: (held: Held) => void;

answerWith({
  open({ path }: { path: string }): void {
    db = new DatabaseSync(path);
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000`);
    const select = db.prepare(SELECT);
    select.setReturnArrays(true);
    const lease = db.prepare(LEASE);
    const release = db.prepare(RELEASE);
    let tick = Date.now() * 1_000;
    leaseOne = () => {
      const now = Date.now();
      const row = select.get(Math.max(now * 1_000 + 999, tick)) as unknown as [
        number,
        string,
        number,
        number,
        number,
      ];
      const [sid, , , fence, uses] = row;
      const token = `${sid}.${fence + 1}.${now}`;
      lease.run(token, now * 1_000 + 60_000_000, fence + 1, 'bench', now, sid);
      return { sid, token, fence: fence + 1, uses };
    };
    releaseOne = ({ sid, token, fence, uses }) => {
      tick = Math.max(tick + 1, Date.now() * 1_000);
      const { changes } = release.run(tick, uses + 1, 0, sid, token, fence);
      verify(changes === 1, 'a release changed nothing');
    };
  },

  /** Each in a transaction of its own, as who writes it down straightforwardly does. */
  oneByOne(params: LoadParams): Promise<LoadRun> {
    return runLoad(
      async (took) => {
        const held = await timed(took, () => inTransaction(leaseOne));
        await timed(took, () => inTransaction(() => releaseOne(held)));
        await setImmediate();
      },
      { ...params, concurrent: 1 },
    );
  },

  /** As many leases, and then as many releases, in one transaction as there are users: the most that the statements give. */
  batched({ concurrent, ...params }: LoadParams): Promise<LoadRun> {
    let waiting: PromiseWithResolvers<void> | undefined;
    let batch: (() => void)[] = [];
    const flush = () => {
      const [work, done] = [batch, waiting!];
      batch = [];
      waiting = undefined;
      inTransaction(() => {
        for (const run of work) run();
      });
      done.resolve();
    };
    const enqueue = async <T>(call: () => T): Promise<T> => {
      if (!waiting) {
        waiting = Promise.withResolvers();
        globalThis.setImmediate(flush);
      }
      let result: T | undefined;
      batch.push(() => {
        result = call();
      });
      await waiting.promise;
      return result as T;
    };
    return runLoad(
      async (took) => {
        const held = await timed(took, () => enqueue(leaseOne));
        await timed(took, () => enqueue(() => releaseOne(held)));
      },
      { ...params, concurrent },
    );
  },

  close(): void {
    db.close();
  },
});

function inTransaction<T>(work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  const result = work();
  db.exec('COMMIT');
  return result;
}
