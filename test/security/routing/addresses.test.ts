import { expect } from '@jest/globals'
import { modules } from '@parley/modules'
import { type Actor, any, refused, scenario } from '@parley/testkit'
import { defineModule, inbound, on } from '@xmpp/server-core'

const STREAMS = 'urn:ietf:params:xml:ns:xmpp-streams'
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

scenario('threat 56: a forged "from" ends the stream, on every kind of stanza', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.join('juliet/balcony')
  const froms = ['juliet@a.test', 'tybalt@a.test/other', 'tybalt@b.test/street', 'a.test', '', 'tybalt@a.test/', '@']
  const kinds = [
    (from: string) => `<message from="${from}" to="${juliet}"><body>x</body></message>`,
    (from: string) => `<presence from="${from}" to="${juliet}"/>`,
    (from: string) => `<iq from="${from}" to="${juliet}" type="result" id="1"/>`,
  ]
  for (const from of froms) {
    for (const kind of kinds) {
      const [tybalt] = await stage.connect('tybalt/street')
      await tybalt.sendsRaw(kind(from))
      await tybalt.receives`<stream:error><invalid-from xmlns="${STREAMS}"/></stream:error>`
    }
  }
  await juliet.receivesNothing()
})

scenario('threat 56: what is not forged is stamped', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet, tybalt] = await stage.join('juliet/balcony', 'tybalt/street')

  for (const from of ['', ' from="tybalt@a.test"', ' from="TYBALT@A.test/street"']) {
    await tybalt.sendsRaw(`<message${from} to="${juliet}" type="chat"><body>x</body></message>`)
    await juliet.receives`<message from="${tybalt}"><body>x</body></message>`
  }
})

scenario('threat 59: nobody but the server pushes rosters and block lists', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const [juliet, phone, tybalt] = await stage.join('juliet/balcony', 'juliet/phone', 'tybalt/street')
  await befriend(juliet, tybalt)
  await phone.settles()

  for (const forger of [tybalt, phone]) {
    for (const payload of [
      '<query xmlns="jabber:iq:roster"><item jid="evil@a.test" subscription="both"/></query>',
      '<block xmlns="urn:xmpp:blocking"><item jid="nurse@a.test"/></block>',
      '<unblock xmlns="urn:xmpp:blocking"/>',
    ]) {
      const answer = await forger.asksRaw(`<iq type="set" to="${juliet}">${payload}</iq>`)
      expect(answer.child('error')?.child('service-unavailable', STANZAS)).toBeDefined()
    }
  }
  await juliet.receivesNothing()
})

scenario('threat 62: answers to questions that nobody asked are dropped', async ({ server }) => {
  const [juliet, tybalt] = await (await server('a.test')).join('juliet/balcony', 'tybalt/street')

  for (const to of ['a.test', juliet.bare, 'ghost@a.test', 'juliet@a.test/nowhere', 'tybalt@a.test']) {
    for (const id of ['1', 'caps', 'push1', '__proto__']) {
      await tybalt.sends`<iq type="result" id="${id}" to="${to}"><query xmlns="jabber:iq:roster"/></iq>`
      await tybalt.sends`<iq type="error" id="${id}" to="${to}"><error type="cancel"/></iq>`
    }
  }
  await tybalt.receivesNothing()
  await juliet.receivesNothing()
})

scenario('threat 64: errors are never answered with errors', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await romeo.settles()
  const error = `<error type="cancel"><gone xmlns="${STANZAS}"/></error>`

  for (const to of [
    'ghost@a.test',
    'ghost@a.test/x',
    'juliet@a.test',
    'juliet@a.test/x',
    'a.test',
    'a.test/x',
    'else.test',
  ]) {
    await romeo.sendsRaw(`<message type="error" to="${to}" id="1">${error}</message>`)
    await romeo.sendsRaw(`<presence type="error" to="${to}" id="1">${error}</presence>`)
    await romeo.sendsRaw(`<iq type="error" to="${to}" id="1">${error}</iq>`)
    await romeo.sendsRaw(`<iq type="result" to="${to}" id="1"/>`)
  }
  await romeo.sendsRaw(`<message type="error" to="not@a@jid">${error}</message>`)
  await romeo.sendsRaw('<iq type="error" to="@" id="1"/>')
  await romeo.receivesNothing()
  await juliet.receivesNothing()
})

scenario('threat 64: a message to oneself is one message, a refused one is one error', async ({ server }) => {
  const [romeo] = await (await server('a.test')).join('romeo/orchard')
  await romeo.settles()

  await romeo.sends`<message type="chat" to="${romeo}" id="m1"><body>Alone</body></message>`
  await romeo.receives`<message id="m1"><body>Alone</body></message>`
  await romeo.sends`<message type="normal" to="romeo@a.test/x" id="m2"><body>Alone</body></message>`
  await romeo.receives`<message type="error" id="m2"/>`
  await romeo.receivesNothing()
})

scenario(
  'threat 66: a resource that is bound again and again is one session, and each old one ends once',
  async ({ server }) => {
    const stage = await server('a.test')
    let last: Actor | undefined
    for (let i = 0; i < 20; i++) {
      const [romeo] = await stage.connect('romeo/orchard')
      if (last) {
        await last.receives`<stream:error><conflict xmlns="${STREAMS}"/></stream:error>`
        await last.client.until(() => last!.client.closed, 'the end of the stream')
      }
      last = romeo
    }
    expect(await stage.core.live.count()).toBe(1)
    expect(stage.sessions).toBe(1)
  },
)

scenario('threat 66: resources of every length, and what is none', async ({ server }) => {
  const stage = await server('a.test', { config: { domains: ['a.test'], limits: { resources: 2 } } })
  const bind = async (resource: string) => {
    const client = stage.client()
    await stage.account('romeo')
    await client.negotiate('a.test')
    client.write(
      `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${Buffer.from('\0romeo\0secret').toString('base64')}</auth>`,
    )
    await client.next('success')
    await client.negotiate('a.test')
    const answer = await client.request(
      'set',
      `<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>${resource}</resource></bind>`,
    )
    const error = answer
      .child('error')
      ?.elements()
      .find(({ name }) => name !== 'text')?.name
    return error ?? answer.firstElement()!.textOf('jid')
  }
  expect(await bind('r'.repeat(1023))).toBe(`romeo@a.test/${'r'.repeat(1023)}`)
  expect(await bind('&#x7F;')).toBe('bad-request')
  expect(await bind('r'.repeat(1024))).toBe('bad-request')
  expect(await bind('a/b@c')).toBe('romeo@a.test/a/b@c')
  expect(await bind('third')).toBe('resource-constraint')
  expect(await bind('a/b@c')).toBe('romeo@a.test/a/b@c')
})

scenario('threat 68: a stanza for many is frozen', async ({ server, befriend }) => {
  const seen: boolean[] = []
  const meddler = defineModule({
    name: 'meddler',
    setup: () => ({
      on: [
        on(inbound, 'guard', ({ stanza }) => {
          const status = stanza.child('status')
          if (!status) return
          const mutable = status as unknown as { attrs: Record<string, string>; children: string[] }
          expect(() => {
            mutable.attrs['jid'] = 'real@a.test'
          }).toThrow(TypeError)
          expect(() => mutable.children.push('x')).toThrow(TypeError)
          seen.push(true)
        }),
      ],
    }),
  })
  const stage = await server('a.test', { modules: [...modules, meddler] })
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await romeo.sends`<presence><status>Here</status></presence>`
  await juliet.receives`<presence from="${romeo}"><status>Here</status></presence>`
  await romeo.receives`<presence from="${any}"><status>Here</status></presence>`
  expect(seen.length).toBe(2)
})

scenario('threat 54: nobody changes or removes the account of somebody else', async ({ server }) => {
  const stage = await server('a.test')
  const [tybalt] = await stage.connect('tybalt/street')
  await stage.account('romeo')

  for (const to of ['a.test', 'tybalt@a.test'])
    await refused(
      tybalt.asks`<iq type="set" to="${to}"><query xmlns="jabber:iq:register"><username>romeo</username><password>x</password></query></iq>`,
      'not-allowed',
      'That is not your account',
    )
  await refused(
    tybalt.asks`<iq type="set" to="romeo@a.test"><query xmlns="jabber:iq:register"><remove/></query></iq>`,
    'service-unavailable',
  )
  await stage.client().login('a.test', 'romeo', 'secret', 'x')
})

scenario('threat 53: nobody registers without TLS', async ({ server }) => {
  const stage = await server('a.test', { config: { domains: ['a.test'], registration: 'open' } })
  const client = stage.client({ secure: false })
  const features = await client.negotiate('a.test')
  expect(features.child('register', 'http://jabber.org/features/iq-register')).toBeUndefined()

  const answer = await client.request(
    'set',
    '<query xmlns="jabber:iq:register"><username>x</username><password>y</password></query>',
  )
  expect(answer.child('error')?.child('service-unavailable', STANZAS)).toBeDefined()
  expect(await stage.store.accounts.count('a.test')).toBe(0)
})
