import type { Event, Presence } from '@parley/adapter'
import irc from '@parley/gateway-irc'
import { withProgram } from '../../interop/programs.ts'
import { freePort } from '../../ports.ts'
import { type Login, type Peer, Quiet, runConformance, type Signal, Spoiler } from '../kit/index.ts'
import { Person } from './person.ts'
import { inspircd } from './servers.ts'

const CAPABILITIES = 'message-tags server-time echo-message'

/** Somebody of the network, by lines: what they see is read here as others would, not with the adapter's code. */
class Raw extends Quiet {
  readonly id: string
  readonly told: Event[] = []
  readonly #person: Person
  readonly #echoed: ((id: string | undefined) => void)[] = []

  constructor(person: Person) {
    super()
    this.#person = person
    this.id = person.nick.toLowerCase()
    person.watch(line => this.#line(line))
  }

  says(to: string, text: string, replyTo?: string): Promise<string | undefined> {
    const echo = new Promise<string | undefined>(resolve => this.#echoed.push(resolve))
    this.#person.says(`${replyTo ? `@+draft/reply=${replyTo} ` : ''}PRIVMSG ${to} :${text}`)
    return Promise.race([echo, new Promise<undefined>(resolve => setTimeout(resolve, 2000, undefined).unref())])
  }

  override async signals(to: string, signal: Signal): Promise<void> {
    if (signal.type !== 'typing') return
    const value = { composing: 'active', paused: 'paused', gone: 'done' }[signal.state]
    this.#person.says(`@+typing=${value} TAGMSG ${to}`)
  }

  override async shows({ show, text }: Presence): Promise<void> {
    this.#person.says(show === 'available' ? 'AWAY' : `AWAY :${text ?? show}`)
  }

  override async joins(room: string): Promise<void> {
    this.#person.says(`JOIN ${room}`)
    await this.#person.sees(/ 366 /)
    // Whoever comes first runs the channel: others may change its topic too.
    this.#person.says(`MODE ${room} -t`)
    await this.#person.sees(/ (?:MODE|482) /)
  }

  override async parts(room: string): Promise<void> {
    this.#person.says(`PART ${room}`)
  }

  override async leaves(): Promise<void> {
    await this.#person.leave()
  }

  #line(line: string): void {
    const match = /^(?:@(\S+) )?:(\S+?)(?:!\S+)? (PRIVMSG|TAGMSG) (\S+)(?: :?(.*))?$/.exec(line)
    if (!match) return
    const [, tags = '', nick = '', command, target = '', text = ''] = match
    const tag = (name: string) =>
      tags
        .split(';')
        .find(each => each.startsWith(`${name}=`))
        ?.slice(name.length + 1)
    const id = tag('msgid')
    if (nick.toLowerCase() === this.id) {
      this.#echoed.shift()?.(id)
      return
    }
    const peer = target.startsWith('#') ? { peer: target.toLowerCase(), nick } : { peer: nick.toLowerCase() }
    const replyTo = tag('+draft/reply')
    const more = { ...(id && { id }), ...(replyTo && { replyTo }) }
    if (command === 'PRIVMSG') this.told.push({ type: 'message', text, origin: 'remote', ...peer, ...more })
    else if (tag('+typing') === 'active') this.told.push({ type: 'typing', state: 'composing', ...peer })
  }
}

async function makePeer(): Promise<Peer> {
  const server = await inspircd()
  const nowhere = await freePort()
  const spoiler = await Spoiler.open(server.port)
  const of = (id: string) => new RegExp(`^NICK ${id}\\r?$`, 'im')
  const people = new Map<string, { readonly person: Person; readonly raw: Raw }>()
  const settings = { host: '127.0.0.1', port: spoiler.port, tls: false, burst: 100, interval: 1 }
  const account = async (id: string): Promise<Login> => ({ id, fields: { nick: id }, secrets: {} })
  return {
    settings,
    account,
    async person(name) {
      const known = people.get(name)
      if (known) return known.raw
      const person = await Person.enter(server.port, name, CAPABILITIES)
      const raw = new Raw(person)
      people.set(name, { person, raw })
      return raw
    },
    room: name => `#${name}`,
    async stop() {
      await Promise.all([...people.values()].map(({ person }) => person.leave()))
      spoiler.close()
      await server.stop()
    },
    cut: async id => spoiler.cut(of(id)),
    garbage: async (id, bytes) => spoiler.say(of(id), bytes),
    freeze: async id => spoiler.freeze(of(id)),
    slow: async () => spoiler.slow(),
    nowhere: { ...settings, port: nowhere },
    stranger: 'nobody',
  }
}

withProgram('inspircd', 'InspIRCd', () =>
  runConformance({
    adapter: irc,
    makePeer,
    // A server looks once a second who wants to come in.
    together: true,
    has: ['nowhere', 'strangers', 'cut', 'garbage', 'freeze', 'slow', 'nicks', 'directory'],
    presence: { out: [], in: [] },
  }),
)
