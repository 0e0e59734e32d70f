export { type FakeClock, fakeClock } from './fake-clock.ts';
export type { OpenOptions, StoreHarness, StoreInChild, TestRunner } from './harness.ts';
export { storeContract } from './store-contract.ts';
