import { MAX_LOOKED_AT } from '../store.ts';

/** How many records one lease may still look at (invariant 6: flat). */
export class Budget {
  left = MAX_LOOKED_AT;

  get isSpent(): boolean {
    return this.left <= 0;
  }

  spend(records: number): void {
    this.left -= records;
  }
}
