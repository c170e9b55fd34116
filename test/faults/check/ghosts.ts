import type { History } from '../history.ts'

/** Beyond the time that a session is kept for its client (P7). */
const GRACE = 15_000

interface Sight {
  readonly at: number
  readonly isAvailable: boolean
}

/** P7: who went away for ever is seen to be away when the hold time and a bit more are over. */
export function ghosts({ clients, end }: History): string[] {
  const sights = new Map<string, Sight[]>()
  const deaths: { readonly jid: string; readonly by: number }[] = []
  for (const event of Object.values(clients).flat()) {
    if (event.what === 'presence') sights.set(event.from, [...(sights.get(event.from) ?? []), event])
    else if (event.what === 'died') deaths.push({ jid: event.jid, by: event.at + event.hold + GRACE })
  }
  return deaths.filter(({ jid, by }) => by <= end && isSeen(sights.get(jid) ?? [], by)).map(({ jid }) => jid)
}

/** Deaths that have not been seen yet, though the time for it is not over: a run waits for them. */
export function undecided(history: Pick<History, 'clients' | 'end'>): number {
  const { clients, end } = history
  const left = new Map<string, boolean>()
  let open = 0
  for (const event of Object.values(clients).flat()) {
    if (event.what === 'presence') left.set(event.from, event.isAvailable)
  }
  for (const event of Object.values(clients).flat()) {
    if (event.what === 'died' && left.get(event.jid) && event.at + event.hold + GRACE > end) open++
  }
  return open
}

function isSeen(sights: readonly Sight[], by: number): boolean {
  let is = false
  for (const { at, isAvailable } of sights) if (at <= by || isAvailable) is = isAvailable
  return is
}
