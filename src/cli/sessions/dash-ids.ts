/** Stands for a leading dash while the arguments are parsed: a character that no option and no id begins with. */
const STAND_IN = '\uE000';

// Ids are 22 characters of base64url. Words after two dashes are an option, perhaps a mistyped one.
const dashId = /^-(?!-[a-z-]+$)[A-Za-z0-9_-]{21}$/;

/**
 * One id in 64 begins with a dash and would be taken for options; people paste ids as they come. Only for
 * `sessions`, and only before a `--`. Ids of another length (chosen by hand) need the `--`.
 */
export function protectDashIds(argv: readonly string[]): string[] {
  if (argv[0] !== 'sessions') return [...argv];
  const end = argv.indexOf('--');
  return argv.map((arg, index) =>
    dashId.test(arg) && (end < 0 || index < end) ? STAND_IN + arg.slice(1) : arg,
  );
}

/** The argument as it was typed. */
export function asTyped(arg: string): string {
  return arg.startsWith(STAND_IN) ? `-${arg.slice(1)}` : arg;
}
