import type { Jid } from '@parley/jid'
import {
  accountBlocked,
  accountUnblocked,
  blocking,
  carbons,
  disco,
  messageLog,
  policies,
  policiesChanged,
  roster,
  rosterEdited,
  rosterRemoved,
  subscription,
} from '@parley/modules'
import { type Message, NS, type Presence } from '@parley/stanza'
import { el } from '@parley/xml'
import {
  type AnyModule,
  accountRemoved,
  becameAvailable,
  chain,
  defineModule,
  integer,
  type Outbound,
  on,
  only,
  outbound,
  period,
  type Server,
  sessionEnded,
  texts,
  type Verdict,
} from '@xmpp/server-core'
import { Access } from './xmpp/access.ts'
import type { House } from './xmpp/house.ts'
import { type EngineOptions, Hub, type MakeEngine } from './xmpp/hub.ts'
import { stores } from './xmpp/needs.ts'
import { Networks } from './xmpp/networks.ts'
import { PROVIDER_COMMANDS, providerCommands } from './xmpp/provider-commands.ts'
import { Registered } from './xmpp/registered.ts'
import { Rounds } from './xmpp/rounds.ts'
import { SEAT_COMMANDS, seatCommands } from './xmpp/seat-commands.ts'
import { Seats } from './xmpp/seats.ts'
import { Watching } from './xmpp/watching.ts'

/** Commands of operators, for a command line that has no server. */
export const GATEWAY_COMMANDS = [...PROVIDER_COMMANDS, ...SEAT_COMMANDS]

const NETWORKS = { name: 'public-networks', fallback: true, help: 'whether it uses other networks (gateways)' }

/** Other networks, each at a domain under the host, for those who may use them (XEP-0100). */
export function gatewayModules(make: MakeEngine): readonly AnyModule[] {
  const hubs = new WeakMap<Server, Promise<Hub>>()
  const hubOf = (server: Server, options: EngineOptions): Promise<Hub> => {
    const hub = hubs.get(server) ?? Hub.open(server, make, options)
    hubs.set(server, hub)
    return hub
  }

  const gateways = defineModule({
    name: 'gateways',
    xeps: [
      { number: 55, version: '1.3' },
      { number: 100, version: '1.0' },
      { number: 106, version: '1.1.1' },
      { number: 172, version: '1.1' },
      { number: 224, version: '1.0' },
    ],
    uses: { blocking, roster, subscription, disco, messageLog, carbons, policies },
    config: {
      grace: period('60s', 'how long a session stays when the last client has gone'),
      allow: texts([], 'private addresses and networks where other networks may be; all public addresses always may'),
      processes: integer(1, 0, 64, 'processes for the sessions of each network; 0: in that of the server'),
      memory: integer(
        512,
        64,
        16_384,
        'mebibytes of heap that one of these processes may use, and as much for buffers',
      ),
    },
    stores,
    commands: GATEWAY_COMMANDS,
    async setup(context) {
      const { server, host, clock, log, uses } = context
      const hub = await hubOf(server, context.config)
      const { providers, engine } = hub
      const seats = new Seats(context.stores.seats, server)
      const access = new Access(seats, clock, log)
      uses.policies.declare(NETWORKS)
      const mayUse = (account: Jid) => chain(uses.policies.effective(NETWORKS.name, account), ({ value }) => value)
      access.rules = { mayUse }
      const registered = new Registered(engine, server)
      const houseOf = (domain: string) => hub.houseOf(domain)
      const house: House = { ...context, engine, providers, seats, access, registered, houseOf }
      const networks = new Networks(house)
      hub.add(host.domain, networks)
      const watching = new Watching(house, networks)
      const rounds = new Rounds(house, networks)
      seats.changed = () => rounds.soon()

      /** Only to those who may use it. */
      async function services({ from }: { readonly from: Jid }) {
        const found = []
        if (from.domain !== host.domain) return []
        for (const { net } of networks.all)
          if (!(await access.judge(net.provider, from.bare))) found.push({ jid: net.jid, name: net.title })
        return found
      }
      uses.disco.addServices(services)

      /** What is a secret stays out of archives and other clients. */
      function hide({ stanza, session }: Omit<Outbound, 'stanza'> & { readonly stanza: Message }): Verdict {
        const face = stanza.to?.local === '' ? networks.at(stanza.to.domain) : undefined
        if (!face?.conversation.awaitsSecret(session.account)) return
        const children = [...stanza.children, el('no-store', NS.hints), el('private', 'urn:xmpp:carbons:2')]
        return { replace: stanza.withChildren(children) }
      }

      async function forgetAll(account: Jid): Promise<void> {
        for (const key of await engine.registrations({ owner: account.text })) await engine.unregister(key)
        registered.changed(account.text)
      }

      return {
        commands: { ...providerCommands(house), ...seatCommands(house) },
        on: [
          on(outbound, 'rewrite', only('message', hide)),
          on(
            outbound,
            'copy',
            only('presence', ({ stanza, session }) => announced(stanza, session.account)),
          ),
          on(becameAvailable, 'observe', ({ session }) => watching.came(session.account)),
          on(sessionEnded, 'observe', ({ entry }) => watching.changed(entry.jid.bare)),
          on(rosterRemoved, 'observe', ({ account, contact }) => removed(account, contact)),
          on(rosterEdited, 'observe', async ({ account, contact, before, after }) => {
            const found = contactAt(contact)
            if (found) await found.face.contacts.edited(account, found.id, before, after)
          }),
          on(accountBlocked, 'observe', ({ account, other }) => blocks(account, other, true)),
          on(accountUnblocked, 'observe', ({ account, other }) => blocks(account, other, false)),
          on(accountRemoved, 'observe', ({ account }) => forgetAll(account)),
          on(policiesChanged, 'observe', () => rounds.soon()),
        ],
        stop() {
          rounds.stop()
          watching.stop()
          return hub.close(host.domain)
        },
      }

      function announced({ type, to }: Presence, account: Jid): void {
        if (!to && (type === 'available' || type === 'unavailable')) watching.changed(account)
      }

      async function removed(account: Jid, contact: Jid): Promise<void> {
        const found = contactAt(contact)
        if (found) await found.face.contacts.removed(account, found.id)
      }

      /** The client does not wait for the network. */
      function blocks(account: Jid, other: Jid, isOn: boolean): void {
        const found = contactAt(other)
        if (found) server.finish(host, found.face.contacts.blocked(account, found.id, isOn))
      }

      function contactAt(contact: Jid) {
        const face = contact.local === '' ? undefined : networks.at(contact.domain)
        const id = face?.net.addresses.idOf(contact)
        return face && id !== undefined ? { face, id } : undefined
      }
    },
  })

  return [gateways as unknown as AnyModule]
}
