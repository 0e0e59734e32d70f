import { MAX_LOOKED_AT } from '../../store.ts';
import { SLOTS } from './counters.ts';
import { entry, isHeld, part, rowOf, rowsOf } from './plpgsql.ts';

/** How sessions come and go: the other side of \`record\`. */
export const memberFunctions = [
  /* The ids and keys that living sessions have. One that has expired is buried, and stands in nobody's way. */
  part('taken', 'p_ids text[], p_keys text[], p_due bigint, p_now bigint', 'table (id text, key text)', {
    declare: 'v_row record;',
    body: `
  for v_row in
    select s.sid, s.held, s.due, s.expires, r.id, r.key from troupe.record r
      join troupe.session s on ${rowOf('r.sid')}
     where r.sid in (
       select sid from troupe.record where id = any(p_ids) and died is null
       union select sid from troupe.record where key = any(p_keys) and died is null)
     order by s.sid for update of s
  loop
    continue when v_row.due is null;
    if v_row.expires <= p_now and not (v_row.held and v_row.due > p_due) then
      update troupe.session s set uses = uses + 1 where ${rowOf('v_row.sid')} and held;
      perform troupe.die(array[v_row.sid], 2, 'expired', p_now);
    else
      id := v_row.id;
      key := v_row.key;
      return next;
    end if;
  end loop;`,
  }),

  /* Writes living sessions, in their order. The dead that had their ids give way. */
  part(
    'insert_sessions',
    `p_ids text[], p_ages bigint[], p_lives bigint[], p_uses bigint[], p_max_uses bigint[], p_scores float8[],
  p_keys text[], p_tags text[], p_bodies text[], p_tick bigint, p_now bigint`,
    'void',
    {
      body: `
  if exists (select from troupe.record where id = any(p_ids)) then
    perform troupe.remove_dead(array(select sid from troupe.record where id = any(p_ids)));
  end if;
  with given as materialized (
    select nextval(pg_get_serial_sequence('troupe.record', 'sid')) as sid, nextval('troupe.body_number') as bid, g.*
      from unnest(p_ids, p_ages, p_lives, p_uses, p_max_uses, p_scores, p_keys, p_tags, p_bodies)
        with ordinality as g (id, age, life, uses, max_uses, score, key, tag, body, n)
  ), records as (
    insert into troupe.record (sid, id, created, expires, key, tag) overriding system value
    select sid, id, p_now - age, p_now + life, key, tag from given
  ), bodies as (
    insert into troupe.body select bid, body from given
  )
  insert into troupe.session (sid, bid, due, uses, max_uses, score, expires)
  select sid, bid, p_tick + n - 1, uses, max_uses, score, p_now + life from given;
  perform troupe.bump(cardinality(p_ids), 0, 0, 0);
  if array_remove(p_tags, null) <> '{}' then
    perform troupe.count_tags(array(select sid from troupe.record where id = any(p_ids)), 1);
  end if;`,
    },
  ),

  entry(
    'add',
    `p_clock bigint[], p_limit bigint, p_ids text[], p_ages bigint[], p_lives bigint[], p_uses bigint[],
  p_max_uses bigint[], p_scores float8[], p_keys text[], p_tags text[], p_bodies text[], p_tag_limits bigint[] default null`,
    'table (outcome text, id text)',
    {
      declare:
        'v_cursor bigint[] := array[-1, -1]; v_seen integer; v_room bigint := p_limit - cardinality(p_ids) + 1; v_full bigint;',
      body: `
  -- The first that stands in the way, in the order in which they came.
  select 'duplicate', g.id into outcome, id
    from unnest(p_ids, p_keys) with ordinality as g (id, key, n)
   where g.n in (
     select min(n) from (
       select g2.n from unnest(p_ids, p_keys) with ordinality as g2 (id, key, n)
         join troupe.taken(p_ids, p_keys, v_due, v_now) t on t.id = g2.id or t.key = g2.key
       union all
       select unnest((array_agg(n order by n))[2:]) from unnest(p_ids) with ordinality as g3 (id, n) group by id
       union all
       select unnest((array_agg(n order by n))[2:]) from unnest(p_keys) with ordinality as g4 (key, n)
        where key is not null group by key) standing);
  if found then
    return next;
    return;
  end if;
  if p_limit is not null then
    perform troupe.lock_limit();
    while not troupe.has_room(v_room, v_due) loop
      select p_cursor, o_seen into v_cursor, v_seen from troupe.bury_expired(v_cursor, 256, v_due, v_now);
      if v_seen = 0 then
        outcome := 'full';
        return next;
        return;
      end if;
    end loop;
  end if;
  if p_tag_limits is not null then
    perform troupe.lock_limit();
    loop
      v_full := troupe.tag_full_at(p_tags, p_tag_limits);
      exit when v_full is null;
      select p_cursor, o_seen into v_cursor, v_seen from troupe.bury_expired(v_cursor, 256, v_due, v_now);
      if v_seen = 0 then
        outcome := 'tag-full';
        id := p_ids[v_full];
        return next;
        return;
      end if;
    end loop;
  end if;
  perform troupe.insert_sessions(p_ids, p_ages, p_lives, p_uses, p_max_uses, p_scores, p_keys, p_tags, p_bodies, v_tick, v_now);
  outcome := 'added';
  return next;`,
    },
  ),

  /*
   * Turns a place into a session, which stays leased for what was left of the place's lease, under the place's token: so
   * a call that is asked again, because its answer was lost, finds what it made.
   */
  entry(
    'create_session',
    `p_clock bigint[], p_token uuid, p_id text, p_age bigint, p_life bigint, p_uses bigint, p_max_uses bigint,
  p_score float8, p_key text, p_tag text, p_body text, p_tag_limit bigint default null`,
    'table (outcome text, sid bigint)',
    {
      declare: 'v_place troupe.place%rowtype;',
      body: `
  select * into v_place from troupe.place where token = p_token and until > v_due for update;
  if not found then
    select s.sid into sid from troupe.record r join troupe.session s on ${rowOf('r.sid')}
     where r.id = p_id and s.token = p_token and s.fence = 1 and ${isHeld('v_due')};
    outcome := case when found then 'created' else 'lost' end;
    return next;
    return;
  end if;
  if p_tag_limit is not null then
    perform troupe.lock_limit();
  end if;
  if exists (select from troupe.taken(array[p_id], array[p_key], v_due, v_now)) then
    outcome := 'duplicate';
    return next;
    return;
  end if;
  if p_tag is not null and p_tag_limit is not null then
    if troupe.tag_full_at(array[p_tag], array[p_tag_limit]) is not null then
      perform troupe.bury_expired(array[-1, -1], ${MAX_LOOKED_AT}, v_due, v_now);
      if troupe.tag_full_at(array[p_tag], array[p_tag_limit]) is not null then
        outcome := 'tag-full';
        return next;
        return;
      end if;
    end if;
  end if;
  perform troupe.insert_sessions(array[p_id], array[p_age], array[p_life], array[p_uses], array[p_max_uses],
    array[p_score], array[p_key], array[p_tag], array[p_body], v_tick, v_now);
  update troupe.session s
     set held = true, due = v_place.until, token = p_token, fence = 1, since = v_now, holder = v_place.holder
   where ${rowOf('(select r.sid from troupe.record r where r.id = p_id)')}
  returning s.sid into sid;
  delete from troupe.place where token = p_token;
  perform troupe.bump(0, -1, 0, 0);
  outcome := 'created';
  return next;`,
    },
  ),

  entry('remove', 'p_clock bigint[], p_ids text[]', 'bigint', {
    declare: 'v_sids bigint[]; v_living bigint[]; v_resting bigint;',
    body: `
  select array_agg(sid), array_remove(array_agg(case when due is not null then sid end), null), count(*) filter (where resting)
    into v_sids, v_living, v_resting
    from (select s.sid, s.due, s.resting from troupe.record r join troupe.session s on ${rowOf('r.sid')}
           where r.id = any(p_ids) order by s.sid for update of s) s;
  if v_sids is null then
    return 0;
  end if;
  perform troupe.clear_blocks(v_sids);
  perform troupe.count_tags(v_living, -1);
  perform troupe.remove_dead(v_sids);
  perform troupe.bump(-cardinality(v_living), 0, cardinality(v_living), -v_resting);
  return cardinality(v_sids);`,
  }),

  /* Oldest death first. \`p_older\` and \`p_keep\`: kept at least so many milliseconds, or beyond so many. */
  entry(
    'prune',
    'p_clock bigint[], p_older bigint, p_keep bigint, p_limit integer',
    'table (removed bigint, more boolean)',
    {
      declare: 'v_excess bigint; v_sids bigint[];',
      body: `
  select greatest(sum(dead) - p_keep, 0) into v_excess from ${SLOTS};
  select array_agg(sid order by n) into v_sids from (
    select o.*, row_number() over (order by died, sid) as n from (
      select r.sid, r.died from troupe.record r where r.died is not null order by r.died, r.sid limit p_limit + 1 for update
    ) o
  ) oldest where died <= v_now - p_older or n <= v_excess;
  removed := least(coalesce(cardinality(v_sids), 0), p_limit);
  more := coalesce(cardinality(v_sids), 0) > p_limit;
  if removed > 0 then
    perform from ${rowsOf('v_sids')} order by s.sid for update of s;
    perform troupe.remove_dead(v_sids[1:p_limit]);
  end if;
  return next;`,
    },
  ),

  /* Writes bodies, keys and tags in another way, each only if its body still is what it was. */
  entry(
    'rewrite',
    `p_clock bigint[], p_ids text[], p_before text[], p_bodies text[], p_has_keys boolean[], p_keys text[],
  p_has_tags boolean[], p_tags text[]`,
    'bigint',
    {
      declare: 'v_written bigint := 0; v_row record;',
      body: `
  for v_row in
    select s.sid, s.bid, g.* from unnest(p_ids, p_before, p_bodies, p_has_keys, p_keys, p_has_tags, p_tags)
        as g (id, before, body, has_key, key, has_tag, tag)
      join troupe.record r on r.id = g.id join troupe.session s on ${rowOf('r.sid')}
     order by s.sid for update of s
  loop
    continue when (select body from troupe.body where bid = v_row.bid) is distinct from v_row.before;
    perform troupe.change_body(v_row.sid, v_row.body);
    if v_row.has_key then
      update troupe.record set key = v_row.key where sid = v_row.sid;
    end if;
    if v_row.has_tag then
      perform troupe.change_tag(v_row.sid, v_row.tag);
    end if;
    v_written := v_written + 1;
  end loop;
  return v_written;`,
    },
  ),
];
