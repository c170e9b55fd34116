/** How often a value fell into each of some ranges. */
export class Distribution {
  /** Upper ends of the ranges, themselves included, rising; what is larger is counted behind the last one. */
  readonly bounds: readonly number[]
  /** One more than there are bounds. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  add(value: number): void {
    let range = 0
    while (range < this.bounds.length && value > this.bounds[range]!) range++
    this.counts[range]!++
    this.sum += value
  }
}

/** What the store knows of its message log, for metrics. Counts grow from the start of the process. */
export interface StoreStats {
  /** Rows that wait for their commit. */
  readonly rowsWaiting: number
  /** Rows of one commit. */
  readonly batchRows: Distribution
  /** From handing a batch to the database to its commit, in seconds; attempts that failed are not counted. */
  readonly commitSeconds: Distribution
  /** How often a batch was tried again because the database was away. */
  readonly retries: number
}

const ROWS = [1, 2, 5, 10, 20, 50, 100, 200]
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

/** What a writer counts. */
export class WriterCounts {
  readonly batchRows = new Distribution(ROWS)
  readonly commitSeconds = new Distribution(SECONDS)
  retries = 0

  /** @param ms from the beginning of the commit to its end */
  committed(rows: number, ms: number): void {
    this.batchRows.add(rows)
    this.commitSeconds.add(ms / 1000)
  }
}
