/**
 * `session` is narrow, because every lease and release writes a new version of its row; it has only the indexes that
 * these two need. What a use does not change stands in `record`, and the body apart.
 *
 * - `due` is the queue, in microseconds: free since (in the past), leased or resting until (in the future), null for
 *   the dead. An index for those who are free and one for those who are held: each change writes one entry in one of
 *   them, and a walk over the free meets nobody who is held.
 * - `token` stays after a release, so that a release which is asked again is known.
 * - A change of `due` is never a heap-only update: room in the pages keeps the new version near, and vacuum comes
 *   often, by the number of changes and not by a share of a million rows.
 * - A body is never changed: a new one has a new number. What is looked up by a number that stays, the index must find among
 *   all its old versions, and while somebody's old snapshot is open (a dump, a forgotten transaction) none of them goes
 *   away. For the same reason a lease knows where its row lies (\`ctid\`).
 * - Counters are spread over slots, by connection: processes that create, rest and ban do not wait for each other. A
 *   block names the slot in which it was counted, so that a site's slot which is at 0 can go.
 * - `waiter` is who wants to be notified; it may be lost in a crash of the server.
 */
export const tables = `
create table troupe.session (
  sid bigint not null,
  bid bigint not null,
  old_bid bigint,
  due bigint,
  fence bigint not null default 0,
  uses bigint not null,
  max_uses bigint,
  score double precision not null,
  expires bigint,
  since bigint,
  token uuid,
  held boolean not null default false,
  resting boolean not null default false,
  recovered boolean not null default false,
  holder text,
  orders jsonb
) with (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.2, autovacuum_analyze_threshold = 5000
);
-- One row a number, as in \`record\`. The index does not say so: to be sure of it, each update would look at all old versions of the row.
create index session_sid on troupe.session (sid);
alter table troupe.session replica identity full;
create index session_free on troupe.session (due, sid) where not held;
create index session_held on troupe.session (due, sid) where held;
create index session_resting on troupe.session (due) where resting;

create table troupe.record (
  sid bigint primary key generated always as identity,
  id text collate "C" not null unique,
  created bigint not null,
  expires bigint,
  status smallint not null default 0,
  died bigint,
  reason text,
  key text collate "C",
  tag text collate "C"
);
create unique index record_key on troupe.record (key) where key is not null and died is null;
create index record_tag on troupe.record (tag, sid) where tag is not null;
create index record_expires on troupe.record (expires, sid) where expires is not null and died is null;
create index record_died on troupe.record (died, sid) where died is not null;

create sequence troupe.body_number;
create table troupe.body (
  bid bigint primary key,
  body text not null
) with (
  autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0
);
-- Sealed bodies cannot be compressed, and to try costs more than a whole lease.
alter table troupe.body alter column body set storage external;

create table troupe.place (
  token uuid primary key,
  until bigint not null,
  holder text not null
);
create index place_until on troupe.place (until);

create table troupe.site_block (
  sid bigint not null,
  site text collate "C" not null,
  until bigint,
  since bigint not null,
  slot smallint not null,
  primary key (sid, site)
);
create index site_block_rest on troupe.site_block (site, until) where until is not null;
create index site_block_ban on troupe.site_block (site, since, sid) where until is null;

create table troupe.site_count (
  site text collate "C" not null,
  slot smallint not null,
  bans bigint not null,
  rests bigint not null,
  primary key (site, slot)
) with (fillfactor = 50);

create table troupe.counter (
  slot smallint primary key,
  living bigint not null,
  places bigint not null,
  dead bigint not null,
  resting bigint not null
) with (fillfactor = 10);
insert into troupe.counter select slot, 0, 0, 0, 0 from generate_series(0, 15) slot;

create table troupe.death (
  reason text not null,
  slot smallint not null,
  deaths bigint not null,
  primary key (reason, slot)
) with (fillfactor = 50);

create table troupe.document (
  name text collate "C" primary key,
  value text not null,
  version bigint not null
);

create unlogged table troupe.waiter (
  id uuid primary key,
  until timestamptz not null
);
`;

/** How many living sessions have a tag, spread by the number of the session: deaths of many at once meet few others. */
export const tagCounts = `
create table troupe.tag_count (
  tag text collate "C" not null,
  slot smallint not null,
  living bigint not null,
  primary key (tag, slot)
) with (fillfactor = 50);
insert into troupe.tag_count
  select tag, sid & 15, count(*) from troupe.record where tag is not null and died is null group by 1, 2;
`;

/**
 * Where the free begin, and the held whose leases have not run out, as the last process saw it: one that begins during somebody's
 * old snapshot is spared the walk over all that could not be cleared away. A hint, as each process has its own.
 */
export const fronts = `
create table troupe.front (
  free bigint not null,
  held bigint not null
) with (fillfactor = 10);
insert into troupe.front values (0, 0);
`;

/**
 * A row by its number, and by its fence, which only grows: the living version has the highest, so that nobody looks for it
 * among all the old ones. It is not unique, since to be sure of that each update would look at them.
 */
export const sessionRows = `
create index session_row on troupe.session (sid, fence);
drop index troupe.session_sid;
`;

/**
 * The same for what changes with many uses: a counter's slot by its highest version, and waiters by the time until which they
 * wait, since each repeats that once a second.
 */
export const counterRows = `
alter table troupe.counter add column version bigint not null default 0, drop constraint counter_pkey;
create index counter_row on troupe.counter (slot, version);
create index waiter_until on troupe.waiter (until);
`;
