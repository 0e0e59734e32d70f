import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SessionQueue } from '../../src/stores/memory/queue.ts';
import { StoredRecord } from '../../src/stores/memory/record.ts';

function record(id: number): StoredRecord {
  return new StoredRecord(
    {
      id: `s${id}`,
      ageMs: 0,
      expiresInMs: null,
      usageCount: 0,
      maxUsageCount: null,
      errorScore: 0,
      body: null,
    },
    0,
  );
}

function inOrder(queue: SessionQueue): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let at = queue.next(0); at < queue.top; at = queue.next(at + 1)) records.push(queue.at(at)!);
  return records;
}

function backwards(queue: SessionQueue): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (let at = queue.previous(queue.top - 1); at >= queue.head; at = queue.previous(at - 1)) {
    records.push(queue.at(at)!);
  }
  return records;
}

describe('the queue of the memory store', () => {
  it('keeps its order through any appends and removals, from both ends and from within', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 900 }) }),
      fc.record({ kind: fc.constant('first' as const), count: fc.integer({ min: 1, max: 600 }) }),
      fc.record({ kind: fc.constant('last' as const), count: fc.integer({ min: 1, max: 600 }) }),
      fc.record({ kind: fc.constant('thin out' as const), keepEvery: fc.integer({ min: 2, max: 40 }) }),
      fc.record({ kind: fc.constant('go round' as const), count: fc.integer({ min: 1, max: 3000 }) }),
      fc.record({
        kind: fc.constant('remember' as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        // Remembered: at this position stood (or after it comes) this record.
        let mark: { position: number; below: number } | undefined;
        const queue = new SessionQueue((renumber) => {
          if (mark) mark.position = renumber(mark.position);
        });
        const model: StoredRecord[] = [];
        let made = 0;
        const remove = (index: number) => {
          const [gone] = model.splice(index, 1);
          queue.remove(gone!);
          if (mark && index < mark.below) mark.below--;
        };
        const append = (added: StoredRecord) => {
          model.push(added);
          queue.append(added);
        };
        for (const step of steps) {
          if (step.kind === 'append') for (let i = 0; i < step.count; i++) append(record(made++));
          else if (step.kind === 'first') for (let i = 0; i < step.count && model.length > 0; i++) remove(0);
          else if (step.kind === 'last') {
            for (let i = 0; i < step.count && model.length > 0; i++) remove(model.length - 1);
          } else if (step.kind === 'thin out') {
            for (let i = model.length - 1; i >= 0; i--) if (i % step.keepEvery !== 0) remove(i);
          } else if (step.kind === 'go round') {
            for (let i = 0; i < step.count && model.length > 0; i++) {
              const index = (i * 7919) % model.length;
              const moved = model[index]!;
              remove(index);
              append(moved);
            }
          } else {
            const position = queue.next(queue.head + Math.floor(step.share * (queue.top - queue.head)));
            mark = { position, below: model.filter((each) => each.position < position).length };
            queue.fix(position);
          }
          expect(queue.size).toBe(model.length);
          expect(queue.first).toBe(model[0]);
          expect(queue.last).toBe(model.at(-1));
          const after = inOrder(queue);
          expect(after.length).toBe(model.length);
          expect(after.every((each, index) => each === model[index])).toBe(true);
          expect(backwards(queue).every((each, index) => each === model[model.length - 1 - index])).toBe(
            true,
          );
          // As many stand below the mark as did when it was set, less those that left: nobody new came below it.
          if (mark) {
            const { position } = mark;
            expect(model.filter((each) => each.position < position).length).toBe(mark.below);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('does not grow when one session goes round for a long time behind many that stay', () => {
    const queue = new SessionQueue();
    for (let i = 0; i < 1000; i++) queue.append(record(i));
    const last = queue.last!;
    queue.fix(queue.top);
    for (let i = 0; i < 3_000_000; i++) {
      queue.remove(last);
      queue.append(last);
    }
    expect(queue.size).toBe(1000);
    expect(queue.top - queue.head).toBeLessThan(2 ** 21);
    expect(inOrder(queue).map(({ id }) => id)).toEqual(Array.from({ length: 1000 }, (_, i) => `s${i}`));
  });
});
