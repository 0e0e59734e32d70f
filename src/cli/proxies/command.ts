import { type Command, InvalidArgumentError } from 'commander';
import type { ExitCode } from '../exit-codes.ts';
import { duration, number } from '../fetch/pool-options.ts';

const HELP = `
FILE holds a proxy a line, as \`troupe fetch --proxies\` takes it: a URL, host:port or host:port:user:password, and after a
space the country. Or it is JSON: a list of URLs and { "id", "url", "country" }.

Without --url each proxy is asked for a way to a host that cannot exist: what it answers says whether it is there and lets
you in. With --url the page is fetched through each; an address in it, as text or in JSON, is that of the exit.

Exit codes: 0 all are good, 1 some are not, 2 the file cannot be used, 130 stopped by Ctrl-C.

Examples:
  $ troupe proxies check proxies.txt
  $ troupe proxies check proxies.txt --url https://api.example/ip --json`;

interface CheckOptions {
  url?: URL;
  tries: number;
  concurrency: number;
  timeout: number;
  json?: boolean;
  progress: boolean;
}

/** `troupe proxies`: looks after lists of proxies. */
export function addProxiesCommand(program: Command, ended: (code: ExitCode) => void): void {
  program
    .command('proxies')
    .description('find out which proxies of a list work')
    .command('check')
    .description('ask every proxy of a file: is it there, how fast, whence does it leave')
    .argument('<file>', 'the list')
    .option(
      '-u, --url <url>',
      'a page to fetch through each; best one that answers the address it sees',
      httpUrl,
    )
    .addOption(number('--tries <n>', 'how often each is asked; the latency is their median', 3, 1, 100))
    .addOption(number('-c, --concurrency <n>', 'proxies asked at once', 20, 1, 1_000))
    .addOption(
      duration('--timeout <time>', 'per try: to connect, to the headers, between pieces of the body', 10_000),
    )
    .option('--json', 'as JSON')
    .option('--no-progress', 'only the result')
    .addHelpText('after', HELP)
    .action(async (file: string, options: CheckOptions) => {
      const { checkProxies } = await import('./check.ts');
      ended(
        await checkProxies({
          file,
          url: options.url,
          tries: options.tries,
          concurrency: options.concurrency,
          timeoutMs: options.timeout,
          asJson: options.json ?? false,
          showsProgress: options.progress,
        }),
      );
    });
}

function httpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new InvalidArgumentError('It must be an absolute URL, http: or https:.');
}
