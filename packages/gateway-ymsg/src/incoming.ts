import type { Event, Heard } from '@parley/adapter'
import { first, type Packet } from './codec.ts'
import { canonical } from './id.ts'
import { isBuzz, plain } from './markup.ts'
import { presenceOf } from './statuses.ts'

/** Presences that a packet brings: the fields of each friend follow the one with the name (7), field 13 says whether they are there. */
export function presences(packet: Packet, leaving: boolean, now: number): Event[] {
  const events: Event[] = []
  let id: string | undefined
  let said: Record<number, string> = {}
  const close = () => {
    if (id === undefined) return
    const here = !leaving && said[13] !== undefined && said[13] !== '0'
    const presence = here
      ? presenceOf(
          {
            code: Number(said[10]) || 0,
            text: said[19],
            away: Number(said[47]) || 0,
            idle: Number(said[137]) || undefined,
          },
          now,
        )
      : ({ show: 'unavailable' } as const)
    events.push({ type: 'presence', id, presence })
  }
  for (const [key, value] of packet.fields) {
    if (key === 7) {
      close()
      id = canonical(value)
      said = {}
    } else said[key] = value
  }
  close()
  return events
}

/** What a packet says: many messages in one where they have waited (field 31 begins each). */
export function messages(packet: Packet, me: string): Event[] {
  const groups: Map<number, string>[] = [new Map()]
  for (const [key, value] of packet.fields) {
    const last = groups.at(-1) as Map<number, string>
    if (key === 31 && last.has(31)) groups.push(new Map([[31, value]]))
    else last.set(key, value)
  }
  return groups.flatMap(fields => messageOf(fields, me) ?? [])
}

function messageOf(fields: Map<number, string>, me: string): Event | undefined {
  const from = canonical(fields.get(4) ?? fields.get(1) ?? '')
  const said = fields.get(14)
  if (from === undefined || said === undefined || from === me) return undefined
  if (isBuzz(said)) return { type: 'attention', peer: from }
  const seconds = Number(fields.get(15))
  const at = seconds > 0 && seconds < 1e11 ? { at: seconds * 1000 } : {}
  const heard: Heard = { peer: from, text: plain(said), origin: 'remote', ...at }
  return heard.text === '' ? undefined : { type: 'message', ...heard }
}

export function typing(packet: Packet): Event | undefined {
  const peer = canonical(first(packet, 4) ?? '')
  if (peer === undefined || first(packet, 49)?.toUpperCase() !== 'TYPING') return undefined
  return { type: 'typing', peer, state: first(packet, 13) === '1' ? 'composing' : 'paused' }
}
