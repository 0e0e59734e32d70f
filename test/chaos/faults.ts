import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultProxy } from '../../playground/servers/fault-proxy.ts';
import type { LocalServer } from '../../playground/servers/server-process.ts';
import type { Crew } from './crew.ts';
import type { Fault } from './plan.ts';
import type { Stage } from './stage.ts';

/** What the faults happen to. */
export interface Scene {
  crew: Crew;
  stage: Stage;
  server: LocalServer | undefined;
}

/** Does all of a plan at its times. Resolves when the last fault is over and everything runs again. */
export async function carryOut(faults: readonly Fault[], scene: Scene): Promise<void> {
  const start = performance.now();
  const underWay: Promise<void>[] = [];
  // One server: what is done to it is done in turn.
  let server = Promise.resolve();
  for (const fault of faults) {
    await sleep(Math.max(0, start + fault.atMs - performance.now()));
    if (fault.kind === 'restart' || fault.kind === 'pause') {
      server = server.then(() => ofServer(fault, scene.server!));
      underWay.push(server);
    } else underWay.push(carryOutOne(fault, scene));
  }
  await Promise.all(underWay);
}

async function carryOutOne(fault: Fault, { crew, stage }: Scene): Promise<void> {
  switch (fault.kind) {
    case 'kill':
      await crew.kill(fault.worker);
      await sleep(fault.backAfterMs);
      // Another kill may have emptied the place meanwhile, and it is filled once.
      if (crew.at(fault.worker) === undefined) crew.start(fault.worker);
      return;
    case 'stop': {
      const worker = crew.at(fault.worker);
      worker?.stop();
      await sleep(fault.forMs);
      worker?.goOn();
      return;
    }
    case 'skew':
      crew.at(fault.worker)?.skew(fault.byMs);
      return;
    case 'lock':
      return lock(stage.url.replace('sqlite:', ''), fault.forMs);
    default:
      await Promise.all(proxiesOf(fault, stage).map((proxy) => ofConnections(fault, proxy)));
  }
}

function proxiesOf(fault: Fault, { proxies }: Stage): FaultProxy[] {
  const worker = 'worker' in fault ? fault.worker : null;
  return worker === null ? [...proxies] : [proxies[worker]!];
}

async function ofConnections(fault: Fault, proxy: FaultProxy): Promise<void> {
  switch (fault.kind) {
    case 'cut':
      proxy.cut();
      return;
    case 'lose answers':
      proxy.loseAnswers();
      return;
    case 'refuse':
      proxy.refuse();
      // Who is connected would not notice.
      proxy.cut();
      await sleep(fault.forMs);
      proxy.accept();
      return;
    case 'delay':
      proxy.delay(fault.delayMs);
      await sleep(fault.forMs);
      proxy.delay(0);
      return;
    case 'stall': {
      const direction = fault.direction === 'both' ? undefined : fault.direction;
      proxy.stall(direction);
      await sleep(fault.forMs);
      proxy.flow(direction);
    }
  }
}

async function ofServer(
  fault: Extract<Fault, { kind: 'restart' | 'pause' }>,
  server: LocalServer,
): Promise<void> {
  if (fault.kind === 'pause') {
    server.pause();
    await sleep(fault.forMs);
    server.resume();
    return;
  }
  await (fault.isKilled ? server.kill() : server.stop());
  await sleep(fault.downMs);
  await server.start();
}

async function lock(path: string, ms: number): Promise<void> {
  const other = new DatabaseSync(path, { timeout: 1_000 });
  try {
    other.exec('BEGIN IMMEDIATE');
    await sleep(ms);
    other.exec('ROLLBACK');
  } catch (error) {
    // Another lock, or a worker that stands still in the middle of a write, has it already.
    if ((error as { errcode?: number }).errcode !== 5) throw error;
  } finally {
    other.close();
  }
}
