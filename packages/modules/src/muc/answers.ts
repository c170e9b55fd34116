import type { Jid } from '@parley/jid'
import { NS, pageOf, pageSet, readRsm, StanzaError } from '@parley/stanza'
import { type Element, el } from '@parley/xml'
import { type Asked, type IqRoute, iqGet, iqSet, type Request } from '@xmpp/server-core'
import { fin, metadata, readArchive, sendPage } from '../archive-pages.ts'
import { MAM, queryForm, readQuery } from '../archive-query.ts'
import { REGISTER } from '../registration-rules.ts'
import { affiliate, applyChanges, listOf, readChanges } from './administering.ts'
import { roomInfo, serviceInfo } from './discovering.ts'
import { hatItems, runHatCommand } from './hat-commands.ts'
import type { Open } from './keeper.ts'
import { moderate } from './moderating.ts'
import { ADMIN, MODERATE, OWNER } from './namespaces.ts'
import { configure, destroy, ownerForm, readWish } from './owning.ts'
import { inTurn, opened, type Parts } from './parts.ts'
import { readingOf } from './reading.ts'
import { register, registrationForm } from './registering.ts'
import { isAtLeast } from './roles.ts'
import type { Room } from './room.ts'
import { speakersFor } from './speakers.ts'

/** Rooms named at once (XEP-0045 §6.3). */
const PAGE = 100
const DAY = 86_400_000

/** What rooms and their service answer; `domain` is the service's. */
export function answers(parts: Parts, domain: string): readonly IqRoute[] {
  const { keeper, places, outlet, turns, store, retention, tombstones, cards, ids } = parts

  async function administer({ room }: Open, { from, payload }: Request): Promise<undefined> {
    const changes = readChanges(room, from, payload)
    for (const { account, affiliated } of changes.affiliations) await keeper.affiliate(room, account, affiliated)
    outlet.during(undefined, () => applyChanges(room, changes))
    return undefined
  }

  async function own({ room }: Open, { from, payload }: Request): Promise<undefined> {
    const wish = readWish(room, from, payload)
    if (wish.what === 'configure') {
      const { jid, subject } = room
      const { keptDays } = wish.config
      for (const { account, affiliated } of wish.affiliations) await keeper.affiliate(room, account, affiliated)
      await keeper.save({ jid, subject, config: wish.config, isLocked: false })
      if (keptDays !== room.config.keptDays) await retention.wish(jid.text, keptDays === 0 ? undefined : keptDays * DAY)
      outlet.during(undefined, () => {
        // First: whoever is an admin now need not leave a room that becomes one for members.
        for (const { account, affiliated } of wish.affiliations) affiliate(room, account, affiliated)
        configure(room, wish.config)
      })
    } else if (wish.what !== 'nothing') {
      await keeper.remove(room)
      if (wish.what === 'destroy') await tombstones.keep(room, wish.destroy)
      places.leave(room.jid)
      outlet.during(undefined, () => destroy(room, wish.what === 'destroy' ? wish.destroy : payload))
    }
    return undefined
  }

  async function registers(request: Request): Promise<undefined> {
    const { from, to } = request
    const asked = await turns.take(to.text, async () => register(parts, (await opened(parts, to, from)).room, request))
    // An admin may be anybody, even the room itself, which must not wait for itself.
    for (const message of asked) await outlet.route(message)
    return undefined
  }

  async function archive(open: Open, request: Request, { mid }: Asked): Promise<Element> {
    checkReader(open.room, request.from)
    // Who has heard that something is taken back does not read it any more.
    await turns.wait(request.to.text)
    const { query: wanted, reader } = readingOf(parts, open.room, request.from, readQuery(request.payload))
    const page = await readArchive(store.messages, request.to.text, wanted, reader)
    const speakers = speakersFor(ids, open.room, request.from)
    await sendPage(page, wanted, request, mid, (result, once) => outlet.deliver(result, once), speakers)
    return fin(page, wanted)
  }

  /** Who may enter may read (threats 90, 98). */
  function checkReader(room: Room, from: Jid): void {
    const affiliation = room.affiliationOf(from.bare)
    const isHere = room.byReal(from) !== undefined
    const closed = room.config.membersOnly || room.config.password !== '' || room.isLocked
    if (affiliation === 'outcast' || (closed && !isHere && !isAtLeast(affiliation, 'member'))) {
      throw new StanzaError('forbidden', 'The archive of this room is not for you')
    }
  }

  async function listRooms({ payload }: Request): Promise<Element> {
    const all = await keeper.listed(domain)
    const page = pageOf(all, jid => jid, readRsm(payload), PAGE)
    const found = await Promise.all(page.items.map(async jid => [jid, await keeper.titleOf(jid)] as const))
    const named = found.map(([jid, title]) =>
      el('item', NS.discoItems, { jid, name: title || jid.slice(0, jid.indexOf('@')) }),
    )
    return el('query', NS.discoItems, null, named, pageSet(payload, page))
  }

  return [
    iqGet('host', NS.discoInfo, 'query', () => serviceInfo('Rooms')),
    iqGet('host', NS.discoItems, 'query', listRooms),
    iqGet('account', NS.discoInfo, 'query', async ({ from, to, payload }) => {
      const { room } = await opened(parts, to, from)
      return roomInfo(room, from, payload.attrs['node'], await cards.fields(room))
    }),
    iqGet('account', NS.discoItems, 'query', async ({ from, to, payload }) => {
      const { room } = await opened(parts, to, from)
      const { node } = payload.attrs
      const all = node === NS.commands ? hatItems(room, from) : []
      const page = pageOf(all, ({ attrs }) => attrs['node']!, readRsm(payload), PAGE)
      return el('query', NS.discoItems, { node }, page.items, pageSet(payload, page))
    }),
    iqSet(
      'account',
      NS.commands,
      'command',
      inTurn(parts, ({ room }, request) => runHatCommand(parts, room, request)),
    ),
    iqGet('account', ADMIN, 'query', async ({ from, to, payload }) =>
      listOf((await opened(parts, to, from)).room, from, payload),
    ),
    iqSet('account', ADMIN, 'query', inTurn(parts, administer)),
    iqGet('account', OWNER, 'query', async ({ from, to }) => ownerForm((await opened(parts, to, from)).room, from)),
    iqSet('account', OWNER, 'query', inTurn(parts, own)),
    iqSet(
      'account',
      MODERATE,
      'moderate',
      inTurn(parts, (open, request) => moderate(parts, open, request)),
    ),
    iqGet('account', REGISTER, 'query', async ({ from, to }) =>
      registrationForm((await opened(parts, to, from)).room, from),
    ),
    iqSet('account', REGISTER, 'query', registers),
    iqGet('account', MAM, 'query', async ({ from, to }) => {
      checkReader((await opened(parts, to, from)).room, from)
      return el('query', MAM, null, queryForm())
    }),
    iqGet('account', MAM, 'metadata', async ({ from, to }) => {
      checkReader((await opened(parts, to, from)).room, from)
      return metadata(store.messages, to.text)
    }),
    iqSet('account', MAM, 'query', async (request, asked) =>
      archive(await opened(parts, request.to, request.from), request, asked),
    ),
  ]
}
