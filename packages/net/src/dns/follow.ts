import type { Reply } from './codec.ts'
import type { RecordOf, RecordType } from './records.ts'

/** Aliases on the way from a name to its records; more are a loop, or not meant to be followed. */
export const MAX_ALIASES = 8

export interface Followed<T> {
  /** Where the aliases end, as far as the reply knows them. */
  readonly name: string
  readonly records: readonly T[]
  /** In seconds: the shortest of all that it rests on. */
  readonly ttl: number
}

/** Finds the records of a name in a reply, behind its aliases (RFC 1034 §3.6.2); undefined when these lead nowhere. */
export function follow<T extends RecordType>(reply: Reply, start: string, type: T): Followed<RecordOf[T]> | undefined {
  let name = start
  let ttl = Number.POSITIVE_INFINITY
  for (let hops = 0; hops <= MAX_ALIASES; hops++) {
    const records: RecordOf[T][] = []
    for (const record of reply.records) {
      if (record.type !== type || record.name !== name) continue
      records.push(record.data as RecordOf[T])
      ttl = Math.min(ttl, record.ttl)
    }
    if (records.length > 0) return { name, records, ttl }
    const alias = reply.aliases.find(each => each.name === name)
    if (!alias) return { name, records, ttl }
    name = alias.target
    ttl = Math.min(ttl, alias.ttl)
  }
  return undefined
}
