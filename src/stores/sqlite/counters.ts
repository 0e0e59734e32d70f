import type { Statements } from './statements.ts';

export interface Totals {
  /** Sessions that are not dead: ready, leased, resting. */
  living: number;
  /** Reserved places, those whose lease ran out included until they are swept. */
  places: number;
  dead: number;
  /** Sessions marked as resting; a rest that ended counts until it is swept or leased. */
  resting: number;
}

/** As the contract says; what comes later is counted under `other`. */
const MAX_REASONS = 100;
const MAX_REASON_LENGTH = 200;

/**
 * Counts kept beside the rows, so that nobody ever counts rows. Changes are gathered during a transaction and
 * written once at its end; lease and release change none, and so pay nothing.
 */
export class Counters {
  readonly #sql: Statements;
  #totals: Totals | undefined;
  #isChanged = false;
  readonly #deaths = new Map<string, number>();
  readonly #sites = new Map<number, { bans: number; rests: number }>();

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** The totals as this transaction sees them. */
  get totals(): Readonly<Totals> {
    return this.#read();
  }

  add(name: keyof Totals, by: number): void {
    if (by === 0) return;
    this.#read()[name] += by;
    this.#isChanged = true;
  }

  died(reason: string): void {
    const name = reason.slice(0, MAX_REASON_LENGTH);
    this.#deaths.set(name, (this.#deaths.get(name) ?? 0) + 1);
  }

  block(site: number, bans: number, rests: number): void {
    const change = this.#sites.get(site) ?? { bans: 0, rests: 0 };
    this.#sites.set(site, { bans: change.bans + bans, rests: change.rests + rests });
  }

  /** Living sessions that are banned from the site for good. */
  bans(site: number): number {
    const stored = this.#sql.get('SELECT bans FROM site WHERE site = ?', site)?.[0] as number | undefined;
    return (stored ?? 0) + (this.#sites.get(site)?.bans ?? 0);
  }

  write(): void {
    if (this.#isChanged) {
      const { living, places, dead, resting } = this.#read();
      this.#sql.run(
        'UPDATE totals SET living = ?, places = ?, dead = ?, resting = ?',
        living,
        places,
        dead,
        resting,
      );
    }
    for (const [reason, deaths] of this.#deaths) this.#writeDeaths(reason, deaths);
    for (const [site, { bans, rests }] of this.#sites) this.#writeSite(site, bans, rests);
  }

  #read(): Totals {
    if (this.#totals === undefined) {
      const row = this.#sql.get('SELECT living, places, dead, resting FROM totals') as number[];
      this.#totals = { living: row[0]!, places: row[1]!, dead: row[2]!, resting: row[3]! };
    }
    return this.#totals;
  }

  #writeDeaths(reason: string, deaths: number): void {
    const known = this.#sql.run('UPDATE death SET deaths = deaths + ? WHERE reason = ?', deaths, reason) > 0;
    if (known) return;
    const reasons = this.#sql.get('SELECT count(*) FROM death')?.[0] as number;
    this.#sql.run(
      'INSERT INTO death VALUES (?1, ?2) ON CONFLICT DO UPDATE SET deaths = deaths + ?2',
      reasons < MAX_REASONS - 1 ? reason : 'other',
      deaths,
    );
  }

  /** A site that nobody is blocked from any more leaves no row: a crawl may pass millions of them. */
  #writeSite(site: number, bans: number, rests: number): void {
    this.#sql.run('UPDATE site SET bans = bans + ?, rests = rests + ? WHERE site = ?', bans, rests, site);
    this.#sql.run('DELETE FROM site WHERE site = ? AND bans = 0 AND rests = 0', site);
  }
}
