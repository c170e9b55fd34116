import type { Jid } from '@parley/jid'
import { type Presence, StanzaError } from '@parley/stanza'
import type { PubsubItem, PubsubNode } from '@parley/store'
import { type Element, el } from '@parley/xml'
import {
  type Awaitable,
  accountRemoved,
  chain,
  defineModule,
  integer,
  map,
  type Outbound,
  on,
  only,
  outbound,
  Throttle,
  type Verdict,
} from '@xmpp/server-core'
import {
  DATA,
  describedBy,
  hashOf,
  METADATA,
  marked,
  metadataOf,
  type Photo,
  type Picture,
  photoIn,
  pictureOf,
  withPhoto,
} from './avatar-formats.ts'
import pep from './pep.ts'
import { type Bounds, pictures } from './pictures.ts'
import { barrier } from './pubsub/access.ts'
import { option } from './pubsub/config.ts'
import { payloadOf } from './pubsub/events.ts'
import { publishOwn, type Wanted } from './pubsub/own.ts'
import vcard from './vcard.ts'

/** Accounts whose avatars are known in memory, and characters of an image that is read. */
const CACHED = 20_000
const CHARS = 16_000_000
/** Pictures of one account that are read in a minute. */
const READ = 20
/** XEP-0153 §4.6 */
const PHOTO_BYTES = 8191
/** What nodes tell each other when an avatar has changed. */
const CHANGED = 'avatar'

/** What presence says: the hash, and for whom the image is. */
interface Mark {
  readonly hash: string
  readonly model: string
}

/** Avatars that are published (XEP-0084) are in vCards (XEP-0153) too, and the other way round; presence tells their hash. */
export default defineModule({
  name: 'avatars',
  xeps: [
    { number: 153, version: '1.1.1' },
    { number: 398, version: '1.0.0' },
  ],
  features: { account: ['urn:xmpp:pep-vcard-conversion:0'] },
  uses: { pep, vcard },
  config: {
    photo: integer(96, 0, 1024, 'longer side, in pixels, of what vCards show of a published avatar; 0: as it is'),
    avatar: integer(192, 0, 1024, 'longer side, in pixels, of the avatar made of the photo of a vCard; 0: as it is'),
  },
  stores: { photos: map<Picture>() },
  setup({ uses, config, stores: { photos }, store, server, live, clock, log }) {
    const photo: Bounds = { side: config.photo, bytes: PHOTO_BYTES, types: ['image/png', 'image/jpeg'] }
    // XEP-0084 §4.1: a PNG, of whatever size; so many bytes it has when nothing in it can be packed.
    const avatar: Bounds = { side: config.avatar, bytes: 4 * config.avatar ** 2, types: ['image/png'] }
    const reads = new Throttle(clock, READ)
    const marks = new Map<string, Awaitable<Mark | undefined>>()
    const forget = (account: string) => void marks.delete(account)
    server.hear(CHANGED, forget)

    function changed(account: Jid): void {
      forget(account.text)
      live.tell(CHANGED, account.text)
    }

    // ── presence ──

    function markOf(account: Jid): Awaitable<Mark | undefined> {
      const known = marks.get(account.text)
      if (known !== undefined || marks.has(account.text)) return known
      const loading = readMark(account)
      marks.set(account.text, loading)
      const oldest = marks.size > CACHED ? marks.keys().next().value : undefined
      if (oldest !== undefined) marks.delete(oldest)
      const done = (mark?: Mark) => {
        // What changed meanwhile has been forgotten, or is being read again.
        if (marks.get(account.text) === loading) marks.set(account.text, mark)
      }
      loading.then(done, () => forget(account.text))
      return loading
    }

    async function readMark(account: Jid): Promise<Mark | undefined> {
      const service = uses.pep.service(account)
      const found = await store.pubsub.latest([account.text], [METADATA], account.text, CHARS)
      const described = found[0] && saidOf(found[0].item)
      const data = described && (await store.pubsub.node(account.text, DATA, account.text))
      if (!data) return undefined
      const shown = await photos.get(account.text, described.id)
      return { hash: shown?.id ?? described.id, model: String(option(service, data.config, 'access_model')) }
    }

    /** XEP-0398 §4: in presence for contacts what contacts may see, elsewhere what everybody may. */
    function mark({ stanza, session }: Omit<Outbound, 'stanza'> & { readonly stanza: Presence }): Awaitable<Verdict> {
      if (stanza.type !== 'available') return
      return chain(markOf(session.account), found => {
        if (!found || !(found.model === 'open' || (found.model === 'presence' && !stanza.to))) return
        const children = marked(stanza.children, found.hash)
        return children && { replace: stanza.withChildren(children) }
      })
    }

    // ── from the nodes to the card ──

    /** XEP-0398 §7: whoever may read both nodes sees the picture in the card; no avatar is no photo. */
    async function read(account: Jid, asker: Jid, stored: Element | undefined): Promise<Element | undefined> {
      const service = uses.pep.service(account)
      const standing = await service.standing(asker)
      const hidden = (node: PubsubNode | undefined) => !node || barrier(service, node, asker, standing) !== undefined
      const [found] = await store.pubsub.latest([account.text], [METADATA], asker.bare.text, CHARS)
      if (!found || hidden(found.node)) return stored
      const described = saidOf(found.item)
      if (!described) return stored && withPhoto(stored, undefined)
      if (hidden(await store.pubsub.node(account.text, DATA, asker.bare.text))) return stored
      const published = await imageOf(account, described.id)
      if (!published) return stored
      const shown = await photos.get(account.text, described.id)
      return withPhoto(stored, shown ?? { ...described, base64: published.base64 })
    }

    /** XEP-0398 §3.1: an image has the hash that it says. */
    async function imageOf(account: Jid, id: string): Promise<{ base64: string; image: Buffer } | undefined> {
      const [item] = await store.pubsub.itemsById(account.text, DATA, [id])
      const base64 = item?.payload && payloadOf(item).text().replaceAll(/\s/g, '')
      const image = Buffer.from(base64 ?? '', 'base64')
      return base64 && hashOf(image) === id ? { base64, image } : undefined
    }

    /** The image first, then what is said of it: so the photo is there before anybody is told. */
    async function prepare(account: Jid): Promise<void> {
      const found = await store.pubsub.latest([account.text], [DATA, METADATA], account.text, CHARS)
      const ids = found.map(({ node, item }) => (node.node === DATA ? item.id : saidOf(item)?.id))
      const known = await photos.keys(account.text)
      for (const id of known) if (!ids.includes(id)) await photos.delete(account.text, id)
      for (const id of new Set(ids)) {
        if (id === undefined || known.includes(id)) continue
        const published = await imageOf(account, id)
        const made = published && (await fit(account, published.image, photo))
        if (made) await photos.set(account.text, id, pictureOf(made))
      }
    }

    function fit(account: Jid, image: Buffer, bounds: Bounds) {
      return bounds.side > 0 && reads.take(account.text) ? pictures.fit(image, bounds, log) : undefined
    }

    // ── from the card to the nodes ──

    async function written(account: Jid, card: Element): Promise<void> {
      const found = photoIn(card)
      if (!found) return
      const { id } = found.picture
      const [before] = await store.pubsub.latest([account.text], [METADATA], account.text, CHARS)
      const described = before && saidOf(before.item)?.id
      // Who changes something else in the card writes the photo back that was shown.
      if (described === id || (described && (await photos.get(account.text, described))?.id === id)) return
      try {
        await convert(account, found)
      } catch (error) {
        // No room for another node: the card is kept all the same.
        if (!(error instanceof StanzaError)) throw error
      } finally {
        await renew(account)
      }
    }

    /** XEP-0398 §3.2: first the image, then what is said of it. */
    async function convert(account: Jid, { picture, image }: Photo): Promise<void> {
      const service = uses.pep.service(account)
      const sized = await fit(account, image, avatar)
      const made = sized ? pictureOf(sized) : picture
      if (made.base64.length > service.limits.bytes) return
      // A node that the card makes is open, as the card is.
      const wanted: Wanted = now => now ?? { ...service.defaults, access_model: 'open' }
      // The card goes on showing what its owner has put there.
      await photos.set(account.text, made.id, picture)
      await publishOwn(service, DATA, wanted, made.id, el('data', DATA, null, made.base64))
      await publishOwn(service, METADATA, wanted, made.id, metadataOf(made, (sized?.image ?? image).length, sized))
    }

    async function renew(account: Jid): Promise<void> {
      try {
        await prepare(account)
      } finally {
        changed(account)
      }
    }

    for (const node of [DATA, METADATA])
      uses.pep.around(node, async (account, change) => {
        const answer = await change()
        await renew(account)
        return answer
      })
    uses.vcard.share({ read, written })
    return {
      on: [
        on(outbound, 'rewrite', only('presence', mark)),
        on(accountRemoved, 'observe', ({ account }) => changed(account)),
      ],
    }
  },
})

/** Items may be empty. */
function saidOf(item: PubsubItem): ReturnType<typeof describedBy> {
  return item.payload === '' ? undefined : describedBy(payloadOf(item))
}
