/** One thing to measure: each call is one sample. */
export type Measurement<T> = () => Promise<T>;

/**
 * Measures all of them in turn, round by round, so that a machine that grows slower or faster meanwhile does so for all. Each
 * round begins with another one.
 */
export async function inRounds<Name extends string, T>(
  rounds: number,
  measurements: Readonly<Record<Name, Measurement<T>>>,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(measurements) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<Name, T[]>;
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round) % names.length]!;
      samples[name].push(await measurements[name]());
    }
  }
  return samples;
}
