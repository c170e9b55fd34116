import type { History } from '../history.ts'

const MINUTE = 60_000

/** P5: every request has one answer within a minute, unless its session is gone, which the client then knows. */
export function questions({ clients, end }: History): {
  readonly unanswered: readonly string[]
  readonly doubled: readonly string[]
} {
  const unanswered: string[] = []
  const doubled: string[] = []
  for (const [client, events] of Object.entries(clients)) {
    const gone = new Set(events.flatMap(event => (event.what === 'failed' ? [event.session] : [])))
    const open = new Map<string, number>()
    /** In which session. */
    const done = new Map<string, string>()
    for (const event of events) {
      if (event.what === 'asked' && !gone.has(event.session)) open.set(event.id, event.at)
      if (event.what !== 'answered') continue
      const asked = open.get(event.id)
      // Who answers may have lost its session too, and say it again to the one that came behind (P2 is of one session).
      if (done.get(event.id) === event.session) doubled.push(`answer ${event.id} at ${client}`)
      else if (asked !== undefined && event.at - asked > MINUTE) unanswered.push(`${event.id} of ${client}, in time`)
      done.set(event.id, event.session)
      open.delete(event.id)
    }
    for (const [id, at] of open) if (end - at > MINUTE) unanswered.push(`${id} of ${client}`)
  }
  return { unanswered, doubled }
}
