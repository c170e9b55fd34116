import type { Element } from '@parley/xml'
import { pause } from '../stage/child.ts'
import { DOMAIN } from '../stage/front.ts'
import type { World } from './client.ts'
import { Connection } from './connection.ts'
import { Talker } from './talker.ts'

const SM = 'urn:xmpp:sm:3'
/** How long the server may keep the session of a mortal for its return (s). */
const HOLD = 5
const EVERY = 1500
const SUBSCRIPTION = 30_000

/** Sees the presence of the mortals. */
export class Watcher extends Talker {
  protected override presence({ attrs }: Element): void {
    const { from = '', type } = attrs
    if (!from.includes('/')) return
    if (type === undefined || type === 'unavailable') {
      this.say({ what: 'presence', from, isAvailable: type === undefined })
    }
  }
}

/** Clients that come, are seen by a watcher, and go without a word for ever: what is left of them must go too. */
export class Mortals {
  readonly #world: World
  readonly #user: string
  readonly #alive = new Set<Connection>()
  #timer: NodeJS.Timeout | undefined
  #count = 0

  constructor(world: World, user: string) {
    this.#world = world
    this.#user = user
  }

  /** Before the run: `watcher` gets the presence of the mortals' account. */
  async befriend(watcher: string): Promise<void> {
    const port = this.#world.ports[0]!
    const [mortal, other] = await Promise.all([Connection.open(port), Connection.open(port)])
    await mortal.authenticate(this.#user)
    await other.authenticate(watcher)
    for (const each of [mortal, other]) {
      await each.bind('setup')
      // RFC 6121 §2.2: who has not asked for the roster hears nothing of subscriptions.
      await each.request('roster', 'get', '<query xmlns="jabber:iq:roster"/>')
      each.write('<presence/>')
    }
    const asked = mortal.next(({ name, attrs }) => name === 'presence' && attrs['type'] === 'subscribe')
    const granted = other.next(({ name, attrs }) => name === 'presence' && attrs['type'] === 'subscribed')
    const late = setTimeout(() => [mortal, other].map(each => each.destroy()), SUBSCRIPTION)
    other.write(`<presence type="subscribe" to="${this.#user}@${DOMAIN}"/>`)
    await asked
    mortal.write(`<presence type="subscribed" to="${watcher}@${DOMAIN}"/>`)
    await granted
    clearTimeout(late)
    mortal.close()
    other.close()
  }

  start(): void {
    this.#timer = setInterval(() => void this.#live(++this.#count), EVERY)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const connection of this.#alive) connection.destroy()
  }

  /** One comes, stays a while, and is lost: by itself, or by what happens to its front end. */
  async #live(number: number): Promise<void> {
    const { ports, dice, patience, recorder } = this.#world
    const resource = `mortal-${number}`
    const isHeld = dice.next() < 0.5
    const stay = dice.between(500, 4000)
    try {
      const connection = await Connection.open(dice.pick(ports), { patience })
      const late = setTimeout(() => connection.destroy(), patience + stay)
      this.#alive.add(connection)
      const hold = isHeld ? HOLD * 1000 : 0
      connection.onLost = () => {
        clearTimeout(late)
        this.#alive.delete(connection)
        recorder.of(this.#user).push({
          at: recorder.now(),
          what: 'died',
          jid: `${this.#user}@${DOMAIN}/${resource}`,
          hold,
        })
      }
      await connection.authenticate(this.#user)
      await connection.bind(resource)
      if (isHeld) {
        connection.write(`<enable xmlns="${SM}" resume="true" max="${HOLD}"/>`)
        await connection.next(({ ns }) => ns === SM)
      }
      connection.write('<presence/>')
      await pause(stay)
      connection.destroy()
    } catch {
      // Its front end was away: another one comes soon.
    }
  }
}
