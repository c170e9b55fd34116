import type { Jid } from '@parley/jid'
import { type Iq, type Message, type Presence, resultOf, type Stanza, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type Awaitable, chain, type Receive, type Transit } from '@xmpp/server-core'
import { identified } from '../message-log.ts'
import { fateOf } from '../message-rules.ts'
import { retractedBy } from '../tombstones.ts'
import { become } from './administering.ts'
import { approvalForm, decideRegistration } from './approving.ts'
import { decideVoice, requestVoice, voiceForm } from './asking.ts'
import { enter, notHere } from './entering.ts'
import { readHistory } from './history.ts'
import { declines, invitations } from './inviting.ts'
import type { Open } from './keeper.ts'
import { leave, move } from './moving.ts'
import { MUC, OWNER, USER } from './namespaces.ts'
import { nickOf } from './nicks.ts'
import type { Occupant } from './occupant.ts'
import { destroy } from './owning.ts'
import { Pace } from './pace.ts'
import { opened, type Parts, vacate } from './parts.ts'
import { Relay } from './relay.ts'
import { takeBack } from './retracting.ts'
import { Allowance, missedBy } from './returning.ts'
import { maySpeak, type Remark, type Room } from './room.ts'
import { isSubject, newSubject, spoken, whisper } from './speaking.ts'
import { redeem } from './token-routes.ts'

/** What clients send to rooms, and to those who are in them. */
export function incoming(parts: Parts): Receive {
  const { keeper, places, outlet, turns, clock, store, live, tombstones, lastSeen } = parts
  const relay = new Relay(clock)
  const pace = new Pace(clock)
  const allowance = new Allowance(clock)

  function receive(stanza: Stanza, to: Jid, transit: Transit): Awaitable<void> {
    if (to.local === '') {
      if (stanza.name === 'presence') return
      throw new StanzaError('service-unavailable')
    }
    // What another node passes on may come while its sender is still being let in.
    return chain(turns.wait(to.bare.text), () => handle(stanza, to, transit))
  }

  function handle(stanza: Stanza, to: Jid, transit: Transit): Awaitable<void> {
    switch (stanza.name) {
      case 'presence':
        return presence(stanza, to, transit)
      case 'message':
        return chain(opened(parts, to, stanza.from!), open => message(open, stanza, to, transit))
      default:
        return chain(opened(parts, to, stanza.from!), open => iq(open, stanza, to, transit))
    }
  }

  function presence(stanza: Presence, to: Jid, transit: Transit): Awaitable<void> {
    const from = stanza.from!
    switch (stanza.type) {
      case 'available':
        return chain(keeper.find(to.bare), open => {
          const occupant = open?.room.byReal(from)
          const x = stanza.child('x', MUC)
          if (occupant && (!x || occupant.nick !== to.resource)) {
            const nick = nickOf(to)
            return chain(open!.sayings.done(), () =>
              outlet.during(transit, () => move(open!.room, occupant, from, nick, stanza)),
            )
          }
          if (x) return turns.take(to.bare.text, () => enters(stanza, to, transit))
          vacate(parts, to.bare)
          if (!to.isBare) outlet.during(transit, () => outlet.send(notHere(from, to, parts.idOf(to.bare, from.bare))))
        })
      case 'unavailable':
      case 'error':
        return chain(keeper.find(to.bare), open => {
          const occupant = open?.room.byReal(from)
          const remark = stanza.type === 'error' ? { codes: [333] } : { state: statusOf(stanza), cause: stanza }
          if (open && occupant) return gone(open, from, remark, transit)
          vacate(parts, to.bare)
        })
      default:
        return undefined
    }
  }

  /** Who may not make the room leaves nothing of it. */
  function enters(stanza: Presence, to: Jid, transit: Transit): Promise<void> {
    return keeper.entering(to.bare, () => come(stanza, to, transit)).finally(() => vacate(parts, to.bare))
  }

  async function come(stanza: Presence, to: Jid, transit: Transit): Promise<void> {
    // While it waited the room may have gone, and its place with it: another node may have that by now.
    if (live.isShared && (await places.pass(stanza, to.bare, transit))) return
    const [from, nick] = [stanza.from!, nickOf(to)]
    const known = await keeper.find(to.bare)
    if (!known) await tombstones.checkMaker(to.bare, from)
    if (!known && !parts.mayCreate(from)) throw new StanzaError('not-allowed', 'You may not make rooms here')
    if (!known && !parts.made.take(from.bare.text)) {
      throw new StanzaError('resource-constraint', 'You make rooms too often')
    }
    const { archive: archived } = parts.host.config
    const make = () => keeper.create(to.bare, from.bare, { archived })
    const open = known ?? (await parts.owned.make(to.bare, from.bare, make))
    const { room } = open
    if (known) await redeem(parts, room, from, stanza)
    if (!known) await tombstones.remove(to.bare)
    const missed = known && (await missedBy(parts, open, from, readHistory(stanza.child('x', MUC))))
    const id = parts.idOf(room.jid, from.bare)
    const { guessed } = parts
    outlet.during(transit, () => {
      const lines = missed && allowance.linesOf(missed, open, from.bare)
      const shown = { earlier: lines ?? open.earlier, most: lines?.length ?? room.config.history }
      enter({ room, from, nick, presence: stanza, id, isNew: !known, ...shown, now: clock.now(), guessed })
      if (missed) outlet.await(lastSeen.forget(room.jid, from.bare), 'what a member has seen is not forgotten')
    })
  }

  /** Behind what was said before. */
  function gone({ room, sayings }: Open, from: Jid, remark: Remark, transit: Transit): Awaitable<void> {
    return chain(sayings.done(), () => {
      const occupant = room.byReal(from)
      if (!occupant) return
      if (room.isLocked) return turns.take(room.jid.text, () => givesUp(room, from, remark, transit))
      outlet.during(transit, () => leave(room, occupant, from, remark))
      if (room.size === 0) return turns.take(room.jid.text, () => left(room))
    })
  }

  /** §10.1.3: an owner goes before the room is set up. It never was, unless another client of the owner is there. */
  async function givesUp(room: Room, from: Jid, remark: Remark, transit: Transit): Promise<void> {
    const occupant = room.byReal(from)
    if (!occupant) return
    if (!room.isLocked || room.size > 1 || occupant.seats.size > 1) {
      outlet.during(transit, () => leave(room, occupant, from, remark))
      if (room.size === 0) await left(room)
      return
    }
    await keeper.remove(room)
    places.leave(room.jid)
    outlet.during(transit, () => destroy(room, el('destroy', OWNER), remark.cause))
  }

  async function left(room: Room): Promise<void> {
    if (await keeper.left(room)) places.leave(room.jid)
  }

  function message(open: Open, stanza: Message, to: Jid, transit: Transit): Awaitable<void> {
    const { room } = open
    const from = stanza.from!
    // A client that cannot be reached is not here any more (XEP-0045 §18.1).
    if (stanza.type === 'error') {
      return gone(open, from, { codes: [333] }, transit)
    }
    if (!to.isBare) return outlet.during(transit, () => whisper(room, from, to, stanza))
    if (stanza.type !== 'groupchat') return byTheWay(open, stanza, transit)
    if (isSubject(stanza)) return changeSubject(open, stanza, transit)
    const said = spoken(room, from, stanza)
    pace.keep(open, room.byReal(from)!, said, transit)
    say(open, from, said, transit)
  }

  /** Kept first, then said; the log gives the order in which everybody hears it. */
  function say(open: Open, from: Jid, said: Message, transit: Transit): void {
    const { room } = open
    const keeps = room.config.archived && fateOf(said.with({ type: 'chat' })).keep
    if (!keeps) {
      transit.effect(() => heard(room, room.byReal(from), said, said, transit))
      return
    }
    keep(open, from, said, transit, (speaker, marked, id) => {
      heard(room, speaker, said, marked, transit, id)
      keeper.remember(open, { row: id, from: said.from!, id: said.id, body: marked.body, at: clock.now() })
      const retraction = retractedBy(said)
      // Heard in the order of the log, so that nobody who reads on misses it.
      if (retraction) {
        const done = turns.take(room.jid.text, () => takeBack(parts, open, speaker.id, retraction))
        transit.behind(done)
      }
    })
  }

  /** A row of the room's log; `kept` hears of it, in the order of the log, unless the speaker may not speak any more. */
  function keep(
    { room, sayings }: Open,
    from: Jid,
    said: Message,
    transit: Transit,
    kept: (speaker: Occupant, marked: Message, id: bigint) => void,
  ): void {
    const row = {
      owner: room.jid.text,
      peer: room.jid.text,
      resource: said.from!.resource,
      type: 'groupchat',
      ...(said.id !== undefined && { originId: said.id }),
      stanza: said.toXml(),
      kept: true,
      owed: false,
    } as const
    sayings.begin()
    const written = (id: bigint) => {
      sayings.end()
      // Threat 83: who has been thrown out meanwhile, or has no voice any more, has said nothing.
      const speaker = room.byReal(from)
      if (!speaker || !maySpeak(speaker)) {
        void store.messages.remove(row.owner, [id])
        throw new StanzaError('not-acceptable')
      }
      kept(speaker, identified(said, room.jid, id), id)
    }
    transit.log(row, written, () => sayings.end())
  }

  /** Said to those who are here; then those who are not may want to know. */
  function heard(
    room: Room,
    speaker: Occupant | undefined,
    said: Message,
    marked: Message,
    transit: Transit,
    id?: bigint,
  ): void {
    outlet.during(transit, () => room.say(marked))
    const tell = speaker && parts.absent.missing(room, said, marked, speaker, id)
    if (tell) transit.effect(tell)
  }

  function changeSubject(open: Open, stanza: Message, transit: Transit): void {
    const { room } = open
    const from = stanza.from!
    const changed = newSubject(room, from, stanza)
    const change = () => {
      const text = changed.textOf('subject') ?? ''
      room.subject = { from: changed.from!.resource, text, xml: changed.body.xml, at: clock.now() }
      return turns.take(room.jid.text, () => keeper.save(room))
    }
    if (!room.config.archived) {
      transit.gate(change())
      transit.effect(() => outlet.during(transit, () => room.say(changed)))
      return
    }
    // XEP-0313 §6.1.2: the archive has it, and of two the later one there stays.
    keep(open, from, changed, transit, (_, marked, id) => {
      open.newest = id
      transit.behind(change())
      outlet.during(transit, () => room.say(marked))
    })
  }

  /** Invitations, their refusals, voice and membership (§7.8.2, §7.13, §9.9). */
  function byTheWay({ room }: Open, stanza: Message, transit: Transit): Awaitable<void> {
    const from = stanza.from!
    const x = stanza.child('x', USER)
    if (x?.child('invite', USER)) return inTurn(room, () => invite(room, from, x, transit))
    if (x?.child('decline', USER)) return outlet.during(transit, () => declines(room, from, x).forEach(outlet.send))
    const decision = approvalForm(stanza)
    if (decision) return inTurn(room, () => decideRegistration(parts, room, from, decision))
    const form = voiceForm(stanza)
    if (!form) throw new StanzaError('bad-request', 'A room takes messages of type groupchat')
    const decides = form.field('muc#request_allow') !== undefined
    outlet.during(transit, () => (decides ? decideVoice(room, from, form) : requestVoice(room, from)))
  }

  /** What it sends then may come back to the room, which must not wait for itself. */
  async function inTurn(room: Room, task: () => Promise<readonly Message[]>): Promise<void> {
    for (const message of await turns.take(room.jid.text, task)) await outlet.route(message)
  }

  async function invite(room: Room, from: Jid, x: Element, transit: Transit): Promise<readonly Message[]> {
    const invited = invitations(room, from, x)
    for (const { to, becomesMember } of invited) {
      if (!becomesMember) continue
      await become(parts, room, to.bare, { affiliation: 'member' }, transit)
    }
    return invited.map(({ message }) => message)
  }

  function iq({ room }: Open, stanza: Iq, to: Jid, transit: Transit): Awaitable<void> {
    if (to.isBare) throw new StanzaError('service-unavailable')
    if (!stanza.isRequest) {
      const answer = relay.answer(stanza)
      if (answer) transit.effect(() => outlet.route(answer))
      return
    }
    const passed = relay.request(room, stanza.from!, to, stanza)
    transit.effect(() => outlet.route(passed === 'pong' ? resultOf(stanza, undefined) : passed))
  }

  return receive
}

/** §7.14: a farewell. */
function statusOf(presence: Presence): readonly Element[] {
  const status = presence.child('status')
  return status ? [status] : []
}
