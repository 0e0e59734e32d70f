import { Command, CommanderError } from 'commander';
import { TroupeError } from '../errors.ts';
import { maskUrls } from '../internal/mask.ts';
import { VERSION } from '../internal/version.ts';
import { addAccountsCommand } from './accounts/command.ts';
import { EXIT, type ExitCode, UsageError } from './exit-codes.ts';
import { addFetchCommand } from './fetch/command.ts';
import { addKeysCommand } from './keys/command.ts';
import { addProxiesCommand } from './proxies/command.ts';
import { addQueueCommand } from './queue/command.ts';
import { addSessionsCommand } from './sessions/command.ts';
import { protectDashIds } from './sessions/dash-ids.ts';
import { printable } from './terminal.ts';
import { addWorkCommand } from './work/command.ts';

const HELP = `
Exit codes:
  0    all done
  1    something failed in the end: a URL without a good answer, a bad input line, an id that is not there
  2    wrong usage, or a store, input or output that cannot be used
  130  stopped by Ctrl-C (everything given back and saved)

Examples:
  $ troupe fetch https://example.com/
  $ troupe fetch --input urls.txt --store sqlite:troupe.db --output results.jsonl
  $ troupe fetch --input urls.txt --queue redis://localhost --output results.jsonl
  $ troupe work --queue redis://localhost --store redis://localhost
  $ troupe sessions ls --store sqlite:troupe.db`;

/** Runs the command line with these arguments. Answers the exit code; output is flushed by then. */
export async function runCli(argv: readonly string[]): Promise<ExitCode> {
  // Who reads our messages may go away; the work goes on. Who reads the results is told of by each write.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => {});
  // In our own words: Node's name the process and its own options.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    if (name.startsWith('Troupe')) process.stderr.write(`troupe: ${printable(message)}\n`);
  });
  let exitCode: ExitCode = EXIT.done;
  const program = new Command('troupe')
    .description('Fetches pages as a pool of simulated users, and looks after those users.')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(--help shows what there is)')
    .configureOutput({ outputError: (text, write) => write(withoutPasswords(text)) })
    .addHelpText('after', HELP);
  const ended = (code: ExitCode): void => {
    exitCode = code;
  };
  addFetchCommand(program, ended);
  addWorkCommand(program, ended);
  addSessionsCommand(program, ended);
  addAccountsCommand(program, ended);
  addQueueCommand(program, ended);
  addProxiesCommand(program, ended);
  addKeysCommand(program, ended);
  try {
    await program.parseAsync(protectDashIds(argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    // What failed first is what there is to tell, whatever failed in the clearing up.
    return explain(error instanceof SuppressedError ? error.suppressed : error);
  }
}

function explain(error: unknown): ExitCode {
  // Commander has said what was wrong; its help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.unusable;
  // The reader of our output has gone, `| head` for example: there is nobody to tell.
  if ((error as { code?: unknown } | null)?.code === 'EPIPE') return EXIT.unusable;
  const isPlain = error instanceof UsageError || error instanceof TroupeError || isSystemError(error);
  const text = error instanceof Error ? (isPlain ? error.message : error.stack) : String(error);
  // It may repeat what stands in a store or came from a site.
  const shown = String(text).split('\n').map(printable).join('\n');
  process.stderr.write(`troupe: ${shown}\n`);
  return EXIT.unusable;
}

/** No such file, no permission, no space: Node's message names the file. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** As providers write a proxy: `host:port:user:password`. */
const PROXY_AS_SOLD = /([\w.-]+:\d{1,5}):[^\s:'"]+:[^\s'"]+/g;

/** Commander repeats the argument it does not understand, which may be a URL or a proxy with a password in it. */
function withoutPasswords(text: string): string {
  return maskUrls(text).replace(PROXY_AS_SOLD, '$1:…');
}
