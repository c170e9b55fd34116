import { StanzaError } from '@parley/stanza'
import type { Logger } from '@xmpp/server-core'

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
