import type { Jid } from '@parley/jid'
import { type Presence, StanzaError } from '@parley/stanza'
import type { PubsubItem, PubsubNode } from '@parley/store'
import { type Element, el } from '@parley/xml'
import {
  type Awaitable,
  accountRemoved,
  chain,
  defineModule,
  type Outbound,
  on,
  only,
  outbound,
  type Verdict,
} from '@xmpp/server-core'
import {
  DATA,
  describedBy,
  hashOf,
  METADATA,
  marked,
  metadataOf,
  type Picture,
  pictureOf,
  withPhoto,
} from './avatar-formats.ts'
import pep from './pep.ts'
import { barrier } from './pubsub/access.ts'
import { option } from './pubsub/config.ts'
import { payloadOf } from './pubsub/events.ts'
import { publishOwn, type Wanted } from './pubsub/own.ts'
import vcard from './vcard.ts'

/** Accounts whose avatars are known in memory, and characters of an image that is read. */
const CACHED = 20_000
const CHARS = 16_000_000
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
    { number: 153, version: '1.1.1', partial: 'pictures are not made smaller' },
    { number: 398, version: '1.0.0' },
  ],
  features: { account: ['urn:xmpp:pep-vcard-conversion:0'] },
  uses: { pep, vcard },
  setup({ uses, store, server, live }) {
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
      const described = found[0] && describedBy(payloadOf(found[0].item))
      const data = described && (await store.pubsub.node(account.text, DATA, account.text))
      return data && { hash: described.id, model: String(option(service, data.config, 'access_model')) }
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
      const described = describedBy(payloadOf(found.item))
      if (!described) return stored && withPhoto(stored, undefined)
      if (hidden(await store.pubsub.node(account.text, DATA, asker.bare.text))) return stored
      const [item] = await store.pubsub.itemsById(account.text, DATA, [described.id])
      const picture = item && pictureIn(item, described)
      return picture ? withPhoto(stored, picture) : stored
    }

    // ── from the card to the nodes ──

    /** XEP-0398 §3.2: first the image, then what is said of it. */
    async function written(account: Jid, card: Element): Promise<void> {
      const found = pictureOf(card)
      const service = uses.pep.service(account)
      if (!found || found.picture.base64.length > service.limits.bytes) return
      const { picture, bytes } = found
      const [before] = await store.pubsub.latest([account.text], [METADATA], account.text, CHARS)
      if (before && describedBy(payloadOf(before.item))?.id === picture.id) return
      // A node that the card makes is open, as the card is.
      const wanted: Wanted = now => now ?? { ...service.defaults, access_model: 'open' }
      try {
        const data = el('data', DATA, null, picture.base64)
        await publishOwn(service, DATA, wanted, picture.id, data)
        await publishOwn(service, METADATA, wanted, picture.id, metadataOf(picture, bytes))
      } catch (error) {
        // No room for another node: the card is kept all the same.
        if (!(error instanceof StanzaError)) throw error
      } finally {
        changed(account)
      }
    }

    for (const node of [DATA, METADATA])
      uses.pep.around(node, async (account, change) => {
        const answer = await change()
        changed(account)
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

/** XEP-0398 §3.1: an image has the hash that it says. */
function pictureIn(
  item: PubsubItem,
  { id, type }: { readonly id: string; readonly type: string },
): Picture | undefined {
  const base64 = payloadOf(item).text().replaceAll(/\s/g, '')
  return hashOf(Buffer.from(base64, 'base64')) === id ? { id, type, base64 } : undefined
}
