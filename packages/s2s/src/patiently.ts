import { StanzaError } from '@parley/stanza'
import type { Owner } from '@parley/store'
import { type Logger, NobodyError, placeAmong, type Server } from '@xmpp/server-core'
import { placeOf } from './entry.ts'

/** When database or Redis could not be asked, they are asked again after that (ms). */
const RETRY = 1000

/** Does a task that needs database or Redis as soon as they answer; undefined where nobody wants it any more. @throws StanzaError */
export async function patiently<T>(
  what: { readonly log: Logger; readonly way: string },
  isWanted: () => boolean,
  task: () => Promise<T>,
): Promise<T | undefined> {
  while (isWanted()) {
    try {
      return await task()
    } catch (error) {
      if (error instanceof StanzaError) throw error
      what.log.warn('it is not known yet who has the way to another domain', { way: what.way, error })
      await new Promise<void>(resolve => setTimeout(resolve, RETRY).unref())
    }
  }
  return undefined
}

/** Who has a way from now on; undefined where nobody can have it, or wants to know any more. */
export async function whoHas(server: Server, way: Owner, isWanted: () => boolean, gone: string | undefined) {
  try {
    const find = () => placeAmong(server, 'federation', placeOf(way), gone)
    return await patiently({ log: server.log, way }, isWanted, find)
  } catch (error) {
    if (error instanceof NobodyError) return undefined
    throw error
  }
}
