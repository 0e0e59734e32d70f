import { playgroundPassword } from '../../playground/site.ts';
import { type Account, AccountError, type Session, type VerdictRule } from '../../src/index.ts';

/** That the playground sends whoever is not logged in to its form. */
export const sentToLogin: VerdictRule = {
  name: 'sent to the login',
  verdict: 'logged-out',
  redirectedTo: '/login',
};

export function accountsNamed(...ids: string[]): Account[] {
  return ids.map((id) => ({ id, password: playgroundPassword }));
}

/** Logs in at a playground, as a browser does: the form, then the form sent. */
export function loginAt(url: string, onLogin: (accountId: string) => void = () => {}) {
  return async (
    session: Session,
    { account, signal }: { account?: Account; signal: AbortSignal },
  ): Promise<void> => {
    onLogin(account!.id);
    const form = await session.fetch(`${url}/login`, { signal });
    const token = /name="token" value="(.*?)"/.exec(await form.text())?.[1] ?? '';
    const body = new URLSearchParams({ user: account!.id, password: account!.password!, token });
    const page = await session.fetch(`${url}/login`, { method: 'POST', body, signal });
    if (page.status === 401) throw new AccountError('bad-credentials');
    if (!page.ok) throw new Error(`the login answered ${page.status}`);
  };
}
