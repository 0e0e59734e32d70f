import type { ListedSession, SessionStatus } from '../../src/stores/store.ts';
import type { Birth, Change } from './log.ts';

/**
 * Everything that happened to one store in one run, as its workers, the site and the harness saw it. Instants are
 * milliseconds of the machine's monotonic clock. What a rule looks at is here; what a rule says is in `rules/`.
 */
export interface History {
  settings: ChaosSettings;
  births: SessionBirth[];
  /** Leases that somebody heard of. */
  holds: Hold[];
  /** Places that somebody heard of, for sessions in the making. */
  places: Place[];
  retirements: Retirement[];
  hops: Hop[];
  arrivals: Arrival[];
  /** Calls whose answer never came, and that may have leased a session to nobody. */
  unheardLeases: number;
  samples: Sample[];
  /** The store, when everything had come to rest. */
  end: EndState;
  workers: WorkerEnd[];
}

export interface ChaosSettings {
  leaseMs: number;
  maxPoolSize: number;
  /** How long before a lease ends its holder begins no more hops. */
  marginMs: number;
  /** When the run was over, and the store looked at. */
  endedAt: number;
  /** When the last fault was over. */
  faultsEndedAt: number;
  /** Then, or from its own start on, each worker must have given back a session within this long. */
  recoveryMs: number;
}

export interface SessionBirth extends Birth {
  /** `unknown`: asked for, and no answer came. */
  outcome: 'known' | 'unknown';
  /** The lease of its maker; 0 for one that was added and is nobody's. */
  fence: number;
  askedAt: number;
}

/** A lease, from the call that got it to its end. */
export interface Hold {
  worker: string;
  id: string;
  fence: number;
  /** Of the lease, or of the place that the session was made in. */
  leasedFrom: number;
  askedAt: number;
  heardAt: number;
  usageCount: number;
  maxUsageCount: number | null;
  expiresInMs: number | null;
  /** Its maker's: the session was made in it. */
  isBirth: boolean;
  recovered: boolean;
  mark: number;
  site: string | undefined;
  renewals: Renewal[];
  releases: Release[];
}

export interface Renewal {
  askedAt: number;
  /** `undefined`: no answer came. */
  heardAt: number | undefined;
  outcome: 'held' | 'lost' | 'unknown';
}

export interface Release {
  askedAt: number;
  /** `undefined`: no answer came. */
  heardAt: number | undefined;
  outcome: 'released' | 'ordered' | 'lost' | 'unknown';
  /** `null`: given back as it was. */
  change: Change | null;
}

export interface Place {
  heardAt: number;
  /** At the latest when it was asked to be a session or to be free, or when its lease ran out. */
  surelyUntil: number;
}

/** An order from outside to retire a session. */
export interface Retirement {
  id: string;
  askedAt: number;
  /** `undefined`: no answer came. */
  heardAt: number | undefined;
  reached: number;
}

export interface Hop {
  hop: string;
  worker: string;
  id: string;
  fence: number;
  startedAt: number;
  /** An answer came. */
  isAnswered: boolean;
}

/** A request, as the site saw it. */
export interface Arrival {
  hop: string;
  at: number;
}

export interface Sample {
  at: number;
  living: number;
  places: number;
}

export interface EndState {
  sessions: EndSession[];
  /** What `count()` says. */
  counts: { living: number; leased: number; places: number; dead: number };
}

export interface EndSession {
  id: string;
  status: SessionStatus;
  reason: string | null;
  usageCount: number;
  state: ListedSession['state'];
  mark: number;
}

export interface WorkerEnd {
  worker: string;
  /** How it ended: killed by the harness, by itself when told to, or by itself before it was told. */
  end: 'killed' | 'told' | 'by itself' | 'had to be killed';
  complaint: string;
  unexpected: string[];
  /** When it began to ask the store; a loaded machine takes its time to start a process. */
  startedAt: number;
  /** When it first heard, after the last fault, that a session was given back. */
  firstReleaseAfterFaults: number | undefined;
}

/** A promise that was broken, and where the logs show it. */
export interface Violation {
  rule: string;
  id?: string;
  message: string;
}
