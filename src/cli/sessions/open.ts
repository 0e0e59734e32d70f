import type { SessionPool } from '../../index.ts';
import { requireExisting } from '../store-option.ts';

/** What the commands on users have in common. */
export interface StoreOptions {
  store?: string;
  json?: boolean;
}

/** Works on a store's users without ever making one. The pool is closed at the end, however it ends. */
export async function withPool<T>(
  options: StoreOptions,
  task: (pool: SessionPool) => Promise<T>,
  maxLoginsPerDay = 1_000,
): Promise<T> {
  const store = await requireExisting(options.store);
  // Loaded when it is needed: help and wrong usage are answered at once.
  const { SessionPool } = await import('../../index.ts');
  // No limit of its own: how many users there may be is for those who fetch to say.
  await using pool = new SessionPool({
    name: 'troupe sessions',
    store,
    create: false,
    maxPoolSize: 10_000_000,
    // Nor, unless it is told, of how often an account may log in.
    maxLoginsPerDay,
  });
  return await task(pool);
}
