import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from '@jest/globals'
import { gatewayModules, openEngine } from '@parley/gateway'
import loopback from '@parley/gateway-loopback'
import { modules } from '@parley/modules'
import type { Actor, Stage } from '@parley/testkit'
import { capture, exactly, like, p, scenario } from '@parley/testkit'
import { readValues } from '@xmpp/server-core'

const ROSTER = 'jabber:iq:roster'
const MUC = 'http://jabber.org/protocol/muc'
const folders: string[] = []
let worlds = 0

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true })
})

/** Two people of this server who meet in another network, with an engine and an adapter as they are. */
async function verona(stage: Stage) {
  const data = await mkdtemp(join(tmpdir(), 'parley-loop-'))
  folders.push(data)
  const gateways = gatewayModules(({ server, providers }) =>
    openEngine({
      adapters: [{ id: 'loopback', module: '@parley/gateway-loopback', load: async () => loopback }],
      ...{ store: server.store, live: server.live, clock: server.clock, log: server.log },
      domains: ['a.test'],
      providers: () => providers.all,
      hear: (topic, listen) => server.hear(topic, listen),
      data,
      net: { allow: [] },
      processes: 0,
    }),
  )
  const server = await stage.server('a.test', { modules: [...modules, ...gateways] })
  const types = (name: string, values: Readonly<Record<string, unknown>>) => {
    const command = server.host.commands.find(each => each.name === name)!
    return command.run(readValues(command, values))
  }
  const settings = [`world=play ${++worlds}`]
  await types('provider add', { id: 'loop', adapter: 'loopback', rooms: 'on', verification: 'everyone', settings })
  await types('provider enable', { id: 'loop' })
  const [romeo, juliet] = await server.join('romeo/orchard', 'juliet/balcony')
  for (const actor of [romeo, juliet]) {
    await actor.asks`<iq type="set" to="loop.a.test"><query xmlns="jabber:iq:register"><name>${actor.jid.local}</name></query></iq>`
    await actor.receivesUnordered(
      p`<presence from="loop.a.test"><show>xa</show></presence>`,
      p`<presence from="loop.a.test"/>`,
      p`<iq type="set"><query xmlns="${ROSTER}"><item jid="loop.a.test"/></query></iq>`,
      p`<presence from="loop.a.test"/>`,
    )
  }
  return { server, romeo, juliet, types }
}

async function becomeContacts(romeo: Actor, juliet: Actor): Promise<void> {
  await romeo.sends`<presence type="subscribe" to="juliet@loop.a.test"><status>It is me</status></presence>`
  await juliet.receives`<presence type="subscribe" from="romeo@loop.a.test"><status>It is me</status><nick xmlns="http://jabber.org/protocol/nick">Romeo</nick></presence>`
  await juliet.sends`<presence type="subscribed" to="romeo@loop.a.test"/>`
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@loop.a.test" ask="subscribe"/></query></iq>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="juliet@loop.a.test" subscription="to"/></query></iq>`,
    p`<presence from="juliet@loop.a.test"/>`,
  )
  await juliet.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="romeo@loop.a.test" subscription="from"/></query></iq>`
}

scenario(
  'XEP-0100 § 2: two people meet in another network: contacts, presence, messages with all that belongs to them',
  async stage => {
    const { romeo, juliet } = await verona(stage)
    await becomeContacts(romeo, juliet)

    await juliet.sends`<presence><show>dnd</show><status>At the ball</status></presence>`
    await juliet.receives`<presence from="${juliet}"><show>dnd</show></presence>`
    await juliet.fence()
    stage.clock.advance(3000)
    await romeo.receives`<presence from="juliet@loop.a.test"><show>dnd</show><status>At the ball</status></presence>`

    await romeo.sends`<message type="chat" to="juliet@loop.a.test"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`
    await juliet.receives`<message from="romeo@loop.a.test"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`
    await romeo.sends`<message type="chat" id="m1" to="juliet@loop.a.test"><body>Hello 🌹</body><request xmlns="urn:xmpp:receipts"/></message>`
    const { id } =
      await juliet.receives`<message type="chat" from="romeo@loop.a.test" id="${capture('id')}"><body>Hello 🌹</body></message>`
    await romeo.receives`<message from="juliet@loop.a.test"><received xmlns="urn:xmpp:receipts" id="m1"/></message>`

    await juliet.sends`<message to="romeo@loop.a.test"><displayed xmlns="urn:xmpp:chat-markers:0" id="${id!}"/></message>`
    await romeo.receives`<message from="juliet@loop.a.test"><displayed xmlns="urn:xmpp:chat-markers:0" id="m1"/></message>`
    await juliet.sends`<message type="chat" id="j1" to="romeo@loop.a.test"><body>Who?</body><reply xmlns="urn:xmpp:reply:0" id="${id!}"/></message>`
    const { back } =
      await romeo.receives`<message from="juliet@loop.a.test" id="${capture('back')}"><body>Who?</body><reply xmlns="urn:xmpp:reply:0" id="m1"/></message>`
    await romeo.sends`<message type="chat" id="m2" to="juliet@loop.a.test"><reactions xmlns="urn:xmpp:reactions:0" id="${back!}"><reaction>💘</reaction></reactions></message>`
    await juliet.receives`<message><reactions xmlns="urn:xmpp:reactions:0" id="j1"><reaction>💘</reaction></reactions></message>`
    await romeo.sends`<message type="chat" id="m3" to="juliet@loop.a.test"><body>Hello, love</body><replace xmlns="urn:xmpp:message-correct:0" id="m1"/></message>`
    await juliet.receives`<message><body>Hello, love</body><replace xmlns="urn:xmpp:message-correct:0" id="${id!}"/></message>`
    await romeo.sends`<message type="chat" id="m4" to="juliet@loop.a.test"><retract xmlns="urn:xmpp:message-retract:1" id="m1"/></message>`
    await juliet.receives`<message><retract xmlns="urn:xmpp:message-retract:1" id="${id!}"/></message>`
    await romeo.sends`<message type="headline" to="juliet@loop.a.test"><attention xmlns="urn:xmpp:attention:0"/></message>`
    await juliet.receives`<message><attention xmlns="urn:xmpp:attention:0"/></message>`
    await romeo.receivesNothing()
  },
)

scenario('XEP-0100 § 4.5: who logs out is gone for those there, and finds what was said meanwhile', async stage => {
  const { romeo, juliet, server } = await verona(stage)
  await becomeContacts(romeo, juliet)
  await juliet.leaves()
  await stage.after('3s')
  await stage.after('60s')
  await romeo.receives`<presence type="unavailable" from="juliet@loop.a.test"/>`
  await romeo.sends`<message type="chat" id="m1" to="juliet@loop.a.test"><body>Wake up</body></message>`
  await romeo.receivesNothing()
  await stage.after('1m')
  const [again] = await server.connect('juliet/tomb')
  await again.sends`<presence/>`
  // How often the network says how the session is depends on who is faster.
  const heard = () => again.unexpected.find(({ name }) => name === 'message')
  await again.client.until(() => heard() !== undefined, 'what was said meanwhile')
  expect(heard()!.textOf('body')).toBe('Wake up')
  expect(heard()!.child('delay', 'urn:xmpp:delay')).toBeDefined()
  await again.settles()
  await romeo.receives`<presence from="juliet@loop.a.test"/>`
})

scenario('XEP-0045 § 7: two people meet in a room of another network', async stage => {
  const { romeo, juliet } = await verona(stage)
  await romeo.sends`<presence to="#verona@loop.a.test/romeo"><x xmlns="${MUC}"/></presence>`
  await romeo.receives`<presence from="#verona@loop.a.test/romeo"><x xmlns="${MUC}#user"><status code="110"/></x></presence>`
  await romeo.receives`<message type="groupchat"><subject/></message>`
  await juliet.sends`<presence to="#verona@loop.a.test/juliet"><x xmlns="${MUC}"/></presence>`
  await juliet.receives`<presence from="#verona@loop.a.test/romeo"/>`
  await juliet.receives`<presence from="#verona@loop.a.test/juliet"><x xmlns="${MUC}#user"><status code="110"/></x></presence>`
  await juliet.receives`<message type="groupchat"><subject/></message>`
  await romeo.receives`<presence from="#verona@loop.a.test/juliet"/>`
  await romeo.sends`<message type="groupchat" id="m1" to="#verona@loop.a.test"><body>Hello</body></message>`
  await romeo.receives`<message type="groupchat" id="m1" from="#verona@loop.a.test/romeo"><body>Hello</body></message>`
  await juliet.receives`<message type="groupchat" from="#verona@loop.a.test/romeo"><body>Hello</body></message>`
  await juliet.sends`<presence type="unavailable" to="#verona@loop.a.test/juliet"/>`
  await juliet.receives`<presence type="unavailable" from="#verona@loop.a.test/juliet"><x xmlns="${MUC}#user"><status code="110"/></x></presence>`
  await romeo.receives`<presence type="unavailable" from="#verona@loop.a.test/juliet"/>`
  await romeo.receivesNothing()
})

scenario('XEP-0100 § 4.4.2: a password that is wrong there is told', async stage => {
  const { romeo, juliet, types } = await verona(stage)
  await types('provider set', { id: 'loop', settings: ['password=secret'] })
  for (const actor of [romeo, juliet])
    await actor.receivesUnordered(
      exactly`<presence type="unavailable" from="loop.a.test" to="${actor.bare}"/>`,
      p`<presence from="loop.a.test"><show>xa</show></presence>`,
      p`<presence type="unavailable" from="loop.a.test"><status>The password is wrong</status></presence>`,
      p`<message from="loop.a.test"><body>${like(/^Loopback does not accept your login: The password is wrong/)}</body></message>`,
    )
  const answer = await romeo.asksRaw(
    '<iq type="set" to="loop.a.test"><query xmlns="jabber:iq:register"><name>romeo</name><password>guess</password></query></iq>',
  )
  expect(String(answer)).toContain('The password is wrong')
  await romeo.receivesUnordered(
    p`<presence from="loop.a.test"><show>xa</show></presence>`,
    p`<presence type="unavailable" from="loop.a.test"><status>The password is wrong</status></presence>`,
  )
  // The answer has said it: nothing is to be said again.
  await romeo.receivesNothing()
})
