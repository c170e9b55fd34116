import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'

const ROSTER = 'jabber:iq:roster'

scenario(
  'XEP-0237 § 2.4: with shared contacts only the same version says that nothing has changed',
  async ({ server }) => {
    const stage = await server('a.test')
    const run = (name: string, values: Record<string, string | boolean | string[]>) =>
      stage.host.commands.find(command => command.name === name)!.run(values)
    const [romeo] = await stage.join('romeo/orchard')
    await stage.account('juliet')
    const alone = (await romeo.asks`<iq type="get"><query xmlns="${ROSTER}" ver=""/></iq>`).attrs['ver']!
    await run('group put', { group: 'lovers', 'shared-roster': true })
    await run('group add', { group: 'lovers', accounts: ['romeo', 'juliet'] })
    await romeo.settles()

    const whole = await romeo.asks`<iq type="get"><query xmlns="${ROSTER}" ver="${alone}"/></iq>`
    expect(whole.elements().length).toBe(1)
    const together = whole.attrs['ver']!
    const same = await romeo.asksRaw(`<iq type="get"><query xmlns="${ROSTER}" ver="${together}"/></iq>`)
    expect(same.elements()).toEqual([])

    await run('group remove', { group: 'lovers', accounts: ['romeo'] })
    await romeo.settles()
    const left = await romeo.asks`<iq type="get"><query xmlns="${ROSTER}" ver="${together}"/></iq>`
    expect(left.name).toBe('query')
    expect(left.elements()).toEqual([])
  },
)
