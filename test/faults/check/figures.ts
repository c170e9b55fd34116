import type { Event, Fault, History } from '../history.ts'

/** In whole milliseconds; of nothing they are 0. */
export interface Figures {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export function figuresOf(values: readonly number[]): Figures {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}

/**
 * For each time that something was away: how long each sender then waited until more of its messages were answered for. Where
 * the next fault comes first the wait goes on behind it, without the time in which the server was away again.
 */
export function servicesBack({ faults, clients }: History): number[] {
  const outages = faults.filter(({ from, to }) => to > from)
  const waits: number[] = []
  for (const events of Object.values(clients)) {
    const progress = progressOf(events)
    for (const { to } of outages) {
      const next = progress.find(at => at >= to)
      if (next !== undefined) waits.push(next - to - awayIn(outages, to, next))
    }
  }
  return waits
}

function awayIn(outages: readonly Fault[], from: number, to: number): number {
  return outages.reduce((sum, outage) => sum + Math.max(0, Math.min(to, outage.to) - Math.max(from, outage.from)), 0)
}

/** When a sender heard that more had been taken than before. */
function progressOf(events: readonly Event[]): number[] {
  const times: number[] = []
  let session = ''
  let high = 0
  for (const event of events) {
    if (event.what !== 'acked') continue
    if (event.session !== session) high = 0
    session = event.session
    if (event.h > high) times.push(event.at)
    high = Math.max(high, event.h)
  }
  return times
}
