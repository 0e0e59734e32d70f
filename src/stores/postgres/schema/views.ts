import { SLOTS } from './counters.ts';
import { entry, rowOf } from './plpgsql.ts';

const SHOWN = `table (tick bigint, id text, created bigint, expires bigint, uses bigint, max_uses bigint,
  score double precision, status smallint, reason text, key text, tag text, body text, state text, until bigint, holder text,
  since bigint, blocks jsonb)`;

const STATE = `case when s.due is null then 'dead'
                when s.due <= v_due then 'ready'
                when s.held then 'leased' else 'resting' end`;

const COLUMNS = `v_tick, f.id, f.created, f.expires, f.uses, f.max_uses, f.score, f.status, f.reason, f.key, f.tag,
      b.body, f.state,
      case when f.state in ('leased', 'resting') then f.due / 1000 end,
      case when f.state = 'leased' then f.holder end,
      case when f.state = 'leased' then f.since else f.died end,
      (select jsonb_agg(jsonb_build_object('site', k.site, 'sinceAt', k.since, 'untilAt', k.until) order by k.site)
         from troupe.site_block k where k.sid = f.sid and (k.until is null or k.until > v_now))`;

export const viewFunctions = [
  entry('show', 'p_clock bigint[], p_id text', SHOWN, {
    body: `
  return query
  select ${COLUMNS}
    from (select r.*, s.bid, s.due, s.uses, s.max_uses, s.score, s.held, s.holder, s.since, ${STATE} as state
            from troupe.record r join troupe.session s on ${rowOf('r.sid')} where r.id = p_id) f
    join troupe.body b on b.bid = f.bid;`,
  }),

  /* Looks at \`p_looked\` sessions and shows at most \`p_limit\` of them; without an id, the last row says how far it looked. */
  entry('list', 'p_clock bigint[], p_after text, p_looked integer, p_limit integer, p_state text', SHOWN, {
    body: `
  return query
  with seen as (
    select r.*, s.bid, s.due, s.uses, s.max_uses, s.score, s.held, s.holder, s.since, ${STATE} as state
      from troupe.record r join troupe.session s on ${rowOf('r.sid')}
     where r.id > p_after order by r.id limit p_looked + 1
  ), numbered as (
    select *, row_number() over (order by id) as n from seen
  ), fitting as (
    select *, row_number() over (order by n) as shown from numbered
     where n <= p_looked and (p_state is null or state = p_state)
  ), shown as (
    select * from fitting where shown <= p_limit
  )
  select * from (select ${COLUMNS} from shown f join troupe.body b on b.bid = f.bid order by f.n) sessions
  union all
  -- Where the next page goes on: after the last one shown if more would fit, or else after the last one seen.
  select v_tick, null, null, null, null, null, null, null, null, null, null, null,
         case when (select count(*) from fitting) > p_limit then (select max(id) from shown)
              when (select count(*) from seen) > p_looked then (select id from numbered where n = p_looked) end,
         null, null, null, null;`,
  }),

  /* Counters, and some thousands of index entries for what depends on the time. */
  entry('count_all', 'p_clock bigint[]', 'jsonb', {
    declare: `
  v_living bigint; v_places bigint; v_dead bigint; v_resting bigint; v_held bigint; v_deaths jsonb; v_tags jsonb; v_next bigint;
  v_sites jsonb := '{}'; v_site record; v_ended bigint; v_left bigint := 4096;`,
    body: `
  select sum(living), sum(places), sum(dead), sum(resting) into v_living, v_places, v_dead, v_resting from ${SLOTS};
  v_places := v_places - (select count(*) from troupe.place where until <= v_due);
  v_resting := v_resting - (
    select count(*) from (select from troupe.session s where s.resting and s.due <= v_due limit 4096) ended);
  v_held := (select count(*) from (select from troupe.session s where s.held and s.due > v_due limit 100000) held);
  v_next := (select min(d.due) from (
    (select s.due from troupe.session s where s.held and s.due > v_due order by s.due limit 1)
    union all
    (select s.due from troupe.session s where not s.held and s.due > v_due order by s.due limit 1)) d);
  select jsonb_object_agg(d.reason, d.deaths order by d.deaths desc) into v_deaths
    from (select reason, sum(deaths) as deaths from troupe.death group by reason) d;
  select jsonb_object_agg(t.tag, t.living) into v_tags from (
    select tag, sum(living) as living from troupe.tag_count group by tag order by tag limit 10000) t;
  for v_site in
    select site, sum(bans) as bans, sum(rests) as rests from troupe.site_count
     group by site order by sum(bans) + sum(rests) desc limit 1000
  loop
    v_ended := 0;
    if v_site.rests > 0 then
      select count(*) into v_ended from (
        select from troupe.site_block b where b.site = v_site.site and b.until <= v_now limit v_left) ended;
      v_left := v_left - v_ended;
    end if;
    if v_site.bans > 0 or v_site.rests > v_ended then
      v_sites := v_sites || jsonb_build_object(v_site.site,
        jsonb_build_object('resting', v_site.rests - v_ended, 'banned', v_site.bans));
    end if;
  end loop;
  return jsonb_build_object('living', v_living, 'ready', v_living - v_held - v_resting, 'leased', v_held,
    'resting', v_resting, 'places', v_places, 'dead', v_dead, 'deaths', coalesce(v_deaths, '{}'), 'sites', v_sites,
    'tags', coalesce(v_tags, '{}'),
    'nextReadyInMs', case when v_next is not null then greatest(1, (v_next - v_tick + 999) / 1000) end);`,
  }),

  entry('put_document', 'p_clock bigint[], p_name text, p_value text, p_version bigint', 'bigint', {
    body: `
  if p_version = 0 then
    insert into troupe.document values (p_name, p_value, 1) on conflict do nothing;
  else
    update troupe.document set value = p_value, version = p_version + 1 where name = p_name and version = p_version;
  end if;
  return case when found then p_version + 1 end;`,
  }),
];
