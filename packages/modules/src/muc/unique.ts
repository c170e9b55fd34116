import { randomUUID } from 'node:crypto'
import { StanzaError } from '@parley/stanza'
import { el } from '@parley/xml'
import { type IqRoute, iqGet } from '@xmpp/server-core'
import type { Parts } from './parts.ts'

export const UNIQUE = 'http://jabber.org/protocol/muc#unique'

/** A name for a new room that nobody has or will have (XEP-0307). Nothing is kept: nobody guesses it. */
export function uniqueRoute({ mayCreate }: Parts): IqRoute {
  return iqGet('host', UNIQUE, 'unique', ({ from }) => {
    if (!mayCreate(from)) throw new StanzaError('forbidden', 'You could not make a room of that name')
    return el('unique', UNIQUE, null, randomUUID())
  })
}
