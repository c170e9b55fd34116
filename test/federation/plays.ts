import { capture, p, Transcript } from '@parley/testkit'
import { befriend, type Play } from './cast.ts'
import type { Peer, Server } from './peers/peer.ts'
import { Person } from './person.ts'
import { avatars, tunes } from './plays-pep.ts'
import { rooms } from './plays-rooms.ts'
import { result, same } from './result.ts'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const SIXTY_THOUSAND = 'Wherefore art thou? '.repeat(3000)
const WORDS = [
  'But, soft! what light through yonder window breaks?',
  '🌹 👩🏽‍🚀 – „Was ist ein Name?“ – 名前とは何か',
  'a < b && "c" > \'d\'',
  SIXTY_THOUSAND,
]

/** Why a play cannot be played at two servers; undefined where it can. */
export function absence(play: Play, here: Peer, there: Peer): string | undefined {
  for (const [peer, need] of [
    [here, play.here],
    [there, play.there],
    [here, `${play.there} of ${there.name}`],
  ] as const) {
    const reason = need === undefined ? undefined : peer.lacks[need]
    if (reason !== undefined) return `${peer.name}: ${reason}`
  }
  return undefined
}

/** Runs a play with two new people. */
export async function perform(play: Play, here: Server, there: Server): Promise<void> {
  const transcript = new Transcript()
  const role = play.interests ? { interests: play.interests } : {}
  const name = (who: string) => `${who}-${play.name}-${++performances}`
  const romeo = await Person.join(here, name('romeo'), transcript)
  const juliet = await Person.join(there, name('juliet'), transcript, role)
  try {
    await Promise.all([romeo.appears(), juliet.appears()])
    await play.act({ romeo, juliet, there })
  } catch (error) {
    const { message } = error as Error
    throw message.includes(`${transcript}`) ? error : new Error(`${message}\n\n${transcript}`)
  } finally {
    romeo.leave()
    juliet.leave()
  }
}
let performances = 0

const presence: Play = {
  name: 'presence',
  title: 'subscribe, approve, see each other come and go, unsubscribe (RFC 6121 § 3, § 4)',
  async act({ romeo, juliet }) {
    await befriend({ romeo, juliet })
    romeo.sends`<presence><show>away</show><status>in the orchard</status></presence>`
    await juliet.hears`<presence from="${romeo}"><show>away</show><status>in the orchard</status></presence>`
    juliet.sends`<presence type="unavailable"><status>the nurse calls</status></presence>`
    await romeo.hears`<presence type="unavailable" from="${juliet}"/>`
    juliet.sends`<presence><priority>5</priority></presence>`
    await romeo.hears`<presence from="${juliet}"><priority>5</priority></presence>`
    romeo.sends`<presence type="unsubscribe" to="${juliet.bare}"/>`
    await juliet.hears`<presence type="unsubscribe" from="${romeo.bare}"/>`
    await juliet.hears`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="${romeo.bare}" subscription="to"/></query></iq>`
    juliet.sends`<presence type="unsubscribe" to="${romeo.bare}"/>`
    await romeo.hears`<presence type="unsubscribe" from="${juliet.bare}"/>`
  },
}

const messages: Play = {
  name: 'messages',
  title: 'messages both ways: ASCII, emoji, markup, 60 KB; twenty in order',
  async act({ romeo, juliet }) {
    for (const words of WORDS) {
      romeo.sends`<message to="${juliet.bare}" type="chat"><body>${words}</body></message>`
      await juliet.hears`<message from="${romeo}" type="chat"><body>${words.trim()}</body></message>`
      juliet.sends`<message to="${romeo}" type="chat"><body>${words}</body></message>`
      await romeo.hears`<message from="${juliet}" type="chat"><body>${words.trim()}</body></message>`
    }
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`)
    for (const line of lines) romeo.sends`<message to="${juliet}" type="chat"><body>${line}</body></message>`
    romeo.sends`<message to="${juliet}" type="headline"><body>That is all</body></message>`
    await juliet.hears`<message from="${romeo}" type="headline"><body>That is all</body></message>`
    same(juliet.said(romeo.jid), lines)
  },
}

const requests: Play = {
  name: 'requests',
  title: "requests: ping, disco#info and version of the other server, and of the other's client; nobody there",
  async act({ romeo, juliet, there }) {
    result(await romeo.asks`<iq type="get" to="${there.domain}"><ping xmlns="urn:xmpp:ping"/></iq>`)
    const info = result(
      await romeo.asks`<iq type="get" to="${there.domain}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
    )
    same(
      info?.elements().some(({ name, attrs }) => name === 'identity' && attrs['category'] === 'server'),
      true,
    )
    const version = result(
      await romeo.asks`<iq type="get" to="${there.domain}"><query xmlns="jabber:iq:version"/></iq>`,
    )
    same(version?.child('name', 'jabber:iq:version')?.text() !== '', true)

    const answer = romeo.asks`<iq type="get" to="${juliet}"><query xmlns="jabber:iq:version"/></iq>`
    const { id } =
      await juliet.hears`<iq type="get" from="${romeo}" id="${capture('id')}"><query xmlns="jabber:iq:version"/></iq>`
    juliet.sends`<iq type="result" to="${romeo}" id="${id!}"><query xmlns="jabber:iq:version"><name>Nurse</name></query></iq>`
    same(
      result(await answer)
        ?.child('name', 'jabber:iq:version')
        ?.text(),
      'Nurse',
    )

    const refused = await romeo.asks`<iq type="get" to="nobody@${there.domain}/x"><ping xmlns="urn:xmpp:ping"/></iq>`
    same(refused.child('error')?.child('service-unavailable', STANZAS)?.name, 'service-unavailable')
  },
}

const receipts: Play = {
  name: 'receipts',
  title: 'delivery receipts (XEP-0184)',
  async act({ romeo, juliet }) {
    romeo.sends`<message to="${juliet}" type="chat" id="vow-1"><body>I swear</body><request xmlns="urn:xmpp:receipts"/></message>`
    await juliet.hears`<message from="${romeo}" id="vow-1"><body>I swear</body><request xmlns="urn:xmpp:receipts"/></message>`
    juliet.sends`<message to="${romeo}" type="chat" id="vow-2"><received xmlns="urn:xmpp:receipts" id="vow-1"/></message>`
    await romeo.hears`<message from="${juliet}"><received xmlns="urn:xmpp:receipts" id="vow-1"/></message>`
  },
}

const blocking: Play = {
  name: 'blocking',
  there: 'blocking',
  title: 'who is blocked at the other server is told so, and not heard; unblocked, is heard (XEP-0191)',
  async act({ romeo, juliet }) {
    result(await juliet.asks`<iq type="get"><blocklist xmlns="urn:xmpp:blocking"/></iq>`)
    result(await juliet.asks`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="${romeo.bare}"/></block></iq>`)
    await juliet.hears`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="${romeo.bare}"/></block></iq>`
    romeo.sends`<message to="${juliet.bare}" type="chat" id="sigh"><body>Ay me!</body></message>`
    await romeo.hears`<message type="error" id="sigh"><error><service-unavailable xmlns="${STANZAS}"/></error></message>`
    same(await juliet.hasHeard(p`<message><body>Ay me!</body></message>`), false)
    result(
      await juliet.asks`<iq type="set"><unblock xmlns="urn:xmpp:blocking"><item jid="${romeo.bare}"/></unblock></iq>`,
    )
    romeo.sends`<message to="${juliet}" type="chat"><body>She speaks</body></message>`
    await juliet.hears`<message from="${romeo}"><body>She speaks</body></message>`
  },
}

const hiding: Play = {
  name: 'hiding',
  there: 'hiding',
  title: 'a contact of the other server who is blocked sees her go, and come back (XEP-0191 § 3.3, § 3.4)',
  async act({ romeo, juliet }) {
    await befriend({ romeo, juliet })
    result(await juliet.asks`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="${romeo.bare}"/></block></iq>`)
    await romeo.hears`<presence type="unavailable" from="${juliet}"/>`
    result(
      await juliet.asks`<iq type="set"><unblock xmlns="urn:xmpp:blocking"><item jid="${romeo.bare}"/></unblock></iq>`,
    )
    await romeo.hears`<presence from="${juliet}"/>`
  },
}

export const plays: readonly Play[] = [presence, messages, requests, rooms, tunes, avatars, blocking, hiding, receipts]
