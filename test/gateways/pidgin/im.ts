import type { Adapter } from '@parley/adapter'
import msnp from '@parley/gateway-msnp'
import oscar from '@parley/gateway-oscar'
import ymsg from '@parley/gateway-ymsg'
import { MessengerServers } from '../msnp/simulator.ts'
import { OscarServers } from '../oscar/simulator.ts'
import { Seat } from '../public-im/seat.ts'
import { YahooServer } from '../ymsg/simulator.ts'
import type { FarEnd, Friend, Scene } from './scene.ts'

const PASSWORD = 'wherefore-art-thou'

/** Somebody with a program of the same network: a session of the adapter, the simulator being between the two. */
class Other implements Friend {
  readonly #seat: Seat
  readonly #romeo: string
  #keys = 0

  constructor(seat: Seat, romeo: string) {
    this.#seat = seat
    this.#romeo = romeo
  }

  async comes(): Promise<this> {
    await this.#seat.session.start()
    await this.#seat.session.setPresence?.({ show: 'available' }, this.#by())
    return this
  }

  async accepts(): Promise<void> {
    await this.#seat.hears('request', ({ id }) => id === this.#romeo)
    await this.#seat.session.answer?.(this.#romeo, true, this.#by())
  }

  async says(text: string): Promise<void> {
    await this.#seat.session.send?.({ ...this.#by(), to: { peer: this.#romeo }, text, receipt: false })
  }

  async hears(text: string): Promise<void> {
    await this.#seat.hears('message', said => said.peer === this.#romeo && said.text === text)
  }

  leaves(): Promise<void> {
    return this.#seat.session.stop()
  }

  #by() {
    return { key: `friend ${++this.#keys}` }
  }
}

interface Simulated {
  readonly settings: Readonly<Record<string, string | number>>
  close(): Promise<void> | void
}

function farEnd(adapter: unknown, { settings, close }: Simulated, field: string, [romeo, friend]: Names): FarEnd {
  let other: Other | undefined
  return {
    settings: Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    enter: async () => {
      other = new Other(Seat.of(adapter, settings, { [field]: friend }, { password: PASSWORD }), romeo)
      return other.comes()
    },
    close: async () => {
      await other?.leaves()
      await close()
    },
  }
}
type Names = readonly [romeo: string, friend: string]

const NUMBERS: Names = ['10045', '20016']
const ADDRESSES: Names = ['romeo@montague.example', 'laurence@cell.example']
const NICKS: Names = ['romeo', 'tybalt']

export const icq: Scene = {
  id: 'icq',
  title: 'ICQ',
  adapter: oscar as unknown as Adapter,
  programs: [],
  login: { name: NUMBERS[0], password: PASSWORD },
  contact: `${NUMBERS[1]}@icq.example.org`,
  name: 'Balthasar',
  tells: 'at once',
  begins: 'friend',
  lines: ['Then she is well, and nothing can be ill.', 'Get me ink and paper.'],
  async open() {
    const servers = await OscarServers.open()
    for (const number of NUMBERS) servers.add(number, PASSWORD, {}, true)
    const settings = { host: '127.0.0.1', port: servers.ports.gate }
    return farEnd(oscar, { settings, close: () => servers.close() }, 'name', NUMBERS)
  },
}

export const messenger: Scene = {
  id: 'msn',
  title: 'Messenger',
  adapter: msnp as unknown as Adapter,
  programs: [],
  login: { address: ADDRESSES[0], password: PASSWORD },
  contact: 'laurence\\40cell.example@msn.example.org',
  name: 'Friar Laurence',
  tells: 'at once',
  begins: 'friend',
  lines: ['Young son, wast thou with Rosaline?', 'With Rosaline, my ghostly father? No.'],
  async open() {
    const servers = await MessengerServers.open()
    for (const address of ADDRESSES) servers.add(address, PASSWORD)
    const settings = { host: '127.0.0.1', port: servers.ports.dispatch, nexus: servers.passport.nexus }
    return farEnd(msnp, { settings, close: () => servers.close() }, 'address', ADDRESSES)
  },
}

export const yahoo: Scene = {
  id: 'yahoo',
  title: 'Yahoo!',
  adapter: ymsg as unknown as Adapter,
  programs: [],
  login: { name: NICKS[0], password: PASSWORD },
  contact: `${NICKS[1]}@yahoo.example.org`,
  name: 'Tybalt',
  tells: 'at once',
  begins: 'friend',
  lines: ['Romeo, thou art a villain.', 'Villain am I none.'],
  async open() {
    const server = await YahooServer.open()
    for (const nick of NICKS) server.add(nick, PASSWORD)
    const settings = { host: '127.0.0.1', port: server.port }
    return farEnd(ymsg, { settings, close: () => server.close() }, 'name', NICKS)
  },
}
