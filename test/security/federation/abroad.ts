import { Jid } from '@parley/jid'
import { federationCommands } from '@parley/s2s'
import { DnsServer, PASSWORD, RawClient } from '@parley/testkit'
import type { CommandValues } from '@xmpp/server-core'
import { dial, dropAll, type Peer } from '../../../packages/wire/test/peer.ts'
import { Front } from '../wire/front.ts'
import { honest, Rival } from './rival.ts'

const S2S = 'xmlns="jabber:server" xmlns:stream="http://etherx.jabber.org/streams" xmlns:db="jabber:server:dialback"'
const PING = '<ping xmlns="urn:xmpp:ping"/>'

/** A server of a.test with its people, and other domains that all have one server: a rival who does as a play says. */
export class Abroad {
  readonly front: Front
  readonly rival: Rival
  readonly #dns: DnsServer
  readonly #people = new Set<RawClient>()
  #fences = 0

  private constructor(front: Front, rival: Rival, dns: DnsServer) {
    this.front = front
    this.rival = rival
    this.#dns = dns
  }

  static async open(names: readonly string[], settings: Record<string, unknown> = {}): Promise<Abroad> {
    const dns = await DnsServer.start()
    const rival = await Rival.open(honest)
    for (const name of names) dns.srv(`_xmpp-server._tcp.${name}`, { port: rival.port, target: 'host.test' })
    dns.a('host.test', '127.0.0.1')
    const { federation, ...rest } = settings
    const front = await Front.open({
      domains: ['a.test'],
      federation: { dns: [dns.address], allow: ['127.0.0.0/8'], tls: 'optional', ...(federation as object) },
      ...rest,
    })
    return new Abroad(front, rival, dns)
  }

  /** Runs a command of the process or of the host, as an operator types it. */
  async run(name: string, values: CommandValues = {}) {
    const all = [...federationCommands(this.front.federation!), ...this.front.server.hosts[0]!.commands]
    return all.find(command => command.name === name)!.run(values)
  }

  /** A stream to our server that has said who it is. */
  async stream(from: string): Promise<Peer> {
    const peer = await dial(this.front.port('server'))
    await peer.write(`<?xml version="1.0"?><stream:stream ${S2S} from="${from}" to="a.test" version="1.0">`)
    return peer
  }

  /** A stream on which a domain has been proven by dialback. */
  async proven(from: string): Promise<Peer> {
    const peer = await this.stream(from)
    await peer.until('</stream:features>')
    await peer.write(`<db:result from="${from}" to="a.test">abc</db:result>`)
    await peer.until('type="valid"/>')
    return peer
  }

  /** Somebody here who is available and has asked for the roster. */
  async enter(user: string, presence = '<presence/>'): Promise<RawClient> {
    const { server } = this.front
    const { accounts } = server.hosts[0]!
    const address = Jid.of(user, 'a.test')
    if (!(await accounts.exists(address))) await accounts.create(address, PASSWORD)
    const client = new RawClient(server)
    this.#people.add(client)
    await client.login('a.test', user, PASSWORD, 'here')
    await client.request('get', '<query xmlns="jabber:iq:roster"/>')
    client.write(presence)
    await client.request('get', PING, 'a.test')
    return client
  }

  /** What came over a stream has been dealt with, and what our server had to say to that has gone out. */
  async settled(peer: Peer, domain: string): Promise<void> {
    const id = `fence-${++this.#fences}`
    await peer.write(`<iq type="get" id="${id}" from="fence@${domain}/x" to="a.test">${PING}</iq>`)
    await this.front.until(() => this.rival.text.includes(`id="${id}"`))
  }

  /** Everybody leaves, streams end, records go; who could not be reached may be tried again. */
  async clear(): Promise<void> {
    const { federation, server, clock } = this.front
    for (const client of this.#people) {
      client.write('</stream:stream>')
      await client.until(() => client.closed, 'the end')
    }
    this.#people.clear()
    await server.finished()
    for (const domain of [...federation!.partners.records.keys()]) await federation!.partners.remove(domain)
    await dropAll()
    for (const link of federation!.links) link.close()
    await this.front.until(() => [...federation!.incoming].length === 0)
    clock.advance(600_000)
    this.rival.forget()
    this.rival.manner = honest
  }

  async close(): Promise<void> {
    await this.clear()
    await this.front.close()
    await this.rival.close()
    await this.#dns.stop()
  }
}

/** What a client has heard so far, as text; empties its inbox. */
export async function heard(client: RawClient): Promise<string> {
  await client.request('get', PING, 'a.test')
  return client.inbox.splice(0).join('')
}
