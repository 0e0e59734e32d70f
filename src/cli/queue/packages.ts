import { TroupeError } from '../../errors.ts';

/** Loads what only queues need. @throws TroupeError `MISSING_PACKAGE` */
export async function loadQueuePackages(): Promise<{
  redis: typeof import('redis');
  bullmq: typeof import('bullmq');
}> {
  try {
    const [redis, bullmq] = await Promise.all([import('redis'), import('bullmq')]);
    return { redis, bullmq };
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new TroupeError(
      'MISSING_PACKAGE',
      'a queue needs the packages "bullmq" and "redis", which are not installed: npm install bullmq redis',
      { cause: error },
    );
  }
}
