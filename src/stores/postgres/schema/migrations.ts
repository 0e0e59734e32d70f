import { counters } from './counters.ts';
import { leaseFunctions } from './lease-many.ts';
import { leaseOne, leaseOneParts } from './lease-one.ts';
import { lives } from './lives.ts';
import { memberFunctions } from './members.ts';
import { orderFunction } from './orders.ts';
import { releaseFunctions } from './release.ts';
import { tables } from './tables.ts';
import { viewFunctions } from './views.ts';

/**
 * What brings a schema from version N to N + 1, by position. Never edit one that was published: add the next.
 * `troupe.` stands for the schema, whatever its name.
 */
export const migrations: readonly string[] = [
  [
    tables,
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
  ].join('\n'),
];
