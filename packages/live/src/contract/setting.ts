import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach } from '@jest/globals'
import { Jid } from '@parley/jid'
import type { Ended, Live, LiveLimits, Outlet, Packet } from '../live.ts'
import { Client } from './client.ts'

export interface DriverOptions {
  readonly limits: LiveLimits
  /** Milliseconds on a clock that never goes back, and since 1970. */
  readonly now: () => number
  readonly time: () => number
  readonly every: (check: () => void) => () => void
}
/** A new, empty driver, and another node that shares it where there are such. */
export type Driver = (options: DriverOptions) => Promise<{ readonly live: Live; readonly peer?: Live }>

export const LIMITS: LiveLimits = { queue: 5, chars: 5000, total: 8000, directed: 3, waiting: 3 }
export const ROMEO = Jid.parse('romeo@a.test/orchard')
export const PHONE = Jid.parse('romeo@a.test/phone')

export const now = (xml: string, more: Partial<Packet> = {}): Packet => ({ xml, mid: xml, urgency: 'now', ...more })
export const later = (xml: string, more: Partial<Packet> = {}): Packet => ({ ...now(xml, more), urgency: 'later' })

export function xmlOf(packets: readonly Packet[] | string | undefined): string {
  return typeof packets === 'object' ? packets.map(({ xml }) => xml).join('') : String(packets)
}

/** A driver for each test, the client of its one session, and time that passes when a test says so. */
export class Setting {
  live!: Live
  ended: Ended[] = []
  client = new Client()
  /** Another node, where the driver knows any. */
  peer: Live | undefined
  #told: string[] = []
  #elapsed = 0
  #check = () => {}

  constructor(driver: Driver) {
    beforeEach(() => this.#start(driver))
    afterEach(async () => {
      await this.live.stop()
      await this.peer?.stop()
    })
  }

  async #start(driver: Driver): Promise<void> {
    this.ended = []
    this.client = new Client()
    this.#told = []
    this.#elapsed = 0
    const { live, peer } = await driver({
      limits: LIMITS,
      now: () => this.#elapsed,
      time: () => 1_000_000 + this.#elapsed,
      every: task => {
        this.#check = task
        return () => {}
      },
    })
    this.live = live
    this.peer = peer
    const nothing = { ended() {}, stray() {}, missed() {}, told() {}, usable() {} }
    peer?.handle(nothing)
    live.handle({
      ...nothing,
      ended: end => {
        this.ended.push(end)
        void live.finished(end.entry.sid)
      },
      told: (_, text) => this.#told.push(text),
    })
  }

  async open(sid = 's1', jid = ROMEO, outlet: Outlet = this.client): Promise<number> {
    return (await this.live.open(sid, jid, outlet)).epoch
  }

  /** Delivers to the first session; gives what became of each packet. */
  async send(...packets: readonly Packet[]): Promise<string[]> {
    const results: string[] = []
    await this.live.sessions(ROMEO.bare)
    for (const packet of packets) results.push(await this.live.deliver('s1', packet))
    return results
  }

  async pass(ms: number): Promise<void> {
    this.#elapsed += ms
    this.#check()
    await this.settled()
  }

  /** Resolves when all that was done has been heard of: what another node says comes behind it. */
  async settled(): Promise<void> {
    await this.live.count()
    if (!this.peer) return
    const mark = randomUUID()
    this.peer.tell('settled', mark)
    while (!this.#told.includes(mark)) await new Promise(resolve => setImmediate(resolve))
  }
}
