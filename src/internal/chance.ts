/** Give or take a fifth, so that those who wait for the same thing do not come back in the same moment. */
export function aboutAsLong(ms: number): number {
  return ms * (0.8 + 0.4 * Math.random());
}
