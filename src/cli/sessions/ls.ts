import type { PooledSession, SessionPool } from '../../index.ts';
import { print, printJson } from '../print.ts';
import { table } from '../table.ts';
import { styled, widthOf } from '../terminal.ts';
import { blockWords, listedViewOf, relative, type SessionView, stateWords, viewOf } from './view.ts';

/** What `--state` takes: what the living do, or how the dead died. */
export const STATES = [
  'ready',
  'leased',
  'resting',
  'dead',
  'retired',
  'blocked',
  'expired',
  'used-up',
] as const;
type State = (typeof STATES)[number];

export interface ListOptions {
  json?: boolean;
  state?: State;
  limit: number;
}

export async function listSessions(pool: SessionPool, { json, state, limit }: ListOptions): Promise<void> {
  const viewed = json ? listedViewOf : viewOf;
  const shown: SessionView[] = [];
  let hasMore = false;
  for await (const session of matching(pool, state)) {
    hasMore = limit > 0 && shown.length === limit;
    if (hasMore) break;
    shown.push(viewed(session));
  }
  if (json) await printJson(shown);
  else await print(lines(shown));
  if (hasMore)
    process.stderr.write(`the first ${limit}; there are more (--limit 0 shows all, \`stats\` counts)\n`);
}

async function* matching(pool: SessionPool, state: State | undefined): AsyncGenerator<PooledSession> {
  const isLiving = state === 'ready' || state === 'leased' || state === 'resting';
  const asked = state === undefined ? {} : { state: isLiving ? state : ('dead' as const) };
  for await (const session of pool.list(asked)) {
    if (state === undefined || isLiving || state === 'dead' || session.status === state) yield session;
  }
}

function lines(sessions: readonly SessionView[]): string[] {
  if (sessions.length === 0) return ['no users'];
  const now = Date.now();
  const rows = sessions.map((session) => [
    session.id,
    session.state === 'dead' ? session.status : session.state,
    String(session.usageCount),
    String(session.errorScore),
    relative(session.createdAt, now),
    session.expiresAt ? relative(session.expiresAt, now) : 'never',
    note(session, now),
  ]);
  const [head, ...rest] = table(
    [
      { title: 'ID' },
      { title: 'STATE' },
      { title: 'USES', right: true },
      { title: 'SCORE', right: true },
      { title: 'MADE' },
      { title: 'EXPIRES' },
      { title: 'NOTE', canShrink: true },
    ],
    rows,
    widthOf(process.stdout),
  );
  return [styled('bold', head!, process.stdout), ...rest];
}

/** What the other columns do not say: who holds it, until when, where it is blocked, why it died. */
function note(session: SessionView, now: number): string {
  const words = stateWords(session, now);
  const state = words === session.state || words === session.status ? '' : words;
  const blocks = session.blocks.length > 0 ? `not at ${blockWords(session.blocks, now)}` : '';
  return [state, blocks].filter(Boolean).join('; ');
}
