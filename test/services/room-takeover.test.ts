import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ScratchDatabase, scratchDatabase } from '@parley/store'
import { eventually } from '../interop/eventually.ts'
import { Node, OwnRedis } from '../security/load/machines.ts'
import { Wired } from '../security/load/wired.ts'

const MUC = 'http://jabber.org/protocol/muc'
const ROOM = 'coven@conference.localhost'
const SETTINGS = `<iq type="set" id="c" to="${ROOM}"><query xmlns="${MUC}#owner"><x xmlns="jabber:x:data" type="submit"/></query></iq>`
/** A hat, and that somebody wears it (XEP-0317). */
const HATS = 'urn:xmpp:hats:0'
const hat = (command: string, field: string) =>
  `<iq type="set" id="${command}" to="${ROOM}"><command xmlns="http://jabber.org/protocol/commands" node="urn:xmpp:hats:commands:${command}"><x xmlns="jabber:x:data" type="submit"><field var="hats#uri"><value>hat:host</value></field>${field}</x></command></iq>`
const CREATE = hat('create', '<field var="hats#title"><value>Host</value></field>')
const ASSIGN = hat('assign', '<field var="hats#jid"><value>second@localhost</value></field>')
/** Lines of each speaker, and how often they speak (ms). */
const LINES = 60
const PAUSE = 25
/** From the death of a room's owner to the next line (ms). */
const TAKEOVER = 15_000

if (process.env['PARLEY_TEST_REDIS']) suite()
else test.todo('rooms of a process that dies: need Redis')

/** Somebody in the room, who goes on elsewhere when a process dies, and sends again what was not acknowledged. */
class Talker {
  readonly name: string
  readonly heard: string[] = []
  /** Lines so far. */
  said = 0
  #wire: Wired
  #unacked: string[] = []
  #handled = 0

  private constructor(name: string, wire: Wired) {
    this.name = name
    this.#wire = wire
    this.#listen()
  }

  static async join(node: Node, name: string): Promise<Talker> {
    const wire = await Wired.join(node.port, `${name}/x`)
    const talker = new Talker(name, wire)
    await wire.counts()
    const entered = wire.next(({ name: kind, attrs }) => kind === 'presence' && attrs['from'] === `${ROOM}/${name}`)
    talker.#send(`<presence to="${ROOM}/${name}"><x xmlns="${MUC}"><history maxstanzas="0"/></x></presence>`)
    await entered
    return talker
  }

  get isOpen(): boolean {
    return this.#wire.isOpen
  }

  configure(): void {
    for (const xml of [SETTINGS, CREATE, ASSIGN]) this.#send(xml)
  }

  say(line: string): void {
    this.said++
    this.#send(`<message type="groupchat" to="${ROOM}" id="${line}"><body>${line}</body></message>`)
  }

  async goOn(node: Node): Promise<void> {
    const back = await Wired.open(node.port)
    await back.authenticate(this.name)
    back.taken = this.#wire.taken
    back.sid = this.#wire.sid
    this.#wire = back
    this.#listen()
    const answer = await back.resumes(back)
    if (answer.name !== 'resumed') throw new Error(`${this.name} could not go on: ${answer}`)
    this.#counted(Number(answer.attrs['h']))
    for (const xml of this.#unacked) back.write(xml)
  }

  /** All that was sent is done. */
  async isDone(): Promise<void> {
    while (this.#unacked.length > 0) this.#counted(await this.#wire.handled())
  }

  leave(): void {
    this.#wire.leave()
  }

  #send(xml: string): void {
    this.#unacked.push(xml)
    if (this.#wire.isOpen) this.#wire.write(xml)
  }

  #counted(h: number): void {
    this.#unacked.splice(0, h - this.#handled)
    this.#handled = h
  }

  #listen(): void {
    this.#wire.onMessage = message => {
      const body = message.attrs['type'] === 'groupchat' ? message.textOf('body') : undefined
      if (body !== undefined) this.heard.push(body)
    }
  }
}

function suite(): void {
  describe('the process that has a room is killed', () => {
    let redis: OwnRedis
    let database: ScratchDatabase
    let nodes: Node[]
    let talkers: Talker[] = []

    beforeAll(async () => {
      redis = await OwnRedis.open()
      database = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
      const shared = { PARLEY_REDIS: redis.url, PARLEY_DATABASE: database.url }
      nodes = await Promise.all([Node.open(shared), Node.open(shared), Node.open(shared)])
      await nodes[0]!.users('first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'late')
    })
    afterAll(async () => {
      for (const talker of talkers) talker.leave()
      for (const node of nodes ?? []) await node.remove()
      await redis?.remove()
      await database?.drop()
    })

    test('no line is lost, doubled or in another place, for anybody', async () => {
      // Who makes the room reaches the first process, which has the room then.
      const [first, ...others] = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth']
      talkers = [await Talker.join(nodes[0]!, first!)]
      talkers[0]!.configure()
      await talkers[0]!.isDone()
      for (const [n, name] of others.entries()) talkers.push(await Talker.join(nodes[(n + 1) % 3]!, name))

      const speaking = talkers.map(async talker => {
        for (let n = 0; n < LINES; n++) {
          talker.say(`${talker.name} ${n}`)
          await new Promise(resolve => setTimeout(resolve, PAUSE))
          if (!talker.isOpen) await talker.goOn(nodes[1 + (n % 2)]!)
        }
      })
      await eventually('the room is in full swing', () => talkers[1]!.heard.length > LINES)
      nodes[0]!.signal('SIGKILL')
      const next = `${talkers[1]!.name} ${talkers[1]!.said}`
      await eventually('what is said now is heard', () => talkers[2]!.heard.includes(next), { within: TAKEOVER })
      await Promise.all(speaking)
      await Promise.all(talkers.map(talker => talker.isDone()))
      const total = talkers.length * LINES
      await eventually('everybody has heard everything', () => talkers.every(({ heard }) => heard.length >= total), {
        within: 8000,
        seen: () => missing(talkers),
      })

      const [one, ...rest] = talkers.map(({ heard }) => heard)
      expect(new Set(one).size).toBe(one!.length)
      for (const talker of talkers) {
        const own = one!.filter(line => line.startsWith(talker.name)).map(line => Number(line.split(' ')[1]))
        expect(own).toEqual(Array.from({ length: LINES }, (_, n) => n))
      }
      // One order for all.
      for (const heard of rest) expect(heard).toEqual(one)

      // What the room knew of them is known where it is now.
      const late = await Wired.join(nodes[1]!.port, 'late/x')
      const second = late.next(({ name, attrs }) => name === 'presence' && attrs['from'] === `${ROOM}/second`)
      late.write(`<presence to="${ROOM}/late"><x xmlns="${MUC}"/></presence>`)
      expect((await second).child('hats', HATS)?.firstElement()?.attrs).toMatchObject({
        uri: 'hat:host',
        title: 'Host',
      })
      late.leave()
    })
  })
}

/** What each has not heard, for whoever reads a failure. */
function missing(talkers: readonly Talker[]): string {
  const all = new Set(talkers.flatMap(({ heard }) => heard))
  return talkers
    .map(({ name, heard }) => `${name} heard ${heard.length}, not ${[...all].filter(line => !heard.includes(line))}`)
    .join('\n')
}
