import type { AccountView, SessionPool } from '../../index.ts';
import { print, printJson } from '../print.ts';
import { relative } from '../sessions/view.ts';
import { table } from '../table.ts';
import { styled, widthOf } from '../terminal.ts';

export async function listAccounts(pool: SessionPool, json: boolean | undefined): Promise<void> {
  const accounts: AccountView[] = [];
  for await (const account of pool.accounts.list()) accounts.push(account);
  await (json ? printJson(accounts) : print(lines(accounts)));
}

function lines(accounts: readonly AccountView[]): string[] {
  if (accounts.length === 0) return ['no accounts'];
  const now = Date.now();
  const rows = accounts.map(({ id, state, untilAt, logins, sessionId }) => [
    id,
    state,
    untilAt ? relative(untilAt, now) : '-',
    String(logins),
    sessionId ?? '-',
  ]);
  const [head, ...rest] = table(
    [
      { title: 'ACCOUNT', canShrink: true },
      { title: 'STATE' },
      { title: 'ENDS' },
      { title: 'LOGINS', right: true },
      { title: 'USER' },
    ],
    rows,
    widthOf(process.stdout),
  );
  return [styled('bold', head!, process.stdout), ...rest];
}
