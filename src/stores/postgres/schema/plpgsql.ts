/**
 * Plans are made once a connection, with no look at the statistics of the moment: a table that was empty when the plan
 * was made has a million rows an hour later, and every statement here is made for its index.
 */
const SETTINGS = `set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
  set enable_hashjoin = off set enable_mergejoin = off set jit = off`;

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
create function troupe.${name}(${parameters}) returns ${returns} language plpgsql ${SETTINGS} as $function$
#variable_conflict use_column
declare${CLOCK}
${parts.declare ?? ''}
begin
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

/** The number that is stored for a status is its place here. */
export const STATUSES = ['usable', 'blocked', 'expired', 'used-up', 'retired'] as const;
