import { entry, part, rowOf, rowsOf } from './plpgsql.ts';

/** Blocks, deaths and orders of sessions whose rows the caller has locked. */
export const lives = [
  part('clear_blocks', 'p_sids bigint[]', 'bigint', {
    declare: 'v_counted record; v_cleared bigint := 0;',
    body: `
  for v_counted in
    with gone as (delete from troupe.site_block where sid = any(p_sids) returning site, slot, until)
    select site, slot, count(*) filter (where until is null) as bans, count(until) as rests
      from gone group by site, slot order by site, slot
  loop
    perform troupe.count_block(v_counted.site, v_counted.slot, -v_counted.bans, -v_counted.rests);
    v_cleared := v_cleared + v_counted.bans + v_counted.rests;
  end loop;
  return v_cleared;`,
  }),

  part('lift_block', 'p_sid bigint, p_site text', 'boolean', {
    declare: 'v_slot integer; v_until bigint;',
    body: `
  delete from troupe.site_block where sid = p_sid and site = p_site returning slot, until into v_slot, v_until;
  if not found then
    return false;
  end if;
  perform troupe.count_block(p_site, v_slot, case when v_until is null then -1 else 0 end,
    case when v_until is null then 0 else -1 end);
  return true;`,
  }),

  // \`p_until\` null is a ban. A block that it has there and that lasts as long goes on.
  part('set_block', 'p_sid bigint, p_site text, p_until bigint, p_now bigint', 'void', {
    declare: 'v_old troupe.site_block%rowtype;',
    body: `
  select * into v_old from troupe.site_block where sid = p_sid and site = p_site;
  if found then
    if v_old.until is null or v_old.until >= p_until then
      return;
    end if;
    perform troupe.lift_block(p_sid, p_site);
  end if;
  insert into troupe.site_block values (p_sid, p_site, p_until, p_now, pg_backend_pid() & 15);
  perform troupe.count_block(p_site, pg_backend_pid() & 15, case when p_until is null then 1 else 0 end,
    case when p_until is null then 0 else 1 end);`,
  }),

  // Row and body stay until they are pruned, since a session may be revived.
  part('die', 'p_sids bigint[], p_status integer, p_reason text, p_now bigint', 'void', {
    declare: 'v_died bigint; v_resting bigint;',
    body: `
  select count(*), count(*) filter (where resting) into v_died, v_resting
    from ${rowsOf('p_sids')};
  update troupe.session d
     set due = null, held = false, resting = false, recovered = false, orders = null
    from ${rowsOf('p_sids')} where d.sid = s.sid and d.fence = s.fence;
  update troupe.record set status = p_status, reason = p_reason, died = p_now where sid = any(p_sids);
  perform troupe.clear_blocks(p_sids);
  perform troupe.count_tags(p_sids, -1);
  perform troupe.bump(-v_died, 0, v_died, -v_resting);
  perform troupe.count_deaths(p_reason, v_died);`,
  }),

  // For rests and lifts; who retires a session calls \`die\`.
  part(
    'obey',
    'p_sid bigint, p_order jsonb, p_tick bigint, p_due bigint, p_now bigint, p_base bigint',
    'void',
    {
      declare: `v_row troupe.session%rowtype; v_site text := p_order ->> 'site'; v_lifted boolean;
  v_ms bigint := ceil((p_order ->> 'ms')::float8);`,
      body: `
  select s.* into v_row from troupe.session s where ${rowOf('p_sid')};
  if p_order ->> 'kind' = 'rest' then
    if v_site is not null then
      if v_ms > 0 then
        perform troupe.set_block(p_sid, v_site, p_now + v_ms, p_now);
      end if;
    elsif v_ms > 0 and v_row.due < p_base + v_ms * 1000 then
      update troupe.session s set due = p_base + v_ms * 1000, resting = true where ${rowOf('p_sid')};
      perform troupe.bump(0, 0, 0, case when v_row.resting then 0 else 1 end);
    end if;
    return;
  end if;
  if v_site is null then
    v_lifted := troupe.clear_blocks(array[p_sid]) > 0;
    v_lifted := v_lifted or v_row.due > p_due;
  else
    v_lifted := troupe.lift_block(p_sid, v_site);
    v_lifted := v_lifted and v_row.due <= p_due;
  end if;
  -- Who becomes more eligible goes to the end of the queue: what other processes know of it relies on that.
  if v_lifted then
    update troupe.session s set due = p_tick, resting = false where ${rowOf('p_sid')};
    perform troupe.bump(0, 0, 0, case when v_row.resting then -1 else 0 end);
  end if;`,
    },
  ),

  // Carries out what waited for a holder. Answers whether the session lives on.
  part(
    'obey_waiting',
    'p_sid bigint, p_orders jsonb, p_tick bigint, p_due bigint, p_now bigint, p_base bigint',
    'boolean',
    {
      declare: 'v_order jsonb;',
      body: `
  for v_order in select value from jsonb_array_elements(p_orders) where value ->> 'kind' = 'retire' loop
    perform troupe.die(array[p_sid], 4, v_order ->> 'reason', p_now);
    return false;
  end loop;
  for v_order in select value from jsonb_array_elements(p_orders) loop
    perform troupe.obey(p_sid, v_order, p_tick, p_due, p_now, p_base);
  end loop;
  return true;`,
    },
  ),

  // Ends a session that must not be used again. Answers whether it lives on.
  part('survives', 'p_sid bigint, p_now bigint', 'boolean', {
    declare: 'v_row troupe.session%rowtype;',
    body: `
  select s.* into v_row from troupe.session s where ${rowOf('p_sid')};
  if v_row.uses >= v_row.max_uses then
    perform troupe.die(array[p_sid], 3, 'used-up', p_now);
  elsif v_row.expires <= p_now then
    perform troupe.die(array[p_sid], 2, 'expired', p_now);
  else
    return true;
  end if;
  return false;`,
  }),

  // Counts the use of a lease that ran out. The session then is as if it had been given back now.
  part('recover', 'p_sid bigint, p_tick bigint, p_due bigint, p_now bigint, p_base bigint', 'boolean', {
    declare: 'v_orders jsonb;',
    body: `
  select s.orders into v_orders from troupe.session s where ${rowOf('p_sid')};
  update troupe.session s set held = false, due = p_tick, token = null, uses = uses + 1, recovered = true, orders = null
   where ${rowOf('p_sid')};
  return (v_orders is null or troupe.obey_waiting(p_sid, v_orders, p_tick, p_due, p_now, p_base))
    and troupe.survives(p_sid, p_now);`,
  }),

  part(
    'recover_ended',
    'p_from bigint, p_limit integer, p_tick bigint, p_due bigint, p_now bigint, p_base bigint',
    'integer',
    {
      declare: 'v_sid bigint; v_ended integer := 0;',
      body: `
  for v_sid in select sid from troupe.session where held and due between p_from and p_due
    order by due, sid limit p_limit for update skip locked
  loop
    perform troupe.recover(v_sid, p_tick, p_due, p_now, p_base);
    v_ended := v_ended + 1;
  end loop;
  return v_ended;`,
    },
  ),

  // What the hints have left behind: the first of the free, and leases that ran out.
  entry('look_behind', 'p_clock bigint[], p_free bigint, p_held bigint', 'bigint', {
    body: `
  perform troupe.recover_ended(0, 128, v_tick, least(p_held, v_due), v_now, v_base);
  -- Not only the first: who looked this far knows that a lease that begins there meets no more than this look did.
  return (
    select min(l.due) from (
      select s.due from troupe.session s where not s.held and s.due between 0 and p_free order by s.due limit 128) l);`,
  }),

  part('change_body', 'p_sid bigint, p_body text', 'void', {
    declare: "v_old bigint; v_new bigint := nextval('troupe.body_number');",
    body: `
  update troupe.session s set bid = v_new, old_bid = bid where ${rowOf('p_sid')} returning old_bid into v_old;
  insert into troupe.body values (v_new, p_body);
  delete from troupe.body where bid = v_old;`,
  }),

  part('remove_dead', 'p_sids bigint[]', 'void', {
    declare: 'v_removed bigint;',
    body: `
  delete from troupe.body where bid = any(array(select s.bid from ${rowsOf('p_sids')}));
  delete from troupe.session d using ${rowsOf('p_sids')} where d.sid = s.sid and d.fence = s.fence;
  with gone as (delete from troupe.record where sid = any(p_sids) returning 1) select count(*) into v_removed from gone;
  perform troupe.bump(0, 0, -v_removed, 0);`,
  }),
];
