/**
 * Plans are made once a connection, with no look at the statistics of the moment: a table that was empty when the plan
 * was made has a million rows an hour later, and every statement here is made for its index. The store's own connections
 * have these from their beginning; on those of a pool that was handed in, a call sets them for itself, at some microseconds.
 */
export const SETTINGS: Readonly<Record<string, string>> = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
};

const SETTLE = `
  if current_setting('plan_cache_mode') <> 'force_generic_plan' then
    perform ${Object.entries(SETTINGS)
      .map(([name, value]) => `set_config('${name}', '${value}', true)`)
      .join(', ')};
  end if;`;

/**
 * The moment of the call. The server's clock, unless a test hands in its own as (milliseconds, a tick later than all
 * before, the last tick that is due). What becomes free gets \`v_tick\`; what is due up to \`v_due\` is due now; ends are
 * so much later than \`v_base\`.
 */
const CLOCK = `
  v_tick bigint := coalesce(p_clock[2], (date_part('epoch', clock_timestamp()) * 1000000)::bigint);
  v_due bigint := coalesce(p_clock[3], v_tick);
  v_now bigint := coalesce(p_clock[1], v_tick / 1000);
  v_base bigint := least(v_tick, v_now * 1000 + 999);`;

export interface FunctionParts {
  /** Declarations after those of the clock. */
  declare?: string;
  body: string;
}

/** A function that a call of the store runs: it knows the moment (\`p_clock\` must be a parameter). */
export function entry(name: string, parameters: string, returns: string, parts: FunctionParts): string {
  return `
create function troupe.${name}(${parameters}) returns ${returns} language plpgsql as $function$
#variable_conflict use_column
declare${CLOCK}
${parts.declare ?? ''}
begin${SETTLE}
${parts.body}
end
$function$;
`;
}

/** A part of other functions, which run under their settings. */
export function part(name: string, parameters: string, returns: string, parts: FunctionParts): string {
  return `
create function troupe.${name}(${parameters}) returns ${returns} language plpgsql as $function$
#variable_conflict use_column
declare
${parts.declare ?? ''}
begin
${parts.body}
end
$function$;
`;
}

/**
 * The row of a session, by its number: by the highest fence of that number, which the living version has. Without it, a
 * look would meet all old versions that somebody's snapshot keeps.
 */
export function rowOf(sid: string): string {
  return `s.sid = ${sid} and s.fence >= (select n.fence from troupe.session n where n.sid = ${sid} order by n.fence desc limit 1)`;
}

/** The rows of several. */
export function rowsOf(sids: string): string {
  return `unnest(${sids}) as g (sid) join troupe.session s on ${rowOf('g.sid')}`;
}

/**
 * For one row that is looked for by its number. Written so that no partial index fits: an index that was empty when the
 * plan was made would be taken for the cheapest way to the row, and searched from end to end later.
 */
export function isHeld(due: string): string {
  return `case when s.held then s.due > ${due} else false end`;
}

export function isFree(due: string): string {
  return `case when s.held then false else s.due <= ${due} end`;
}

/** The number that is stored for a status is its place here. */
export const STATUSES = ['usable', 'blocked', 'expired', 'used-up', 'retired'] as const;
