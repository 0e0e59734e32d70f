import { SessionPool } from '../../src/index.ts';
import { accountsNamed, loginAt, sentToLogin } from './account-login.ts';
import { storeAt } from './store-at.ts';

/*
 * A process that works as the accounts of a list: `work` fetches so many pages and ends; `hang` never gets through its login;
 * `produce` only fills the stock. It says what it does, a line each.
 */
const [mode, store, site, names, pages = '0'] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const say = (line: string) => process.stdout.write(`${line}\n`);
// Nobody is to stay behind when the test is stopped.
process.stdin.on('end', () => process.exit(2)).resume();
const logIn = loginAt(site);
const pool = new SessionPool({
  store: store.startsWith('sqlite:') ? store : storeAt(store),
  accounts: accountsNamed(...names.split(',')),
  maxLoginsPerDay: 50,
  createTimeoutMs: mode === 'hang' ? 1_000 : 20_000,
  leaseMs: mode === 'hang' ? 500 : 60_000,
  minReady: mode === 'produce' ? 3 : 0,
  pace: 'off',
  onCreate: (session, context) => {
    say(`login ${context.account!.id}`);
    return mode === 'hang' ? new Promise(() => {}) : logIn(session, context);
  },
  refresh: logIn,
  rules: [sentToLogin],
});
if (mode === 'produce') await pool.open();
else if (mode === 'hang') await pool.acquire();
else {
  for (let page = 0; page < Number(pages); page++) {
    await pool.run(async (session) => {
      const answer = await session.fetch(`${site}/account`);
      const { account } = (await answer.json()) as { account: string };
      if (account !== session.account) throw new Error(`session of ${session.account} is ${account}`);
      if (page % 4 === 3) session.retire('worn out');
    });
  }
  await pool.close();
  say('done');
  process.exit(0);
}
