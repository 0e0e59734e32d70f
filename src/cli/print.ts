import { toJson } from './terminal.ts';

/** Prints to standard output; rejects when nobody reads it any more. */
export function print(lines: readonly string[]): Promise<void> {
  const text = lines.map((line) => `${line}\n`).join('');
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

export function printJson(value: unknown): Promise<void> {
  return print([toJson(value, 2)]);
}
