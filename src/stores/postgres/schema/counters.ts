import { part } from './plpgsql.ts';

/**
 * Serialises what must not exceed a limit, and migrations: (class, object) of an advisory lock, the object being a
 * hash of the schema's name.
 */
export const LOCK_CLASS = 0x74727065;

/** Counts beside the rows. Lease and release of an ordinary use touch none of them. */
export const counters = [
  part('bump', 'p_living bigint, p_places bigint, p_dead bigint, p_resting bigint', 'void', {
    body: `
  update troupe.counter
     set living = living + p_living, places = places + p_places, dead = dead + p_dead, resting = resting + p_resting
   where slot = pg_backend_pid() & 15;`,
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
  return (select sum(living + places) from troupe.counter) < p_limit;`,
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
