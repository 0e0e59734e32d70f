import type { Clock } from '../../internal/clock.ts';
import { BlockedHints } from './blocked-hints.ts';
import type { Database } from './database.ts';
import { QueueFronts } from './queue-fronts.ts';
import { ServerTime } from './server-time.ts';
import { type Statements, statementsFor } from './statements.ts';
import { Waiters } from './waiters.ts';

/** What the calls of one store share. */
export class Work {
  readonly database: Database;
  readonly sql: Statements;
  readonly time: ServerTime;
  readonly waiters: Waiters;
  readonly fronts: QueueFronts;
  readonly blocked: BlockedHints;

  constructor(database: Database, schema: string, clock: Clock | undefined) {
    this.database = database;
    this.sql = statementsFor(schema);
    this.time = new ServerTime(clock);
    this.fronts = new QueueFronts(database, this.sql, this.time);
    this.blocked = new BlockedHints(this.time);
    this.waiters = new Waiters(database, this.sql, schema, () => this.blocked.forgetRecent());
  }

  /** Some may have become free, and not by a release: whoever waits elsewhere is told. */
  freedSome(): void {
    this.blocked.forgetRecent();
    this.waiters.notify();
  }
}
