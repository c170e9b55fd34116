import { expect } from '@jest/globals'
import { p, refused, scenario } from '@parley/testkit'
import { networks, puppets } from './gateway-puppet.ts'

const REGISTER = 'jabber:iq:register'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const remote = { type: 'message', peer: 'tybalt', origin: 'remote', text: 'Fight!' } as const

scenario(
  'XEP-0100 § 4.1: networks are off until the operator switches them on, and go when they are off',
  async stage => {
    const { server, engine, types, registers } = await networks(stage)
    await types('provider add', {
      id: 'puppets',
      adapter: 'puppet',
      settings: ['host=puppets.test', 'port=5190', 'key=secret'],
      title: 'The Puppets',
    })
    const [romeo] = await server.join('romeo/orchard')
    const offered = async () => {
      const items = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${ITEMS}"/></iq>`
      return items
        .elements()
        .map(({ attrs }) => attrs['jid'])
        .includes('puppets.a.test')
    }
    expect(await offered()).toBe(false)
    await refused(
      romeo.asks`<iq type="get" to="puppets.a.test"><query xmlns="${REGISTER}"/></iq>`,
      'remote-server-not-found',
    )
    await types('provider enable', { id: 'puppets' })
    expect(await offered()).toBe(true)
    const key = await registers(romeo)

    const shown = await types('provider show', { id: 'puppets' })
    const rows = Object.fromEntries(shown.rows!.map(({ name, value }) => [name, value]))
    expect(rows).toMatchObject({
      'settings.host': 'puppets.test',
      'settings.port': 5190,
      users: 1,
      verification: 'contacts',
    })
    expect(rows['settings.key']).toBe('(kept secret)')
    expect(rows).not.toHaveProperty('secrets')
    // The record, which every node is told, has nothing of it.
    const record = async () => JSON.stringify([...(await server.store.maps.map('gateways.providers').all('gateways'))])
    expect(await record()).toMatch(/"secrets":\{"key":\d+\}/)
    expect(await record()).not.toContain('"secret"')
    expect(engine.sealed.get('puppets')).toEqual({ key: 'secret' })
    await types('provider set', { id: 'puppets', settings: ['key='] })
    expect((await types('provider show', { id: 'puppets' })).rows).not.toContainEqual(
      expect.objectContaining({ name: 'settings.key' }),
    )
    await expect(types('provider set', { id: 'puppets', settings: ['key=unsealable'] })).rejects.toThrow(
      'gateway.key: there is no key',
    )

    await types('provider disable', { id: 'puppets' })
    expect(await offered()).toBe(false)
    expect(engine.logins.has(`puppets ${key.owner}`)).toBe(true)
    await expect(types('provider show', { id: 'nothing' })).rejects.toThrow('There is no provider nothing')
    await expect(types('provider remove', { id: 'puppets' })).rejects.toThrow(
      'puppets: one user has a login; --force forgets them, and takes its contacts off their rosters',
    )
    expect(engine.logins.size).toBe(1)
    expect(await types('provider remove', { id: 'puppets', force: true })).toEqual({
      text: 'puppets is removed, with 1 logins',
    })
    expect([engine.logins.size, engine.sealed.size]).toEqual([0, 0])
    expect((await types('provider list')).rows).toEqual([
      { id: 'skype', adapter: '', state: 'retired', title: 'Skype', users: 0, ends: '2025-05-05' },
    ])
    await romeo.settles()
  },
)

scenario('XEP-0100 § 4.3: who is registered with a network that is removed loses its contacts quietly', async stage => {
  const { server, engine, types, registers } = await puppets(stage)
  const [romeo, juliet] = await server.join('romeo/orchard', 'juliet/balcony')
  const keys = [await registers(romeo), await registers(juliet)]
  for (const key of keys)
    await engine.happens(key, { type: 'roster', contacts: [{ id: 'nurse', name: 'Nurse', subscription: 'both' }] })
  for (const actor of [romeo, juliet]) await actor.settles()
  await types('provider disable', { id: 'puppets' })
  for (const actor of [romeo, juliet]) await actor.settles()
  await expect(types('provider remove', { id: 'puppets' })).rejects.toThrow('puppets: 2 users have logins')
  await types('provider remove', { id: 'puppets', force: true })
  for (const actor of [romeo, juliet]) {
    await actor.receivesUnordered(
      p`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="nurse@puppets.a.test" subscription="remove"/></query></iq>`,
      p`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="puppets.a.test" subscription="remove"/></query></iq>`,
    )
    const roster = await actor.asks`<iq type="get"><query xmlns="jabber:iq:roster"/></iq>`
    expect(String(roster)).not.toContain('puppets')
  }
  // Nobody there was told to forget anybody.
  expect(engine.took('removeContact')).toEqual([])
})

scenario('XEP-0100 § 4.1: what an operator says of a network is checked', async stage => {
  const { types } = await networks(stage)
  const add = (values: Record<string, unknown>) => types('provider add', { id: 'x', adapter: 'puppet', ...values })
  await expect(add({ adapter: 'nothing' })).rejects.toThrow('There is no adapter nothing; there are puppet, plain')
  await expect(add({ adapter: 'broken' })).rejects.toThrow('The adapter broken cannot be read: the log says why')
  await expect(add({ id: 'conference' })).rejects.toThrow('conference.a.test is something else already')
  await expect(add({ id: 'a.b' })).rejects.toThrow('id is a label of a domain name')
  await expect(add({ id: 'skype' })).rejects.toThrow('Skype has ended on 2025-05-05')
  await expect(add({ settings: ['port=0'] })).rejects.toThrow('port cannot be 0')
  await expect(add({ settings: ['__proto__=1'] })).rejects.toThrow('Puppets has host, port, key')
  await expect(add({ patience: 0 })).rejects.toThrow('patience is 1 to 86400 seconds')
  await expect(add({ pool: 1.5 })).rejects.toThrow('pool is a number of seats')
  await add({})
  await expect(add({})).rejects.toThrow('There is a provider x already')
  await expect(types('provider retire', { id: 'x', at: '2030-02-30' })).rejects.toThrow('at is a day')
  await types('provider enable', { id: 'x' })
  await expect(types('provider remove', { id: 'x' })).rejects.toThrow('x is enabled: disable it first')
  await types('provider set', { id: 'x', settings: ['host=elsewhere'], verification: 'everyone' })
  const { rows } = await types('provider show', { id: 'x' })
  expect(rows).toContainEqual({ name: 'settings.host', value: 'elsewhere' })
  expect(await types('provider rotate-keys')).toEqual({ text: '0 secrets are under a new key' })
})

scenario('XEP-0100 § 4.1: a network that speaks XMPP is a partner domain, and listed among networks', async stage => {
  const { server, types } = await networks(stage)
  const add = types('provider add', { id: 'gtalk', adapter: 'xmpp', settings: ['domain=gmail.com'] })
  await expect(add).rejects.toThrow('parley federation allow gmail.com --type public-unverified')
  const bare = types('provider add', { id: 'gtalk', adapter: 'xmpp' })
  await expect(bare).rejects.toThrow('XMPP needs no adapter, the domain is a partner: parley federation allow DOMAIN')
  const partners = server.store.maps.map('partners')
  await partners.set('federation', 'gmail.com', {
    state: 'allowed',
    type: 'public-unverified',
    aliases: ['googlemail.com'],
  })
  await partners.set('federation', 'lync.test', { state: 'allowed', type: 'public-verified', comment: 'the Montagues' })
  await partners.set('federation', 'friend.test', { state: 'allowed' })
  await partners.set('federation', 'foe.test', { state: 'blocked', type: 'public-verified' })
  const row = { adapter: 'xmpp', state: 'enabled', users: '', ends: '' }
  expect((await types('provider list')).rows).toEqual([
    { id: 'gmail.com', ...row, title: 'public-unverified' },
    { id: 'lync.test', ...row, title: 'the Montagues' },
    expect.objectContaining({ id: 'skype' }),
  ])
  for (const command of ['provider show', 'provider enable', 'provider remove'])
    await expect(types(command, { id: 'gmail.com' })).rejects.toThrow(
      'gmail.com is a domain that speaks XMPP: parley federation show gmail.com',
    )
})

scenario('XEP-0100 § 4.1: where a seat is needed, who has none sees nothing and does nothing', async stage => {
  const { server, types, engine } = await puppets(stage, { seats: 'on', pool: 1 })
  const [romeo, juliet] = await server.join('romeo/orchard', 'juliet/balcony')
  const offered = async () => {
    const items = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${ITEMS}"/></iq>`
    return items
      .elements()
      .map(({ attrs }) => attrs['jid'])
      .includes('puppets.a.test')
  }
  const register = () =>
    romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${REGISTER}"><username>me</username><password>mine</password></query></iq>`
  expect(await offered()).toBe(false)
  await refused(register(), 'not-allowed', 'You have no seat for this network')

  await types('seat assign', { provider: 'puppets', accounts: ['romeo'] })
  expect(await offered()).toBe(true)
  await expect(types('seat assign', { provider: 'puppets', accounts: ['juliet'] })).rejects.toThrow(
    'puppets has 1 seats, and that would be 2',
  )
  await expect(types('seat assign', { provider: 'puppets', accounts: ['nobody'] })).rejects.toThrow(
    'There is no account nobody@a.test',
  )
  await expect(types('seat assign', { provider: 'puppets', accounts: ['a@b.test'] })).rejects.toThrow(
    'a@b.test is not an account of a.test',
  )
  await register()
  await romeo.settles()
  expect((await types('seat list', { provider: 'puppets' })).rows).toMatchObject([
    { account: 'romeo@a.test', good: true },
  ])
  expect((await types('seat report')).rows).toEqual([
    { provider: 'puppets', needed: true, pool: 1, given: 1, expired: 0, registered: 1 },
  ])

  // A seat that is taken back ends the session at once.
  await types('seat revoke', { provider: 'puppets', accounts: ['romeo@a.test'] })
  await romeo.receives`<presence type="unavailable" from="puppets.a.test"/>`
  expect(engine.status({ provider: 'puppets', owner: 'romeo@a.test' }).state).toBe('idle')
  await expect(types('seat revoke', { provider: 'puppets', accounts: ['romeo'] })).rejects.toThrow(
    'romeo@a.test has no seat for puppets',
  )
  await romeo.sends`<message type="chat" id="m" to="x@puppets.a.test"><body>1</body></message>`
  await romeo.receives`<message type="error" id="m"><error><not-allowed xmlns="${STANZAS}"/><text xmlns="${STANZAS}">You have no seat for this network</text></error></message>`
  await juliet.settles()
})

scenario('XEP-0100 § 4.1: a seat that runs out ends the session within a minute', async stage => {
  const { server, types, engine, registers } = await puppets(stage, { seats: 'on' })
  const [romeo] = await server.join('romeo/orchard')
  await types('seat assign', { provider: 'puppets', accounts: ['romeo'], until: '2026-01-02' })
  const key = await registers(romeo)
  await stage.after('11h')
  expect(engine.status(key).state).toBe('online')
  await stage.after('61m')
  await stage.after('30s')
  await romeo.receives`<presence type="unavailable" from="puppets.a.test"/>`
  expect(engine.status(key).state).toBe('idle')
  expect((await types('seat report')).rows).toMatchObject([{ given: 0, expired: 1 }])
})

scenario(
  'XEP-0100 § 5: only contacts reach users, unless the operator wants everybody; others are counted',
  async stage => {
    const lines: string[] = []
    const { server, types, engine, registers } = await puppets(stage, {}, { logTo: line => lines.push(line) })
    const [romeo] = await server.join('romeo/orchard')
    const key = await registers(romeo)
    await engine.happens(
      key,
      remote,
      { type: 'request', id: 'tybalt' },
      { type: 'typing', peer: 'tybalt', state: 'composing' },
      { type: 'attention', peer: 'tybalt' },
    )
    await romeo.receivesNothing()
    const { rows } = await types('provider show', { id: 'puppets' })
    expect(rows).toContainEqual({ name: 'denied.stranger', value: 4 })
    expect(lines.filter(line => line.includes('gateway denied') && line.includes('tybalt'))).toHaveLength(4)
    const figures = new Map(server.core.figures.flatMap(read => read()).map(({ name, samples }) => [name, samples]))
    const puppet = { provider: 'puppets' }
    expect(figures.get('parley_gateway_denied')).toContainEqual({ labels: { ...puppet, reason: 'stranger' }, value: 4 })
    expect(figures.get('parley_gateway_denied')).toContainEqual({ labels: { ...puppet, reason: 'seat' }, value: 0 })
    expect(figures.get('parley_gateway_sessions')).toContainEqual({ labels: { ...puppet, state: 'online' }, value: 1 })

    // Who was written to may answer.
    await romeo.sends`<message type="chat" id="m" to="tybalt@puppets.a.test"><body>Peace</body></message>`
    await romeo.fence()
    await engine.happens(key, remote)
    await romeo.receives`<message from="tybalt@puppets.a.test"><body>Fight!</body></message>`

    await types('provider set', { id: 'puppets', verification: 'everyone' })
    await engine.happens(key, { ...remote, peer: 'stranger' })
    await romeo.receives`<message from="stranger@puppets.a.test"><body>Fight!</body></message>`
    await types('provider set', { id: 'puppets', verification: 'verified' })
    await engine.happens(key, { ...remote, peer: 'another' })
    await romeo.receives`<message from="another@puppets.a.test"><body>Fight!</body></message>`
  },
)

scenario('XEP-0100 § 4.1: who may use no public networks has none, from the moment that it is said', async stage => {
  const { server, types, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  const key = await registers(romeo)
  await types('policy set', { policy: 'public-networks', value: 'off', user: 'romeo@a.test' })
  await romeo.receives`<presence type="unavailable" from="puppets.a.test"/>`
  expect(engine.status(key).state).toBe('idle')
  await refused(
    romeo.asks`<iq type="set" to="puppets.a.test"><query xmlns="${REGISTER}"><username>me</username><password>mine</password></query></iq>`,
    'not-allowed',
    'Your organisation does not let you use this network',
  )
  const items = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${ITEMS}"/></iq>`
  expect(items.elements().map(({ attrs }) => attrs['jid'])).not.toContain('puppets.a.test')
})

scenario(
  'XEP-0100 § 4.1: users are told that a network ends, 30, 7 and 1 days before or later; then it is gone',
  async stage => {
    const { server, types, engine, registers } = await puppets(stage)
    const [romeo, juliet] = await server.join('romeo/orchard', 'juliet/balcony')
    const key = await registers(romeo)
    await types('provider retire', { id: 'puppets', at: '2026-02-01' })
    await refused(
      juliet.asks`<iq type="get" to="puppets.a.test"><query xmlns="${REGISTER}"/></iq>`,
      'not-allowed',
      'This network ends soon: nobody registers any more',
    )
    await stage.after('2h')
    await romeo.receivesNothing()
    // Sooner than it was said, each time: that is told within an hour, and once.
    for (const [at, within] of [
      ['2026-01-31', '30 days'],
      ['2026-01-10', '9 days'],
      ['2026-01-08', '7 days'],
      ['2026-01-02', 'one day'],
    ] as const) {
      await types('provider retire', { id: 'puppets', at })
      await stage.after('1h')
      await romeo.receives`<message from="puppets.a.test"><body>Puppets ends on ${at}, in ${within}.</body></message>`
      await stage.after('1h')
      await romeo.receivesNothing()
    }
    await stage.after('3h')
    await romeo.receives`<presence type="unavailable" from="puppets.a.test"/>`
    expect(engine.status(key).state).toBe('idle')
    await expect(types('provider enable', { id: 'puppets' })).rejects.toThrow('puppets has ended on 2026-01-02')
    expect((await types('provider list')).rows![0]).toMatchObject({ id: 'puppets', state: 'retired' })
    await types('provider retire', { id: 'puppets', at: 'never' })
    expect((await types('provider list')).rows![0]).toMatchObject({ id: 'puppets', state: 'enabled' })
    await romeo.settles()
  },
)

scenario('XEP-0077 § 3.2: who deletes the account leaves no login behind', async stage => {
  const { server, engine, registers } = await puppets(stage)
  const [romeo] = await server.join('romeo/orchard')
  await registers(romeo)
  await server.host.accounts.remove(romeo.bare, 0)
  expect(engine.logins.size).toBe(0)
  await romeo.client.until(() => romeo.client.closed, 'the end of the stream')
  romeo.client.inbox.length = 0
})

scenario('XEP-0100 § 4: another gateway, or another server, uses no network of this one', async stage => {
  const { server } = await puppets(stage)
  const { Message, Body } = await import('@parley/stanza')
  const { Jid } = await import('@parley/jid')
  const { el } = await import('@parley/xml')
  const answers: string[] = []
  server.core.router.components.set('other.test', stanza => void answers.push(stanza.toXml()))
  const head = {
    type: 'chat',
    id: 'm',
    from: Jid.parse('x@other.test'),
    to: Jid.parse('juliet@puppets.a.test'),
  } as const
  await server.core.router.route(new Message(head, Body.of([el('body', 'jabber:client', null, '1')])))
  expect(answers).toEqual([expect.stringContaining('This network is for accounts of this domain alone')])
})
