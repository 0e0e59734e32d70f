import type { RotationProgress, RotationResult } from '../../pool/encryption/rotate.ts';
import { EXIT, type ExitCode, UsageError } from '../exit-codes.ts';
import { Interruption } from '../interruption.ts';
import { print } from '../print.ts';
import { requireExisting } from '../store-option.ts';
import { printable } from '../terminal.ts';

/** How often progress is told. */
const TELL_MS = 2_000;

/** Seals a whole store with the first key of TROUPE_KEY. */
export async function rotate(options: { store?: string }): Promise<ExitCode> {
  const url = await requireExisting(options.store);
  const { sealingOf } = await import('../../pool/options.ts');
  const sealing = sealingOf({});
  if (sealing === undefined) {
    throw new UsageError('TROUPE_KEY is missing: the new key, and after a comma the old ones');
  }
  const { openStore } = await import('../../index.ts');
  const { rotateKeys } = await import('../../pool/encryption/rotate.ts');
  using interruption = new Interruption();
  const stop = new AbortController();
  void interruption.asked.then(() => stop.abort());
  const store = await openStore(url);
  try {
    const { living, dead } = await store.count();
    const onProgress = teller(living + dead);
    return await tell(
      await rotateKeys(store, sealing, { signal: stop.signal, onProgress }),
      sealing.current.id,
    );
  } finally {
    await store.close();
  }
}

function teller(users: number): (progress: RotationProgress) => void {
  let toldAt = performance.now();
  return ({ lookedAt, sealed }) => {
    const now = performance.now();
    if (now - toldAt < TELL_MS) return;
    toldAt = now;
    process.stderr.write(`troupe: looked at ${lookedAt} of ${users} users, sealed ${sealed}\n`);
  };
}

async function tell(result: RotationResult, keyId: string): Promise<ExitCode> {
  const { end, lookedAt, sealed, clear, unreadable, reasons } = result;
  for (const reason of reasons) process.stderr.write(`troupe: ${printable(reason)}\n`);
  const fromClear = clear > 0 ? ` (${clear} were in clear text)` : '';
  const done = `sealed ${sealed} of ${lookedAt} users with the key ${keyId}${fromClear}`;
  if (end === 'interrupted') {
    process.stderr.write(`troupe: stopped; ${done}; run it again to go on\n`);
    return EXIT.interrupted;
  }
  if (end === 'unreadable') {
    process.stderr.write(
      `troupe: ${done}; ${unreadable} could not be opened and are left as they are, so the old keys stay in force: bring the key that is missing, or remove these users (\`troupe sessions rm\`), and run it again\n`,
    );
    return EXIT.failed;
  }
  await print([`${done}; no other key is needed any more`]);
  return EXIT.done;
}
