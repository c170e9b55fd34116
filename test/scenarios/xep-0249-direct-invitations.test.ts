import { p, scenario } from '@parley/testkit'
import { ROOM } from './room.ts'

scenario('XEP-0249 § 2: an invitation goes straight to whom it is for', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
  await juliet.sends`<presence/>`
  await juliet.settles()
  await romeo.sends`<message to="${juliet.bare}"><x xmlns="jabber:x:conference" jid="${ROOM}" reason="Come" continue="true" thread="t1"/></message>`
  await juliet.receives`<message from="${romeo}"><x xmlns="jabber:x:conference" jid="${ROOM}" reason="Come" continue="true" thread="t1"/></message>`
})

scenario('XEP-0249 § 2: an invitation waits for somebody who is away', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  await juliet.leaves()
  await romeo.sends`<message to="${juliet.bare}"><x xmlns="jabber:x:conference" jid="${ROOM}"/></message>`
  await romeo.settles()
  const [back] = await stage.connect('juliet/phone')
  await back.sends`<presence/>`
  await back.receivesUnordered(
    p`<presence from="${back}"/>`,
    p`<message from="${romeo}"><x xmlns="jabber:x:conference" jid="${ROOM}"/></message>`,
  )
})
