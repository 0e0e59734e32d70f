import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalServer } from '../../playground/servers/server-process.ts';
import { safetyMarginMs } from '../../src/pool/lease.ts';
import { openStore } from '../../src/stores/open-store.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import { assemble } from './assemble.ts';
import type { BrokenKind } from './broken-store.ts';
import { checkHistory } from './checker.ts';
import { Crew } from './crew.ts';
import { lookAtEnd } from './end-state.ts';
import { carryOut } from './faults.ts';
import type { Arrival, History, Sample, Violation } from './history.ts';
import { type Line, Log, machineNow, readLog } from './log.ts';
import { LoggedStore } from './logged-store.ts';
import { makePlan, type Plan, type StoreKind } from './plan.ts';
import { type Stage, setStage } from './stage.ts';
import { type Tally, tallyOf } from './tally.ts';

/** One run. */
export interface RunOptions {
  store: StoreKind;
  seed: number;
  seconds: number;
  workers: number;
  /** Where its logs go. */
  folder: string;
  /** Of the store; none for a file. */
  server: LocalServer | undefined;
  /** Workers use a store that breaks its promises so. */
  broken?: BrokenKind | undefined;
}

export interface RunResult {
  violations: Violation[];
  tally: Tally;
}

/** Short, so that a process that stands still for two seconds has lost what it held. */
const LEASE_MS = 1_200;
/** Fewer sessions than there are users: they wait for each other. */
const MAX_POOL_SIZE = 12;
/** So long after the last fault everybody has sessions again; most of it is for a machine that is loaded. */
const RECOVERY_MS = 10_000;
const SAMPLE_MS = 100;
const START_MS = 60_000;

/** Lets workers use a store while everything around them breaks, and answers what promises were broken. */
export async function runSeed(options: RunOptions): Promise<RunResult> {
  const { store: kind, seed, workers, folder, server } = options;
  mkdirSync(folder, { recursive: true });
  const plan = makePlan(seed, kind, { ...options, leaseMs: LEASE_MS });
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan, null, 1));
  const stage = await setStage(kind, server, { folder, name: `seed_${seed}_${Date.now()}`, workers });
  const crew = crewOf(options, plan, stage);
  const store = await openStore(stage.url);
  const watch = watchCounts(store);
  try {
    for (let place = 0; place < workers; place++) crew.start(place);
    // A loaded machine takes its time to start them; the plan begins when there is something to disturb.
    await allAtWork(crew);
    await carryOut(plan.faults, { crew, stage, server });
    const faultsEndedAt = machineNow();
    await recovered(crew, faultsEndedAt);
    await crew.end();
    const samples = watch.stop();
    // What the killed held runs out.
    await sleep(LEASE_MS + 100);
    const log = join(folder, 'harness.log');
    const end = await lookAtEnd(new LoggedStore(store, new Log(log)), LEASE_MS);
    const histories = crew.all.map((worker) => ({ worker, history: worker.history() }));
    const all = [...histories.map(({ history }) => history), assemble('harness', readLog<Line>(log))];
    const history: History = {
      settings: {
        ...{ leaseMs: LEASE_MS, marginMs: safetyMarginMs(LEASE_MS), maxPoolSize: MAX_POOL_SIZE },
        ...{ faultsEndedAt, endedAt: machineNow(), recoveryMs: RECOVERY_MS },
      },
      births: all.flatMap(({ births }) => births),
      holds: all.flatMap(({ holds }) => holds),
      places: all.flatMap(({ places }) => places),
      retirements: all.flatMap(({ retirements }) => retirements),
      hops: all.flatMap(({ hops }) => hops),
      unheardLeases: all.reduce((sum, { unheardLeases }) => sum + unheardLeases, 0),
      arrivals: readLog<Arrival>(join(folder, 'site.log')),
      samples,
      end,
      workers: histories.map((one) => one.worker.told(one.history, faultsEndedAt)),
    };
    const violations = checkHistory(history);
    writeFileSync(join(folder, 'violations.json'), JSON.stringify(violations, null, 1));
    return { violations, tally: tallyOf(plan.faults, history.holds.length, history.arrivals.length) };
  } finally {
    watch.stop();
    await crew.killAll();
    await store.close();
    await stage.close();
  }
}

async function allAtWork(crew: Crew): Promise<void> {
  const startedAt = machineNow();
  while (!crew.all.every(({ isAtWork }) => isAtWork)) {
    if (machineNow() - startedAt > START_MS) throw new Error('the workers do not start');
    await sleep(20);
  }
}

/** Resolves when every worker has given back a session since the faults, or had time enough for it. */
async function recovered(crew: Crew, faultsEndedAt: number): Promise<void> {
  await allAtWork(crew);
  const startedAt = machineNow();
  const waiting = new Set(crew.all.filter(({ isRunning }) => isRunning));
  while (waiting.size > 0 && machineNow() - startedAt < RECOVERY_MS) {
    await sleep(200);
    for (const worker of waiting) {
      const isBack = worker.told(worker.history(), faultsEndedAt).firstReleaseAfterFaults !== undefined;
      if (isBack || !worker.isRunning) waiting.delete(worker);
    }
  }
}

function crewOf({ folder, broken }: RunOptions, plan: Plan, stage: Stage): Crew {
  return new Crew(folder, (place) => ({
    storeUrl: stage.urlOf(place),
    sitePort: stage.sitePort,
    seed: plan.workerSeeds[place]!,
    leaseMs: LEASE_MS,
    maxPoolSize: MAX_POOL_SIZE,
    skewMs: plan.skewsMs[place]!,
    broken,
  }));
}

/** Reads the store's counters again and again, as far as the store can be reached. */
function watchCounts(store: SessionStore): { stop(): Sample[] } {
  const samples: Sample[] = [];
  let isAsking = false;
  const timer = setInterval(async () => {
    if (isAsking) return;
    isAsking = true;
    try {
      const { living, places } = await store.count();
      samples.push({ at: machineNow(), living, places });
    } catch {
      // Its server is away.
    } finally {
      isAsking = false;
    }
  }, SAMPLE_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return samples;
    },
  };
}
