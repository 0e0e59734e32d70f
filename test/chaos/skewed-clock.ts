/*
 * Imported first by a worker: from then on its wall clock is as wrong as the harness wants it, for everything in the
 * process. Its monotonic clock stays right, as it does when somebody sets the time.
 */
let skewMs = 0;
const TrueDate = Date;

globalThis.Date = class extends TrueDate {
  constructor(...args: unknown[]) {
    if (args.length === 0) super(TrueDate.now() + skewMs);
    else super(...(args as [number]));
  }

  static override now(): number {
    return TrueDate.now() + skewMs;
  }
} as DateConstructor;

/** Sets the wall clock so much later than it is, in milliseconds. */
export function skewClock(ms: number): void {
  skewMs = ms;
}
