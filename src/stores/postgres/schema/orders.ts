import { SLOTS } from './counters.ts';
import { entry, rowOf } from './plpgsql.ts';

/**
 * Carries an order to a part of its target: those of \`p_ids\`, or up to 256 that have the tag, from \`p_from\` on. The
 * way goes by \`sid\`, since the revived change sides.
 */
export const orderFunction = entry(
  'order_step',
  'p_clock bigint[], p_ids text[], p_tag text, p_from bigint, p_order jsonb',
  'table (reached bigint, next_from bigint)',
  {
    declare: `
  v_sids bigint[];
  v_row record;
  v_kind text := p_order ->> 'kind';
  v_retired bigint[] := '{}';
  v_limit bigint := (p_order ->> 'limit')::bigint;
  v_life bigint := (p_order ->> 'expiresInMs')::float8;
  v_room bigint;`,
    body: `
  reached := 0;
  if p_tag is null then
    v_sids := array(select r.sid from troupe.record r where r.id = any(p_ids));
  else
    v_sids := array(select r.sid from troupe.record r where r.tag = p_tag and r.sid >= p_from order by r.sid limit 256);
    if cardinality(v_sids) = 256 then
      next_from := v_sids[256] + 1;
    end if;
  end if;
  if v_kind = 'revive' and v_limit is not null then
    perform troupe.lock_limit();
    perform troupe.has_room(v_limit, v_due);
    select v_limit - sum(living + places) into v_room from ${SLOTS};
  end if;

  for v_row in
    select s.*, r.key, r.status from troupe.record r join troupe.session s on ${rowOf('r.sid')}
     where r.sid = any(v_sids) order by s.sid for update of s
  loop
    if v_kind = 'revive' then
      continue when v_row.due is not null or v_room <= 0
        or (v_row.key is not null and exists (select from troupe.record where key = v_row.key and died is null));
      update troupe.record r
         set status = 0, reason = null, died = null,
             expires = case when v_row.status = 2 or v_row.expires <= v_now then v_now + v_life else r.expires end
       where r.sid = v_row.sid;
      update troupe.session s
         set due = v_tick, score = 0, token = null,
             uses = case when v_row.status = 3 or s.uses >= s.max_uses then 0 else s.uses end,
             expires = case when v_row.status = 2 or v_row.expires <= v_now then v_now + v_life else s.expires end
       where ${rowOf('v_row.sid')};
      perform troupe.count_tags(array[v_row.sid], 1);
      perform troupe.bump(1, 0, -1, 0);
      v_room := v_room - 1;
      reached := reached + 1;
      continue;
    end if;

    continue when v_row.due is null;
    reached := reached + 1;
    if v_row.held and v_row.due > v_due then
      -- A later one of the same kind and site takes the place of the earlier.
      update troupe.session s
         set orders = coalesce((
               select jsonb_agg(o.value order by o.ordinality) from jsonb_array_elements(s.orders) with ordinality o
                where o.value ->> 'kind' <> v_kind
                   or (v_kind <> 'retire' and o.value ->> 'site' is distinct from p_order ->> 'site')), '[]') || p_order
       where ${rowOf('v_row.sid')};
    elsif v_row.held and not troupe.recover(v_row.sid, v_tick, v_due, v_now, v_base) then
      null;
    elsif v_kind = 'retire' then
      v_retired := v_retired || v_row.sid;
    elsif v_row.uses >= v_row.max_uses then
      perform troupe.die(array[v_row.sid], 3, 'used-up', v_now);
    else
      perform troupe.obey(v_row.sid, p_order, v_tick, v_due, v_now, v_base);
    end if;
  end loop;
  if cardinality(v_retired) > 0 then
    perform troupe.die(v_retired, 4, p_order ->> 'reason', v_now);
  end if;
  return next;`,
  },
);
