import type { SessionPool } from '../../index.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { print, printJson } from '../print.ts';
import { facts, table } from '../table.ts';
import { styled, widthOf } from '../terminal.ts';
import { blockWords, detailsOf, relative, type SessionDetails, stateWords } from './view.ts';

export async function showSession(
  pool: SessionPool,
  id: string,
  json: boolean | undefined,
): Promise<ExitCode> {
  const session = await pool.get(id);
  if (!session) {
    process.stderr.write(`troupe: there is no user ${id}; \`troupe sessions ls\` lists them\n`);
    return EXIT.failed;
  }
  const details = detailsOf(session);
  await (json ? printJson(details) : print(lines(details)));
  return EXIT.done;
}

function lines(session: SessionDetails): string[] {
  const now = Date.now();
  const width = widthOf(process.stdout);
  const instant = (date: Date) => `${date.toISOString()} (${relative(date, now)})`;
  const head = facts(
    [
      ['id', session.id],
      ['state', stateWords(session, now)],
      ['uses', `${session.usageCount} of ${session.maxUsageCount ?? 'any number'}`],
      ['error score', `${session.errorScore} of ${session.maxErrorScore}`],
      ['made', instant(session.createdAt)],
      ['expires', session.expiresAt ? instant(session.expiresAt) : 'never'],
      ['not at', blockWords(session.blocks, now) || '-'],
      ['account', session.account ?? '-'],
      ['proxy', session.proxy ?? '-'],
      ['user agent', session.userAgent ?? '-'],
      [
        'user data',
        session.userDataKeys.length > 0 ? `${session.userDataKeys.join(', ')} (values not shown)` : '-',
      ],
    ],
    width,
  );
  return [...head, ...cookieLines(session, now, width), ...decisionLines(session, width)];
}

function cookieLines({ cookies }: SessionDetails, now: number, width: number): string[] {
  if (cookies.length === 0) return ['', 'no cookies'];
  const rows = cookies.map(({ name, domain, path, expiresAt }) => [
    name,
    domain ?? 'first host it fetches',
    path,
    expiresAt ? relative(expiresAt, now) : 'with the user',
  ]);
  const columns = [
    { title: 'COOKIE', canShrink: true },
    { title: 'DOMAIN', canShrink: true },
    { title: 'PATH', canShrink: true },
    { title: 'EXPIRES' },
  ];
  return section(table(columns, rows, width));
}

function decisionLines({ decisions }: SessionDetails, width: number): string[] {
  if (decisions.length === 0) return ['', 'no decisions yet'];
  const rows = decisions
    .toReversed()
    .map(({ at, where, verdict, rule, evidence }) => [at.toISOString(), verdict, rule, evidence, where]);
  const columns = [
    { title: 'DECIDED' },
    { title: 'VERDICT' },
    { title: 'RULE', canShrink: true },
    { title: 'EVIDENCE', canShrink: true },
    { title: 'WHERE', canShrink: true },
  ];
  return section(table(columns, rows, width));
}

function section([head, ...rows]: string[]): string[] {
  return ['', styled('bold', head!, process.stdout), ...rows];
}
