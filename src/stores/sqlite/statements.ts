import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';

/** A row as node:sqlite hands it over without names: a third cheaper than objects, for rows this wide. */
export type Values = SQLOutputValue[];

/**
 * Prepared statements of one connection, by their text, each prepared once.
 *
 * A bound limit is written `LIMIT ? + 0`: SQLite looks into a bare `LIMIT ?` when it plans, and so plans anew
 * whenever it is bound, which took 55 µs where the statement takes 1.
 */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  #statement(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      statement.setReturnArrays(true);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  /** The first row. */
  get(sql: string, ...values: SQLInputValue[]): Values | undefined {
    return this.#statement(sql).get(...values) as unknown as Values | undefined;
  }

  all(sql: string, ...values: SQLInputValue[]): Values[] {
    return this.#statement(sql).all(...values) as unknown as Values[];
  }

  /** How many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#statement(sql).run(...values).changes as number;
  }

  /** The row id that an insert made. */
  insert(sql: string, ...values: SQLInputValue[]): number {
    return this.#statement(sql).run(...values).lastInsertRowid as number;
  }
}
