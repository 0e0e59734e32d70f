import { StringDecoder } from 'node:string_decoder';

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** False for a last line without a line break. */
  readonly isEnded: boolean;
  /** Longer than allowed: `text` is its beginning. */
  readonly isTooLong: boolean;
}

/**
 * The lines of a stream, read as they are asked for: a list of millions is never in memory, and neither is a
 * "line" without an end. Takes LF and CRLF, and drops a byte order mark.
 */
export async function* readLines(
  stream: AsyncIterable<Buffer>,
  maxLength = 16 * 1024 * 1024,
): AsyncGenerator<Line, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let number = 0;
  let rest = '';
  let isTooLong = false;
  const line = (text: string, isEnded: boolean): Line => {
    const start = number === 0 && text.startsWith('\uFEFF') ? 1 : 0;
    number += 1;
    const made = {
      number,
      text: text.slice(start, text.endsWith('\r') ? -1 : undefined),
      isEnded,
      isTooLong,
    };
    isTooLong = false;
    return made;
  };
  for await (const chunk of stream) {
    const pieces = decoder.write(chunk).split('\n');
    for (const piece of pieces.slice(0, -1)) {
      const text = rest + piece;
      rest = '';
      yield line(text, true);
    }
    rest += pieces.at(-1)!;
    if (rest.length > maxLength) {
      isTooLong = true;
      rest = rest.slice(0, 100);
    }
  }
  rest += decoder.end();
  if (rest !== '') yield line(rest, false);
}
