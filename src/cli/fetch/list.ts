import type { Readable } from 'node:stream';
import { Progress } from '../progress.ts';
import type { OutStream } from '../terminal.ts';
import { FetchInput } from './input.ts';
import { type Output, openOutput, requireFree, writeTo } from './output.ts';
import type { FetchRequest } from './request-line.ts';
import { DoneRequests, readDone } from './resume.ts';
import type { Tally } from './tally.ts';

/** A list of URLs and where its results go, whoever fetches them. */
export interface FetchList {
  readonly urls: readonly string[];
  /** A file, or `-` for standard input. */
  readonly input?: string | undefined;
  /** A file, or `-` for standard output. */
  readonly output: string;
  readonly mode: 'new' | 'resume' | 'overwrite';
  /** With `resume`: what the output holds as failed is done again. */
  readonly retryFailed: boolean;
  readonly showsProgress: boolean;
  readonly showsSummary: boolean;
}

export interface Streams {
  readonly stdin: Readable;
  readonly stdout: OutStream;
  readonly stderr: OutStream;
}

/** More of them say nothing new. */
const BAD_LINES_SHOWN = 20;

/** A list that can be read. */
export interface OpenList {
  readonly progress: Progress;
  /** What the output holds already; to be read when nobody else writes to it. */
  readDone(): Promise<DoneRequests>;
  /** Tells of bad lines as it comes upon them. */
  requests(): AsyncGenerator<FetchRequest, void, undefined>;
  /** Counts the lines, while they are being read; answers what is known so far. */
  countLines(): () => number | undefined;
  /** To be called when all the rest is known to be usable: it may empty a file. */
  openOutput(): Promise<Output>;
  /** Nobody reads on. */
  stopReading(): void;
}

/** Opens a list, and everything that is needed to talk of it. `opened` closes it. @throws UsageError */
export async function openList(
  list: FetchList,
  { stdin, stdout, stderr }: Streams,
  tally: Tally,
  opened: AsyncDisposableStack,
): Promise<OpenList> {
  const input = opened.adopt(await FetchInput.open(list.urls, list.input, stdin), (open) => open.close());
  await requireFree(list.output, list.mode);
  const progress = opened.adopt(new Progress(stderr), (shown) => shown.stop());
  const print = (text: string) => {
    if (stdout.isTTY) progress.makeWay();
    return writeTo(stdout, text);
  };
  return {
    progress,
    readDone: async () => (list.mode === 'resume' ? readDone(list.output, list) : new DoneRequests()),
    requests: () => {
      if (list.input === '-' && (stdin as { isTTY?: boolean }).isTTY) {
        progress.say('reading URLs from the terminal, one a line; Ctrl-D ends the list');
      }
      return input.requests((line, why) => {
        tally.badLines += 1;
        if (tally.badLines <= BAD_LINES_SHOWN) progress.say(`line ${line}: ${why}`);
        else if (tally.badLines === BAD_LINES_SHOWN + 1) progress.say('more bad lines are only counted');
      });
    },
    countLines: () => {
      let total: number | undefined;
      // A file that cannot be counted cannot be read either: who reads it tells.
      input.count().then(
        (count) => {
          total = count;
        },
        () => {},
      );
      return () => total;
    },
    openOutput: async () =>
      opened.adopt(await openOutput(list.output, list.mode, print), (open) => open.close()),
    stopReading: () => input.close(),
  };
}
