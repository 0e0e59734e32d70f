import { OptionError } from '../errors.ts';
import type { Clock } from './clock.ts';
import { nearest } from './nearest.ts';

/**
 * Checks of options objects. A failed check throws an {@link OptionError} that names the option, what was
 * expected and what came. `path` is the option as the caller would write it: `session.maxAgeMs`.
 */
export type OptionCheck = (value: unknown, path: string) => void;

/** Describes a value for an error without giving a secret away: types and numbers, never a string's content. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return `a string of ${value.length} characters`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return `a ${value.constructor?.name ?? 'null-prototype object'}`;
  return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
}

export function fail(path: string, expected: string, value: unknown): never {
  throw new OptionError(path, `option "${path}" must be ${expected}; got ${describe(value)}`);
}

export interface NumberBounds {
  min?: number;
  max?: number;
  integer?: boolean;
  nullable?: boolean;
}

export function number(bounds: NumberBounds = {}): OptionCheck {
  const { min = 0, max = Number.MAX_SAFE_INTEGER, integer = false, nullable = false } = bounds;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `between ${min} and ${max}`;
  const expected = `a ${integer ? 'whole ' : ''}number ${range}${nullable ? ', or null' : ''}`;
  return (value, path) => {
    if (value === null && nullable) return;
    const isFine =
      typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value));
    if (!isFine) fail(path, expected, value);
  };
}

export function oneOf(...allowed: readonly (string | boolean)[]): OptionCheck {
  const expected = `one of ${allowed.map((item) => JSON.stringify(item)).join(', ')}`;
  return (value, path) => {
    if (!allowed.includes(value as string | boolean)) fail(path, expected, value);
  };
}

export const text: OptionCheck = (value, path) => {
  if (typeof value !== 'string' || value === '') fail(path, 'a string that is not empty', value);
};

export const clock: OptionCheck = (value, path) => {
  const given = value as Partial<Clock> | null;
  const isClock = typeof given?.now === 'function' && typeof given.monotonic === 'function';
  if (!isClock) fail(path, 'a Clock with now() and monotonic()', value);
};

export const callable: OptionCheck = (value, path) => {
  if (typeof value !== 'function') fail(path, 'a function', value);
};

export const date: OptionCheck = (value, path) => {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) fail(path, 'a valid Date', value);
};

export const signal: OptionCheck = (value, path) => {
  if (!(value instanceof AbortSignal)) fail(path, 'an AbortSignal', value);
};

export const plainObject: OptionCheck = (value, path) => {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) fail(path, 'an object', value);
};

/** For what has its own check deeper down. */
export const anything: OptionCheck = () => {};

/** A key may be anything: a URL with a password in it, where somebody took the wrong one of two forms. */
function shownKey(key: string): string {
  return /^[\w$-]{1,64}$/.test(key) ? key : '…';
}

/**
 * Checks a whole options object: every key known (else the nearest known one is named), every given value
 * fine. `undefined` counts as not given. `where` is the prefix of the paths in messages.
 */
export function checkOptions(options: unknown, checks: Record<string, OptionCheck>, where = ''): void {
  if (options === undefined) return;
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    fail(where || 'options', 'an object', options);
  }
  for (const [key, value] of Object.entries(options)) {
    const name = shownKey(key);
    const path = where ? `${where}.${name}` : name;
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (!check) {
      const near = nearest(key, Object.keys(checks));
      const hint = near ? `did you mean "${near}"?` : `known: ${Object.keys(checks).join(', ')}`;
      throw new OptionError(path, `unknown option "${path}"; ${hint}`);
    }
    if (value !== undefined) check(value, path);
  }
}
