import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Where a command writes and reads; a terminal's width where it is one. */
export type OutStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** Columns of a terminal; without end where it is none: a pipe gets whole lines. */
export function widthOf(stream: OutStream): number {
  return stream.isTTY ? (stream.columns ?? 80) : Number.POSITIVE_INFINITY;
}

/** Styled on a terminal (unless NO_COLOR is set), plain elsewhere. */
export function styled(format: Format, text: string, stream: OutStream): string {
  return styleText(format, text, { stream: stream as NodeJS.WriteStream, validateStream: true });
}

/**
 * Reasons, hosts and paths come from outside: what would steer the terminal, or turn the direction of the text, is not
 * shown.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, '?');
}

/** As JSON that steers no terminal either: it leaves DEL and C1, of which some begin commands, as they are. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\x7f-\x9f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

/** Cut to so many characters, with an ellipsis in the last. */
export function cut(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** Characters of a text; close enough to columns for what is shown here. */
export function lengthOf(text: string): number {
  return [...text].length;
}
