import type { Jid } from '@parley/jid'
import { Body, Message } from '@parley/stanza'
import type { Element } from '@parley/xml'
import { Transit } from '@xmpp/server-core'
import type { Network } from './network.ts'

/** What a user has said with another program: it is in the archive as sent, and the user's clients see it so (XEP-0280). */
export class Own {
  readonly #net: Network

  constructor(net: Network) {
    this.#net = net
  }

  async sent(user: Jid, to: Jid, id: string, content: readonly Element[]): Promise<void> {
    const { uses, store } = this.#net.house
    const message = new Message({ type: 'chat', id, from: user, to }, Body.of(content))
    const transit = new Transit()
    let archiveId: bigint | undefined
    await uses.messageLog.log(message, user, transit, stored => {
      archiveId = stored
    })
    await transit.durable(store.messages)
    await uses.carbons.copySent(message, user, archiveId, transit)
    await transit.unfinished
  }
}
