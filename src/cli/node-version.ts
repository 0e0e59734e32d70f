const MIN_MAJOR = 24;

/** Why this Node cannot run troupe; `undefined` if it can. */
export function nodeProblem(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= MIN_MAJOR) return undefined;
  return `needs Node.js ${MIN_MAJOR} or newer, and this is ${version}; get it from https://nodejs.org`;
}
