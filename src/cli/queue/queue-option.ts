import { Option } from 'commander';
import { UsageError } from '../exit-codes.ts';
import { parseQueueUrl, type QueuePlace } from './queue-url.ts';

/** `--queue`; from the environment too, since the URL may hold a password. */
export function queueOption(description: string): Option {
  return new Option('--queue <url>', description).env('TROUPE_QUEUE');
}

/** The queue of a command that makes no sense without one. @throws UsageError */
export function requireQueue(text: string | undefined): QueuePlace {
  if (!text) {
    throw new UsageError('--queue is missing: which queue? For example --queue redis://localhost:6379');
  }
  return parseQueueUrl(text);
}
