import { MY_SLOT } from './counters.ts';
import { entry } from './plpgsql.ts';

const BLOCKED = `exists (
           select from troupe.site_block b
            where b.sid = p.sid and b.site = p_sites[p.n] and (b.until is null or b.until > v_now))`;

/**
 * The ordinary lease, of several callers at once: the first in the queue, one for each site that is asked for (null:
 * any). What needs more than a look, because it is blocked for its site, expired or used up, comes back without a
XX
 */
function leaseMany(name: string, order: 'asc' | 'desc'): string {
  return entry(
    name,
    'p_clock bigint[], p_from bigint, p_ended_from bigint, p_lease bigint, p_holder text, p_sites text[]',
    `table (n bigint, tick bigint, ended integer, was_due bigint, sid bigint, token uuid, fence bigint, uses bigint, max_uses bigint,
  score double precision, expires bigint, recovered boolean, id text, created bigint, key text, tag text, body text, place tid)`,
    {
      declare: 'v_ended integer;',
      body: `
  if p_ended_from is not null then
    v_ended := troupe.recover_ended(p_ended_from, 128, v_tick, v_due, v_now, v_base);
  end if;
  return query
  with picked as (
    select s.ctid as place, s.sid, s.due, s.uses, s.max_uses, s.expires, s.resting, s.recovered
      from troupe.session s where not s.held and s.due between p_from and v_due
     order by s.due ${order}, s.sid ${order} limit cardinality(p_sites) for update skip locked
  ), numbered as (
    select *, row_number() over () as n from picked
  ), fit as (
    select p.*, not (coalesce(p.expires <= v_now, false) or coalesce(p.uses >= p.max_uses, false) or ${BLOCKED}) as fits
      from numbered p
  ), taken as (
    update troupe.session s
       set held = true, due = v_base + p_lease, token = gen_random_uuid(), fence = s.fence + 1, since = v_now,
           holder = p_holder, resting = false, recovered = false
      from fit f where f.fits and s.ctid = f.place
    returning f.n, f.due, s.ctid as place, s.bid, s.sid, s.token, s.fence, s.uses, s.max_uses, s.score, s.expires, f.recovered
  ), rested as (
    update troupe.counter c set version = c.version + 1, resting = c.resting - q.ended
      from (select count(*) as ended from fit where fits and resting) q
     where q.ended > 0 and ${MY_SLOT}
  )
  select t.n, v_tick, v_ended, t.due, t.sid, t.token, t.fence, t.uses, t.max_uses, t.score, t.expires, t.recovered,
         r.id, r.created, r.key, r.tag, b.body, t.place
    from taken t join troupe.record r on r.sid = t.sid join troupe.body b on b.bid = t.bid
  union all
  select f.n, v_tick, v_ended, f.due, null, null, null, null, null, null, null, null, null, null, null, null, null, null
    from fit f where not f.fits;`,
    },
  );
}

export const leaseFunctions = [leaseMany('lease_many', 'asc'), leaseMany('lease_newest', 'desc')];
