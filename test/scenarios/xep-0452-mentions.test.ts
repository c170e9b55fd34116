import { expect } from '@jest/globals'
import { modules } from '@parley/modules'
import { type Actor, scenario } from '@parley/testkit'
import { defineModule, type MissedInRoom, missedInRoom, on } from '@xmpp/server-core'
import { ADMIN, configures, enters, MUC, makes, ROOM } from './room.ts'

const MMN = 'urn:xmpp:mmn:0'
const REFERENCE = 'urn:xmpp:reference:0'

/** The owner lets somebody belong to the room, with a nick that is kept. */
async function admits(owner: Actor, account: string, nick?: string): Promise<void> {
  const item = `<item affiliation="member" jid="${account}"${nick === undefined ? '' : ` nick="${nick}"`}/>`
  await owner.asksRaw(`<iq type="set" to="${ROOM}"><query xmlns="${ADMIN}">${item}</query></iq>`)
  await owner.settles()
}

async function says(actor: Actor, body: string, more = ''): Promise<void> {
  await actor.sendsRaw(`<message type="groupchat" to="${ROOM}" id="l1"><body>${body}</body>${more}</message>`)
  await actor.receives`<message type="groupchat" from="${ROOM}/romeo"><body>${body}</body></message>`
}

const mention = (uri: string) => `<reference xmlns="${REFERENCE}" type="mention" begin="0" end="3" uri="${uri}"/>`

scenario('XEP-0452 § 3.2: a member who is not here gets the line that mentions it, whole', async ({ server }) => {
  const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/x')
  await makes(romeo, 'romeo')
  for (const { bare } of [juliet, nurse]) await admits(romeo, bare.text)
  await says(romeo, 'Juliet is the sun', mention(`xmpp:${juliet.bare}`))
  await juliet.receives`<message from="${ROOM}" to="${juliet.bare}"><mentions xmlns="${MMN}"><forwarded xmlns="urn:xmpp:forward:0"><delay xmlns="urn:xmpp:delay"/><message xmlns="jabber:client" type="groupchat" id="l1" from="${ROOM}/romeo" to="${ROOM}"><body>Juliet is the sun</body><reference xmlns="${REFERENCE}"/><stanza-id xmlns="urn:xmpp:sid:0" by="${ROOM}"/></message></forwarded></mentions></message>`
  await nurse.receivesNothing()
  // She who has a client here hears the line itself, and only that.
  await juliet.sends`<presence to="${ROOM}/juliet"><x xmlns="${MUC}"><history maxstanzas="0"/></x></presence>`
  await juliet.settles()
  await romeo.settles()
  await says(romeo, 'She speaks', mention(`xmpp:${juliet.bare}`))
  await juliet.receives`<message type="groupchat"><body>She speaks</body></message>`
  await juliet.receivesNothing()
})

scenario('XEP-0452 § 3.2: who is mentioned and offline gets it later', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')
  await stage.account('juliet')
  await makes(romeo, 'romeo')
  await admits(romeo, 'juliet@a.test')
  await says(romeo, 'Juliet is the sun', mention('xmpp:juliet@a.test'))
  await romeo.settles()
  const [juliet] = await stage.connect('juliet/balcony')
  await juliet.sends`<presence/>`
  await juliet.receives`<presence/>`
  await juliet.receives`<message from="${ROOM}"><mentions xmlns="${MMN}"/><delay xmlns="urn:xmpp:delay" from="a.test"/></message>`
})

scenario('XEP-0452 § 2: a nick that is kept mentions its owner, where it is a whole word', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  await admits(romeo, juliet.bare.text, 'Lady J')
  await says(romeo, 'lady j: good night')
  await juliet.receives`<message from="${ROOM}"><mentions xmlns="${MMN}"/></message>`
  await says(romeo, 'The lady is here', mention(`xmpp:${ROOM}/Lady%20J`))
  await juliet.receives`<message from="${ROOM}"><mentions xmlns="${MMN}"/></message>`
  for (const body of ['milady j', 'lady june', 'lady', 'juliet', 'J lady']) await says(romeo, body)
  // What corrects a line, or speaks of another one, mentions nobody again.
  await says(romeo, 'lady j!', '<replace xmlns="urn:xmpp:message-correct:0" id="l1"/>')
  await says(romeo, 'x', mention(`xmpp:${juliet.bare}`).replace('begin', 'anchor="xmpp:x@a.test" begin'))
  await juliet.receivesNothing()
})

scenario('XEP-0452 § 3.1: an owner can have it off, and the room says so', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await makes(romeo, 'romeo')
  const features = async () => {
    const info =
      await juliet.asks`<iq type="get" to="${ROOM}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
    return info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  }
  expect(await features()).toContain(MMN)
  await configures(romeo, { forwardmentions: '0' })
  await romeo.settles()
  expect(await features()).not.toContain(MMN)
  await admits(romeo, juliet.bare.text)
  await says(romeo, 'Juliet is the sun', mention(`xmpp:${juliet.bare}`))
  await juliet.receivesNothing()
})

scenario(
  'XEP-0452 § 4: whoever does not belong to the room, or has blocked who speaks, gets nothing',
  async ({ server }) => {
    const [romeo, juliet, nurse] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'nurse/x')
    await makes(romeo, 'romeo')
    await says(romeo, 'Juliet', mention(`xmpp:${juliet.bare}`))
    await juliet.receivesNothing()
    for (const { bare } of [juliet, nurse]) await admits(romeo, bare.text)
    await juliet.asks`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="${romeo.bare}"/></block></iq>`
    await nurse.asks`<iq type="set"><block xmlns="urn:xmpp:blocking"><item jid="${ROOM}"/></block></iq>`
    for (const actor of [romeo, juliet, nurse]) await actor.settles()
    await says(romeo, 'Both', mention(`xmpp:${juliet.bare}`) + mention(`xmpp:${nurse.bare}`))
    await juliet.receivesNothing()
    await nurse.receivesNothing()
    await romeo.receivesNothing()
  },
)

scenario(
  'XEP-0452 § 4: who names everybody wakes nobody, and who names somebody too often is not heard',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo')
    await admits(romeo, juliet.bare.text)
    const everybody = Array.from({ length: 20 }, (_, n) => mention(`xmpp:guest${n}@a.test`)).join('')
    await says(romeo, 'All', mention(`xmpp:${juliet.bare}`) + everybody)
    // What is no address is nobody.
    for (const uri of ['xmpp:', 'xmpp:@', 'http://a.test/', 'xmpp:%zz@a.test', 'xmpp:a.test', 'x']) {
      await says(romeo, 'Nobody', mention(uri))
    }
    await juliet.receivesNothing()
    for (let n = 0; n < 70; n++) await says(romeo, `${n}`, mention(`xmpp:${juliet.bare}`))
    await juliet.fence()
    expect(juliet.unexpected).toHaveLength(60)
    await juliet.settles()
  },
)

scenario(
  'XEP-0452 § 3.2: whoever wakes clients hears of every line that is missed, by its place in the archive',
  async ({ server }) => {
    const missed: (readonly [account: string, text: string | undefined, isMentioned: boolean, isWanted: boolean])[] = []
    const ids: (bigint | undefined)[] = []
    const waker = defineModule({
      name: 'waker',
      setup: () => ({
        on: [
          on(missedInRoom, 'observe', async (event: MissedInRoom) => {
            const { account, message, isMentioned, archiveId } = event
            missed.push([account.text, message.textOf('body'), isMentioned, await event.wanted()])
            ids.push(archiveId)
          }),
        ],
      }),
    })
    const stage = await server('a.test', { modules: [...modules, waker] })
    const [romeo, nurse] = await stage.connect('romeo/orchard', 'nurse/x')
    await makes(romeo, 'romeo')
    await enters(nurse, 'nurse', ['romeo'])
    for (const account of ['juliet@a.test', nurse.bare.text]) await admits(romeo, account)
    await says(romeo, 'one')
    await says(romeo, 'two', mention('xmpp:juliet@a.test'))
    await romeo.settles()
    await nurse.settles()
    expect(missed).toEqual([
      ['juliet@a.test', 'one', false, false],
      ['juliet@a.test', 'two', true, true],
    ])
    expect(ids.every(id => typeof id === 'bigint')).toBe(true)
  },
)
