/** 'trpe': marks a file as ours (`PRAGMA application_id`, header offset 68), so that a foreign file is never touched. */
export const APPLICATION_ID = 0x74727065;

const ONE_MORE = 'INSERT INTO tag_count VALUES (NEW.tag, 1) ON CONFLICT DO UPDATE SET living = living + 1;';
const ONE_LESS = `UPDATE tag_count SET living = living - 1 WHERE tag = OLD.tag;
    DELETE FROM tag_count WHERE tag = OLD.tag AND living = 0;`;

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
 *
 * Version 2. `tag_count` has how many living sessions a tag has. Triggers keep it, and so do it right also for a process
 * of the version before that still has the file open. They name the columns of births, deaths and new tags: a lease and an
 * ordinary release write none of these, and wake no trigger.
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
  `
  CREATE TABLE tag_count (tag TEXT PRIMARY KEY, living INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO tag_count SELECT tag, count(*) FROM session WHERE tag IS NOT NULL AND died IS NULL GROUP BY tag;

  CREATE TRIGGER session_tag_added AFTER INSERT ON session WHEN NEW.tag IS NOT NULL AND NEW.died IS NULL BEGIN
    ${ONE_MORE}
  END;
  CREATE TRIGGER session_tag_removed AFTER DELETE ON session WHEN OLD.tag IS NOT NULL AND OLD.died IS NULL BEGIN
    ${ONE_LESS}
  END;
  CREATE TRIGGER session_tag_left AFTER UPDATE OF died, tag ON session
  WHEN OLD.tag IS NOT NULL AND OLD.died IS NULL AND (NEW.died IS NOT NULL OR NEW.tag IS NOT OLD.tag) BEGIN
    ${ONE_LESS}
  END;
  CREATE TRIGGER session_tag_joined AFTER UPDATE OF died, tag ON session
  WHEN NEW.tag IS NOT NULL AND NEW.died IS NULL AND (OLD.died IS NOT NULL OR OLD.tag IS NOT NEW.tag) BEGIN
    ${ONE_MORE}
  END;
  `,
];
