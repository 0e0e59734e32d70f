import { part } from './plpgsql.ts';

/**
 * Serialises what must not exceed a limit, and migrations: (class, object) of an advisory lock, the object being a
 * hash of the schema's name.
 */
export const LOCK_CLASS = 0x74727065;

/** The row of a counter's slot, as `rowOf` finds that of a session; who changes it adds to its version. */
export function slotOf(slot: string): string {
  return `c.slot = ${slot} and c.version >= (select n.version from troupe.counter n where n.slot = ${slot} order by n.version desc limit 1)`;
}

export const MY_SLOT = slotOf('(pg_backend_pid() & 15)');

/** The rows of all. */
export const SLOTS = `generate_series(0, 15) as g (slot) join troupe.counter c on ${slotOf('g.slot')}`;

/** Counts beside the rows. Lease and release of an ordinary use touch none of them. */
export const counters = [
  part('bump', 'p_living bigint, p_places bigint, p_dead bigint, p_resting bigint', 'void', {
    body: `
  update troupe.counter c
     set version = version + 1, living = living + p_living, places = places + p_places, dead = dead + p_dead,
         resting = resting + p_resting
   where ${MY_SLOT};`,
  }),

  part('count_block', 'p_site text, p_slot integer, p_bans bigint, p_rests bigint', 'void', {
    declare: 'v_bans bigint; v_rests bigint;',
    body: `
  insert into troupe.site_count as c values (p_site, p_slot, p_bans, p_rests)
    on conflict (site, slot) do update set bans = c.bans + p_bans, rests = c.rests + p_rests
    returning c.bans, c.rests into v_bans, v_rests;
  -- A crawl may pass millions of sites.
  if v_bans = 0 and v_rests = 0 then
    delete from troupe.site_count where site = p_site and slot = p_slot;
  end if;`,
  }),

  /* So many times \`p_by\` more living sessions of each tag: of all that these sessions have. */
  part('count_tags', 'p_sids bigint[], p_by integer', 'void', {
    declare: 'v_counted record; v_living bigint;',
    body: `
  for v_counted in
    select r.tag, (r.sid & 15)::smallint as slot, count(*) as sessions from troupe.record r
     where r.sid = any(p_sids) and r.tag is not null group by 1, 2 order by 1, 2
  loop
    insert into troupe.tag_count as c values (v_counted.tag, v_counted.slot, v_counted.sessions * p_by)
      on conflict (tag, slot) do update set living = c.living + v_counted.sessions * p_by
      returning c.living into v_living;
    if v_living = 0 then
      delete from troupe.tag_count where tag = v_counted.tag and slot = v_counted.slot;
    end if;
  end loop;`,
  }),

  /* Of a session whose row the caller has locked. */
  part('change_tag', 'p_sid bigint, p_tag text', 'void', {
    declare: 'v_lives boolean := (select died is null from troupe.record where sid = p_sid);',
    body: `
  if v_lives then
    perform troupe.count_tags(array[p_sid], -1);
  end if;
  update troupe.record set tag = p_tag where sid = p_sid;
  if v_lives then
    perform troupe.count_tags(array[p_sid], 1);
  end if;`,
  }),

  /* The first that finds its tag full, by its place; null if all find room. The caller holds the lock of the limit. */
  part('tag_full_at', 'p_tags text[], p_limits bigint[]', 'bigint', {
    body: `
  return (
    select min(g.n) from (
      select tag, tag_limit, n, row_number() over (partition by tag order by n) as nth
        from unnest(p_tags, p_limits) with ordinality as g (tag, tag_limit, n)
    ) g
     where g.tag is not null
       and g.nth + (select coalesce(sum(c.living), 0) from troupe.tag_count c where c.tag = g.tag) > g.tag_limit);`,
  }),

  part('count_deaths', 'p_reason text, p_deaths bigint', 'void', {
    declare: 'v_reason text := left(p_reason, 200);',
    body: `
  if not exists (select from troupe.death where reason = v_reason)
     and (select count(distinct reason) from troupe.death) >= 99 then
    v_reason := 'other';
  end if;
  insert into troupe.death as d values (v_reason, pg_backend_pid() & 15, p_deaths)
    on conflict (reason, slot) do update set deaths = d.deaths + p_deaths;`,
  }),

  part('has_room', 'p_limit bigint, p_due bigint', 'boolean', {
    declare: 'v_swept bigint;',
    body: `
  with swept as (
    delete from troupe.place where token in (
      select token from troupe.place where until <= p_due order by until limit 256 for update skip locked
    ) returning 1
  ) select count(*) into v_swept from swept;
  if v_swept > 0 then
    perform troupe.bump(0, -v_swept, 0, 0);
  end if;
  return (select sum(living + places) from ${SLOTS}) < p_limit;`,
  }),

  // Counting is only sure under the lock; without room nobody waits for it.
  part('lock_room', 'p_limit bigint, p_due bigint', 'boolean', {
    body: `
  if not troupe.has_room(p_limit, p_due) then
    return false;
  end if;
  perform troupe.lock_limit();
  return troupe.has_room(p_limit, p_due);`,
  }),

  part('lock_limit', '', 'void', {
    body: `
  perform pg_advisory_xact_lock(${LOCK_CLASS}, 'troupe.counter'::regclass::oid::integer);`,
  }),

  part('reserve', 'p_limit bigint, p_due bigint, p_until bigint, p_holder text', 'uuid', {
    declare: 'v_token uuid := gen_random_uuid();',
    body: `
  if not troupe.lock_room(p_limit, p_due) then
    return null;
  end if;
  insert into troupe.place values (v_token, p_until, p_holder);
  perform troupe.bump(0, 1, 0, 0);
  return v_token;`,
  }),
];
