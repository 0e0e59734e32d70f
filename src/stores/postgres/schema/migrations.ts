import { counters } from './counters.ts';
import { leaseFunctions } from './lease-many.ts';
import { leaseOne, leaseOneParts } from './lease-one.ts';
import { lives } from './lives.ts';
import { memberFunctions } from './members.ts';
import { orderFunction } from './orders.ts';
import { releaseFunctions } from './release.ts';
import { counterRows, fronts, sessionRows, tables, tagCounts } from './tables.ts';
import { viewFunctions } from './views.ts';

/**
 * What brings the tables of a schema from version N to N + 1, by position. Never edit one that was published: add the
 * next; an empty one, if only functions have changed. `troupe.` stands for the schema, whatever its name.
 */
export const migrations: readonly string[] = [tables, tagCounts, fronts, sessionRows, counterRows];

/**
 * Made anew with each version. New parameters come last and have a default, so that processes of the version before get
 * on while they are being replaced.
 */
export const functions: readonly string[] = [
  ...counters,
  ...lives,
  ...memberFunctions.slice(0, 2),
  ...leaseOneParts,
  ...leaseFunctions,
  leaseOne,
  ...releaseFunctions,
  ...memberFunctions.slice(2),
  orderFunction,
  ...viewFunctions,
];
