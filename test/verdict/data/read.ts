import { readdirSync, readFileSync } from 'node:fs';
import type { Answer } from '../../../src/verdict/answer.ts';

const here = new URL('.', import.meta.url);

/**
 * The answers of a folder, by name. A file holds the address, the status and the headers, a line each, and after an
 * empty line the body. All are written for the tests: of real block pages they hold the marks and nothing else.
 */
export function readAnswers(folder: 'samples' | 'innocents'): Map<string, Answer> {
  const files = readdirSync(new URL(`${folder}/`, here)).filter((file) => file.endsWith('.http'));
  return new Map(
    files.map((file) => [
      file.replace(/\.http$/, ''),
      parse(readFileSync(new URL(`${folder}/${file}`, here), 'utf8')),
    ]),
  );
}

function parse(text: string): Answer {
  const end = text.indexOf('\n\n');
  const [url, status, ...lines] = text.slice(0, end).split('\n');
  const headers = new Headers();
  for (const line of lines)
    headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1));
  return {
    url: url!,
    status: Number(status),
    headers,
    redirected: false,
    body: Buffer.from(text.slice(end + 2).trimEnd()),
  };
}
