import { expect } from '@jest/globals'
import { p, scenario } from '@parley/testkit'
import { networks, puppets } from '../../scenarios/gateway-puppet.ts'

const contacts = [
  { id: 'juliet', subscription: 'both' },
  { id: 'tybalt', name: 'a"/><b', groups: ['<g>'], subscription: 'both' },
] as const

scenario('threat 152: what comes from there breaks no stanza, and a login breaks no line there', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await engine.happens(key, { type: 'roster', contacts })
  await romeo.settles()
  const text = 'one\r\nQUIT :x\0\u0007\u2028two\ud800'
  await engine.happens(
    key,
    { type: 'message', peer: 'juliet', origin: 'remote', text, id: 'n1', subject: text },
    { type: 'presence', id: 'juliet', presence: { show: 'away', text } },
    { type: 'request', id: 'juliet', name: text, text },
    { type: 'notice', text },
  )
  const cleaned = 'one\nQUIT :x\ntwo\ufffd'
  await romeo.receives`<message from="juliet@puppets.a.test"><subject>${cleaned}</subject><body>${cleaned}</body></message>`
  await romeo.receives`<presence from="juliet@puppets.a.test"><status>${cleaned}</status></presence>`
  await romeo.receives`<message from="puppets.a.test"><body>${cleaned}</body></message>`
  await romeo.receivesNothing()

  for (const value of ['me\r\nQUIT', 'me\nNICK x', 'me\0', 'me\u0085x']) {
    const form = `<x xmlns="jabber:x:data" type="submit"><field var="username"><value>${value.replace('\0', '')}</value></field><field var="password"><value>a&#10;b</value></field></x>`
    const answer = await romeo.asksRaw(
      `<iq type="set" to="puppets.a.test"><query xmlns="jabber:iq:register">${form}</query></iq>`,
    )
    expect(String(answer)).toContain('cannot be that')
  }
})

scenario('threat 153: a subject or a name with line breaks stays one text, and never more than that', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await engine.happens(key, { type: 'roster', contacts })
  await romeo.settles()
  // Adapters are given texts; a header of mail is made by who knows mail.
  await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><subject>Hi&#13;&#10;Bcc: x@y.test</subject><body>x</body></message>`
  await romeo.receivesNothing()
  expect(engine.took('send')).toMatchObject([['send', { subject: 'Hi Bcc: x@y.test', text: 'x' }]])
})

scenario('threat 157: what comes back from another bridge is there once, and goes no further', async stage => {
  const { server, engine, registers, types } = await networks(stage)
  for (const id of ['one', 'two']) {
    await types('provider add', { id, adapter: 'puppet', verification: 'everyone' })
    await types('provider enable', { id })
  }
  const [romeo] = await server.join('romeo/orchard')
  const one = await registers(romeo, 'one')
  const two = await registers(romeo, 'two')

  // Somebody bridges the two networks: what is said in one is said in the other one.
  await romeo.sends`<message type="chat" id="m1" to="bridge@one.a.test"><body>Echo?</body></message>`
  await romeo.fence()
  await engine.happens(two, { type: 'message', peer: 'bridge', origin: 'remote', text: 'Echo?', id: 'x1' })
  await engine.happens(one, {
    type: 'message',
    peer: 'bridge',
    origin: 'self-elsewhere',
    text: 'Echo?',
    id: 'native-1',
  })
  await romeo.receives`<message from="bridge@two.a.test"><body>Echo?</body></message>`
  await romeo.receivesNothing()
  expect(engine.took('send')).toHaveLength(1)

  // A contact of one network is no user of another one.
  const { Message, Body } = await import('@parley/stanza')
  const { Jid } = await import('@parley/jid')
  const { el } = await import('@parley/xml')
  const body = Body.of([el('body', 'jabber:client', null, 'Round and round')])
  const head = { type: 'chat', from: Jid.parse('bridge@one.a.test'), to: Jid.parse('bridge@two.a.test') } as const
  await server.core.router.route(new Message(head, body))
  await romeo.receivesNothing()
  expect(engine.took('send')).toEqual([])

  // The network's own address never answers what is no question.
  for (const type of ['error', 'headline', 'groupchat'])
    await romeo.sends`<message type="${type}" to="one.a.test"><body>status</body></message>`
  await romeo.receivesNothing()
})

scenario('threat 158: markup is text, and names of contacts are too', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await engine.happens(key, { type: 'roster', contacts })
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="juliet@puppets.a.test"/></query></iq>`,
    p`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="tybalt@puppets.a.test" name="${'a"/><b'}"><group>${'<g>'}</group></item></query></iq>`,
  )
  const text = '<html><a href="javascript:alert(1)" onclick="x()">@everyone</a></html>&lt;'
  await engine.happens(key, { type: 'message', peer: 'juliet', origin: 'remote', text, id: 'n1' })
  await romeo.receives`<message><body>${text}</body></message>`
  await romeo.sends`<message type="chat" id="m1" to="juliet@puppets.a.test"><body>plain</body><html xmlns="http://jabber.org/protocol/xhtml-im"><body xmlns="http://www.w3.org/1999/xhtml"><script>x</script></body></html></message>`
  await romeo.receivesNothing()
  expect(engine.took('send')).toMatchObject([['send', { text: 'plain' }]])
  engine.answers = name =>
    name === 'profile' ? { id: 'juliet', name: '<b>J</b>', url: 'javascript:alert(1)' } : undefined
  const card = await romeo.asks`<iq type="get" to="juliet@puppets.a.test"><vCard xmlns="vcard-temp"/></iq>`
  expect(card.textOf('FN')).toBe('<b>J</b>')
  expect(card.child('URL')).toBeUndefined()
})
