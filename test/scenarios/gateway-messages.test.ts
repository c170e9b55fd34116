import { expect } from '@jest/globals'
import { any, capture, like, p, refused, scenario } from '@parley/testkit'
import { fails, networks, puppets } from './gateway-puppet.ts'

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const juliet = { type: 'roster', contacts: [{ id: 'juliet', name: 'Juliet', subscription: 'both' }] } as const
const remote = { peer: 'juliet', origin: 'remote' } as const

async function friends(stage: Parameters<typeof puppets>[0], about?: Parameters<typeof puppets>[1]) {
  const staged = await puppets(stage, about)
  const [romeo] = await staged.server.join('romeo/orchard')
  const key = await staged.registers(romeo)
  await staged.engine.happens(key, juliet)
  await romeo.settles()
  return { ...staged, romeo, key }
}

scenario('XEP-0100 § 4.8: what a user says is said over there', async stage => {
  const { romeo, engine } = await friends(stage)
  await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><subject>Us</subject><thread>t</thread><body>Hello
there</body></message>`
  await romeo.receivesNothing()
  expect(engine.took('send')).toEqual([
    ['send', { to: { peer: 'juliet' }, text: 'Hello\nthere', receipt: false, subject: 'Us', thread: 't' }],
  ])
})

scenario('XEP-0100 § 5.3: what is said over there comes here once, also to who was away', async stage => {
  const { romeo, engine, key, server } = await friends(stage)
  await engine.happens(
    key,
    { type: 'message', ...remote, id: 'n1', text: 'Wherefore?' },
    { type: 'message', ...remote, id: 'n1', text: 'Wherefore?' },
  )
  await romeo.receives`<message type="chat" from="juliet@puppets.a.test" to="romeo@a.test" id="${any}"><body>Wherefore?</body></message>`
  await romeo.receivesNothing()
  await romeo.leaves()
  await engine.happens(key, { type: 'message', ...remote, id: 'n2', text: 'Gone?', at: stage.clock.now() - 60_000 })
  const [phone] = await server.connect('romeo/phone')
  await phone.sends`<presence/>`
  await phone.receivesUnordered(
    p`<presence from="romeo@a.test/phone"/>`,
    p`<presence from="puppets.a.test"/>`,
    p`<message from="juliet@puppets.a.test"><body>Gone?</body><delay xmlns="urn:xmpp:delay" from="puppets.a.test" stamp="${any}"/></message>`,
  )
})

scenario('XEP-0184 § 5: a receipt comes when the network says that a message has arrived', async stage => {
  const { romeo, engine, key } = await friends(stage)
  await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><body>Hello</body><request xmlns="urn:xmpp:receipts"/></message>`
  await romeo.receivesNothing()
  await engine.happens(key, { type: 'receipt', peer: 'juliet', ids: ['native-1', 'unknown'], level: 'delivered' })
  await romeo.receives`<message from="juliet@puppets.a.test"><received xmlns="urn:xmpp:receipts" id="m1"/></message>`
  engine.answers = name => (name === 'send' ? { level: 'delivered', id: 'native-2' } : undefined)
  await romeo.sends`<message type="chat" id="m2" to="juliet@puppets.a.test"><body>Hello</body><request xmlns="urn:xmpp:receipts"/></message>`
  await romeo.receives`<message from="juliet@puppets.a.test"><received xmlns="urn:xmpp:receipts" id="m2"/></message>`
})

scenario('XEP-0184 § 5: the network hears that a message has come to a client', async stage => {
  const { romeo, engine, key } = await friends(stage)
  await engine.happens(key, { type: 'message', ...remote, id: 'n1', text: 'Here?' })
  const { id } =
    await romeo.receives`<message id="${capture('id')}"><body>Here?</body><request xmlns="urn:xmpp:receipts"/></message>`
  await romeo.sends`<message to="juliet@puppets.a.test"><received xmlns="urn:xmpp:receipts" id="${id!}"/></message>`
  await romeo.sends`<message to="juliet@puppets.a.test"><received xmlns="urn:xmpp:receipts" id="unknown"/></message>`
  await romeo.sends`<message to="nurse@puppets.a.test"><received xmlns="urn:xmpp:receipts" id="${id!}"/></message>`
  await romeo.receivesNothing()
  expect(engine.took('delivered')).toEqual([['delivered', { peer: 'juliet' }, ['n1'], {}]])
})

scenario('XEP-0333 § 5: what was read is told both ways', async stage => {
  const { romeo, engine, key } = await friends(stage)
  await engine.happens(key, { type: 'message', ...remote, id: 'n1', text: 'Read me' })
  const { id } =
    await romeo.receives`<message id="${capture('id')}"><body>Read me</body><markable xmlns="urn:xmpp:chat-markers:0"/></message>`
  await romeo.sends`<message to="juliet@puppets.a.test"><displayed xmlns="urn:xmpp:chat-markers:0" id="${id!}"/></message>`
  await romeo.sends`<message to="juliet@puppets.a.test"><displayed xmlns="urn:xmpp:chat-markers:0" id="unknown"/></message>`
  await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><body>And me</body></message>`
  await romeo.receivesNothing()
  expect(engine.took('read')).toEqual([['read', { peer: 'juliet' }, ['n1'], {}]])
  await engine.happens(key, { type: 'receipt', peer: 'juliet', ids: ['native-1'], level: 'read' })
  await romeo.receives`<message from="juliet@puppets.a.test"><displayed xmlns="urn:xmpp:chat-markers:0" id="m1"/></message>`
})

scenario('XEP-0085 § 5: who writes is seen writing, and has stopped after ten seconds of silence', async stage => {
  const { romeo, engine, key } = await friends(stage)
  const STATES = 'http://jabber.org/protocol/chatstates'
  await romeo.sends`<message type="chat" to="juliet@puppets.a.test"><composing xmlns="${STATES}"/></message>`
  await romeo.sends`<message type="chat" to="juliet@puppets.a.test"><active xmlns="${STATES}"/></message>`
  await romeo.receivesNothing()
  expect(engine.took('typing')).toEqual([['typing', { peer: 'juliet' }, 'composing', {}]])

  await engine.happens(key, { type: 'typing', peer: 'juliet', state: 'composing' })
  await romeo.receives`<message from="juliet@puppets.a.test"><composing xmlns="${STATES}"/></message>`
  stage.clock.advance(10_000)
  await romeo.receives`<message from="juliet@puppets.a.test"><paused xmlns="${STATES}"/></message>`

  await engine.happens(key, { type: 'typing', peer: 'juliet', state: 'composing' })
  await romeo.receives`<message><composing xmlns="${STATES}"/></message>`
  await engine.happens(key, { type: 'message', ...remote, text: 'Done' })
  await romeo.receives`<message><body>Done</body><active xmlns="${STATES}"/></message>`
  stage.clock.advance(10_000)
  await romeo.receivesNothing()
})

scenario('XEP-0308 § 3: corrections go both ways', async stage => {
  const { romeo, engine, key } = await friends(stage)
  await romeo.sends`<message type="chat" id="bad" to="juliet@puppets.a.test"><body>Helo</body></message>`
  await romeo.sends`<message type="chat" id="good" to="juliet@puppets.a.test"><body>Hello</body><replace xmlns="urn:xmpp:message-correct:0" id="bad"/></message>`
  await romeo.receivesNothing()
  expect(engine.took('edit')).toEqual([['edit', { peer: 'juliet' }, 'native-1', 'Hello', {}]])
  expect(engine.took('send')).toHaveLength(1)

  await engine.happens(key, { type: 'message', ...remote, id: 'n1', text: 'Whrefore' })
  const { id } = await romeo.receives`<message id="${capture('id')}"><body>Whrefore</body></message>`
  await engine.happens(key, { type: 'edit', ...remote, target: 'n1', text: 'Wherefore' })
  await romeo.receives`<message><body>Wherefore</body><replace xmlns="urn:xmpp:message-correct:0" id="${id!}"/></message>`
  await romeo.sends`<message type="chat" id="x" to="juliet@puppets.a.test"><body>?</body><replace xmlns="urn:xmpp:message-correct:0" id="nothing"/></message>`
  await romeo.receives`<message type="error" id="x"><error><item-not-found xmlns="${STANZAS}"/><text xmlns="${STANZAS}">That message is not known there</text></error></message>`
})

scenario('XEP-0424 § 4: what is taken back is taken back over there, and here', async stage => {
  const { romeo, engine, key } = await friends(stage)
  await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><body>Oops</body></message>`
  await romeo.sends`<message type="chat" id="m2" to="juliet@puppets.a.test"><retract xmlns="urn:xmpp:message-retract:1" id="m1"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:message-retract:1"/><body>/me retracted</body></message>`
  await romeo.receivesNothing()
  expect(engine.took('retract')).toEqual([['retract', { peer: 'juliet' }, 'native-1', {}]])
  expect(engine.took('send')).toHaveLength(1)
  await engine.happens(key, { type: 'message', ...remote, id: 'n1', text: 'Oh' })
  const { id } = await romeo.receives`<message id="${capture('id')}"><body>Oh</body></message>`
  await engine.happens(key, { type: 'retract', ...remote, target: 'n1' }, { type: 'retract', ...remote, target: 'n9' })
  await romeo.receives`<message><retract xmlns="urn:xmpp:message-retract:1" id="${id!}"/><store xmlns="urn:xmpp:hints"/></message>`
  await romeo.receivesNothing()
})

scenario('XEP-0444 § 3: reactions go both ways', async stage => {
  const { romeo, engine, key } = await friends(stage)
  await engine.happens(key, { type: 'message', ...remote, id: 'n1', text: 'Oh' })
  const { id } = await romeo.receives`<message id="${capture('id')}"><body>Oh</body></message>`
  await romeo.sends`<message type="chat" to="juliet@puppets.a.test"><reactions xmlns="urn:xmpp:reactions:0" id="${id!}"><reaction>👋</reaction></reactions></message>`
  await romeo.receivesNothing()
  expect(engine.took('react')).toEqual([['react', { peer: 'juliet' }, 'n1', ['👋'], {}]])
  await engine.happens(key, { type: 'reaction', ...remote, target: 'n1', emojis: ['🐢'] })
  await romeo.receives`<message from="juliet@puppets.a.test"><reactions xmlns="urn:xmpp:reactions:0" id="${id!}"><reaction>🐢</reaction></reactions></message>`
})

scenario(
  'XEP-0461 § 3: a reply names what it answers, without the text that is for those who know no replies',
  async stage => {
    const { romeo, engine, key } = await friends(stage)
    await engine.happens(key, { type: 'message', ...remote, id: 'n1', text: 'Who?' })
    const { id } = await romeo.receives`<message id="${capture('id')}"><body>Who?</body></message>`
    await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><body>&gt; Who?
Me</body><reply xmlns="urn:xmpp:reply:0" id="${id!}"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="7"/></fallback></message>`
    await romeo.receivesNothing()
    expect(engine.took('send')).toEqual([
      ['send', { to: { peer: 'juliet' }, text: 'Me', receipt: false, replyTo: 'n1' }],
    ])
    await engine.happens(key, { type: 'message', ...remote, id: 'n2', text: 'You', replyTo: 'native-1' })
    await romeo.receives`<message><body>You</body><reply xmlns="urn:xmpp:reply:0" id="m1"/></message>`
  },
)

scenario('XEP-0224 § 2: attention is asked for both ways', async stage => {
  const { romeo, engine, key } = await friends(stage)
  await romeo.sends`<message type="headline" to="juliet@puppets.a.test"><attention xmlns="urn:xmpp:attention:0"/></message>`
  await romeo.receivesNothing()
  expect(engine.took('attention')).toEqual([['attention', { peer: 'juliet' }, {}]])
  await engine.happens(key, { type: 'attention', peer: 'juliet' })
  await romeo.receives`<message from="juliet@puppets.a.test"><attention xmlns="urn:xmpp:attention:0"/></message>`
})

scenario('XEP-0100 § 4.8: what a network cannot do is refused, and never said in other words', async stage => {
  const { server, engine, types, registers } = await networks(stage)
  await types('provider add', { id: 'plain', adapter: 'plain', verification: 'everyone' })
  await types('provider enable', { id: 'plain' })
  const [romeo] = await server.join('romeo/orchard')
  await registers(romeo, 'plain')
  const cases: readonly (readonly [string, string])[] = [
    ['<body>x</body><replace xmlns="urn:xmpp:message-correct:0" id="m"/>', 'This network corrects nothing'],
    ['<body>x</body><retract xmlns="urn:xmpp:message-retract:1" id="m"/>', 'This network takes nothing back'],
    [
      '<reactions xmlns="urn:xmpp:reactions:0" id="m"><reaction>x</reaction></reactions>',
      'This network knows no reactions',
    ],
    ['<attention xmlns="urn:xmpp:attention:0"/>', 'This network shakes nobody'],
    ['<body>x</body><encryption xmlns="urn:xmpp:eme:0" namespace="y"/>', 'This network cannot carry what is encrypted'],
  ]
  for (const [content, text] of cases) {
    await romeo.sendsRaw(`<message type="chat" id="m1" to="juliet@plain.a.test">${content}</message>`)
    await romeo.receives`<message type="error" id="m1" from="juliet@plain.a.test"><error><text xmlns="${STANZAS}">${text}</text></error></message>`
  }
  expect(engine.took('send', 'edit', 'retract', 'react', 'attention')).toEqual([])

  // A reply keeps its text.
  await romeo.sends`<message type="chat" id="m2" to="juliet@plain.a.test"><body>&gt; Who?
Me</body><reply xmlns="urn:xmpp:reply:0" id="m"/><fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:reply:0"><body start="0" end="7"/></fallback></message>`
  await romeo.sends`<message type="chat" to="juliet@plain.a.test"><composing xmlns="http://jabber.org/protocol/chatstates"/></message>`
  await romeo.receivesNothing()
  expect(engine.took('send')).toMatchObject([['send', { text: '> Who?\nMe' }]])
  expect(engine.took('typing')).toEqual([])
})

scenario('XEP-0280 § 6: what the user says with another program is in the archive, and shown as sent', async stage => {
  const { romeo, engine, key } = await friends(stage)
  await romeo.asks`<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>`
  const own = { type: 'message', peer: 'juliet', origin: 'self-elsewhere', text: 'From my phone' } as const
  await engine.happens(key, { ...own, id: 'n1' }, { ...own, id: 'n1' })
  const { id } =
    await romeo.receives`<message from="romeo@a.test"><sent xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="romeo@a.test" to="juliet@puppets.a.test" type="chat"><body>From my phone</body><stanza-id xmlns="urn:xmpp:sid:0" by="romeo@a.test" id="${capture('id')}"/></message></forwarded></sent></message>`
  await romeo.receivesNothing()
  await romeo.asks`<iq type="set"><query xmlns="urn:xmpp:mam:2"><x xmlns="jabber:x:data" type="submit"><field var="with"><value>juliet@puppets.a.test</value></field></x></query></iq>`
  await romeo.receives`<message><result xmlns="urn:xmpp:mam:2" id="${id!}"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="romeo@a.test" to="juliet@puppets.a.test"><body>From my phone</body></message></forwarded></result></message>`

  // Without an id, what was just said from here comes back as an echo.
  await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><body>Once</body></message>`
  await romeo.fence()
  await engine.happens(key, { type: 'message', peer: 'juliet', origin: 'self-elsewhere', text: 'Once' })
  await engine.happens(key, { type: 'message', peer: 'juliet', origin: 'self-echo', text: 'Once' })
  await romeo.receivesNothing()
})

scenario('XEP-0100 § 4.8.2: a message that did not arrive comes back, at once or later', async stage => {
  const { romeo, engine, key } = await friends(stage)
  engine.answers = name => (name === 'send' ? fails('not-found', 'She is not here') : undefined)
  await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><body>1</body></message>`
  await romeo.receives`<message type="error" id="m1" from="juliet@puppets.a.test"><error><item-not-found xmlns="${STANZAS}"/><text xmlns="${STANZAS}">She is not here</text></error></message>`
  engine.answers = () => undefined
  await romeo.sends`<message type="chat" id="m2" to="juliet@puppets.a.test"><body>2</body></message>`
  await romeo.receivesNothing()
  const sent = engine.done.findLast(({ name }) => name === 'send')!.args[0] as { key: string }
  const error = Object.assign(new Error('Nobody took it in time'), { failure: 'transient' })
  await engine.happens(key, { type: 'bounced', key: sent.key, error })
  await romeo.receives`<message type="error" id="m2" to="${romeo}" from="juliet@puppets.a.test"><error><remote-server-timeout xmlns="${STANZAS}"/><text xmlns="${STANZAS}">Nobody took it in time</text></error></message>`
})

scenario('XEP-0100 § 4.8: who is not registered says nothing there', async stage => {
  const { server, engine } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><body>1</body></message>`
  await romeo.receives`<message type="error" id="m1"><error><registration-required xmlns="${STANZAS}"/><text xmlns="${STANZAS}">You are not registered with this network</text></error></message>`
  expect(engine.done).toEqual([])
})

scenario('XEP-0100 § 4.8: files are declined in words', async stage => {
  const { romeo } = await friends(stage)
  await refused(
    romeo.asks`<iq type="set" to="juliet@puppets.a.test/x"><jingle xmlns="urn:xmpp:jingle:1" action="session-initiate"/></iq>`,
    'service-unavailable',
    'Files cannot be sent into this network; send a link to them',
  )
})

scenario('XEP-0100 § 4: what the network itself has to say comes from its own address', async stage => {
  const { romeo, engine, key } = await friends(stage)
  await engine.happens(key, { type: 'notice', text: 'Closing at noon' })
  await romeo.receives`<message from="puppets.a.test"><body>Closing at noon</body></message>`
  await engine.happens(key, { type: 'profile', profile: { id: 'nobody', name: 'X' } }, { type: 'self', id: 'me' })
  await romeo.receivesNothing()
})

scenario('XEP-0203 § 4: what is old says when it was said', async stage => {
  const { romeo, engine, key } = await friends(stage)
  const at = Date.UTC(2025, 11, 24, 18)
  await engine.happens(key, { type: 'message', ...remote, id: 'n1', text: 'Old', at })
  await romeo.receives`<message><body>Old</body><delay xmlns="urn:xmpp:delay" stamp="2025-12-24T18:00:00.000Z"/></message>`
  await engine.happens(key, { type: 'message', ...remote, id: 'n2', text: 'New', at: stage.clock.now() })
  await romeo.receives`<message id="${like(/./)}"><body>New</body></message>`
})
