/** 'trpe': marks a file as ours (`PRAGMA application_id`, header offset 68), so that a foreign file is never touched. */
export const APPLICATION_ID = 0x74727065;

/**
 * What brings a file from version N to N + 1, by position; `user_version` is how many have run. Never edit one
 * that was published: add the next.
 *
 * Version 1. `session` is narrow, because every lease and release rewrites its row; the body lives apart. Rows
 * refer to each other by `sid`, a small number, so that 900 000 bans cost two short index entries each.
 *
 * - `due` is the queue: free since (in the past), leased or resting until (in the future), null for the dead.
 *   Its unit is the microsecond: what the clock's millisecond cannot tell apart keeps its order.
 * - A condition of a partial index must not name a column that lease and release write, or SQLite rewrites the
 *   index entry each time: `died` and not `due` tells the dead in `session_expires` and `session_key`.
 * - `session_leased` holds only what is leased now, a page or two: it answers who ends next without a scan.
 * - A block with `until` null is a ban. (site, until, since) finds both the rests that ended and the oldest ban.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE session (
    sid INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    due INTEGER,
    token TEXT,
    fence INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    max_uses INTEGER,
    score REAL NOT NULL,
    expires INTEGER,
    created INTEGER NOT NULL,
    resting INTEGER NOT NULL DEFAULT 0,
    recovered INTEGER NOT NULL DEFAULT 0,
    since INTEGER,
    holder TEXT,
    orders TEXT,
    status INTEGER NOT NULL DEFAULT 0,
    died INTEGER,
    reason TEXT,
    key TEXT,
    tag TEXT
  );
  CREATE INDEX session_due ON session (due) WHERE due IS NOT NULL;
  CREATE INDEX session_leased ON session (due) WHERE token IS NOT NULL;
  CREATE INDEX session_resting ON session (due) WHERE resting = 1;
  CREATE INDEX session_expires ON session (expires) WHERE expires IS NOT NULL AND died IS NULL;
  CREATE INDEX session_died ON session (died) WHERE died IS NOT NULL;
  CREATE INDEX session_tag ON session (tag) WHERE tag IS NOT NULL;
  CREATE UNIQUE INDEX session_key ON session (key) WHERE key IS NOT NULL AND died IS NULL;

  CREATE TABLE body (sid INTEGER PRIMARY KEY, body TEXT NOT NULL);

  CREATE TABLE place (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    until INTEGER NOT NULL,
    holder TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX place_until ON place (until);

  CREATE TABLE site (
    site INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    bans INTEGER NOT NULL DEFAULT 0,
    rests INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE site_block (
    sid INTEGER NOT NULL,
    site INTEGER NOT NULL,
    until INTEGER,
    since INTEGER NOT NULL,
    PRIMARY KEY (sid, site)
  ) WITHOUT ROWID;
  CREATE INDEX site_block_until ON site_block (site, until, since);

  CREATE TABLE totals (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    living INTEGER NOT NULL,
    places INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    resting INTEGER NOT NULL
  );
  INSERT INTO totals VALUES (1, 0, 0, 0, 0);
  CREATE TABLE death (reason TEXT PRIMARY KEY, deaths INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE document (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    version INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
];
