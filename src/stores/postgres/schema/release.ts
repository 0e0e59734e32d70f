import { MY_SLOT } from './counters.ts';
import { entry, isHeld } from './plpgsql.ts';

export const releaseFunctions = [
  /*
   * The ordinary release, of several sessions at once: held, lives on, no order waits. Answers the numbers of those that
   * were given back; the others are left to \`release_one\`. Rows are found where their
   * leases left them; one that has moved since is left as well.
   */
  entry(
    'release_many',
    `p_clock bigint[], p_places tid[], p_tokens uuid[], p_fences bigint[], p_uses bigint[], p_scores float8[],
  p_rests bigint[], p_bodies text[], p_me uuid`,
    'table (n bigint, due bigint, is_awaited boolean)',
    {
      body: `
  return query
  with given as (
    select * from unnest(p_places, p_tokens, p_fences, p_uses, p_scores, p_rests, p_bodies)
      with ordinality as g (place, token, fence, uses, score, rest, body, n)
  ), freed as (
    update troupe.session s
       set held = false, due = case when g.rest > 0 then v_base + g.rest else v_tick + g.n - 1 end, resting = g.rest > 0,
           uses = coalesce(g.uses, s.uses), score = coalesce(g.score, s.score),
           bid = case when g.body is null then s.bid else nextval('troupe.body_number') end, old_bid = s.bid
      from given g
     where s.ctid = g.place and s.token = g.token and s.fence = g.fence and ${isHeld('v_due')} and s.orders is null
       and (s.expires is null or s.expires > v_now) and (s.max_uses is null or s.max_uses > coalesce(g.uses, s.uses))
    returning g.n, s.due, s.resting, s.bid, s.old_bid, g.body
  ), saved as (
    insert into troupe.body select bid, body from freed where body is not null
  ), dropped as (
    delete from troupe.body b using freed f where f.body is not null and b.bid = f.old_bid
  ), rested as (
    update troupe.counter c set version = c.version + 1, resting = c.resting + q.begun
      from (select count(*) as begun from freed where resting) q
     where q.begun > 0 and ${MY_SLOT}
  )
  select f.n, f.due, exists (select from troupe.waiter w where w.until > statement_timestamp() and w.id <> p_me) from freed f;`,
    },
  ),

  /* Any release of a session. \`p_block_ms\`: null bans, 0 lifts. */
  entry(
    'release_one',
    `p_clock bigint[], p_sid bigint, p_token uuid, p_fence bigint, p_uses bigint, p_score float8, p_rest bigint,
  p_body text, p_status integer, p_reason text, p_block_sites text[], p_block_ms bigint[], p_is_repeat boolean, p_me uuid,
  p_has_tag boolean default false, p_tag text default null`,
    'table (outcome text, due bigint, is_awaited boolean)',
    {
      declare: 'v_row troupe.session%rowtype;',
      body: `
  is_awaited := exists (select from troupe.waiter w where w.until > statement_timestamp() and w.id <> p_me);
  select s.* into v_row from troupe.session s
   where s.sid = p_sid and s.token = p_token and s.fence = p_fence for update;
  if not found or not v_row.held or v_row.due <= v_due then
    outcome := case when found and not v_row.held and p_is_repeat then 'released' else 'lost' end;
    return next;
    return;
  end if;
  if p_status <> 0 then
    p_rest := 0;
  end if;
  update troupe.session s
     set held = false, orders = null, due = case when p_rest > 0 then v_base + p_rest else v_tick end, resting = p_rest > 0,
         uses = coalesce(p_uses, s.uses), score = coalesce(p_score, s.score)
   where s.sid = p_sid and s.fence = p_fence;
  if p_body is not null then
    perform troupe.change_body(p_sid, p_body);
  end if;
  if p_has_tag then
    perform troupe.change_tag(p_sid, p_tag);
  end if;
  outcome := 'released';
  if p_status <> 0 then
    perform troupe.die(array[p_sid], p_status, p_reason, v_now);
    return next;
    return;
  end if;
  if p_rest > 0 then
    perform troupe.bump(0, 0, 0, 1);
  end if;
  for v_block in 1 .. coalesce(array_length(p_block_sites, 1), 0) loop
    if p_block_ms[v_block] <= 0 then
      perform troupe.lift_block(p_sid, p_block_sites[v_block]);
    else
      perform troupe.set_block(p_sid, p_block_sites[v_block], v_now + p_block_ms[v_block], v_now);
    end if;
  end loop;
  if v_row.orders is not null and not troupe.obey_waiting(p_sid, v_row.orders, v_tick, v_due, v_now, v_base) then
    outcome := 'ordered';
  else
    perform troupe.survives(p_sid, v_now);
  end if;
  select s.due into due from troupe.session s where s.sid = p_sid and s.fence = p_fence;
  return next;`,
    },
  ),

  entry('release_place', 'p_clock bigint[], p_token uuid, p_is_repeat boolean', 'text', {
    body: `
  delete from troupe.place where token = p_token and until > v_due;
  if not found then
    return case when p_is_repeat then 'released' else 'lost' end;
  end if;
  perform troupe.bump(0, -1, 0, 0);
  return 'released';`,
  }),

  /* Extends leases of sessions and places, and saves what is given of their bodies. Answers those that are still held. */
  entry(
    'renew_many',
    'p_clock bigint[], p_sids bigint[], p_tokens uuid[], p_fences bigint[], p_leases bigint[], p_bodies text[]',
    'table (n bigint, orders jsonb)',
    {
      body: `
  return query
  with given as (
    select * from unnest(p_sids, p_tokens, p_fences, p_leases, p_bodies)
      with ordinality as g (sid, token, fence, lease, body, n)
  ), kept as (
    update troupe.session s
       set due = v_base + g.lease, bid = case when g.body is null then s.bid else nextval('troupe.body_number') end, old_bid = s.bid
      from given g
     where s.sid = g.sid and s.token = g.token and s.fence = g.fence and ${isHeld('v_due')}
    returning g.n, s.orders, s.bid, s.old_bid, g.body
  ), saved as (
    insert into troupe.body select bid, body from kept where body is not null
  ), dropped as (
    delete from troupe.body b using kept k where k.body is not null and b.bid = k.old_bid
  ), places as (
    update troupe.place p set until = v_base + g.lease from given g
     where g.sid is null and p.token = g.token and p.until > v_due
    returning g.n
  )
  select k.n, k.orders from kept k union all select p.n, null from places p;`,
    },
  ),
];
