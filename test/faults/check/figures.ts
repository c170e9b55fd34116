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

/** For each time that something was away: how long each sender then waited until more of its messages were answered for. */
export function servicesBack({ faults, clients, end }: History): number[] {
  const outages = faults.filter(({ from, to }) => to > from).sort((a, b) => a.from - b.from)
  const waits: number[] = []
  for (const events of Object.values(clients)) {
    const progress = progressOf(events)
    for (const [index, { to }] of outages.entries()) {
      const until = nextOf(outages, index)?.from ?? end
      const next = progress.find(at => at >= to)
      // Cut short by the next fault: only a wait that was too long already says something.
      if (next !== undefined && next <= until) waits.push(next - to)
    }
  }
  return waits
}

function nextOf(outages: readonly Fault[], index: number): Fault | undefined {
  const { to } = outages[index]!
  return outages.slice(index + 1).find(({ from }) => from >= to)
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
