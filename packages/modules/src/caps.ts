import type { Jid } from '@parley/jid'
import { Body, Iq, NS, type Presence } from '@parley/stanza'
import { type Element, el, parseElement, serialize } from '@parley/xml'
import {
  type Awaitable,
  chain,
  defineHook,
  defineModule,
  isPromise,
  map,
  type Outbound,
  observe,
  on,
  only,
  outbound,
  type Session,
} from '@xmpp/server-core'
import { hashOf, verificationString } from './caps-hash.ts'
import disco from './disco.ts'

const CAPS = 'http://jabber.org/protocol/caps'
/** Answers in memory and in the store, and the longest: a made-up client costs its maker as much as it costs us. */
const KEPT = 2000
const STORED = 20_000
const ANSWER_LENGTH = 16_384
/** What nodes tell each other when a client has told its capabilities. */
const LEARNT = 'caps'
/** How long nothing may be known that another node has learnt (ms). */
const FRESH = 2000
/** Of SHA-512 in Base64. */
const VER_LENGTH = 88
const NODE = 'urn:parley'

export interface Caps {
  /** The features behind the `caps` of a session entry, once its client has told them and the hash was right. */
  features(caps: string): Awaitable<ReadonlySet<string> | undefined>
  /** The same, and where nobody has told them yet `to` is asked, in the name of `from`. */
  learn(claim: CapsClaim, from: Jid, to: Jid): Awaitable<ReadonlySet<string> | undefined>
}

/** What a presence says of the client that has sent it. */
export interface CapsClaim {
  /** Hash and version, as in a session entry. */
  readonly caps: string
  readonly algorithm: string
  readonly node: string
}

/** What a session of this node can do is known, for the first time or anew, and its hash was right. */
export const capsLearned = defineHook<{ readonly session: Session; readonly features: ReadonlySet<string> }>()(
  'caps-learned',
  'observe',
)

/** What a presence says of its client; undefined where its hash is not one that we verify. */
export function readCaps(presence: Presence): CapsClaim | undefined {
  const { hash, ver, node } = presence.child('c', CAPS)?.attrs ?? {}
  const algorithm = hash === undefined ? undefined : hashOf(hash)
  if (!algorithm || !ver || !node || ver.length > VER_LENGTH) return undefined
  return { caps: `${hash} ${ver}`, algorithm, node }
}

/**
 * Entity capabilities (XEP-0115): the server's own in its stream features, and those of its clients. What a client says of
 * a hash is kept only when it has that hash; legacy capabilities, which prove nothing, are not kept at all.
 */
export default defineModule({
  name: 'caps',
  xeps: [{ number: 115, version: '1.6.0' }],
  features: { host: [CAPS] },
  uses: { disco },
  stores: { verified: map<string>() },
  setup({ stores, uses, request, host, log, phase, server, clock, live }) {
    const listening = phase(capsLearned, 'observe')
    const known = new Map<string, ReadonlySet<string>>()
    const asking = new Set<string>()
    const loads = new Map<string, Promise<ReadonlySet<string> | undefined>>()
    const unknown = new Map<string, number>()
    server.hear(LEARNT, caps => unknown.delete(caps))
    const writes = new Set<Promise<void>>()

    function remember(caps: string, query: Element): ReadonlySet<string> {
      const features = new Set(query.childrenNamed('feature').map(feature => feature.attrs['var'] ?? ''))
      known.delete(caps)
      known.set(caps, features)
      const oldest = known.size > KEPT ? known.keys().next().value : undefined
      if (oldest !== undefined) known.delete(oldest)
      return features
    }

    /** Once for all who ask at the same time; what is not known is not looked for again within two seconds. */
    function load(caps: string): Awaitable<ReadonlySet<string> | undefined> {
      const missing = unknown.get(caps)
      if (missing !== undefined && missing > clock.monotonic()) return undefined
      const loading = loads.get(caps) ?? read(caps).finally(() => loads.delete(caps))
      loads.set(caps, loading)
      return loading
    }

    /** What clients of one domain have told is known in all, since contacts may be of any. */
    async function read(caps: string): Promise<ReadonlySet<string> | undefined> {
      for (const domain of new Set([host.domain, ...server.router.hosts.keys()])) {
        const xml = await stores.verified.get(domain, caps)
        if (xml !== undefined) return remember(caps, parseElement(xml))
      }
      if (unknown.size >= KEPT) unknown.clear()
      unknown.set(caps, clock.monotonic() + FRESH)
      return known.get(caps)
    }

    let stored: number | undefined
    async function store(caps: string, xml: string): Promise<void> {
      stored ??= (await stores.verified.keys(host.domain)).length
      if (stored >= STORED) return
      stored++
      await stores.verified.set(host.domain, caps, xml)
      live.tell(LEARNT, caps)
    }

    /** Not awaited by anybody: the answer comes behind the stanza that is being handled. */
    async function notify(session: Session, claim: CapsClaim): Promise<void> {
      const features = await learn(claim, host.jid, session.jid)
      if (features && session.entry.caps === claim.caps)
        server.finish(host, observe(listening, { session, features }, log))
    }

    function learn(claim: CapsClaim, from: Jid, to: Jid): Awaitable<ReadonlySet<string> | undefined> {
      const features = known.get(claim.caps) ?? load(claim.caps)
      return chain(features, found => found ?? ask(claim, from, to))
    }

    /** Each client speaks for itself: one that does not answer keeps nothing from the others. */
    async function ask({ caps, algorithm, node }: CapsClaim, from: Jid, to: Jid) {
      const question = `${to.text} ${caps}`
      if (asking.has(question) || asking.size >= KEPT) return undefined
      asking.add(question)
      try {
        const ver = caps.slice(caps.indexOf(' ') + 1)
        const query = el('query', NS.discoInfo, { node: `${node}#${ver}` })
        const head = { type: 'get', id: 'caps', from, to } as const
        const answer = (await request(new Iq(head, Body.of([query])))).child('query', NS.discoInfo)
        // XEP-0115 §5.4: what does not have the hash that was claimed is forgotten.
        if (!answer || verificationString(answer, algorithm) !== ver) {
          log.info('capabilities that do not have their hash', { client: to.text })
          return undefined
        }
        const xml = serialize(answer)
        if (xml.length > ANSWER_LENGTH) return undefined
        const features = known.get(caps) ?? remember(caps, answer)
        const writing = store(caps, xml)
          .catch((error: unknown) => log.warn('capabilities are not kept', { error }))
          .finally(() => writes.delete(writing))
        writes.add(writing)
        return features
      } catch (error) {
        log.debug('a client did not tell its capabilities', { client: to.text, error })
        return undefined
      } finally {
        asking.delete(question)
      }
    }

    function notice({ stanza, session }: Omit<Outbound, 'stanza'> & { readonly stanza: Presence }): undefined {
      if (stanza.type !== 'available' || stanza.to) return
      const claim = readCaps(stanza)
      const caps = claim?.caps
      if (caps === session.entry.caps) return
      const updated = session.update({ caps })
      if (isPromise(updated))
        updated.catch((error: unknown) => log.warn('capabilities are not known to others', { error }))
      if (claim) notify(session, claim).catch(error => log.error('capabilities', { error }))
    }

    /** What the host says changes only while modules are set up. */
    let own: string | undefined
    function ownVersion(): string | undefined {
      if (own === undefined) {
        own = verificationString(uses.disco.hostInfo(), 'sha1')
        // XEP-0115 §6.2: what the hash stands for is told at its node.
        uses.disco.addNode('host', `${NODE}#${own}`, { info: uses.disco.hostInfo })
      }
      return own
    }

    return {
      on: [on(outbound, 'rewrite', only('presence', notice))],
      stream: [
        {
          order: 'info',
          advertise: stream =>
            stream.account ? el('c', CAPS, { hash: 'sha-1', node: NODE, ver: ownVersion() }) : undefined,
        },
      ],
      api: { features: caps => known.get(caps) ?? load(caps), learn } satisfies Caps,
      stop: () => Promise.allSettled(writes).then(() => undefined),
    }
  },
})
