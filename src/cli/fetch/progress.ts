import type { PoolStats, SessionPool, SiteStats } from '../../index.ts';
import { showDuration } from '../quantities.ts';
import { cut, lengthOf, type OutStream, printable, styled, widthOf } from '../terminal.ts';
import { Screen } from './screen.ts';
import { listCounts, type Tally } from './tally.ts';

/** Twice a second where a person looks on; a log is better off with less. */
const TERMINAL_MS = 500;
const PLAIN_MS = 5_000;
const BAR_WIDTH = 24;
/** The rate of the last so many ticks: what a run does now, not what it did an hour ago. */
const RATE_TICKS = 20;
const SITES_SHOWN = 2;

/** Shows how a run stands: a bar on a terminal, a line every few seconds elsewhere. */
export class Progress {
  readonly #stream: OutStream;
  readonly #screen: Screen;
  readonly #tally: Tally;
  readonly #pool: SessionPool;
  readonly #samples: { at: number; finished: number }[] = [];
  #total: number | undefined;
  #stats: PoolStats | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;

  constructor(stream: OutStream, tally: Tally, pool: SessionPool) {
    this.#stream = stream;
    this.#screen = new Screen(stream);
    this.#tally = tally;
    this.#pool = pool;
  }

  start(total: Promise<number | undefined>): void {
    // A file that cannot be counted cannot be read either: who reads it tells.
    total.then(
      (count) => {
        this.#total = count;
      },
      () => {},
    );
    this.#timer = setInterval(() => void this.#tick(), this.#stream.isTTY ? TERMINAL_MS : PLAIN_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#screen.erase();
  }

  /** A message, above the bar. */
  say(text: string): void {
    this.#screen.say(`troupe: ${printable(text)}`);
  }

  /** Lets somebody else write to the same terminal. */
  makeWay(): void {
    this.#screen.erase();
  }

  async #tick(): Promise<void> {
    // A store that is busy with the work itself is not asked again before it has answered.
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      this.#stats = await this.#pool.stats();
    } catch {
      // The last known users are shown; if the store is broken the requests say so.
    } finally {
      this.#isReading = false;
    }
    if (!this.#timer) return;
    this.#samples.push({ at: performance.now(), finished: this.#tally.finished });
    if (this.#samples.length > RATE_TICKS) this.#samples.shift();
    if (this.#stream.isTTY) this.#screen.draw(this.#bar());
    else this.#stream.write(`troupe: ${this.#headline()}; ${this.#users()}; ${this.#answers()}\n`);
  }

  #bar(): string[] {
    const width = widthOf(this.#stream) - 1;
    const share = this.#total ? Math.min(1, this.#tally.done / this.#total) : 0;
    const full = Math.round(share * BAR_WIDTH);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} `;
    const hasRoom = this.#total !== undefined && width > BAR_WIDTH + 30;
    const head = cut(this.#headline(), width - (hasRoom ? lengthOf(bar) : 0));
    const detail = cut(`${this.#users()} | ${this.#answers()}`, width);
    return [
      `${hasRoom ? styled('cyan', bar, this.#stream) : ''}${head}`,
      styled('dim', detail, this.#stream),
    ];
  }

  /** `142/300 47%, 38.0/s, 4s left`. */
  #headline(): string {
    const { done } = this.#tally;
    const first = this.#samples[0]!;
    const last = this.#samples.at(-1)!;
    const from = this.#samples.length > 1 ? first : { at: this.#tally.startedAt, finished: 0 };
    const rate = (last.finished - from.finished) / Math.max(0.001, (last.at - from.at) / 1_000);
    const parts = [`${rate.toFixed(1)}/s`];
    if (this.#total === undefined) return [`${done} done`, ...parts].join(', ');
    const left = this.#total - done;
    if (rate > 0 && left > 0) parts.push(`${showDuration(Math.ceil(left / rate) * 1_000)} left`);
    const percent = Math.floor((done / Math.max(1, this.#total)) * 100);
    return [`${done}/${this.#total} ${percent}%`, ...parts].join(', ');
  }

  #users(): string {
    if (!this.#stats) return 'users: none yet';
    const { ready, leased, resting, dead } = this.#stats.sessions;
    // A user who may not go to the one site that is asked for is ready all the same: the sites tell.
    const sites = Object.entries(this.#stats.sites).slice(0, SITES_SHOWN).map(siteWords);
    return [`users: ${ready} ready, ${leased} leased, ${resting} resting, ${dead} retired`, ...sites].join(
      '; ',
    );
  }

  #answers(): string {
    return `answers: ${listCounts(this.#tally.answers)}`;
  }
}

function siteWords([site, { resting, banned, siteRestsForMs }]: [string, SiteStats]): string {
  const rests = siteRestsForMs > 0 ? `, all wait ${showDuration(siteRestsForMs)}` : '';
  return `${printable(site)}: ${resting} resting, ${banned} banned${rests}`;
}
