import { createHmac, randomBytes } from 'node:crypto'
import { type Jid, JidError } from '@parley/jid'
import { type Element, el } from '@parley/xml'
import { bound2, defineModule, observe } from '@xmpp/server-core'
import sasl2 from './sasl2.ts'
import type { Login } from './sasl2-extension.ts'

export const BIND2 = 'urn:xmpp:bind:0'
const TAG_LENGTH = 64

export interface Bind2 {
  /** Says that requests of this namespace may stand in `<bind/>`; the module answers them at the hook `bound2`. */
  offer(ns: string): void
}

/** Binding and its companions as a part of login (XEP-0386). */
export default defineModule({
  name: 'bind2',
  xeps: [{ number: 386, version: '1.1.0' }],
  uses: { sasl2 },
  async setup({ uses: { sasl2 }, store, live, server, phase, log }) {
    const secret = await store.secrets.secret('bind2', 32)
    const inline = phase(bound2, 'observe')
    const offered: string[] = []

    /**
     * The same for all sessions of one installed client, so that a new one takes the place of the one before, on whatever
     * node that is. The id of the client cannot be found from it (XEP-0386 §3.2.1).
     */
    function identifierOf(account: Jid, agent: string | undefined): string {
      if (agent === undefined) return randomBytes(9).toString('base64url')
      return createHmac('sha256', secret)
        .update(`${account.text}\0${agent}`)
        .digest()
        .subarray(0, 12)
        .toString('base64url')
    }

    async function finish(login: Login): Promise<readonly Element[]> {
      const request = login.request.child('bind', BIND2)
      if (!request || login.session) return []
      const { stream, agent } = login
      const account = stream.account!
      const identifier = identifierOf(account, agent)
      const sessions = await live.sessions(account)
      const earlier = sessions.filter(({ jid }) => `/${jid.resource}`.endsWith(`/${identifier}`))
      // Too many: the client is logged in without a resource, and RFC 6120 §7.6.2.1 tells it why.
      if (sessions.length - earlier.length >= server.config.limits.resources) return []
      const session = await server.bind(stream, resourceOf(account, request.textOf('tag'), identifier))
      for (const { sid, jid } of earlier) {
        if (!jid.equals(session.jid)) await server.end(sid, 'conflict', 'Replaced by another connection')
      }
      login.session = session
      const response: Element[] = []
      await observe(inline, { session, request, response }, log)
      return [el('bound', BIND2, null, response)]
    }

    sasl2.extend({
      order: 'bind',
      inline: () => el('bind', BIND2, null, offered.length > 0 && el('inline', BIND2, null, offered.map(featureOf))),
      finish,
    })
    return {
      api: { offer: (ns: string) => void offered.push(ns) } satisfies Bind2,
    }
  },
})

/** XEP-0386 §3.2.1: the client's tag as it is, where it can be a part of a resource. */
function resourceOf(account: Jid, tag: string | undefined, identifier: string): string {
  if (tag === undefined || tag === '' || tag.length > TAG_LENGTH) return identifier
  try {
    return account.withResource(`${tag}/${identifier}`).resource
  } catch (error) {
    if (error instanceof JidError) return identifier
    throw error
  }
}

function featureOf(ns: string): Element {
  return el('feature', BIND2, { var: ns })
}
