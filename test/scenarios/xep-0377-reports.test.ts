import { expect } from '@jest/globals'
import { type Actor, type StagedServer, scenario } from '@parley/testkit'
import { CommandError, type CommandValues } from '@xmpp/server-core'

const BLOCKING = 'urn:xmpp:blocking'
const REPORTING = 'urn:xmpp:reporting:1'

function runner(stage: StagedServer) {
  return async (name: string, values: CommandValues = {}) =>
    stage.host.commands.find(command => command.name === name)!.run(values)
}

const report = (inside = '', reason = 'reason="urn:xmpp:reporting:spam"') =>
  `<report xmlns="${REPORTING}" ${reason}>${inside}</report>`
const block = (actor: Actor, jid: string, inside: string) =>
  actor.client.request('set', `<block xmlns="${BLOCKING}"><item jid="${jid}">${inside}</item></block>`)

scenario('XEP-0377 § 2: the host says that it takes reports', async ({ server }) => {
  const [juliet] = await (await server('a.test')).join('juliet/balcony')
  const info = await juliet.asks`<iq type="get" to="a.test"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`
  expect(info.elements().some(({ attrs }) => attrs['var'] === REPORTING)).toBe(true)
})

scenario('XEP-0377 § 5: who is reported is blocked, and the operators hear of it', async ({ server, after }) => {
  const stage = await server('a.test')
  const run = runner(stage)
  const [juliet] = await stage.join('juliet/balcony')
  const words = '<text>Never came trouble to my house like this.</text>'
  const ids = '<stanza-id xmlns="urn:xmpp:sid:0" by="juliet@a.test" id="28482"/>'
  expect((await block(juliet, 'romeo@b.test', report(words + ids))).attrs['type']).toBe('result')
  await after('1m')
  await block(juliet, 'paris@b.test', report('<report-origin/>', 'reason="urn:xmpp:reporting:abuse"'))
  const list = await juliet.asks`<iq type="get"><blocklist xmlns="${BLOCKING}"/></iq>`
  expect(list.elements().map(({ attrs }) => attrs['jid'])).toEqual(['paris@b.test', 'romeo@b.test'])

  const { text, rows } = await run('report list')
  expect(text).toBe('Reports on a.test: 2')
  expect(rows).toMatchObject([
    { about: 'paris@b.test', by: 'juliet@a.test', reason: 'abuse' },
    { about: 'romeo@b.test', by: 'juliet@a.test', reason: 'spam', at: '2026-01-01T12:00:00.000Z' },
  ])
  const shown = await run('report show', { report: rows![1]!['report'] as string })
  expect(shown.text?.split('\n')).toEqual([
    'romeo@b.test was reported by juliet@a.test at 2026-01-01T12:00:00.000Z: spam',
    'Never came trouble to my house like this.',
    'messages: 28482',
    'may be sent on: no',
  ])
  await run('report delete', { report: rows![1]!['report'] as string })
  expect((await run('report list')).text).toBe('Reports on a.test: 1')
  await expect(run('report show', { report: 'nothing' })).rejects.toThrow(
    new CommandError('There is no report nothing on a.test'),
  )
})

scenario('XEP-0377 § 5: whatever is wrong with a report, the block stands', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.join('juliet/balcony')
  for (const [jid, inside] of [
    ['one@b.test', report('', '')],
    ['two@b.test', '<report xmlns="urn:xmpp:reporting:0" reason="urn:xmpp:reporting:spam"/>'],
    ['three@b.test', report(`<text>${'x'.repeat(5000)}</text>`)],
  ] as const)
    expect((await block(juliet, jid, inside)).attrs['type']).toBe('result')
  const { rows } = await runner(stage)('report list')
  expect(rows?.map(({ about }) => about)).toEqual(['three@b.test'])
})

scenario('XEP-0377 § 5: reports are bounded, for one account and for all', async ({ server, after }) => {
  const stage = await server('a.test', { config: { domains: ['a.test'], modules: { reports: { kept: 12 } } } })
  const [juliet] = await stage.join('juliet/balcony')
  for (let n = 0; n < 15; n++) await block(juliet, `r${n}@b.test`, report())
  expect((await runner(stage)('report list')).rows).toHaveLength(10)
  await after('1m')
  for (let n = 15; n < 20; n++) await block(juliet, `r${n}@b.test`, report())
  const { rows } = await runner(stage)('report list')
  expect(rows).toHaveLength(12)
  expect(rows?.slice(0, 5).every(({ about }) => /^r1[5-9]@/.test(String(about)))).toBe(true)
})

scenario('XEP-0377 § 4: reports go on only where the user agrees, without the user’s name', async ({ server }) => {
  const modules = { reports: { forward: true, service: 'reports@c.test' } }
  const stage = await server('a.test', { config: { domains: ['a.test'], modules } })
  const sent: string[] = []
  for (const domain of ['b.test', 'c.test'])
    stage.core.router.components.set(domain, stanza => void sent.push(stanza.toXml()))
  const [juliet] = await stage.join('juliet/balcony')
  await block(juliet, 'one@b.test', report('<text>words</text>'))
  await juliet.fence()
  expect(sent).toEqual([])
  await block(
    juliet,
    'two@b.test',
    report('<text>words</text><stanza-id xmlns="urn:xmpp:sid:0" by="juliet@a.test" id="1"/><third-party/>'),
  )
  await juliet.fence()
  expect(sent).toHaveLength(1)
  expect(sent[0]).toContain('to="reports@c.test"')
  expect(sent[0]).toContain('<item jid="two@b.test">')
  expect(sent[0]).toContain('two@b.test was reported: urn:xmpp:reporting:spam\nwords')
  expect(sent[0]).not.toContain('juliet')
})

scenario('XEP-0377 § 5: other clients hear of the block, and nothing of the report', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet, phone] = await stage.join('juliet/balcony', 'juliet/phone')
  await phone.asks`<iq type="get"><blocklist xmlns="${BLOCKING}"/></iq>`
  await block(juliet, 'romeo@b.test', report('<text>words</text>'))
  const seen = await phone.client.next('a push')
  expect(String(seen)).toContain('jid="romeo@b.test"')
  expect(String(seen)).not.toContain('words')
})
