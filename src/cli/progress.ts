import { showDuration } from './quantities.ts';
import { Screen } from './screen.ts';
import { cut, lengthOf, type OutStream, printable, styled, widthOf } from './terminal.ts';

/** Twice a second where a person looks on; a log is better off with less. */
const TERMINAL_MS = 500;
const PLAIN_MS = 5_000;
const BAR_WIDTH = 24;
/** The rate of the last so many ticks: what a run does now, not what it did an hour ago. */
const RATE_TICKS = 20;

/** How far a run is, at one moment. */
export interface Standing {
  /** Input that is behind us, whatever became of it. */
  readonly done: number;
  /** What there is in all, where that is known. */
  readonly total: number | undefined;
  /** What was finished since we look on: the rate is made of it. */
  readonly finished: number;
  /** Parts of the second line: users, answers, workers. */
  readonly details: readonly string[];
  /** Said in the place of numbers while there is nothing to count. */
  readonly idle?: string | undefined;
}

/** Shows how a run stands: a bar on a terminal, a line every few seconds elsewhere. */
export class Progress {
  readonly #stream: OutStream;
  readonly #screen: Screen;
  readonly #samples: { at: number; finished: number }[] = [];
  #read: (() => Promise<Standing>) | undefined;
  #last = '';
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;

  constructor(stream: OutStream) {
    this.#stream = stream;
    this.#screen = new Screen(stream);
  }

  /** Shows from now on what `read` answers; it is not asked again before it has answered. */
  start(read: () => Promise<Standing>): void {
    this.#read = read;
    this.#samples.push({ at: performance.now(), finished: 0 });
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
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const standing = await this.#read!();
      if (this.#timer) this.#show(standing);
    } catch {
      // A store or a queue that does not answer is told of by the work itself.
    } finally {
      this.#isReading = false;
    }
  }

  #show(standing: Standing): void {
    this.#samples.push({ at: performance.now(), finished: standing.finished });
    if (this.#samples.length > RATE_TICKS) this.#samples.shift();
    const headline = standing.idle ?? this.#headline(standing);
    if (this.#stream.isTTY) {
      this.#screen.draw(this.#bar(standing, headline));
      return;
    }
    const line = `troupe: ${[headline, ...standing.details].join('; ')}\n`;
    // A log of somebody who waits for hours.
    if (line !== this.#last || standing.idle === undefined) this.#stream.write(line);
    this.#last = line;
  }

  #bar({ done, total, details }: Standing, headline: string): string[] {
    const width = widthOf(this.#stream) - 1;
    const share = total ? Math.min(1, done / total) : 0;
    const full = Math.round(share * BAR_WIDTH);
    const bar = `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} `;
    const hasRoom = total !== undefined && width > BAR_WIDTH + 30;
    const head = cut(headline, width - (hasRoom ? lengthOf(bar) : 0));
    return [
      `${hasRoom ? styled('cyan', bar, this.#stream) : ''}${head}`,
      styled('dim', cut(details.join(' | '), width), this.#stream),
    ];
  }

  /** `142/300 47%, 38.0/s, 4s left`. */
  #headline({ done, total }: Standing): string {
    const first = this.#samples[0]!;
    const last = this.#samples.at(-1)!;
    const rate = (last.finished - first.finished) / Math.max(0.001, (last.at - first.at) / 1_000);
    const parts = [`${rate.toFixed(1)}/s`];
    if (total === undefined) return [`${done} done`, ...parts].join(', ');
    const left = total - done;
    if (rate > 0 && left > 0) parts.push(`${showDuration(Math.ceil(left / rate) * 1_000)} left`);
    const percent = Math.floor((done / Math.max(1, total)) * 100);
    return [`${done}/${total} ${percent}%`, ...parts].join(', ');
  }
}
