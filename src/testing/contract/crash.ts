import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { LeasedResult, SessionStore } from '../../stores/store.ts';
import type { StoreHarness, StoreInChild } from '../harness.ts';
import type { Scene, SceneTest } from '../scene.ts';

const SESSIONS = 12;
const USERS = 6;
/** In real time: the child has the machine's clock. */
const LEASE_MS = 1500;
const ROUNDS = 3;

/** Invariant 2, with a real process and a real `kill -9`. */
export function crash(it: SceneTest, harness: StoreHarness): void {
  if (harness.child === undefined || harness.reopen === undefined) return;

  it('keeps every acknowledged release of a process that was killed, and gets its sessions back', async (scene) => {
    await scene.add(SESSIONS);
    const inChild = harness.child!(scene.store);
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const said = await runAndKill(inChild, 150 + round * 130);
      for (const [id, uses] of said) acknowledged.set(id, Math.max(uses, acknowledged.get(id) ?? 0));
    }
    assert.ok(acknowledged.size > 0, 'the child released nothing before it was killed');

    // The child lived by the machine's clock, and so does this handle.
    const store = await harness.reopen!(scene.store, {});
    try {
      const { sessions } = await store.list({ limit: 100 });
      assert.equal(sessions.length, SESSIONS);
      for (const session of sessions) {
        const uses = acknowledged.get(session.id) ?? 0;
        assert.ok(
          session.usageCount >= uses,
          `${session.id}: ${session.usageCount} uses, ${uses} acknowledged`,
        );
        // A body never comes from another use than the counts: both were written in one step. A lost lease adds a
        // use and no body.
        const written = Number(String(scene.value(session.body)).match(/use (\d+)/)?.[1] ?? 0);
        assert.ok(written >= uses && written <= session.usageCount);
      }
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS));
      const ids = new Set<string>();
      let recovered = 0;
      for (let turn = 0; turn < SESSIONS; turn++) {
        const result = await leasedInTime(scene, store);
        ids.add(result.lease.id);
        if (result.recovered) recovered++;
        assert.ok(
          result.session.usageCount >= (acknowledged.get(result.lease.id) ?? 0) + (result.recovered ? 1 : 0),
        );
      }
      assert.equal(ids.size, SESSIONS, 'every session can be had again');
      assert.ok(recovered <= USERS * ROUNDS);
    } finally {
      await store.close();
    }
  });
}

/** A server may carry out what a process asked for after the process is dead: such a lease ends later than the others. */
async function leasedInTime(scene: Scene, store: SessionStore): Promise<LeasedResult> {
  const end = performance.now() + 10_000;
  for (;;) {
    const result = await scene.lease({ leaseMs: 60_000 }, store);
    if (result.kind === 'leased') return result;
    assert.ok(performance.now() < end, `leased expected, got ${result.kind}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Answers the uses that the child said were released, by session. */
async function runAndKill(inChild: StoreInChild, ms: number): Promise<Map<string, number>> {
  // As source and as published: the file beside this one has the same extension.
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = new URL(`../crash-child.${extension}`, import.meta.url);
  const child = spawn(
    process.execPath,
    [program.pathname, inChild.module, inChild.argument, String(LEASE_MS), String(USERS)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  try {
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text;
    });
    const exited = once(child, 'close');
    await Promise.race([once(child.stdout, 'data'), exited]);
    await Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), exited]);
    assert.equal(child.exitCode, null, `the child ended by itself: ${errors}`);
    child.kill('SIGKILL');
    await exited;
    return releases(output);
  } finally {
    kill(child);
  }
}

function releases(output: string): Map<string, number> {
  const uses = new Map<string, number>();
  for (const [, id, count] of output.matchAll(/^released (\S+) (\d+)\n/gm)) uses.set(id!, Number(count));
  return uses;
}

function kill(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}
