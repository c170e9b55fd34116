import { AdapterError, type Room } from '@parley/adapter'
import type { Api } from './api.ts'
import { clean } from './content.ts'
import { canonical } from './ids.ts'
import { fieldsOf, textOf } from './json.ts'

const MEMBERS = 10_000
const TOPIC = 1000

/** Who is in a room, and what it is about, as somebody in it sees it. @throws AdapterError */
export async function describe(api: Api, room: string, ghost: string): Promise<Pick<Room, 'members' | 'topic'>> {
  const { joined } = await api.call('GET', ['rooms', room, 'joined_members'], undefined, ghost)
  const ids = Object.keys(fieldsOf(joined) ?? {}).flatMap(each => canonical(each) ?? [])
  const members = ids.slice(0, MEMBERS).map(nick => ({ nick, role: 'participant' as const, id: nick }))
  const topic = await topicOf(api, room, ghost)
  return { members, ...(topic !== undefined && { topic }) }
}

/** Undefined where it has none. */
async function topicOf(api: Api, room: string, ghost: string): Promise<string | undefined> {
  try {
    const found = await api.call('GET', ['rooms', room, 'state', 'm.room.topic'], undefined, ghost)
    return clean(textOf(found['topic']) ?? '').slice(0, TOPIC)
  } catch (error) {
    if (error instanceof AdapterError && error.failure !== 'transient') return undefined
    throw error
  }
}
