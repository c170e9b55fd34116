import { expect } from '@jest/globals'
import { any, exactly, p, refused, type StagedServer, scenario } from '@parley/testkit'
import { CommandError, type CommandValues } from '@xmpp/server-core'

const ROSTER = 'jabber:iq:roster'

function runner(stage: StagedServer) {
  return async (name: string, values: CommandValues = {}) =>
    stage.host.commands.find(command => command.name === name)!.run(values)
}

async function failure(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => new Error('Not refused'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof CommandError)) throw error
  return error.message
}

scenario('user add, list, show, passwd, delete: the life of an account', async ({ server }) => {
  const stage = await server('a.test')
  const run = runner(stage)

  expect(await run('user add', { jid: 'romeo', password: 'secret' })).toEqual({ text: 'romeo@a.test can log in now' })
  const [romeo] = await stage.join('romeo/orchard')
  expect(await failure(run('user add', { jid: 'romeo@a.test', password: 'x' }))).toBe('That name is taken')
  const list = await run('user list')
  expect(list.text).toBe('Accounts on a.test: 1')
  expect(list.rows).toEqual([
    { account: 'romeo@a.test', state: 'active', created: '2026-01-01', 'last login': '2026-01-01' },
  ])
  expect((await run('user list', { after: 'romeo@a.test', limit: 5 })).rows).toEqual([])
  const shown = await run('user show', { jid: 'romeo@a.test' })
  expect(shown.text).toContain('romeo@a.test: active, created 2026-01-01, password kept as')
  expect(shown.rows).toEqual([
    { resource: 'orchard', presence: 'available', priority: 0, since: '2026-01-01T12:00:00.000Z' },
  ])

  await romeo.settles()
  await run('user passwd', { jid: 'romeo@a.test', password: 'other' })
  expect(
    (await romeo.client.next('the end')).child('not-authorized', 'urn:ietf:params:xml:ns:xmpp-streams'),
  ).toBeDefined()
  await expect(stage.client().login('a.test', 'romeo', 'secret', 'x')).rejects.toThrow('not-authorized')
  const client = stage.client()
  await client.login('a.test', 'romeo', 'other', 'x')

  expect(await run('user delete', { jid: 'romeo@a.test' })).toEqual({ text: 'romeo@a.test is deleted' })
  await client.until(() => client.closed, 'the end')
  expect(await failure(run('user show', { jid: 'romeo@a.test' }))).toBe('There is no account romeo@a.test')
  // The name is reserved for a while (accounts.reserve).
  expect(await failure(run('user add', { jid: 'romeo', password: 'secret' }))).toBe('That name is taken')
})

scenario('user disable, enable: a locked account ends its sessions and cannot log in', async ({ server }) => {
  const stage = await server('a.test')
  const run = runner(stage)
  const [romeo] = await stage.connect('romeo/orchard')

  await run('user disable', { jid: 'romeo@a.test' })
  expect((await romeo.client.next('the end')).name).toBe('error')
  await expect(stage.client().login('a.test', 'romeo', 'secret', 'x')).rejects.toThrow('account-disabled')
  expect((await run('user list')).rows).toMatchObject([{ state: 'disabled' }])
  await run('user enable', { jid: 'romeo@a.test' })
  await stage.client().login('a.test', 'romeo', 'secret', 'x')
})

scenario('user …: what is no account of the domain is refused', async ({ server }) => {
  const run = runner(await server('a.test'))

  for (const name of ['user passwd', 'user disable', 'user enable', 'user delete', 'user show'])
    expect(await failure(run(name, { jid: 'ghost@a.test', password: 'x' }))).toBe('There is no account ghost@a.test')
  expect(await failure(run('user delete', { jid: 'romeo@b.test' }))).toBe('romeo@b.test is not of a.test')
  expect(await failure(run('user add', { jid: 'romeo@a.test/x', password: 'x' }))).toContain('is not an account')
  expect(await failure(run('user add', { jid: 'ro meo', password: 'x' }))).toContain('local part')
  expect(await failure(run('user add', { jid: 'romeo', password: '\u0007' }))).toMatch(/password/i)
})

scenario('user delete: contacts and the own roster hear of it', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)

  await runner(stage)('user delete', { jid: romeo.bare.text })
  await romeo.client.next('the end')
  await juliet.fence()
  const types = juliet.unexpected.filter(({ name }) => name === 'presence').map(({ attrs }) => attrs['type'])
  expect(new Set(types)).toEqual(new Set(['unavailable', 'unsubscribe', 'unsubscribed']))
  await juliet.settles()
  const roster = await juliet.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`
  expect(roster.elements().map(({ attrs }) => attrs['subscription'])).toEqual(['none'])
})

scenario('group add, remove: a shared roster brings contacts and presence without asking', async ({ server }) => {
  const stage = await server('a.test')
  const run = runner(stage)
  const [romeo, juliet, nurse] = await stage.join('romeo/orchard', 'juliet/balcony', 'nurse/house')
  await run('group put', { group: 'verona', display: 'Verona', 'shared-roster': true })
  await run('group add', { group: 'verona', accounts: ['romeo', 'juliet@a.test'] })

  for (const [one, other] of [
    [romeo, juliet],
    [juliet, romeo],
  ] as const)
    await one.receivesUnordered(
      exactly`<iq type="set" id="${any}" from="${one.bare}" to="${one}"><query xmlns="${ROSTER}" ver="${any}"><item jid="${other.bare}" subscription="both"><group>Verona</group></item></query></iq>`,
      p`<presence from="${other}" to="${one.bare}"/>`,
    )
  await nurse.receivesNothing()
  await romeo.sends`<presence><show>away</show></presence>`
  await juliet.receives`<presence from="${romeo}"><show>away</show></presence>`
  await romeo.receives`<presence from="${romeo}"/>`

  await run('group add', { group: 'verona', accounts: ['nurse'] })
  await nurse.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}"/></query></iq>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}"/></query></iq>`,
    p`<presence from="${romeo}"><show>away</show></presence>`,
    p`<presence from="${juliet}"/>`,
  )
  for (const actor of [romeo, juliet])
    await actor.receivesUnordered(
      p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${nurse.bare}" subscription="both"/></query></iq>`,
      p`<presence from="${nurse}"/>`,
    )
  // A login sees everybody, and everybody sees it.
  const [phone] = await stage.join('romeo/phone')
  expect((await phone.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`).elements().length).toBe(2)
  await romeo.receives`<presence from="${phone}"/>`
  for (const actor of [juliet, nurse]) await actor.receives`<presence from="${phone}"/>`
  await phone.settles()

  await run('group remove', { group: 'verona', accounts: ['nurse'] })
  await nurse.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="remove"/></query></iq>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="remove"/></query></iq>`,
    p`<presence type="unavailable" from="${romeo}"/>`,
    p`<presence type="unavailable" from="${phone}"/>`,
    p`<presence type="unavailable" from="${juliet}"/>`,
  )
  await juliet.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${nurse.bare}" subscription="remove"/></query></iq>`,
    p`<presence type="unavailable" from="${nurse}"/>`,
  )
  await romeo.settles()
  await phone.settles()
})

scenario('group put: the flag turns a shared roster off, and own contacts stay', async ({ server, befriend }) => {
  const stage = await server('a.test')
  const run = runner(stage)
  const [romeo, juliet, nurse] = await stage.join('romeo/orchard', 'juliet/balcony', 'nurse/house')
  await befriend(romeo, juliet)
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" name="My love"><group>Mine</group></item></query></iq>`
  await run('group put', { group: 'verona', 'shared-roster': true })
  await run('group add', { group: 'verona', accounts: ['romeo', 'juliet', 'nurse'] })
  await romeo.settles()
  await juliet.settles()
  await nurse.settles()

  const names = async () =>
    (await romeo.asks`<iq type="get"><query xmlns="${ROSTER}"/></iq>`).elements().map(String).sort()
  expect(await names()).toEqual([
    `<item xmlns="${ROSTER}" jid="juliet@a.test" name="My love" subscription="both"><group>Mine</group></item>`,
    `<item xmlns="${ROSTER}" jid="nurse@a.test" subscription="both"><group>verona</group></item>`,
  ])
  // A contact of the group can be renamed, and neither removed nor asked nor left.
  await romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${nurse.bare}" name="Nurse"/></query></iq>`
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="${nurse.bare}" name="Nurse" subscription="both"/></query></iq>`
  for (const contact of [juliet, nurse])
    await refused(
      romeo.asks`<iq type="set"><query xmlns="${ROSTER}"><item jid="${contact.bare}" subscription="remove"/></query></iq>`,
      'not-allowed',
      'Your group has this contact',
    )
  for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])
    await romeo.sends`<presence type="${type}" to="${nurse.bare}"/>`
  await romeo.receivesNothing()
  await nurse.receivesNothing()

  await run('group put', { group: 'verona', 'shared-roster': false })
  await nurse.receivesUnordered(
    p`<presence type="unavailable" from="${romeo}"/>`,
    p`<presence type="unavailable" from="${juliet}"/>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${romeo.bare}" subscription="remove"/></query></iq>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="remove"/></query></iq>`,
  )
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" name="My love" subscription="both"/></query></iq>`,
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${nurse.bare}" name="Nurse" subscription="none"/></query></iq>`,
    p`<presence type="unavailable" from="${nurse}"/>`,
  )
  await juliet.settles()
  await romeo.sends`<presence><show>dnd</show></presence>`
  await juliet.receives`<presence from="${romeo}"><show>dnd</show></presence>`
  await romeo.receives`<presence from="${romeo}"/>`
  await nurse.receivesNothing()
})

scenario('group list, show, delete, and an account that is deleted', async ({ server }) => {
  const stage = await server('a.test')
  const run = runner(stage)
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await run('group put', { group: 'verona', 'shared-roster': true })
  await run('group add', { group: 'verona', accounts: ['romeo', 'juliet'] })
  await stage.account('nurse')
  await run('group add', { group: 'verona', accounts: ['nurse'] })
  await romeo.settles()
  await juliet.settles()

  expect((await run('group list')).rows).toEqual([{ name: 'verona', display: 'verona', 'shared roster': true }])
  expect((await run('group show', { group: 'verona' })).rows).toEqual([
    { account: 'juliet@a.test' },
    { account: 'nurse@a.test' },
    { account: 'romeo@a.test' },
  ])
  await run('user delete', { jid: 'nurse@a.test' })
  await romeo.receives`<iq type="set"><query xmlns="${ROSTER}"><item jid="nurse@a.test" subscription="remove"/></query></iq>`
  await run('group delete', { group: 'verona' })
  await romeo.receivesUnordered(
    p`<iq type="set"><query xmlns="${ROSTER}"><item jid="${juliet.bare}" subscription="remove"/></query></iq>`,
    p`<presence type="unavailable" from="${juliet}"/>`,
  )
  await juliet.settles()
  expect((await run('group list')).rows).toEqual([])
  expect(await failure(run('group show', { group: 'verona' }))).toBe('There is no group verona on a.test')
  expect(await failure(run('group add', { group: 'verona', accounts: ['romeo'] }))).toContain('There is no group')
  await run('group put', { group: 'verona' })
  expect(await failure(run('group add', { group: 'verona', accounts: ['ghost'] }))).toContain('There is no account')
  expect(await failure(run('group add', { group: 'verona', accounts: ['x@b.test'] }))).toBe('x@b.test is not of a.test')
  expect(await failure(run('group add', { group: 'verona', accounts: ['@'] }))).toContain('is empty')
})

scenario('invite: a link for those who may register', async ({ server }) => {
  const closed = runner(await server('a.test'))
  expect(await failure(closed('invite'))).toContain('Registration is closed on a.test')
  const run = runner(await server('b.test', { config: { domains: ['b.test'], registration: 'invite' } }))

  expect((await run('invite', { expires: '2h' })).text).toMatch(
    /^xmpp:b\.test\?register;preauth=[\w-]{24}\ngood until 2026-01-01T14:00:00\.000Z$/,
  )
  for (const expires of ['0d', 'soon']) expect(await failure(run('invite', { expires }))).toContain('expires must be')
  for (const uses of [0, 1.5, 10_001]) expect(await failure(run('invite', { uses }))).toContain('uses must be')
})
