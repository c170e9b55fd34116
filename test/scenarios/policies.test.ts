import { expect } from '@jest/globals'
import { refused, type StagedServer, scenario } from '@parley/testkit'
import { CommandError, type CommandValues } from '@xmpp/server-core'

function runner(stage: StagedServer) {
  return async (name: string, values: CommandValues = {}) =>
    (await stage.host.commands.find(command => command.name === name)!.run(values)).text
}

async function failure(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => new Error('Not refused'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof CommandError)) throw error
  return error.message
}

scenario('policy set, unset, effective: the nearest rule holds, and is named', async ({ server }) => {
  const stage = await server('a.test')
  const run = runner(stage)
  await stage.account('romeo')
  await run('group put', { group: 'staff' })
  await run('group add', { group: 'staff', accounts: ['romeo'] })
  const effective = () => run('policy effective', { policy: 'federation', user: 'romeo' })

  expect(await effective()).toBe('federation is on for romeo@a.test, by the default')
  expect(await run('policy everywhere', { policy: 'federation', value: 'off' })).toBe(
    'federation is off for all domains',
  )
  expect(await effective()).toBe('federation is off for romeo@a.test, by the rule for all domains')
  expect(await run('policy set', { policy: 'federation', value: 'on' })).toBe('federation is on for a.test')
  expect(await effective()).toBe('federation is on for romeo@a.test, by the rule for the domain')
  await run('policy set', { policy: 'federation', value: 'off', group: 'staff' })
  expect(await effective()).toBe('federation is off for romeo@a.test, by the rule for the group staff')
  await run('policy set', { policy: 'federation', value: 'on', user: 'romeo' })
  expect(await effective()).toBe('federation is on for romeo@a.test, by the rule for this user')

  await run('policy unset', { policy: 'federation', user: 'romeo@a.test' })
  expect(await effective()).toBe('federation is off for romeo@a.test, by the rule for the group staff')
  await run('policy unset', { policy: 'federation', group: 'staff' })
  expect(await effective()).toBe('federation is on for romeo@a.test, by the rule for the domain')
  await run('policy unset', { policy: 'federation' })
  expect(await effective()).toBe('federation is off for romeo@a.test, by the rule for all domains')
  await run('policy everywhere', { policy: 'federation', value: 'unset' })
  expect(await effective()).toBe('federation is on for romeo@a.test, by the default')
})

scenario('policy set: of several groups one that says no is enough', async ({ server }) => {
  const stage = await server('a.test')
  const run = runner(stage)
  await stage.account('romeo')
  for (const group of ['all', 'beginners', 'staff']) await run('group put', { group })
  for (const [group, value] of [
    ['all', 'on'],
    ['beginners', 'off'],
    ['staff', 'on'],
  ] as const)
    await run('policy set', { policy: 'federation', value, group })
  const effective = () => run('policy effective', { policy: 'federation', user: 'romeo' })
  expect(await effective()).toContain('by the default')

  await run('group add', { group: 'all', accounts: ['romeo'] })
  expect(await effective()).toContain('on for romeo@a.test, by the rule for the group all')
  await run('group add', { group: 'staff', accounts: ['romeo'] })
  await run('group add', { group: 'beginners', accounts: ['romeo'] })
  expect(await effective()).toContain('off for romeo@a.test, by the rule for the group beginners')
  await run('group remove', { group: 'beginners', accounts: ['romeo'] })
  expect(await effective()).toContain('on for romeo@a.test')

  // A group of the same name that comes later has none of the rules.
  await run('group add', { group: 'beginners', accounts: ['romeo'] })
  await run('group delete', { group: 'beginners' })
  expect(await effective()).toContain('on for romeo@a.test')
  await run('group put', { group: 'beginners' })
  await run('group add', { group: 'beginners', accounts: ['romeo'] })
  expect(await effective()).toContain('on for romeo@a.test')
})

scenario('policy list: every rule, by scope', async ({ server }) => {
  const stage = await server('a.test')
  const run = runner(stage)
  await stage.account('romeo')
  await run('group put', { group: 'night shift' })
  await run('policy everywhere', { policy: 'federation', value: 'on' })
  await run('policy set', { policy: 'federation', value: 'off' })
  await run('policy set', { policy: 'federation', value: 'on', group: 'night shift' })
  await run('policy set', { policy: 'federation', value: 'off', user: 'romeo' })
  const { rows } = await stage.host.commands.find(({ name }) => name === 'policy list')!.run({})
  expect(rows?.map(({ policy, scope, for: whom, value }) => `${policy} ${scope} ${whom} ${value}`)).toEqual([
    'federation default  on',
    'federation everywhere  on',
    'federation domain a.test off',
    'federation group night shift on',
    'federation user romeo@a.test off',
  ])
})

scenario('policy …: what is no rule is refused', async ({ server }) => {
  const run = runner(await server('a.test'))
  expect(await failure(run('policy set', { policy: 'flying', value: 'on' }))).toMatch(
    /^There is no policy flying: there /,
  )
  expect(await failure(run('policy set', { policy: 'federation', value: 'on', user: 'ghost' }))).toBe(
    'There is no account ghost@a.test',
  )
  expect(await failure(run('policy set', { policy: 'federation', value: 'on', group: 'ghosts' }))).toBe(
    'There is no group ghosts on a.test',
  )
  expect(await failure(run('policy unset', { policy: 'federation', group: 'x', user: 'y' }))).toBe(
    'A rule is for a user or for a group',
  )
})

scenario('policy …: a rule goes with its account', async ({ server }) => {
  const stage = await server('a.test', { config: { domains: ['a.test'], modules: { accounts: { reserve: '0s' } } } })
  const run = runner(stage)
  await stage.account('romeo')
  await run('policy set', { policy: 'federation', value: 'off', user: 'romeo' })
  await run('user delete', { jid: 'romeo' })
  await stage.account('romeo')
  expect(await run('policy effective', { policy: 'federation', user: 'romeo' })).toContain('by the default')
})

scenario('policy everywhere: what concerns all domains is nothing for the admins of one', async ({ server }) => {
  const stage = await server('a.test', { config: { domains: ['a.test', 'b.test'], admins: ['romeo@a.test'] } })
  const [romeo] = await stage.join('romeo/orchard')
  const commands = 'http://jabber.org/protocol/commands'
  const items =
    await romeo.asks`<iq type="get" to="a.test"><query xmlns="http://jabber.org/protocol/disco#items" node="${commands}"/></iq>`
  const nodes = items.elements().map(({ attrs }) => attrs['node'])
  expect(nodes).toContain('urn:parley:command:policy-set')
  expect(nodes).not.toContain('urn:parley:command:policy-everywhere')
  await refused(
    romeo.asks`<iq type="set" to="a.test"><command xmlns="${commands}" node="urn:parley:command:policy-everywhere"/></iq>`,
    'item-not-found',
    'There is no such command',
  )
})

scenario('policy set: every process hears of it', async ({ server }) => {
  const stage = await server('a.test')
  const run = runner(stage)
  await run('group put', { group: 'staff' })
  const people = await stage.connect('romeo/1', 'juliet/2', 'paris/3', 'nurse/4')
  const attempt = async (text: string, condition: 'policy-violation' | 'remote-server-not-found') => {
    await stage.settled()
    for (const actor of people)
      await refused(actor.asks`<iq type="get" to="b.test"><ping xmlns="urn:xmpp:ping"/></iq>`, condition, text)
  }
  await attempt('There is no way to b.test', 'remote-server-not-found')
  await run('policy set', { policy: 'federation', value: 'off' })
  await attempt('You may not talk with other domains', 'policy-violation')
  await run('policy set', { policy: 'federation', value: 'on', group: 'staff' })
  await attempt('You may not talk with other domains', 'policy-violation')
  await run('group add', { group: 'staff', accounts: ['romeo', 'juliet', 'paris', 'nurse'] })
  await attempt('There is no way to b.test', 'remote-server-not-found')
  for (const user of ['romeo', 'juliet', 'paris', 'nurse'])
    await run('policy set', { policy: 'federation', value: 'off', user })
  await attempt('You may not talk with other domains', 'policy-violation')
})
