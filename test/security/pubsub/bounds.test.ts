import { expect } from '@jest/globals'
import type { Stanza } from '@parley/stanza'
import { refused, scenario } from '@parley/testkit'
import { done, form, get, ids, OWNER, PUBSUB, publish, refusal, set } from '../../scenarios/pep-client.ts'

const NODE = 'urn:example:diary'
const note = (id: string) => `<item id="${id}"><note xmlns="urn:note"/></item>`
const plain = (inside: string) => `<pubsub xmlns="${PUBSUB}">${inside}</pubsub>`
const owner = (inside: string) => `<pubsub xmlns="${OWNER}">${inside}</pubsub>`

scenario(
  'threat 104: whatever a request lacks or has too much of, it is refused and nothing falls over',
  async ({ server }) => {
    const [romeo] = await (await server('a.test')).connect('romeo/orchard')
    const inside = [
      '',
      '<publish/>',
      `<publish node="${NODE}"/>`,
      `<publish node="">${note('a')}</publish>`,
      `<publish node="${NODE}"><item/></publish>`,
      `<publish node="${NODE}"><item>text</item></publish>`,
      `<publish node="${NODE}"><item><a xmlns="x"/><b xmlns="x"/></item></publish>`,
      `<publish node="${NODE}"><item xmlns="urn:other" id="a"><a/></item></publish>`,
      `<publish xmlns="urn:other" node="${NODE}">${note('a')}</publish>`,
      `<publish node="${NODE}">${note('a')}</publish><publish-options><x xmlns="jabber:x:data" type="form"/></publish-options>`,
      `<publish node="${NODE}">${note('a')}</publish><publish-options><x xmlns="jabber:x:data" type="submit"><field var="pubsub#max_items"/></x></publish-options>`,
      `<publish node="${NODE}">${note('a')}</publish><publish-options><x xmlns="jabber:x:data" type="submit"><field var="__proto__"/></x></publish-options>`,
      '<retract/>',
      `<retract node="${NODE}"/>`,
      `<retract node="${NODE}"><item/></retract>`,
      '<subscribe/>',
      `<subscribe node="${NODE}"/>`,
      `<subscribe node="${NODE}" jid="@"/>`,
      `<subscribe jid="${romeo.bare}"/>`,
      `<unsubscribe node="${NODE}"/>`,
      '<constructor/>',
      `<items node="${NODE}"/>`,
    ]
    for (const one of inside) {
      expect((await romeo.asksRaw(set(plain(one)))).attrs['type']).toBe('error')
      expect((await romeo.asksRaw(set(owner(one)))).attrs['type']).toBe('error')
      expect((await romeo.asksRaw(get(owner(one)))).attrs['type']).toBe('error')
    }
    for (const one of ['', '<items/>', '<items node=""/>', '<items node="__proto__"/>', '<constructor/>'])
      expect((await romeo.asksRaw(get(plain(one)))).attrs['type']).toBe('error')
    for (const one of ['delete', 'purge', 'configure', 'affiliations', 'subscriptions'])
      for (const node of ['', ` node="${NODE}"`])
        expect((await romeo.asksRaw(set(owner(`<${one}${node}/>`)))).attrs['type']).toBe('error')
    await done(romeo, set(publish(NODE, note('__proto__'))))
    expect(await ids(romeo, get(plain(`<items node="${NODE}"/>`)))).toEqual(['__proto__'])
  },
)

scenario('threat 105: nodes, items and subscriptions have an end', async ({ server }) => {
  const config = { modules: { pep: { nodes: 3, items: 5, subscriptions: 2 } } }
  const stage = await server('a.test', { config })
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  const to = romeo.bare.text
  const open = { access_model: 'open', send_last_published_item: 'never' }

  const made: string[] = []
  for (let n = 0; n < 6; n++) made.push(await refusal(romeo, set(publish(`urn:n${n}`, note('a'), open))))
  expect(made).toEqual([...Array(3).fill('not refused'), ...Array(3).fill('resource-constraint')])
  expect(await refusal(romeo, set(plain('<create/>')))).toBe('resource-constraint')

  for (const max_items of ['max', '999999999']) {
    await done(romeo, set(owner('<delete node="urn:n0"/>')))
    for (let n = 0; n < 9; n++) await done(romeo, set(publish('urn:n0', note(`i${n}`), { ...open, max_items })))
    expect(await ids(juliet, get(plain('<items node="urn:n0"/>'), to))).toEqual(['i8', 'i7', 'i6', 'i5', 'i4'])
  }
  const taken: string[] = []
  for (let n = 0; n < 5; n++)
    taken.push(await refusal(juliet, set(plain(`<subscribe node="urn:n0" jid="${juliet.bare}/${n}"/>`), to)))
  expect(taken.filter(answer => answer === 'not refused')).toHaveLength(2)
})

scenario('threat 105: nobody makes nodes for somebody who is not there', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  await refused(
    romeo.asks`<iq type="set" to="ghost@a.test"><pubsub xmlns="${PUBSUB}"><create node="x"/></pubsub></iq>`,
    'service-unavailable',
    '',
  )
  await refused(
    romeo.asks`<iq type="get" to="ghost@a.test"><pubsub xmlns="${PUBSUB}"><items node="x"/></pubsub></iq>`,
    'service-unavailable',
    '',
  )
})

scenario('threat 105: whoever names strangers as owners does not have mail sent to all of them', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  const sent: Stanza[] = []
  stage.core.router.components.set('far.test', stanza => void sent.push(stanza))
  const to = 'pubsub.a.test'
  const asked = form('node_config', { access_model: 'authorize' })
  await done(romeo, set(plain(`<create node="${NODE}"/><configure>${asked}</configure>`), to))
  const strangers = Array.from({ length: 30 }, (_, n) => `<affiliation jid="o${n}@far.test" affiliation="owner"/>`)
  await done(romeo, set(owner(`<affiliations node="${NODE}">${strangers.join('')}</affiliations>`), to))
  await done(juliet, set(plain(`<subscribe node="${NODE}" jid="${juliet.bare}"/>`), to))
  await juliet.fence()
  expect(sent.length).toBeLessThanOrEqual(10)
  await romeo.settles()
})
