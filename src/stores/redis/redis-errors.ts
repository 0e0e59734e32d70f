import { StoreError, TroupeError } from '../../errors.ts';

/** Answers that pass by themselves: a failover, a restart, a disk that is full for now. Asking again is right. */
const PASSING: Readonly<Record<string, string>> = {
  LOADING: 'is still reading its data',
  READONLY: 'is a replica, perhaps after a failover',
  MASTERDOWN: 'has lost its master',
  CLUSTERDOWN: 'is part of a Cluster that is down',
  TRYAGAIN: 'is moving the slot',
  BUSY: 'is busy with somebody’s script',
  MISCONF: 'cannot write its data to its disk',
  NOREPLICAS: 'has too few replicas to accept writes',
  OOM: 'has no memory left (its maxmemory is reached): give it more, or remove sessions',
};

/** Answers that stay as they are until a person does something. */
const LASTING: Readonly<Record<string, string>> = {
  WRONGPASS: 'refuses the user name or password',
  NOAUTH: 'wants a password',
  NOPERM: 'does not let this user do what is needed (see docs/production.md)',
  MOVED: 'is part of a Cluster: hand in a client made with createCluster',
  WRONGTYPE: 'has other data under the names of this pool',
};

/** The word that an error answer of the server begins with; undefined for anything else. */
export function replyCode(error: unknown): string | undefined {
  return error instanceof Error ? /^([A-Z][A-Z]+) /.exec(`${error.message} `)?.[1] : undefined;
}

export function isAuthError(error: unknown): boolean {
  const code = replyCode(error);
  const isOldWrongPassword = code === 'ERR' && /password|AUTH/.test((error as Error).message);
  return code === 'WRONGPASS' || code === 'NOAUTH' || isOldWrongPassword;
}

/** What a caller gets. `where` names the server, without credentials. */
export function toStoreError(error: unknown, where: string): Error {
  if (error instanceof TroupeError) return error;
  const code = replyCode(error);
  if (code === undefined) return unavailable(where, error);
  const passing = PASSING[code];
  if (passing !== undefined) {
    return new StoreError('STORE_UNAVAILABLE', `${where} ${passing}`, { cause: error });
  }
  const lasting = isAuthError(error) ? LASTING.WRONGPASS : LASTING[code];
  const what = lasting ?? `answered with an error: ${(error as Error).message}`;
  return new StoreError('STORE_UNUSABLE', `${where} ${what}`, { cause: error });
}

/** It is away, went away before it answered, or does not answer in time. */
export function unavailable(where: string, cause?: unknown): StoreError {
  const why = cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : '';
  return new StoreError('STORE_UNAVAILABLE', `${where} cannot be reached${why}`, { cause });
}

export function stalled(where: string, ms: number): StoreError {
  return new StoreError('STORE_UNAVAILABLE', `${where} did not answer within ${ms} ms`);
}
