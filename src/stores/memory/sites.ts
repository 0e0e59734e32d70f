import { Heap } from './heap.ts';
import type { SessionQueue } from './queue.ts';
import { Block, blockOf, type StoredRecord } from './record.ts';

/** Ended rests are looked for among a record's blocks whenever their number has doubled, from here on. */
const TIDY_FROM = 32;
/** Stretches kept in mind for walks from the end. They are hints: forgetting one costs a walk. */
const MAX_STRETCHES = 64;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * What is known of one site: who is banned from it and who rests for it, and which positions of the ready queue
 * need not be looked at again. Those are hints that stay true, because whatever makes a session more eligible
 * also gives it a new position at the end; a rest that ends is the exception, and its heap is asked first.
 */
export class Site {
  readonly name: string;
  readonly rests = new Heap<Block>();
  banned = 0;
  /** The bans in the order in which they came. */
  firstBan: Block | null = null;
  lastBan: Block | null = null;
  /** Nobody below this position is eligible. */
  cursor = 0;
  /** Nobody within these is: start, end, start, end, ... upward. */
  stretches: number[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get blocked(): number {
    return this.banned + this.rests.size;
  }

  /** Remembers that nobody from `start` up to `end` is eligible; stretches above `start` are part of it. */
  remember(start: number, end: number): void {
    const { stretches } = this;
    while (stretches.length > 0 && stretches.at(-2)! >= start) stretches.length -= 2;
    if (end <= start) return;
    stretches.push(start, end);
    if (stretches.length > 2 * MAX_STRETCHES) stretches.splice(0, MAX_STRETCHES);
  }

  /**
   * The position, or if a stretch holds it, the one below the stretch. Stretches that a walk from the end has
   * passed are forgotten: what it remembers in the end covers them.
   */
  skip(position: number): number {
    const { stretches } = this;
    let at = position;
    while (stretches.length > 0 && at < stretches.at(-1)!) {
      at = Math.min(at, stretches.at(-2)! - 1);
      stretches.length -= 2;
    }
    return at;
  }

  ban(block: Block): void {
    this.banned++;
    block.previous = this.lastBan;
    if (this.lastBan) this.lastBan.next = block;
    else this.firstBan = block;
    this.lastBan = block;
  }

  drop(block: Block): void {
    if (block.index >= 0) {
      this.rests.remove(block);
      return;
    }
    this.banned--;
    if (block.previous) block.previous.next = block.next;
    else this.firstBan = block.next;
    if (block.next) block.next.previous = block.previous;
    else this.lastBan = block.previous;
  }
}

/** All sites that somebody is blocked for. A site without blocks is forgotten. */
export class Sites {
  readonly #sites = new Map<string, Site>();
  readonly #queue: SessionQueue;

  /** `queue`: whose positions the sites remember. */
  constructor(queue: SessionQueue) {
    this.#queue = queue;
  }

  get(name: string): Site | undefined {
    return this.#sites.get(name);
  }

  all(): Iterable<Site> {
    return this.#sites.values();
  }

  /** Blocks the record for a site until then; `null`: bans it. A block that it has there and that lasts as long goes on. */
  block(record: StoredRecord, name: string, now: number, until: number | null): void {
    const old = blockOf(record, name);
    if (old && (this.untilOf(old) ?? NEVER) >= (until ?? NEVER)) return;
    const site = this.#sites.get(name) ?? this.#open(name);
    if (old) {
      site.drop(old);
      unlink(record, old);
    }
    const block = new Block(record, name, now);
    if (until === null) site.ban(block);
    else site.rests.push(block, until);
    link(record, block);
  }

  /** Ends the record's block for a site, whichever kind it is. Answers whether there was one. */
  lift(record: StoredRecord, name: string): boolean {
    const block = blockOf(record, name);
    if (block) this.drop(block);
    return block !== undefined;
  }

  drop(block: Block): void {
    const site = this.#sites.get(block.site)!;
    site.drop(block);
    unlink(block.record, block);
    if (site.blocked > 0) return;
    this.#sites.delete(site.name);
    if (this.#sites.size === 0) this.#queue.unfix();
  }

  /** Ends all blocks of the record. Answers whether there was one. */
  liftAll(record: StoredRecord): boolean {
    const { blocks } = record;
    if (blocks === null) return false;
    if (blocks instanceof Map) for (const block of [...blocks.values()]) this.drop(block);
    else this.drop(blocks);
    return true;
  }

  /**
   * Ends those rests of the record that are over, where nobody asks for the site again to notice. Only for a
   * record outside the ready queue: within it, a site's cursor may already have passed.
   */
  tidy(record: StoredRecord, now: number): void {
    const { blocks } = record;
    if (!(blocks instanceof Map) || blocks.size < TIDY_FROM || (blocks.size & (blocks.size - 1)) !== 0)
      return;
    for (const block of [...blocks.values()]) {
      if (block.index >= 0 && this.untilOf(block)! <= now) this.drop(block);
    }
  }

  /** When the block ends; `null`: it is a ban. */
  untilOf(block: Block): number | null {
    return block.index < 0 ? null : this.#sites.get(block.site)!.rests.keyOf(block);
  }

  /** Moves everything that is remembered, when the queue has given its records new positions. */
  renumber(renumber: (position: number) => number): void {
    for (const site of this.#sites.values()) {
      site.cursor = renumber(site.cursor);
      site.stretches = site.stretches.map(renumber);
    }
  }

  #open(name: string): Site {
    const site = new Site(name);
    this.#sites.set(name, site);
    return site;
  }
}

function link(record: StoredRecord, block: Block): void {
  const { blocks } = record;
  if (blocks === null) record.blocks = block;
  else if (blocks instanceof Map) blocks.set(block.site, block);
  else
    record.blocks = new Map([
      [blocks.site, blocks],
      [block.site, block],
    ]);
}

function unlink(record: StoredRecord, block: Block): void {
  if (record.blocks instanceof Map && record.blocks.size > 1) record.blocks.delete(block.site);
  else record.blocks = null;
}
