/** How a command ended, for the shell. */
export const EXIT = {
  done: 0,
  /** The command ran, and something in it failed: a URL, an id that is not there. */
  failed: 1,
  /** It could not run: wrong usage, or a store, an input or an output that cannot be used. */
  unusable: 2,
  /** Ctrl-C: 128 + SIGINT, as shells count. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Thrown where a command cannot go on: its message is all that a person needs, without a stack. */
export class UsageError extends Error {}
