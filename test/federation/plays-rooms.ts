import type { Cast, Play } from './cast.ts'
import { result, same } from './result.ts'

const LINES = ['Who is there?', 'A plague o’ both your houses!', '🎭', 'Part, fools!', 'Put up your swords.']
const MAM = 'urn:xmpp:mam:2'
const RSM = 'http://jabber.org/protocol/rsm'
let made = 0

export const rooms: Play = {
  name: 'rooms',
  there: 'rooms',
  title: 'a room of the other server: enter, speak, whisper, page its archive, leave (XEP-0045, XEP-0313)',
  async act(cast) {
    const { romeo, juliet, there } = cast
    const room = `square-${++made}@${there.rooms!}`
    juliet.sends`<presence to="${room}/Juliet"><x xmlns="http://jabber.org/protocol/muc"/></presence>`
    await juliet.hears`<presence from="${room}/Juliet"><x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x></presence>`
    result(
      await juliet.asks`<iq type="set" to="${room}"><query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"/></query></iq>`,
    )
    romeo.sends`<presence to="${room}/Romeo"><x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="0"/></x></presence>`
    await romeo.hears`<presence from="${room}/Juliet"><x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="owner"/></x></presence>`
    await romeo.hears`<presence from="${room}/Romeo"><x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x></presence>`
    await juliet.hears`<presence from="${room}/Romeo"/>`

    for (const line of LINES) {
      romeo.sends`<message to="${room}" type="groupchat"><body>${line}</body></message>`
      await romeo.hears`<message from="${room}/Romeo" type="groupchat"><body>${line}</body></message>`
      await juliet.hears`<message from="${room}/Romeo" type="groupchat"><body>${line}</body></message>`
    }
    juliet.sends`<message to="${room}/Romeo" type="chat"><body>Hist!</body></message>`
    await romeo.hears`<message from="${room}/Juliet" type="chat"><body>Hist!</body></message>`

    same(await archived(cast, room), LINES)

    romeo.sends`<presence type="unavailable" to="${room}/Romeo"/>`
    await juliet.hears`<presence type="unavailable" from="${room}/Romeo"/>`
  },
}

/** All lines of the room, two at a time. */
async function archived({ romeo }: Cast, room: string): Promise<string[]> {
  const lines: string[] = []
  let after = ''
  for (let page = 1; page <= LINES.length; page++) {
    const query = `page-${page}`
    const fin = result(
      after === ''
        ? await romeo.asks`<iq type="set" to="${room}"><query xmlns="${MAM}" queryid="${query}"><set xmlns="${RSM}"><max>2</max></set></query></iq>`
        : await romeo.asks`<iq type="set" to="${room}"><query xmlns="${MAM}" queryid="${query}"><set xmlns="${RSM}"><max>2</max><after>${after}</after></set></query></iq>`,
    )
    const results = romeo.results(room, query)
    lines.push(...results)
    const last = fin?.child('set', RSM)?.textOf('last')
    if (fin?.attrs['complete'] === 'true' || last === undefined) return lines
    after = last
  }
  return lines
}
