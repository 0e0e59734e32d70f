import type { History, Violation } from '../history.ts';
import { surelyHeldUntil } from './windows.ts';

/** Living sessions and reserved places never exceed the limit: by the store's own counters, and by what was held at once. */
export function checkLimits(history: History): Violation[] {
  return [...counted(history), ...heldAtOnce(history)];
}

function counted({ samples, settings }: History): Violation[] {
  const over = samples.filter(({ living, places }) => living + places > settings.maxPoolSize);
  return over.map(({ at, living, places }) => ({
    rule: 'the limit',
    message: `${living} living and ${places} places at ${at.toFixed(0)}, more than ${settings.maxPoolSize}`,
  }));
}

function heldAtOnce({ holds, places, settings }: History): Violation[] {
  const steps: { at: number; change: 1 | -1 }[] = [];
  const add = (from: number, to: number) => {
    if (to > from) steps.push({ at: from, change: 1 }, { at: to, change: -1 });
  };
  for (const hold of holds) add(hold.heardAt, surelyHeldUntil(hold, settings.leaseMs));
  for (const place of places) add(place.heardAt, place.surelyUntil);
  // What ends in the moment in which another begins makes room for it.
  steps.sort((a, b) => a.at - b.at || a.change - b.change);
  let held = 0;
  for (const { at, change } of steps) {
    held += change;
    if (held <= settings.maxPoolSize) continue;
    const message = `${held} sessions and places were held at ${at.toFixed(3)}, more than ${settings.maxPoolSize}`;
    return [{ rule: 'the limit', message }];
  }
  return [];
}
