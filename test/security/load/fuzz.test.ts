import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ScratchDatabase, scratchDatabase } from '@parley/store'
import { randomFrom } from '../xml/mutate.ts'
import { Node } from './machines.ts'
import { anyStanza } from './stanzas.ts'
import { Wired } from './wired.ts'

const STANZAS = process.env['PARLEY_FUZZ'] === 'full' ? 1_000_000 : 100_000
const TOGETHER = 500
const SEED = 175
/** One of so many is new; the others come again, from somebody else and in another state of things. */
const NEW = 4
const FENCE = 'id="fence"'

/** Somebody who says anything, and looks at what comes as text: for so much, reading it as XML takes too long. */
class Fuzzer {
  readonly #client: Wired
  #heard: string[] = []
  #tail = ''
  #wake = () => {}

  private constructor(client: Wired) {
    this.#client = client
    client.socket.removeAllListeners('data')
    client.socket.on('data', bytes => {
      const text = bytes.toString('latin1')
      this.#heard.push(text)
      if (`${this.#tail}${text}`.includes(FENCE)) this.#wake()
      this.#tail = text.slice(-FENCE.length)
    })
    client.socket.on('close', () => this.#wake())
  }

  static async join(port: number, address: string): Promise<Fuzzer> {
    const client = await Wired.join(port, address)
    client.write('<presence/>')
    return new Fuzzer(client)
  }

  get isOpen(): boolean {
    return this.#client.isOpen
  }

  /** Sends all that, and waits until it has been dealt with or the stream has ended; gives what came. */
  async says(xml: string): Promise<string> {
    this.#client.write(`${xml}<iq type="get" ${FENCE}><ping xmlns="urn:xmpp:ping"/></iq>`)
    if (this.isOpen) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.#heard.splice(0).join('')
  }

  leave(): void {
    this.#client.leave()
  }
}

/** How often each request was answered. */
function answersIn(heard: string): ReadonlyMap<string, number> {
  const answers = new Map<string, number>()
  for (const [, attributes = ''] of heard.matchAll(/<iq ([^>]*)>/g)) {
    const id = /\bid="(n\d+)"/.exec(attributes)?.[1]
    if (id && /\btype="(result|error)"/.test(attributes)) answers.set(id, (answers.get(id) ?? 0) + 1)
  }
  return answers
}

describe('stanzas of any kind', () => {
  let database: ScratchDatabase
  let node: Node
  beforeAll(async () => {
    database = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
    const env = { PARLEY_MODULES_PRESENCE_CHANGES: '0', PARLEY_ADMINS: 'romeo@localhost' }
    node = await Node.open({ PARLEY_DATABASE: database.url, ...env })
    await node.users('romeo', 'juliet')
  })
  afterAll(async () => {
    await node?.remove()
    await database?.drop()
  })

  test(`threat 175: none of ${STANZAS} ends in an error of ours, and each request has one answer`, async () => {
    const random = randomFrom(SEED)
    let sent = 0
    const fuzz = async (address: string) => {
      let sender = await Fuzzer.join(node.port, address)
      while (sent < STANZAS) {
        // Some of what is sent ends the stream, as it must.
        if (!sender.isOpen) sender = await Fuzzer.join(node.port, address)
        await round(sender)
      }
      sender.leave()
    }
    const said: string[] = []
    const stanza = (id: string): readonly [string, string] => {
      const isNew = said.length === 0 || random(NEW) === 0
      if (isNew) said.push(anyStanza(random, 'ID'))
      return [id, (isNew ? said.at(-1)! : said[random(said.length)]!).replace('id="ID"', `id="${id}"`)]
    }
    const round = async (sender: Fuzzer) => {
      const stanzas = Array.from({ length: TOGETHER }, () => stanza(`n${++sent}`))
      const heard = await sender.says(stanzas.map(([, xml]) => xml).join(''))
      expect(heard).not.toContain('<internal-server-error')
      if (!sender.isOpen) return
      const answers = answersIn(heard)
      for (const [id, xml] of stanzas) {
        // What another client is asked the server does not answer.
        const asks = /^<iq [^>]*type="(get|set)"(?! to="romeo@localhost\/a")/.test(xml)
        if (asks && answers.get(id) !== 1) throw new Error(`${answers.get(id)} answers for ${xml}`)
      }
    }
    await Promise.all(['romeo/a', 'juliet/a', 'romeo/b'].map(fuzz))
    expect(node.log.filter(({ level }) => level === 'error')).toEqual([])
    expect(await (await Wired.join(node.port, 'romeo/last')).pings()).toBeLessThan(5000)
  }, 600_000)
})
