import { Jid } from '@parley/jid'
import { PASSWORD, RawClient } from '@parley/testkit'
import type { Element } from '@parley/xml'
import type { Front } from '../wire/front.ts'
import { honest, type Manner } from './rival.ts'

/** Takes what comes and answers every ping on the same stream: all before it is handled. */
export const confirming: Manner = (text, socket) => {
  honest(text, socket)
  for (const [, id, from, to] of text.matchAll(
    /<iq type="get" id="(parley-until-[^"]+)" from="([^"]+)" to="([^"]+)">/g,
  ))
    socket.write(`<iq type="result" id="${id}" from="${to}" to="${from}"/>`)
}

/** Nobody is there. */
export const away: Manner = (_, socket) => void socket.destroy()

/** The bodies of messages that a server got, in order. */
export function bodiesIn(text: string): string[] {
  return [...text.matchAll(/<body>([^<]*)<\/body>/g)].map(([, body]) => body!)
}

/** A client of a.test. */
export class Citizen {
  readonly client: RawClient
  readonly jid: string

  private constructor(client: RawClient, jid: string) {
    this.client = client
    this.jid = jid
  }

  /** Logs in; `counting`: what it sends is acknowledged (XEP-0198). */
  static async join(front: Front, user: string, { counting = true } = {}): Promise<Citizen> {
    const [host] = front.server.hosts
    const account = Jid.of(user, host!.domain)
    if (!(await host!.accounts.exists(account))) await host!.accounts.create(account, PASSWORD)
    const client = new RawClient(front.server)
    const citizen = new Citizen(client, await client.login(host!.domain, user, PASSWORD, 'orchard'))
    if (!counting) return citizen
    const enabled = client.expect(({ name }) => name === 'enabled')
    client.write('<enable xmlns="urn:xmpp:sm:3" resume="true"/>')
    await enabled
    return citizen
  }

  says(to: string, ...bodies: readonly string[]): void {
    for (const body of bodies)
      this.client.write(`<message type="chat" id="${body}" to="${to}"><body>${body}</body></message>`)
  }

  /** Resolves when the server says that it has handled so many stanzas. */
  async isAnsweredFor(count: number): Promise<void> {
    const answer = this.client.expect(({ name, attrs }) => name === 'a' && attrs['h'] === String(count))
    this.client.write('<r xmlns="urn:xmpp:sm:3"/>')
    await answer
  }

  /** The next stanza that comes. */
  async hears(): Promise<Element> {
    for (;;) {
      const next = await this.client.next('a stanza')
      if (next.ns === 'jabber:client') return next
    }
  }

  /** The errors that come next, as `id condition`. */
  async hearsErrors(count: number): Promise<string[]> {
    const errors: string[] = []
    while (errors.length < count) {
      const stanza = await this.hears()
      const { id, type } = stanza.attrs
      if (type === 'error') errors.push(`${id} ${stanza.child('error')?.firstElement()?.name}`)
    }
    return errors
  }
}
