import { type Actor, scenario } from '@parley/testkit'

type Type = 'normal' | 'chat' | 'groupchat' | 'headline' | 'error'
/** D: the one resource that is named; A: all that want messages; O: kept until somebody comes; E: error; S: silence. */
type Outcome = 'D' | 'A' | 'O' | 'E' | 'S'

interface Case {
  readonly sessions: 'none' | 'negative' | 'one' | 'two'
  readonly to: 'bare' | 'match' | 'no match'
  readonly outcomes: Readonly<Record<Type, Outcome>>
}

// RFC 6121 §8.5.4, table 1; where the RFC leaves a choice, what is chosen here.
const TABLE: readonly Case[] = [
  { sessions: 'none', to: 'bare', outcomes: { normal: 'O', chat: 'O', groupchat: 'E', headline: 'S', error: 'S' } },
  { sessions: 'none', to: 'no match', outcomes: { normal: 'E', chat: 'O', groupchat: 'E', headline: 'S', error: 'S' } },
  { sessions: 'negative', to: 'bare', outcomes: { normal: 'O', chat: 'O', groupchat: 'E', headline: 'S', error: 'S' } },
  {
    sessions: 'negative',
    to: 'match',
    outcomes: { normal: 'D', chat: 'D', groupchat: 'D', headline: 'D', error: 'D' },
  },
  {
    sessions: 'negative',
    to: 'no match',
    outcomes: { normal: 'E', chat: 'O', groupchat: 'E', headline: 'S', error: 'S' },
  },
  { sessions: 'one', to: 'bare', outcomes: { normal: 'D', chat: 'D', groupchat: 'E', headline: 'D', error: 'S' } },
  { sessions: 'one', to: 'match', outcomes: { normal: 'D', chat: 'D', groupchat: 'D', headline: 'D', error: 'D' } },
  { sessions: 'one', to: 'no match', outcomes: { normal: 'E', chat: 'D', groupchat: 'E', headline: 'S', error: 'S' } },
  { sessions: 'two', to: 'bare', outcomes: { normal: 'A', chat: 'A', groupchat: 'E', headline: 'A', error: 'S' } },
  { sessions: 'two', to: 'match', outcomes: { normal: 'D', chat: 'D', groupchat: 'D', headline: 'D', error: 'D' } },
  { sessions: 'two', to: 'no match', outcomes: { normal: 'E', chat: 'A', groupchat: 'E', headline: 'S', error: 'S' } },
]

for (const { sessions, to, outcomes } of TABLE) {
  const section =
    to === 'bare' ? (sessions === 'none' ? '8.5.2.2.1' : '8.5.2.1.1') : to === 'match' ? '8.5.3.1' : '8.5.3.2.1'
  scenario(
    `RFC 6121 § ${section}: messages to ${to === 'bare' ? 'a bare JID' : `a full JID, ${to}`}, available: ${sessions}`,
    async ({ server }) => {
      const stage = await server('a.test')
      const [romeo] = await stage.join('romeo/orchard')
      const juliets = await present(stage, sessions)
      const address = { bare: 'juliet@a.test', match: 'juliet@a.test/balcony', 'no match': 'juliet@a.test/attic' }[to]
      let waits = 0
      for (const [type, outcome] of Object.entries(outcomes)) {
        await romeo.sends`<message type="${type}" to="${address}" id="${type}"><body>${type}</body></message>`
        const [balcony] = juliets
        const takers = outcome === 'D' ? [balcony!] : outcome === 'A' ? juliets : []
        for (const juliet of takers)
          await juliet.receives`<message from="${romeo}" id="${type}"><body>${type}</body></message>`
        if (outcome === 'E') {
          await romeo.receives`<message type="error" from="${address}" id="${type}"><error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`
        }
        if (outcome === 'O') waits++
        for (const juliet of juliets) await juliet.receivesNothing()
        await romeo.receivesNothing()
      }
      const [laptop] = await stage.connect('juliet/laptop')
      await laptop.sends`<presence/>`
      await laptop.fence()
      const late = laptop.client.inbox.filter(({ name }) => name === 'message')
      if (late.length !== waits) throw new Error(`${waits} messages should have waited, but ${late.length} came`)
      for (const actor of [...juliets, laptop]) await actor.settles()
    },
  )
}

async function present(
  stage: { connect(...who: string[]): Promise<Actor[]> },
  sessions: Case['sessions'],
): Promise<readonly Actor[]> {
  if (sessions === 'none') {
    const [away] = await stage.connect('juliet/away')
    await away!.leaves()
    return []
  }
  const resources = sessions === 'two' ? ['juliet/balcony', 'juliet/phone'] : ['juliet/balcony']
  const juliets = await stage.connect(...resources)
  for (const juliet of juliets) {
    await juliet.sends`<presence><priority>${sessions === 'negative' ? -1 : 0}</priority></presence>`
    await juliet.settles()
  }
  for (const juliet of juliets) await juliet.settles()
  return juliets
}

scenario(
  'RFC 6121 § 8.5.2.1.1: a resource of negative priority gets nothing that is for the account',
  async ({ server }) => {
    const stage = await server('a.test')
    const [romeo, juliet, bot] = await stage.join('romeo/orchard', 'juliet/balcony', 'juliet/bot')
    await bot.sends`<presence><priority>-5</priority></presence>`
    for (const actor of [juliet, bot]) await actor.settles()

    await romeo.sends`<message type="chat" to="${juliet.bare}"><body>Art thou there?</body></message>`
    await juliet.receives`<message from="${romeo}"><body>Art thou there?</body></message>`
    await bot.receivesNothing()
  },
)

scenario('RFC 6121 § 5.2.2: a message of unknown type is a normal one', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')

  await romeo.sends`<message type="sonnet" to="${juliet.bare}" id="m"><body>Did my heart love till now?</body></message>`
  await juliet.receives`<message from="${romeo}" id="m"><body>Did my heart love till now?</body></message>`
})

scenario('RFC 6121 § 8.5.1: nothing tells who does not exist from who is not there', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('juliet')
  const [romeo] = await stage.join('romeo/orchard')

  const answer = async (name: string) => {
    await romeo.sends`<message type="normal" to="${name}@a.test/attic" id="${name}"><body>Speak!</body></message>`
    return String(await romeo.client.next('an error')).replaceAll(name, '…')
  }
  const [there, absent] = [await answer('juliet'), await answer('nobody')]
  if (there !== absent) throw new Error(`${there}\n${absent}`)
})
