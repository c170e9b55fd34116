/** A statement that each connection prepares once, under its name, and the type of its rows. */
export interface Statement<R> {
  readonly name: string
  readonly text: string
  /** Only for the type checker; never set. */
  readonly row?: R
}

/** Declares a statement: `sql<{ owner: string }>('account-list', 'SELECT …')`. Names are unique in the program. */
export function sql<R = never>(name: string, text: string): Statement<R> {
  return { name, text }
}

/** Where statements run: the database, or a transaction in it. */
export interface Queryable {
  rows<R>(statement: Statement<R>, ...values: readonly unknown[]): Promise<R[]>
  row<R>(statement: Statement<R>, ...values: readonly unknown[]): Promise<R | undefined>
  /** For statements whose rows do not matter; gives how many rows were touched. */
  run(statement: Statement<unknown>, ...values: readonly unknown[]): Promise<number>
}
