import type { Live } from './live.ts'

/** What a driver knows of itself at one moment, for metrics. Counts grow from the start of the process. */
export interface LiveStats {
  /** Sessions of this process, held ones included where they belong to it. */
  readonly sessions: number
  /** Those of them whose client is away and may come back (XEP-0198 §5). */
  readonly held: number
  /** Those of them whose packets are kept until they are acknowledged. */
  readonly queuedSessions: number
  /** Packets that are kept for them, unacknowledged or left for later (XEP-0352). */
  readonly packetsWaiting: number
  /** Of the driver on Redis alone. */
  readonly redis?: RedisStats
}

/** What the way to Redis costs. A batch is what leaves for one shard in one piece. */
export interface RedisStats {
  readonly operations: number
  readonly batches: number
  /** From sending a batch to its last answer, all batches together: seconds. */
  readonly seconds: number
  /** The longest of these since the figures were asked for the last time: seconds. */
  readonly slowest: number
  /** How often a connection was made again. */
  readonly reconnects: number
  /** How often state was given up because somebody else owns it, or because Redis may have lost some. */
  readonly fences: number
  /** What is left of the shortest lease by which this process owns its sessions: seconds. */
  readonly leaseRemaining: number
  /** Processes that are alive, this one included. */
  readonly nodes: number
}

/** A driver that gives figures. */
export interface Measured {
  stats(): LiveStats
}

/** The figures of a driver; undefined where it gives none. */
export function liveStats(live: Live): LiveStats | undefined {
  return isMeasured(live) ? live.stats() : undefined
}

function isMeasured(live: Live & Partial<Measured>): live is Live & Measured {
  return typeof live.stats === 'function'
}
