#!/usr/bin/env node
// The playground as a process of its own: for the benchmarks, and for a look by hand.
import { parseArgs } from 'node:util';
import { TroupeError } from '../src/errors.ts';
import { type PlaygroundOptions, startPlayground } from './site.ts';

const help = `Usage: node playground/main.ts [options]

A local site that defends itself. Prints {"url": "..."} as its first line when it is ready.

  --host HOST               address to listen on (127.0.0.1)
  --port N                  port; 0 takes a free one (0)
  --requests-per-cookie N   requests a cookie has per window; more is a 429 (20)
  --window-ms N             length of that window (2000)
  --retry-after-format F    seconds or date (seconds)
  --ban-after N             429s after which a cookie is banned for good (3)
  --no-bind-user-agent      do not tie a cookie to its User-Agent
  --flaky-ratio X           share of /flaky pages that fail first, 0 to 1 (0.3)
  --seed N                  chooses which ones fail (1)
  --page-bytes N            size of an item page (2000)
  --help
`;

function readOptions(): PlaygroundOptions | 'help' {
  const { values } = parseArgs({
    options: {
      host: { type: 'string' },
      port: { type: 'string' },
      'requests-per-cookie': { type: 'string' },
      'window-ms': { type: 'string' },
      'retry-after-format': { type: 'string' },
      'ban-after': { type: 'string' },
      'bind-user-agent': { type: 'boolean' },
      'flaky-ratio': { type: 'string' },
      seed: { type: 'string' },
      'page-bytes': { type: 'string' },
      help: { type: 'boolean' },
    },
    allowNegative: true,
  });
  if (values.help) return 'help';
  // An empty value would become 0; NaN is refused by the option check, by name.
  const numeric = (value: string | undefined) =>
    value === undefined ? undefined : value.trim() === '' ? Number.NaN : Number(value);
  return {
    host: values.host,
    port: numeric(values.port),
    requestsPerCookie: numeric(values['requests-per-cookie']),
    windowMs: numeric(values['window-ms']),
    retryAfterFormat: values['retry-after-format'] as 'seconds' | 'date' | undefined,
    banAfterViolations: numeric(values['ban-after']),
    bindUserAgent: values['bind-user-agent'],
    flakyRatio: numeric(values['flaky-ratio']),
    seed: numeric(values.seed),
    pageBytes: numeric(values['page-bytes']),
  };
}

async function run(options: PlaygroundOptions): Promise<void> {
  const playground = await startPlayground(options);
  const stop = () => {
    // The channel to the parent would keep the process alive.
    if (process.connected) process.disconnect();
    void playground.close();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  process.stdout.write(`${JSON.stringify({ url: playground.url })}\n`);
  if (process.send) {
    // Nobody is left to stop it once the parent is gone, however the parent went.
    process.once('disconnect', stop);
    process.send({ url: playground.url });
  } else {
    process.stderr.write(
      `playground at ${playground.url}: / /item/:n /login /flaky/:n /redirect/:n /__ledger, and what playground/README.md lists; Ctrl-C stops it\n`,
    );
  }
}

try {
  const options = readOptions();
  if (options === 'help') process.stdout.write(help);
  else await run(options);
} catch (error) {
  // A wrong option (parseArgs throws a TypeError) or a port in use is the caller's: the message is enough.
  const isPlain = error instanceof TroupeError || (error instanceof Error && 'code' in error);
  process.stderr.write(`${isPlain ? (error as Error).message : (error as Error).stack}\n`);
  process.exitCode = 2;
  if (process.connected) process.disconnect();
}
