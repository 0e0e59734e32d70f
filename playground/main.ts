#!/usr/bin/env node
// The playground as a process of its own: for the benchmarks, and for a look by hand.
import { parseArgs } from 'node:util';
import { OptionError, TroupeError } from '../src/errors.ts';
import { presets } from './presets.ts';
import { type PlaygroundOptions, startPlayground } from './site.ts';

const help = `Usage: node playground/main.ts [options]

A local site that defends itself. Prints {"url": "..."} as its first line when it is ready.

  --host HOST               address to listen on (127.0.0.1)
  --port N                  port; 0 takes a free one (0)
  --requests-per-cookie N   requests a cookie has per window; more is a 429 (20)
  --window-ms N             length of that window (2000)
  --retry-after-format F    seconds, date or none (seconds)
  --ban-after N             429s after which a cookie is banned for good (3)
  --no-bind-user-agent      do not tie a cookie to its User-Agent
  --flaky-ratio X           share of /flaky pages that fail first, 0 to 1 (0.3)
  --seed N                  chooses which ones fail (1)
  --page-bytes N            size of an item page (2000)
  --preset hard             defences of a site that means it; the other options change it
  --options JSON            any option of playground/options.ts by its name, as one JSON object
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
      preset: { type: 'string' },
      options: { type: 'string' },
      help: { type: 'boolean' },
    },
    allowNegative: true,
  });
  if (values.help) return 'help';
  // An empty value would become 0; NaN is refused by the option check, by name.
  const numeric = (value: string | undefined) =>
    value === undefined ? undefined : value.trim() === '' ? Number.NaN : Number(value);
  const flags: PlaygroundOptions = {
    host: values.host,
    port: numeric(values.port),
    requestsPerCookie: numeric(values['requests-per-cookie']),
    windowMs: numeric(values['window-ms']),
    retryAfterFormat: values['retry-after-format'] as PlaygroundOptions['retryAfterFormat'],
    banAfterViolations: numeric(values['ban-after']),
    bindUserAgent: values['bind-user-agent'],
    flakyRatio: numeric(values['flaky-ratio']),
    seed: numeric(values.seed),
    pageBytes: numeric(values['page-bytes']),
  };
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  return { ...presetOf(values.preset), ...readJson(values.options), ...Object.fromEntries(given) };
}

function presetOf(name: string | undefined): PlaygroundOptions {
  if (name === undefined) return {};
  if (Object.hasOwn(presets, name)) return presets[name as keyof typeof presets];
  throw new OptionError('preset', `there is no preset "${name}"; known: ${Object.keys(presets).join(', ')}`);
}

function readJson(text: string | undefined): PlaygroundOptions {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value;
  } catch {
    // The same answer as for any other text.
  }
  throw new OptionError('options', '--options must be a JSON object, such as {"windowMs":500}');
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
