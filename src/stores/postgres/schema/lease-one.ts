import { SLOTS } from './counters.ts';
import { entry, isFree, part, rowOf } from './plpgsql.ts';

/**
 * One step along the queue, past those blocked for the site, from one end. What was seen to hold only such is remembered
 * by the caller (\`p_known\`: from, to, from, to, …, in order), who hands it in again: with 900 000 banned, the next lease
 * starts where this one stopped. That is sound because whatever makes a session more eligible gives it a new due.
 */
function walk(name: string, isDown: boolean): string {
  const order = isDown ? 'desc' : 'asc';
  return part(
    name,
    `p_site text, p_known bigint[], p_budget integer, p_due bigint, p_now bigint,
  out o_sid bigint, out o_walked bigint[], out o_left integer, out o_busy boolean`,
    'record',
    {
      declare: `v_known integer := coalesce(array_length(p_known, 1), 0);
  v_next integer := ${isDown ? 'v_known' : '1'};
  v_position bigint := ${isDown ? 'p_due' : '0'};
  v_end bigint; v_look integer := 8; v_seen integer; v_first bigint; v_last bigint; v_free bigint[]; v_free_due bigint;
  v_step integer; v_try bigint;`,
      body: `
  o_walked := '{}';
  o_left := p_budget;
  o_busy := false;
  loop
    ${
      isDown
        ? `while v_next > 0 and p_known[v_next] >= v_position loop
      v_position := least(v_position, p_known[v_next - 1] - 1);
      v_next := v_next - 2;
    end loop;
    exit when v_position < 0 or o_left <= 0;
    v_end := case when v_next > 0 then p_known[v_next] + 1 else 0 end;`
        : `while v_next < v_known and p_known[v_next] <= v_position loop
      v_position := greatest(v_position, p_known[v_next + 1] + 1);
      v_next := v_next + 2;
    end loop;
    exit when v_position > p_due or o_left <= 0;
    v_end := case when v_next < v_known then least(p_due, p_known[v_next] - 1) else p_due end;`
    }
    v_look := least(v_look, o_left);
    select count(*), (array_agg(c.due order by c.due ${order}, c.sid ${order}))[1], ${isDown ? 'min' : 'max'}(c.due),
           array_agg(c.sid order by c.due ${order}, c.sid ${order}) filter (where not c.blocked),
           ${isDown ? 'max' : 'min'}(c.due) filter (where not c.blocked)
      into v_seen, v_first, v_last, v_free, v_free_due
      from (select s.due, s.sid, exists (
                     select from troupe.site_block b
                      where b.sid = s.sid and b.site = p_site and (b.until is null or b.until > p_now)) as blocked
              from troupe.session s
             where not s.held and s.due between ${isDown ? 'v_end and v_position' : 'v_position and v_end'}
             order by s.due ${order}, s.sid ${order} limit v_look) c;
    o_left := o_left - greatest(v_seen, 1);
    if v_free is not null then
      o_walked := o_walked || ${isDown ? 'array[v_free_due + 1, v_position]' : 'array[v_position, v_free_due - 1]'};
      foreach v_try in array v_free loop
        perform from troupe.session s where ${rowOf('v_try')} and ${isFree('p_due')} for update skip locked;
        if found then
          o_sid := v_try;
          return;
        end if;
      end loop;
      -- Somebody else has them in hand at this moment.
      o_busy := true;
    end if;
    v_step := 0;
    if v_seen < v_look then
      v_last := v_end;
    elsif v_last <> v_first then
      -- Several may share a due, and the look may have ended among them: that due is looked at again.
      v_step := 1;
    elsif v_look < o_left then
      v_look := o_left;
      continue;
    end if;
    ${
      isDown
        ? `if v_free is null then
      o_walked := o_walked || array[v_last + v_step, v_position];
    end if;
    v_position := v_last + v_step - 1;`
        : `if v_free is null then
      o_walked := o_walked || array[v_position, v_last - v_step];
    end if;
    v_position := v_last - v_step + 1;`
    }
    v_look := o_left;
  end loop;`,
    },
  );
}

export const leaseOneParts = [
  walk('walk_up', false),
  walk('walk_down', true),

  // Rests for the site that are over: their sessions stand where the walk has already passed, so they come first.
  part(
    'ended_rest',
    'p_site text, p_budget integer, p_due bigint, p_now bigint, out o_sid bigint, out o_left integer',
    'record',
    {
      declare: 'v_row troupe.session%rowtype; v_sid bigint; v_seen integer;',
      body: `
  o_left := p_budget;
  loop
    v_seen := 0;
    for v_sid in select b.sid from troupe.site_block b
      where b.site = p_site and b.until <= p_now order by b.until limit 8
    loop
      exit when o_left <= 0;
      o_left := o_left - 1;
      select * into v_row from troupe.session s where ${rowOf('v_sid')} for update skip locked;
      continue when not found;
      v_seen := v_seen + 1;
      perform troupe.lift_block(v_sid, p_site);
      if not v_row.held and v_row.due <= p_due then
        o_sid := v_sid;
        return;
      end if;
    end loop;
    exit when v_seen < 8 or o_left <= 0;
  end loop;`,
    },
  ),

  // Tries before 'random' takes the least recently used instead.
  part('probe', 'p_site text, p_due bigint, p_now bigint', 'bigint', {
    declare: 'v_first bigint; v_last bigint; v_start bigint; v_sid bigint;',
    body: `
  select min(sid), max(sid) into v_first, v_last from troupe.record;
  if v_first is null then
    return null;
  end if;
  for v_try in 1..8 loop
    v_start := v_first + floor(random() * (v_last - v_first + 1))::bigint;
    select sid into v_sid from troupe.record where sid >= v_start order by sid limit 1;
    perform from troupe.session s
     where ${rowOf('v_sid')} and ${isFree('p_due')}
       and not exists (select from troupe.site_block b where b.sid = s.sid and b.site = p_site and (b.until is null or b.until > p_now))
       for update skip locked;
    if found then
      return v_sid;
    end if;
  end loop;
  return null;`,
  }),

  // Buries the expired, oldest expiry first, from the cursor on. Those who are held are passed over, once.
  part(
    'bury_expired',
    'inout p_cursor bigint[], p_limit integer, p_due bigint, p_now bigint, out o_seen integer, out o_buried integer',
    'record',
    {
      declare: "v_expired record; v_sids bigint[] := '{}';",
      body: `
  o_seen := 0;
  for v_expired in select r.sid, r.expires from troupe.record r
    where r.died is null and (r.expires, r.sid) > (p_cursor[1], p_cursor[2]) and r.expires <= p_now
    order by r.expires, r.sid limit p_limit
  loop
    o_seen := o_seen + 1;
    p_cursor := array[v_expired.expires, v_expired.sid];
    perform from troupe.session s where ${rowOf('v_expired.sid')} and case when s.held then false else s.due is not null end for update skip locked;
    if found then
      v_sids := v_sids || v_expired.sid;
    end if;
  end loop;
  o_buried := cardinality(v_sids);
  if o_buried > 0 then
    perform troupe.die(v_sids, 2, 'expired', p_now);
  end if;`,
    },
  ),

  part('all_banned', 'p_site text', 'boolean', {
    body: `
  return (select sum(living) between 1 and (select sum(c.bans) from troupe.site_count c where c.site = p_site)
            from ${SLOTS});`,
  }),

  /* The one banned longest among those that nobody holds makes room. More than one only where the limit was lowered since. */
  part('make_room', 'p_site text, p_limit bigint, p_budget integer, p_due bigint, p_now bigint', 'text', {
    declare: 'v_sid bigint; v_left integer := p_budget;',
    body: `
  perform troupe.lock_limit();
  if not troupe.all_banned(p_site) then
    return 'again';
  end if;
  for v_sid in select b.sid from troupe.site_block b where b.site = p_site and b.until is null
    order by b.since, b.sid limit greatest(p_budget, 0)
  loop
    if troupe.has_room(p_limit, p_due) then
      return 'room';
    end if;
    v_left := v_left - 1;
    perform from troupe.session s where ${rowOf('v_sid')} and case when s.held then false else true end for update skip locked;
    if found then
      perform troupe.die(array[v_sid], 4, 'made room', p_now);
    end if;
  end loop;
  if troupe.has_room(p_limit, p_due) then
    return 'room';
  end if;
  return case when v_left <= 0 then 'again' else 'none' end;`,
  }),

  // Microseconds at which a session or a place could serve the request by itself; null: none can, as things stand.
  part('retry_at', 'p_site text, p_limit bigint, p_held_from bigint, p_due bigint, p_now bigint', 'bigint', {
    body: `
  return (
    with held as (
      select s.sid, s.due, s.expires, true as held from troupe.session s where s.held and s.due > greatest(p_due, p_held_from) order by s.due limit 128
    ), resting as (
      select s.sid, s.due, s.expires, false from troupe.session s where not s.held and s.due > p_due order by s.due limit 128
    ), ahead as (
      select * from held union all select * from resting
    ), served as (
      select case when b.since is not null and b.until is null then null
                  else greatest(a.due, coalesce(b.until, 0) * 1000) end as at, a.held, a.expires, a.due
        from ahead a left join troupe.site_block b on b.sid = a.sid and b.site = p_site
    ), rested as (
      select greatest(b.until * 1000, s.due) as at, s.expires
        from (select sid, until from troupe.site_block
               where site = p_site and until > p_now order by until limit 16) b join troupe.session s on ${rowOf('b.sid')}
    )
    select min(at) from (
      -- A holder may give it back before it expires.
      select min(at) as at from served where held or expires is null or expires * 1000 > at
      union all select min(at) from rested where expires is null or expires * 1000 > at
      -- After as many as one may look at, the last stands for the rest: too early is harmless.
      union all select max(due) from held having count(*) = 128
      union all select max(due) from resting having count(*) = 128
      union all select min(until) from troupe.place where p_limit is not null
      union all select min(expires) * 1000 from troupe.record where p_limit is not null and died is null and expires > p_now
    ) instants);`,
  }),
];

/** So far before the hint, in microseconds, is looked before nobody is said to be free: a commit may have been late. */
const SURE_TICKS = 1_000_000;

const COLUMNS = `s.sid, s.token, s.fence, s.uses, s.max_uses, s.score, s.expires, v_row.recovered, r.id, r.created, r.key,
      r.tag, b.body, s.ctid`;

/**
 * A lease that needs more than a look at the front of the queue: bounded work, and `again` where it was not enough. Leases that ran
 * out are looked for where that is due, or nobody else is free; `ended` says how many there were, null that nobody looked. Where
 * there is `none`, `was_due` is the first end of a lease after `p_held_from`: that hint spares the next call the ends of those
 * given back early.
 */
export const leaseOne = entry(
  'lease_one',
  `p_clock bigint[], p_from bigint, p_ended_from bigint, p_known bigint[], p_cursor bigint[], p_rotation text,
  p_first boolean, p_lease bigint, p_holder text, p_id text, p_site text, p_limit bigint,
  p_is_look_due boolean default true, p_held_from bigint default 0`,
  `table (kind text, tick bigint, ended integer, retry_at bigint, walked bigint[], cursor bigint[], has_blocks boolean,
  was_due bigint, sid bigint, token uuid, fence bigint, uses bigint, max_uses bigint, score double precision, expires bigint,
  recovered boolean, id text, created bigint, key text, tag text, body text, place tid)`,
  {
    declare: `
  v_left integer := 256;
  v_row troupe.session%rowtype;
  v_sid bigint;
  v_walked bigint[] := '{}';
  v_all_walked bigint[] := '{}';
  v_token uuid;
  v_busy boolean := false;
  v_from bigint := p_from;
  v_is_sure boolean := false;
  v_is_busy boolean;
  v_has_blocks boolean := p_site is not null and exists (select from troupe.site_count where site = p_site);
  v_seen integer;
  v_buried integer;
  v_until bigint;
  v_made text;`,
    body: `
  cursor := p_cursor;
  tick := v_tick;
  has_blocks := v_has_blocks;
  if p_is_look_due then
    ended := troupe.recover_ended(p_ended_from, 128, v_tick, v_due, v_now, v_base);
    v_left := v_left - ended;
  end if;

  if p_id is not null then
    select s.* into v_row from troupe.record r join troupe.session s on ${rowOf('r.sid')} where r.id = p_id for update of s;
    if found and v_row.held and v_row.due <= v_due then
      perform troupe.recover(v_row.sid, v_tick, v_due, v_now, v_base);
      select s.* into v_row from troupe.session s where ${rowOf('v_row.sid')};
    end if;
    kind := 'none';
    if v_row.due is null then
      return next;
      return;
    end if;
    select coalesce(b.until, -1) into v_until from troupe.site_block b where b.sid = v_row.sid and b.site = p_site;
    if v_row.held or v_row.due > v_due or v_until = -1 or v_until > v_now then
      retry_at := case when v_until = -1 then null else greatest(v_row.due, coalesce(v_until, 0) * 1000) end;
      if not v_row.held and v_row.expires * 1000 <= retry_at then
        retry_at := null;
      end if;
      return next;
      return;
    end if;
    if v_until is not null then
      perform troupe.lift_block(v_row.sid, p_site);
    end if;
    if not troupe.survives(v_row.sid, v_now) then
      return next;
      return;
    end if;
    v_sid := v_row.sid;
  else
    loop
      if p_first then
        v_token := troupe.reserve(p_limit, v_due, v_base + p_lease, p_holder);
        exit when v_token is not null;
      end if;
      v_sid := null;
      v_is_busy := false;
      if v_has_blocks then
        select o_sid, o_left into v_sid, v_left from troupe.ended_rest(p_site, v_left, v_due, v_now);
      end if;
      if v_sid is null and p_rotation = 'random' then
        v_left := v_left - 8;
        v_sid := troupe.probe(p_site, v_due, v_now);
      end if;
      if v_sid is not null then
        null;
      elsif v_has_blocks then
        if p_rotation = 'use-until-failure' then
          select * into v_sid, v_walked, v_left, v_is_busy from troupe.walk_down(p_site, p_known, v_left, v_due, v_now);
        else
          select * into v_sid, v_walked, v_left, v_is_busy from troupe.walk_up(p_site, p_known, v_left, v_due, v_now);
        end if;
        v_all_walked := v_all_walked || v_walked;
      else
        v_left := v_left - 1;
        if p_rotation = 'use-until-failure' then
          select s.sid into v_sid from troupe.session s where not s.held and s.due between v_from and v_due
           order by s.due desc, s.sid desc limit 1 for update skip locked;
        else
          select s.sid into v_sid from troupe.session s where not s.held and s.due between v_from and v_due
           order by s.due, s.sid limit 1 for update skip locked;
        end if;
        v_is_busy := v_sid is null and exists (
          select from troupe.session s where not s.held and s.due between v_from and v_due);
      end if;
      v_busy := v_busy or v_is_busy;
      if v_sid is null and not v_is_sure then
        -- Not by a hint: somebody may have become free a moment ago, or have been lost.
        v_is_sure := true;
        v_from := greatest(0, p_from - ${SURE_TICKS});
        if ended is null then
          ended := troupe.recover_ended(p_ended_from, 128, v_tick, v_due, v_now, v_base);
          v_left := v_left - ended;
        end if;
        continue when v_left > 0 and (ended > 0 or v_from < p_from and not v_has_blocks);
      end if;
      exit when v_sid is null or troupe.survives(v_sid, v_now);
      v_sid := null;
      exit when v_left <= 0;
    end loop;
    walked := v_all_walked;

    if v_sid is null and v_token is null then
      if v_left <= 0 then
        kind := 'again';
        return next;
        return;
      end if;
      v_seen := 0;
      if p_limit is not null then
        v_token := troupe.reserve(p_limit, v_due, v_base + p_lease, p_holder);
      end if;
      if v_token is null and p_limit is not null then
        select p_cursor, o_seen, o_buried into cursor, v_seen, v_buried from troupe.bury_expired(p_cursor, 64, v_due, v_now);
        if v_buried > 0 then
          v_token := troupe.reserve(p_limit, v_due, v_base + p_lease, p_holder);
        end if;
      end if;
      if v_token is null and (v_seen = 64 or ended = 128 or v_busy) then
        kind := 'again';
        return next;
        return;
      end if;
      if v_token is null and p_limit is not null and v_has_blocks and troupe.all_banned(p_site) then
        v_made := troupe.make_room(p_site, p_limit, v_left, v_due, v_now);
        if v_made = 'room' then
          v_token := troupe.reserve(p_limit, v_due, v_base + p_lease, p_holder);
        end if;
        if v_token is null and v_made <> 'none' then
          kind := 'again';
          return next;
          return;
        end if;
      end if;
      if v_token is null then
        kind := 'none';
        retry_at := troupe.retry_at(case when v_made is null then p_site end, p_limit, p_held_from, v_due, v_now);
        was_due := (
          select s.due from troupe.session s where s.held and s.due > greatest(v_due, p_held_from) order by s.due limit 1);
        return next;
        return;
      end if;
    end if;
    if v_token is not null then
      kind := 'vacant';
      token := v_token;
      return next;
      return;
    end if;
  end if;

  select s.* into v_row from troupe.session s where ${rowOf('v_sid')};
  update troupe.session s
     set held = true, due = v_base + p_lease, token = gen_random_uuid(), fence = s.fence + 1, since = v_now,
         holder = p_holder, resting = false, recovered = false
   where s.sid = v_sid and s.fence = v_row.fence;
  if v_row.resting then
    perform troupe.bump(0, 0, 0, -1);
  end if;
  return query select 'leased', v_tick, ended, null::bigint, v_all_walked, cursor, v_has_blocks, v_row.due, ${COLUMNS}
    from troupe.session s join troupe.record r on r.sid = s.sid join troupe.body b on b.bid = s.bid
   where s.sid = v_sid and s.fence = v_row.fence + 1;`,
  },
);
