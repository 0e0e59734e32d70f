import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assemble } from './assemble.ts';
import { type Line, readLog } from './log.ts';

const leased = {
  ...{ id: 's', fence: 4, usageCount: 3, maxUsageCount: 9, expiresInMs: null },
  ...{ recovered: false, mark: 3 },
};
const gotS: Line[] = [
  { step: 'asked', at: 10, call: 1, request: { kind: 'lease', leaseMs: 100, site: 'a' } },
  { step: 'answered', at: 12, call: 1, answer: { kind: 'leased', lease: leased } },
];
const change = { usageCount: 4, status: 'usable', restMs: 0, blocks: [] } as const;
const askedBack = (at: number, call: number): Line => ({
  ...{ step: 'asked', at, call },
  request: { kind: 'release', id: 's', fence: 4, change: { ...change, blocks: [] } },
});

describe('what a log tells', () => {
  it('puts a lease together with its renewals and its release', () => {
    const { holds, releasedAt, unheardLeases } = assemble('w', [
      ...gotS,
      {
        ...{ step: 'asked', at: 50, call: 2 },
        request: { kind: 'renew', leaseMs: 100, leases: [{ id: 's', fence: 4 }] },
      },
      { step: 'answered', at: 52, call: 2, answer: { kind: 'renewed', outcomes: ['held'] } },
      askedBack(60, 3),
      { step: 'answered', at: 61, call: 3, answer: { kind: 'released', result: 'released' } },
    ]);
    expect(holds).toEqual([
      {
        ...leased,
        ...{ worker: 'w', askedAt: 10, heardAt: 12, leasedFrom: 10, isBirth: false, site: 'a' },
        renewals: [{ askedAt: 50, heardAt: 52, outcome: 'held' }],
        releases: [{ askedAt: 60, heardAt: 61, outcome: 'released', change }],
      },
    ]);
    expect(releasedAt).toEqual([61]);
    expect(unheardLeases).toBe(0);
  });

  it('does not know what became of calls that failed, or that nobody was left to hear of', () => {
    const { holds, unheardLeases } = assemble('w', [
      ...gotS,
      askedBack(60, 2),
      { step: 'failed', at: 70, call: 2, code: 'STORE_UNAVAILABLE' },
      askedBack(80, 3),
      { step: 'asked', at: 90, call: 4, request: { kind: 'lease', leaseMs: 100 } },
    ]);
    expect(holds[0]!.releases.map(({ outcome, askedAt }) => [outcome, askedAt])).toEqual([
      ['unknown', 60],
      ['unknown', 80],
    ]);
    expect(unheardLeases).toBe(1);
  });

  it('knows that nothing was done where the store said so', () => {
    const { unheardLeases } = assemble('w', [
      { step: 'asked', at: 1, call: 1, request: { kind: 'lease', leaseMs: 100 } },
      { step: 'failed', at: 2, call: 1, code: 'STORE_BUSY' },
    ]);
    expect(unheardLeases).toBe(0);
  });

  it('begins the lease of a new session with that of its place', () => {
    const session = { id: 'n', usageCount: 0, maxUsageCount: null, expiresInMs: 500 };
    const { births, holds, places } = assemble('w', [
      { step: 'asked', at: 10, call: 1, request: { kind: 'lease', leaseMs: 100 } },
      { step: 'answered', at: 11, call: 1, answer: { kind: 'vacant', place: 'p' } },
      { step: 'asked', at: 30, call: 2, request: { kind: 'create', place: 'p', session } },
      { step: 'answered', at: 32, call: 2, answer: { kind: 'created', fence: 1 } },
    ]);
    expect(places).toEqual([{ heardAt: 11, surelyUntil: 30 }]);
    expect(births).toEqual([{ ...session, outcome: 'known', fence: 1, askedAt: 30 }]);
    expect(holds).toMatchObject([{ id: 'n', fence: 1, leasedFrom: 10, heardAt: 32, isBirth: true }]);
  });

  it('takes a session that was asked for twice for one', () => {
    const session = { id: 'n', usageCount: 0, maxUsageCount: null, expiresInMs: null };
    const ask = (at: number, call: number): Line => ({
      ...{ step: 'asked', at, call },
      request: { kind: 'create', place: 'p', session },
    });
    const { births, holds } = assemble('w', [
      ask(10, 1),
      { step: 'failed', at: 20, call: 1, code: 'STORE_UNAVAILABLE' },
      ask(21, 2),
      ask(22, 3),
      { step: 'answered', at: 30, call: 3, answer: { kind: 'created', fence: 1 } },
      { step: 'answered', at: 31, call: 2, answer: { kind: 'created', fence: 1 } },
    ]);
    expect(births).toEqual([{ ...session, outcome: 'known', fence: 1, askedAt: 22 }]);
    expect(holds).toHaveLength(1);
  });

  it('extends the lease of a session by the renewal of its place that was heard of only later', () => {
    const session = { id: 'n', usageCount: 0, maxUsageCount: null, expiresInMs: null };
    const { holds, places } = assemble('w', [
      { step: 'asked', at: 10, call: 1, request: { kind: 'lease', leaseMs: 100 } },
      { step: 'answered', at: 11, call: 1, answer: { kind: 'vacant', place: 'p' } },
      {
        ...{ step: 'asked', at: 50, call: 2 },
        request: { kind: 'renew', leaseMs: 100, leases: [{ id: 'p', fence: 1 }] },
      },
      { step: 'asked', at: 51, call: 3, request: { kind: 'create', place: 'p', session } },
      { step: 'answered', at: 60, call: 3, answer: { kind: 'created', fence: 1 } },
      { step: 'answered', at: 61, call: 2, answer: { kind: 'renewed', outcomes: ['held'] } },
    ]);
    expect(places).toEqual([{ heardAt: 11, surelyUntil: 51 }]);
    expect(holds[0]!.renewals).toEqual([{ askedAt: 50, heardAt: 61, outcome: 'held' }]);
  });

  it('leaves out the half line of a process that was killed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-log-'));
    const file = join(folder, 'log');
    writeFileSync(file, '{"hop":"1"}\n{"hop":"2"}\n{"ho');
    expect(readLog(file)).toEqual([{ hop: '1' }, { hop: '2' }]);
    rmSync(folder, { recursive: true });
  });
});
