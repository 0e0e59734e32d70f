import { InvalidArgumentError } from 'commander';

/** Units as people write them; milliseconds and bytes inside. */
const DURATIONS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** `500ms`, `30s`, `5m`, `2h`, `1d`, or `0`, in milliseconds. */
export function parseDuration(text: string): number {
  return quantity(text, DURATIONS, 'a duration such as 500ms, 30s, 5m, 2h or 1d');
}

/** `500b`, `64kb`, `32mb` or `1gb`, in bytes; kb is 1024. */
export function parseSize(text: string): number {
  return Math.round(quantity(text, SIZES, 'a size such as 64kb, 32mb or 1gb'));
}

function quantity(text: string, units: Record<string, number>, expected: string): number {
  const match = /^(\d+(?:\.\d+)?)([a-z]*)$/i.exec(text.trim());
  const unit = match?.[2]?.toLowerCase() ?? '';
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (match && unit === '' && Number(match[1]) === 0) return 0;
  if (!match || factor === undefined) {
    const hint = match && unit === '' ? '; the unit is missing' : '';
    throw new InvalidArgumentError(`It must be ${expected}${hint}.`);
  }
  return Number(match[1]) * factor;
}

/** Makes a parser of whole numbers. */
export function wholeNumber(min: number, max = 10_000_000): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`It must be a whole number, ${min} to ${max}.`);
    }
    return value;
  };
}

/** A duration for people, in its two largest units: `350ms`, `12.4s`, `3m05s`, `2h10m`, `3d04h`. */
export function showDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${Number((ms / 1_000).toFixed(1))}s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return pair(seconds, 60, 'm', 's');
  const minutes = Math.round(seconds / 60);
  return minutes < 1_440 ? pair(minutes, 60, 'h', 'm') : pair(Math.round(minutes / 60), 24, 'd', 'h');
}

function pair(value: number, base: number, large: string, small: string): string {
  const rest = value % base;
  return `${Math.floor(value / base)}${large}${rest === 0 ? '' : `${String(rest).padStart(2, '0')}${small}`}`;
}

/** A size for people: `512 B`, `1.2 MB`. */
export function showBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
