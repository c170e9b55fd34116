import { expect } from '@jest/globals'
import { capture, refused, scenario } from '@parley/testkit'

const NS = 'http://jabber.org/protocol/commands'
const INFO = 'http://jabber.org/protocol/disco#info'
const ITEMS = 'http://jabber.org/protocol/disco#items'
const NODE = 'urn:parley:command'
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
const config = { domains: ['a.test'], admins: ['prince@a.test'] }

const submit = (fields: Record<string, string>) =>
  `<x xmlns="jabber:x:data" type="submit">${Object.entries(fields)
    .map(
      ([name, value]) =>
        `<field var="${name}">${value
          .split(',')
          .map(one => `<value>${one}</value>`)
          .join('')}</field>`,
    )
    .join('')}</x>`

scenario('XEP-0050 § 2.2: an admin finds the commands, others find nothing', async ({ server }) => {
  const [prince, romeo] = await (await server('a.test', { config })).connect('prince/palace', 'romeo/orchard')

  const list = await prince.asks`<iq type="get" to="a.test"><query xmlns="${ITEMS}" node="${NS}"/></iq>`
  expect(list.elements().map(({ attrs }) => [attrs['jid'], attrs['node'], attrs['name']])).toContainEqual([
    'a.test',
    `${NODE}:user-add`,
    'Make an account',
  ])
  const info = await prince.asks`<iq type="get" to="a.test"><query xmlns="${INFO}" node="${NODE}:user-add"/></iq>`
  expect(String(info)).toBe(
    `<query xmlns="${INFO}" node="${NODE}:user-add"><identity category="automation" type="command-node" name="Make an account"/><feature var="${NS}"/><feature var="jabber:x:data"/></query>`,
  )
  const whole = await prince.asks`<iq type="get" to="a.test"><query xmlns="${INFO}" node="${NS}"/></iq>`
  expect(whole.child('identity')?.attrs['type']).toBe('command-list')

  const nothing = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${ITEMS}" node="${NS}"/></iq>`
  expect(nothing.elements()).toEqual([])
  for (const node of [`${NODE}:user-add`, `${NODE}:nothing`]) {
    await refused(
      romeo.asks`<iq type="get" to="a.test"><query xmlns="${INFO}" node="${node}"/></iq>`,
      'forbidden',
      'Commands are for admins',
    )
    await refused(
      romeo.asks`<iq type="set" to="a.test"><command xmlns="${NS}" node="${node}"/></iq>`,
      'forbidden',
      'Commands are for admins',
    )
  }
  await refused(
    prince.asks`<iq type="set" to="a.test"><command xmlns="${NS}" node="${NODE}:nothing"/></iq>`,
    'item-not-found',
    'There is no such command',
  )
})

scenario('XEP-0050 § 2.4.1: a command that needs nothing answers at once', async ({ server }) => {
  const [prince] = await (await server('a.test', { config })).connect('prince/palace')

  const answer =
    await prince.asks`<iq type="set" to="a.test"><command xmlns="${NS}" node="${NODE}:group-list" action="execute"/></iq>`
  expect([answer.attrs['status'], answer.attrs['node']]).toEqual(['completed', `${NODE}:group-list`])
  expect(answer.child('x', 'jabber:x:data')?.attrs['type']).toBe('result')
})

scenario('XEP-0050 § 2.4.2: a form is filled in, and the account is there', async ({ server }) => {
  const stage = await server('a.test', { config })
  const [prince] = await stage.connect('prince/palace')
  await prince.sends`<iq type="set" to="a.test" id="c1"><command xmlns="${NS}" node="${NODE}:user-add"/></iq>`
  const { id } =
    await prince.receives`<iq type="result" id="c1"><command xmlns="${NS}" node="${NODE}:user-add" status="executing" sessionid="${capture('id')}"><actions execute="complete"><complete/></actions><x xmlns="jabber:x:data" type="form"><title>Make an account</title><field var="jid" type="jid-single"><required/></field><field var="password" type="text-private"><required/></field></x></command></iq>`

  // What is missing can be filled in again.
  await prince.sendsRaw(
    `<iq type="set" to="a.test" id="c2"><command xmlns="${NS}" node="${NODE}:user-add" sessionid="${id}">${submit({ jid: 'mercutio@a.test' })}</command></iq>`,
  )
  await prince.receives`<iq type="error" id="c2"><error type="modify"><bad-request xmlns="${STANZAS}"/><bad-payload xmlns="${NS}"/><text xmlns="${STANZAS}">Not usable: password is missing: the password; asked for when left out</text></error></iq>`
  await prince.sendsRaw(
    `<iq type="set" to="a.test" id="c3"><command xmlns="${NS}" node="${NODE}:user-add" sessionid="${id}" action="complete">${submit({ jid: 'mercutio@a.test', password: 'secret' })}</command></iq>`,
  )
  await prince.receives`<iq type="result" id="c3"><command xmlns="${NS}" sessionid="${id!}" status="completed"><note type="info">mercutio@a.test can log in now</note></command></iq>`
  await stage.client().login('a.test', 'mercutio', 'secret', 'street')

  // Over is over.
  await refused(
    prince.asks`<iq type="set" to="a.test"><command xmlns="${NS}" node="${NODE}:user-add" sessionid="${id!}"/></iq>`,
    'bad-request',
    'There is no such command under way',
  )
})

scenario('XEP-0050 § 2.4.2: lists, flags and tables', async ({ server }) => {
  const stage = await server('a.test', { config })
  const [prince] = await stage.connect('prince/palace')
  const run = async (name: string, fields: Record<string, string>) => {
    const begun = await prince.asksRaw(
      `<iq type="set" to="a.test"><command xmlns="${NS}" node="${NODE}:${name}"/></iq>`,
    )
    const { sessionid } = begun.firstElement()!.attrs
    const answer = await prince.asksRaw(
      `<iq type="set" to="a.test"><command xmlns="${NS}" node="${NODE}:${name}" sessionid="${sessionid}">${submit(fields)}</command></iq>`,
    )
    return answer.firstElement()!
  }
  await stage.account('romeo')
  await stage.account('juliet')

  expect((await run('group-put', { group: 'verona', 'shared-roster': '1' })).textOf('note')).toContain('with a shared')
  expect((await run('group-add', { group: 'verona', accounts: 'romeo@a.test,juliet@a.test' })).textOf('note')).toBe(
    '2 accounts are in verona',
  )
  const table = (await run('group-show', { group: 'verona' })).child('x', 'jabber:x:data')!
  expect(table.childrenNamed('item').map(String)).toEqual([
    '<item xmlns="jabber:x:data"><field var="account"><value>juliet@a.test</value></field></item>',
    '<item xmlns="jabber:x:data"><field var="account"><value>romeo@a.test</value></field></item>',
  ])
  // § 3.6: what fails is completed, with a note that says so.
  const failed = await run('user-delete', { jid: 'ghost@a.test' })
  expect([failed.attrs['status'], failed.child('note')?.attrs['type'], failed.textOf('note')]).toEqual([
    'completed',
    'error',
    'There is no account ghost@a.test',
  ])
  expect((await run('user-delete', { jid: 'romeo@b.test' })).textOf('note')).toBe('romeo@b.test is not of a.test')
})

scenario('XEP-0050 § 2.4.3: a command is canceled', async ({ server }) => {
  const [prince] = await (await server('a.test', { config })).connect('prince/palace')
  const { attrs } = await prince.asks`<iq type="set" to="a.test"><command xmlns="${NS}" node="${NODE}:user-add"/></iq>`

  const answer =
    await prince.asks`<iq type="set" to="a.test"><command xmlns="${NS}" node="${NODE}:user-add" sessionid="${attrs['sessionid']!}" action="cancel"/></iq>`
  expect(answer.attrs['status']).toBe('canceled')
  await refused(
    prince.asks`<iq type="set" to="a.test"><command xmlns="${NS}" node="${NODE}:user-add" sessionid="${attrs['sessionid']!}"/></iq>`,
    'bad-request',
    'There is no such command under way',
  )
})

scenario('XEP-0050 § 4.4: actions and sessions that are not', async ({ server, after }) => {
  const settings = { config: { ...config, modules: { 'ad-hoc': { sessions: 2 } } } }
  const stage = await server('a.test', settings)
  const [prince, phone] = await stage.connect('prince/palace', 'prince/phone')
  const node = `${NODE}:user-show`
  const begin = async () =>
    (await prince.asks`<iq type="set" to="a.test"><command xmlns="${NS}" node="${node}"/></iq>`).attrs['sessionid']!
  const id = await begin()

  await prince.sends`<iq type="set" to="a.test" id="1"><command xmlns="${NS}" node="${node}" action="fly"/></iq>`
  await prince.receives`<iq type="error" id="1"><error type="modify"><malformed-action xmlns="${NS}"/><text xmlns="${STANZAS}">Unknown action</text></error></iq>`
  await prince.sends`<iq type="set" to="a.test" id="2"><command xmlns="${NS}" node="${node}" action="next"/></iq>`
  await prince.receives`<iq type="error" id="2"><error><bad-action xmlns="${NS}"/><text xmlns="${STANZAS}">The command has not begun</text></error></iq>`
  for (const action of ['prev', 'next']) {
    await prince.sends`<iq type="set" to="a.test" id="3"><command xmlns="${NS}" node="${node}" sessionid="${id}" action="${action}"/></iq>`
    await prince.receives`<iq type="error" id="3"><error><bad-action xmlns="${NS}"/><text xmlns="${STANZAS}">The command has one stage</text></error></iq>`
  }
  for (const [actor, at, sessionid] of [
    [prince, node, 'made-up'],
    [prince, `${NODE}:user-delete`, id],
    [phone, node, id],
  ] as const) {
    await actor.sends`<iq type="set" to="a.test" id="4"><command xmlns="${NS}" node="${at}" sessionid="${sessionid}"/></iq>`
    await actor.receives`<iq type="error" id="4"><error><bad-sessionid xmlns="${NS}"/></error></iq>`
  }
  await begin()
  await refused(
    prince.asks`<iq type="set" to="a.test"><command xmlns="${NS}" node="${node}"/></iq>`,
    'resource-constraint',
    'Too many commands are under way',
  )
  await after('11m')
  await prince.sends`<iq type="set" to="a.test" id="5"><command xmlns="${NS}" node="${node}" sessionid="${id}"/></iq>`
  await prince.receives`<iq type="error" id="5"><error type="cancel"><not-allowed xmlns="${STANZAS}"/><session-expired xmlns="${NS}"/><text xmlns="${STANZAS}">The command took too long</text></error></iq>`
  await begin()
})
