import { expect } from '@jest/globals'
import { type Actor, refused, scenario } from '@parley/testkit'
import { read, say } from './archive-reader.ts'

const MAM = 'urn:xmpp:mam:2'

/** The preferences as `default | always | never`. */
async function preferences(actor: Actor): Promise<string> {
  const answer = await actor.asks`<iq type="get"><prefs xmlns="${MAM}"/></iq>`
  const list = (name: string) =>
    answer
      .child(name)!
      .childrenNamed('jid')
      .map(jid => jid.text())
  return [answer.attrs['default'], list('always').join(), list('never').join()].join(' | ')
}

async function prefer(actor: Actor, choice: string, lists = ''): Promise<void> {
  await actor.asksRaw(`<iq type="set"><prefs xmlns="${MAM}" default="${choice}">${lists}</prefs></iq>`)
}

const words = async (actor: Actor) => (await read(actor)).words

scenario('XEP-0441 § 2.1: preferences are told, changed and told again', async ({ server }) => {
  const [juliet] = await (await server('a.test')).connect('juliet/balcony')
  expect(await preferences(juliet)).toBe('always |  | ')

  const lists = '<always><jid>ROMEO@a.test</jid></always><never><jid>b.test</jid><jid>b.test</jid></never>'
  await juliet.sendsRaw(`<iq type="set" id="s"><prefs xmlns="${MAM}" default="roster">${lists}</prefs></iq>`)
  await juliet.receives`<iq type="result" id="s"><prefs xmlns="${MAM}" default="roster"><always><jid>romeo@a.test</jid></always><never><jid>b.test</jid></never></prefs></iq>`
  expect(await preferences(juliet)).toBe('roster | romeo@a.test | b.test')

  // § 2.1.2: what is not there is empty.
  await prefer(juliet, 'never')
  expect(await preferences(juliet)).toBe('never |  | ')
})

scenario('XEP-0441 § 2.1.1: never is kept in the own archive alone', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await prefer(juliet, 'never')
  await say(romeo, 'juliet@a.test', 'soft')
  await say(juliet, 'romeo@a.test', 'ay')
  for (const actor of [romeo, juliet]) await actor.settles()

  expect(await words(romeo)).toBe('soft ay')
  expect(await words(juliet)).toBe('')
})

scenario('XEP-0441 § 2.1.1: a message that is not archived still waits for who is away', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  await prefer(juliet, 'never')
  await say(romeo, 'juliet@a.test', 'soft')
  await juliet.sends`<presence/>`
  await juliet.receives`<presence from="${juliet}"/>`
  await juliet.receives`<message from="${romeo}"><body>soft</body></message>`
  await juliet.settles()
  expect(await words(juliet)).toBe('')
})

scenario('XEP-0441 § 2.1.1: roster keeps what contacts say, and notes to oneself', async ({ server }) => {
  const [romeo, juliet, paris] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony', 'paris/street')
  await juliet.asks`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="romeo@a.test"/></query></iq>`
  await juliet.receives`<iq type="set"><query xmlns="jabber:iq:roster"/></iq>`
  await prefer(juliet, 'roster')
  await say(romeo, 'juliet@a.test', 'soft')
  await say(paris, 'juliet@a.test', 'sweet')
  await say(juliet, 'paris@a.test', 'no')
  await say(juliet, 'juliet@a.test', 'note')
  for (const actor of [juliet, paris]) await actor.settles()
  expect(await words(juliet)).toBe('soft note')

  await juliet.asks`<iq type="set"><query xmlns="jabber:iq:roster"><item jid="romeo@a.test" subscription="remove"/></query></iq>`
  await juliet.receives`<iq type="set"><query xmlns="jabber:iq:roster"/></iq>`
  await say(romeo, 'juliet@a.test', 'light')
  await juliet.settles()
  expect(await words(juliet)).toBe('soft note')
})

scenario('XEP-0441 § 2.3: a bare address stands for all its resources, a full one for itself', async ({ server }) => {
  const [orchard, phone, juliet] = await (await server('a.test')).join('romeo/orchard', 'romeo/phone', 'juliet/balcony')
  await prefer(juliet, 'never', '<always><jid>romeo@a.test/phone</jid></always>')
  await say(orchard, 'juliet@a.test', 'one')
  await say(phone, 'juliet@a.test', 'two')
  await say(juliet, phone.jid.text, 'three')
  await say(juliet, 'romeo@a.test', 'four')
  for (const actor of [orchard, phone, juliet]) await actor.settles()
  expect(await words(juliet)).toBe('two three')

  await prefer(juliet, 'always', '<always><jid>romeo@a.test/phone</jid></always><never><jid>romeo@a.test</jid></never>')
  await say(orchard, 'juliet@a.test', 'five')
  await say(phone, 'juliet@a.test', 'six')
  await juliet.settles()
  expect(await words(juliet)).toBe('two three six')
})

scenario('XEP-0441 § 2.1: what cannot be is refused, and changes nothing', async ({ server }) => {
  const config = { modules: { 'archive-preferences': { entries: 2 } } }
  const [romeo, juliet] = await (await server('a.test', { config })).join('romeo/orchard', 'juliet/balcony')
  await refused(juliet.asks`<iq type="set"><prefs xmlns="${MAM}"/></iq>`, 'bad-request')
  await refused(
    juliet.asks`<iq type="set"><prefs xmlns="${MAM}" default="sometimes"/></iq>`,
    'bad-request',
    'The default is always, never or roster',
  )
  await refused(
    juliet.asks`<iq type="set"><prefs xmlns="${MAM}" default="always"><never><jid>@@</jid></never></prefs></iq>`,
    'jid-malformed',
  )
  await refused(
    juliet.asks`<iq type="set"><prefs xmlns="${MAM}" default="always"><always><jid>a.x</jid><jid>b.x</jid></always><never><jid>c.x</jid></never></prefs></iq>`,
    'resource-constraint',
    'Too many addresses in the archive preferences',
  )
  const text = 'The archive preferences belong to somebody else'
  await refused(romeo.asks`<iq type="get" to="juliet@a.test"><prefs xmlns="${MAM}"/></iq>`, 'forbidden', text)
  await refused(
    romeo.asks`<iq type="set" to="juliet@a.test"><prefs xmlns="${MAM}" default="never"/></iq>`,
    'forbidden',
    text,
  )
  expect(await preferences(juliet)).toBe('always |  | ')
})

scenario('XEP-0441 § 2.1: each domain has its default, and may allow no other', async ({ server }) => {
  const domains = { 'a.test': { archiveDefault: 'never' }, 'b.test': null, 'c.test': { archive: 'off' } }
  const config = { domains, archiveDefault: 'roster', modules: { 'archive-preferences': { change: false } } }
  const here = await server('a.test', { config })
  const [juliet] = await here.connect('juliet/balcony')
  const [romeo] = await here.at('b.test').connect('romeo/orchard')
  const [paris] = await here.at('c.test').connect('paris/street')
  expect(await preferences(juliet)).toBe('never |  | ')
  expect(await preferences(romeo)).toBe('roster |  | ')
  expect(await preferences(paris)).toBe('never |  | ')
  for (const actor of [juliet, paris]) {
    await refused(
      actor.asks`<iq type="set"><prefs xmlns="${MAM}" default="always"/></iq>`,
      'not-allowed',
      'The server decides what is archived',
    )
  }
})

scenario('XEP-0441 § 2.1: every node hears of a change', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, mercutio, juliet, phone] = await stage.join(
    'romeo/orchard',
    'mercutio/street',
    'juliet/balcony',
    'juliet/phone',
  )
  for (const [n, from] of [romeo, mercutio, juliet, phone].entries()) await say(from, 'juliet@a.test', `before${n}`)
  await prefer(juliet, 'never')
  for (const actor of [romeo, mercutio, juliet, phone]) await actor.settles()
  for (const [n, from] of [romeo, mercutio, phone].entries()) await say(from, 'juliet@a.test', `after${n}`)
  for (const actor of [juliet, phone]) await actor.settles()
  expect(await words(juliet)).toBe('before0 before1 before2 before3')
})
