import { checkArchives } from './check/archives.ts'
import { type Delivered, deliveries, promised } from './check/deliveries.ts'
import { type Figures, figuresOf, servicesBack } from './check/figures.ts'
import { ghosts } from './check/ghosts.ts'
import { questions } from './check/questions.ts'
import type { History } from './history.ts'

/** What a history says; texts name what was wrong, so that it can be found in the history. */
export interface Verdict extends Delivered {
  /** Messages that a server has answered for, and that it has sent back to their senders. */
  readonly acked: number
  readonly refused: number
  readonly resumes: number
  readonly failed: number
  /** The clients whose sessions were gone, a name for each time. */
  readonly failures: readonly string[]
  /** Questions (iq) without an answer within a minute, in sessions that went on. */
  readonly unanswered: readonly string[]
  readonly ghosts: readonly string[]
  /** Milliseconds from the loss of a connection to its resumption (P6). */
  readonly resume: Figures
  /** Milliseconds until a client without a session knows (P4). */
  readonly failing: Figures
  /** Milliseconds from the return of what was away to the next acknowledgement of each sender (P6). */
  readonly back: Figures
  /** Milliseconds from sending to the first receiving. */
  readonly latency: Figures
}

/** Reads a history and finds what breaks the promises. */
export function check(history: History): Verdict {
  const known = promised(history)
  const streams = deliveries(history, known)
  const archives = checkArchives(history, known)
  const asked = questions(history)
  const events = Object.values(history.clients).flat()
  const resumed = events.filter(event => event.what === 'resumed')
  const failed = events.filter(event => event.what === 'failed')
  return {
    acked: known.acked,
    refused: known.refused,
    received: streams.received,
    again: streams.again,
    lost: [...streams.lost, ...archives.lost],
    doubled: [...streams.doubled, ...archives.doubled, ...asked.doubled],
    doubledAt: streams.doubledAt,
    inverted: [...streams.inverted, ...archives.inverted],
    latencies: [],
    resumes: resumed.length,
    failed: failed.length,
    failures: Object.entries(history.clients).flatMap(([name, all]) =>
      all.filter(({ what }) => what === 'failed').map(() => name),
    ),
    unanswered: asked.unanswered,
    ghosts: ghosts(history),
    resume: figuresOf(resumed.map(({ took }) => took)),
    failing: figuresOf(failed.map(({ took }) => took)),
    back: figuresOf(servicesBack(history)),
    latency: figuresOf(streams.latencies),
  }
}
