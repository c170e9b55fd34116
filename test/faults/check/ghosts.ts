import type { History } from '../history.ts'

interface Sight {
  readonly at: number
  readonly isAvailable: boolean
}

interface Death {
  readonly jid: string
  readonly by: number
}

type Seen = Pick<History, 'clients' | 'end' | 'grace'>

/** P7: who went away for ever is seen to be away when the hold time and a bit more are over. */
export function ghosts(history: Seen): string[] {
  const { sights, deaths } = look(history)
  return deaths.filter(({ jid, by }) => by <= history.end && isSeen(sights.get(jid) ?? [], by)).map(({ jid }) => jid)
}

/** Deaths that have not been seen yet, though the time for it is not over: a run waits for them. */
export function undecided(history: Seen): number {
  const { sights, deaths } = look(history)
  return deaths.filter(({ jid, by }) => by > history.end && isSeen(sights.get(jid) ?? [], by)).length
}

function look({ clients, grace }: Seen): {
  readonly sights: ReadonlyMap<string, readonly Sight[]>
  readonly deaths: readonly Death[]
} {
  const sights = new Map<string, Sight[]>()
  const deaths: Death[] = []
  for (const events of Object.values(clients)) {
    for (const event of events) {
      // Whoever begins a new session knows nobody's presence: the server tells it all that there is.
      if (event.what === 'bound') forgetAll(sights, event.at)
      else if (event.what === 'presence') sights.set(event.from, [...(sights.get(event.from) ?? []), event])
      else if (event.what === 'died') deaths.push({ jid: event.jid, by: event.at + event.hold + grace })
    }
  }
  return { sights, deaths }
}

function forgetAll(sights: Map<string, Sight[]>, at: number): void {
  for (const seen of sights.values()) seen.push({ at, isAvailable: false })
}

function isSeen(sights: readonly Sight[], by: number): boolean {
  let is = false
  for (const { at, isAvailable } of sights) if (at <= by || isAvailable) is = isAvailable
  return is
}
