import { parseState, type SessionDict, type SessionModel } from './state.ts';

/** Validated and immutable, instants as `Date`; or as plain JSON. */
export function modelOf(state: object, asDict: boolean): SessionModel | SessionDict {
  const model = parseState(state);
  return asDict ? (JSON.parse(JSON.stringify(model)) as SessionDict) : deepFreeze(model);
}

function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object') return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
