import { expect } from '@jest/globals'
import { capture, exactly, like, p, refused, scenario } from '@parley/testkit'
import { networks, puppets } from './gateway-puppet.ts'

const REGISTER = 'jabber:iq:register'
const INFO = 'http://jabber.org/protocol/disco#info'
const COMMANDS = 'http://jabber.org/protocol/commands'
const ITEMS = 'http://jabber.org/protocol/disco#items'

scenario('XEP-0100 § 4.1.1: a network says what it is, and what it asks for', async stage => {
  const { server } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')

  const items = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${ITEMS}"/></iq>`
  expect(items.elements().map(({ attrs }) => attrs['jid'])).toContain('puppets.a.test')
  const info = await romeo.asks`<iq type="get" to="puppets.a.test"><query xmlns="${INFO}"/></iq>`
  expect(info.child('identity')!.attrs).toMatchObject({ category: 'gateway', type: 'puppet', name: 'Puppets' })
  const features = info.childrenNamed('feature').map(({ attrs }) => attrs['var'])
  expect(features).toEqual(expect.arrayContaining([REGISTER, 'jabber:iq:gateway', 'jid\\20escaping']))

  const form = await romeo.asks`<iq type="get" to="puppets.a.test"><query xmlns="${REGISTER}"/></iq>`
  expect(form.elements().map(({ name }) => name)).toEqual(['instructions', 'username', 'password', 'nick', 'x'])
  const fields = form.child('x', 'jabber:x:data')!.childrenNamed('field')
  expect(fields.map(({ attrs }) => [attrs['var'], attrs['type']])).toEqual([
    ['FORM_TYPE', 'hidden'],
    ['username', 'text-single'],
    ['password', 'text-private'],
    ['nick', 'text-single'],
  ])
})

scenario('XEP-0100 § 4.1.1: a login is tried, kept and shown without its secret', async stage => {
  const { server, engine } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')

  await romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${REGISTER}"><username>me</username><password>mine</password></query></iq>`
  await romeo.receivesUnordered(
    p`<presence from="puppets.a.test"><show>xa</show><status>Connecting to Puppets</status></presence>`,
    exactly`<presence from="puppets.a.test" to="romeo@a.test"/>`,
    p`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="puppets.a.test" name="Puppets" subscription="both"/></query></iq>`,
    // Once more, now that it is a contact: before, a client had nobody to show so.
    exactly`<presence from="puppets.a.test" to="romeo@a.test"/>`,
  )
  const kept = { fields: { username: 'me' }, secrets: { password: 'mine' } }
  expect(engine.logins.get('puppets romeo@a.test')).toEqual(kept)

  const form = await romeo.asks`<iq type="get" to="puppets.a.test"><query xmlns="${REGISTER}"/></iq>`
  expect(form.child('registered')).toBeDefined()
  expect(form.textOf('username')).toBe('me')
  expect(String(form)).not.toContain('mine')
})

scenario('XEP-0077 § 3.1: a form does the same', async stage => {
  const { server, engine } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')

  await romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${REGISTER}"><x xmlns="jabber:x:data" type="submit">
    <field var="username"><value>me</value></field><field var="password"><value>mine</value></field><field var="nick"><value>R</value></field>
  </x></query></iq>`
  await romeo.settles()
  const kept = { fields: { username: 'me', nick: 'R' }, secrets: { password: 'mine' } }
  expect(engine.logins.get('puppets romeo@a.test')).toEqual(kept)
})

scenario('XEP-0100 § 4.1.2: a login that is not accepted leaves nothing behind', async stage => {
  const { server, engine } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const register = (name: string, password: string) =>
    romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${REGISTER}"><username>${name}</username><password>${password}</password></query></iq>`

  await refused(register('me', 'wrong'), 'not-acceptable', 'The password is wrong')
  // The answer has said it: no message does.
  await romeo.receivesUnordered(
    p`<presence from="puppets.a.test"><show>xa</show></presence>`,
    p`<presence type="unavailable" from="puppets.a.test"><status>The password is wrong</status></presence>`,
    exactly`<presence type="unavailable" from="puppets.a.test" to="romeo@a.test"/>`,
  )
  await romeo.receivesNothing()
  await refused(register('', 'mine'), 'not-acceptable', 'Name is missing')
  await refused(register('me\nQUIT', 'mine'), 'not-acceptable', 'Name cannot be that')
  await romeo.settles()
  expect(engine.logins.size).toBe(0)
  expect((await romeo.asks`<iq type="get"><query xmlns="jabber:iq:roster"/></iq>`).elements()).toEqual([])
})

scenario('XEP-0100 § 4.1.1: a network that does not answer in time goes on by itself', async stage => {
  const { server, engine } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  engine.slow = true
  const answer = romeo.asksRaw(
    `<iq id="r" type="set" to="puppets.a.test"><query xmlns="${REGISTER}"><username>me</username><password>mine</password></query></iq>`,
  )
  await romeo.receives`<presence from="puppets.a.test"><show>xa</show></presence>`
  // What else the client sends does not wait for it.
  await romeo.asks`<iq type="get" to="a.test"><ping xmlns="urn:xmpp:ping"/></iq>`

  stage.clock.advance(15_000)
  expect((await answer).attrs['type']).toBe('result')
  await romeo.settles()
})

scenario('XEP-0100 § 4.3.1: who leaves a network has nothing of it any more', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await engine.happens(key, { type: 'roster', contacts: [{ id: 'juliet', name: 'Juliet', subscription: 'both' }] })
  await engine.happens(key, { type: 'presence', id: 'juliet', presence: { show: 'available' } })
  await romeo.settles()

  await romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${REGISTER}"><remove/></query></iq>`
  await romeo.settles()
  expect(engine.logins.size).toBe(0)
  expect(engine.took('removeContact')).toEqual([])
  expect((await romeo.asks`<iq type="get"><query xmlns="jabber:iq:roster"/></iq>`).elements()).toEqual([])
  await refused(
    romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${REGISTER}"><remove/></query></iq>`,
    'registration-required',
    'There is no login of yours to take back',
  )
})

scenario('XEP-0050 § 2.4: commands of a network do the same as the form', async stage => {
  const { server, engine } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const node = (name: string) => `urn:parley:gateway:${name}`
  const runs = (name: string) =>
    romeo.asks`<iq type="set" to="puppets.a.test"><command xmlns="${COMMANDS}" node="${node(name)}"/></iq>`

  const list = await romeo.asks`<iq type="get" to="puppets.a.test"><query xmlns="${ITEMS}" node="${COMMANDS}"/></iq>`
  expect(list.elements().map(({ attrs }) => attrs['node'])).toEqual(
    ['register', 'unregister', 'reconnect', 'status'].map(node),
  )
  await romeo.asks`<iq type="get" to="puppets.a.test"><query xmlns="${INFO}" node="${node('status')}"/></iq>`
  await refused(runs('status'), 'registration-required', 'You have no login here to show')
  await refused(runs('reconnect'), 'registration-required', 'You have no login here to try')
  await refused(runs('unregister'), 'registration-required', 'You are not registered here')
  await refused(runs('fly'), 'item-not-found', 'This network has no such command')

  const form = await runs('register')
  expect(form.attrs['status']).toBe('executing')
  const done =
    await romeo.asks`<iq type="set" to="puppets.a.test"><command xmlns="${COMMANDS}" node="${node('register')}" sessionid="${form.attrs['sessionid']!}">
    <x xmlns="jabber:x:data" type="submit"><field var="username"><value>me</value></field><field var="password"><value>mine</value></field></x></command></iq>`
  expect(done.attrs['status']).toBe('completed')
  expect(done.textOf('note')).toBe('You are logged in to Puppets.')
  expect((await runs('status')).textOf('note')).toBe('Connected')
  expect((await runs('reconnect')).textOf('note')).toBe('Connecting to Puppets.')
  expect((await runs('unregister')).textOf('note')).toBe('Your login for Puppets is forgotten.')
  await romeo.settles()
  expect(engine.logins.size).toBe(0)
})

scenario(
  'XEP-0100 § 4.1: a conversation with the network does the same, and keeps the secret out of the archive',
  async stage => {
    const { server, engine } = await puppets(stage)
    const [romeo, phone] = await server.join('romeo/orchard', 'romeo/phone')
    await phone.asks`<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>`
    const says = async (text: string) => {
      await romeo.sends`<message type="chat" to="puppets.a.test"><body>${text}</body></message>`
      const { said } = await romeo.receives`<message from="puppets.a.test"><body>${capture('said')}</body></message>`
      return said
    }

    expect(await says('hello')).toBe('I know these words: register, unregister, reconnect, status.')
    expect(await says('register')).toBe('Name? You can also say "cancel".')
    expect(await says('cancel')).toBe('Nothing was changed.')
    expect(await says('register')).toBe('Name? You can also say "cancel".')
    expect(await says('me')).toBe('Password? You can also say "cancel".')
    expect(await says('mine')).toBe('Nickname? (- for none) You can also say "cancel".')
    await phone.settles()
    await romeo.sends`<message type="chat" to="puppets.a.test"><body>-</body></message>`
    await romeo.settles()
    const kept = { fields: { username: 'me' }, secrets: { password: 'mine' } }
    expect(engine.logins.get('puppets romeo@a.test')).toEqual(kept)
    expect(await says('status')).toBe('Connected')
    await romeo.sends`<message type="chat" to="puppets.a.test"><body>unregister</body></message>`
    await romeo.receives`<presence type="unavailable" from="puppets.a.test"/>`
    await romeo.receives`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="puppets.a.test" subscription="remove"/></query></iq>`
    await romeo.receives`<message from="puppets.a.test"><body>Your login for Puppets is forgotten.</body></message>`
    expect(engine.logins.size).toBe(0)
    await romeo.settles()
    await phone.settles()

    const page = await romeo.asksRaw('<iq type="set"><query xmlns="urn:xmpp:mam:2"/></iq>')
    expect(page.attrs['type']).toBe('result')
    const archived = romeo.unexpected.map(String).join('')
    expect(archived).toContain('<body>register</body>')
    expect(archived).not.toContain('mine')
    await romeo.settles()
  },
)

scenario('XEP-0100 § 4.4.2: a login that is refused is said once, and waits for the user', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)

  engine.set(key, 'needs-login', 'The password has changed')
  await romeo.receivesUnordered(
    p`<presence type="unavailable" from="puppets.a.test"><status>The password has changed</status></presence>`,
    p`<message from="puppets.a.test"><body>Puppets does not accept your login: The password has changed. Say "register" here to give new ones.</body></message>`,
  )
  engine.set(key, 'connecting')
  engine.set(key, 'needs-login', 'The password has changed')
  await romeo.receives`<presence from="puppets.a.test"><show>xa</show></presence>`
  await romeo.receives`<presence type="unavailable" from="puppets.a.test"/>`
  await romeo.receivesNothing()

  engine.set(key, 'online')
  await romeo.receives`<presence from="puppets.a.test"/>`
  engine.set(key, 'needs-login')
  await romeo.receives`<presence type="unavailable" from="puppets.a.test"/>`
  await romeo.receives`<message from="puppets.a.test"><body>${like(/does not accept/)}</body></message>`
})

scenario('XEP-0100 § 4.4.1: the presence of a network says how the session is', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)

  engine.set(key, 'degraded', 'Slow')
  await romeo.receives`<presence from="puppets.a.test"><show>away</show><status>Slow</status></presence>`
  engine.set(key, 'waiting', 'The server does not answer')
  await romeo.receives`<presence from="puppets.a.test"><show>xa</show><status>The server does not answer</status></presence>`
  engine.set(key, 'online')
  await romeo.receives`<presence from="puppets.a.test"/>`
  const [phone] = await server.join('romeo/phone')
  await romeo.settles()
  await phone.sends`<presence type="probe" to="puppets.a.test"/>`
  await phone.receives`<presence from="puppets.a.test" to="${phone}"/>`
})

scenario('XEP-0100 § 6.2: an address is made of what somebody types, and is always the same', async stage => {
  const { server } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const GATEWAY = 'jabber:iq:gateway'

  const prompt = await romeo.asks`<iq type="get" to="puppets.a.test"><query xmlns="${GATEWAY}"/></iq>`
  expect(prompt.textOf('prompt')).toBe('Contact ID')
  for (const typed of ['Foo Bar@x', 'foobar@X']) {
    const answer =
      await romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${GATEWAY}"><prompt>${typed}</prompt></query></iq>`
    expect(answer.textOf('jid')).toBe('foobar\\40x@puppets.a.test')
  }
  await refused(
    romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${GATEWAY}"><prompt>  </prompt></query></iq>`,
    'item-not-found',
    'Nobody can have that address there',
  )
})

scenario('XEP-0100 § 4.1: what nobody is asked for is not there', async stage => {
  const { server, types } = await networks(stage)
  await types('provider add', { id: 'phones', adapter: 'phones' })
  await types('provider enable', { id: 'phones' })
  const [romeo] = await server.join('romeo/orchard')
  await refused(
    romeo.asks`<iq type="get" to="phones.a.test"><query xmlns="${REGISTER}"/></iq>`,
    'not-allowed',
    'This network needs no registration',
  )
  await refused(
    romeo.asks`<iq type="get" to="phones.a.test"><nothing xmlns="urn:x"/></iq>`,
    'service-unavailable',
    'This network does not do that',
  )
})
