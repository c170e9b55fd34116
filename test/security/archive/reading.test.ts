import { expect } from '@jest/globals'
import { Jid } from '@parley/jid'
import { Body, Iq, type Stanza } from '@parley/stanza'
import { refused, scenario } from '@parley/testkit'
import { el } from '@parley/xml'
import { fin, read, say } from '../../scenarios/archive-reader.ts'

const MAM = 'urn:xmpp:mam:2'
const WORDS = 'but soft what light through yonder window breaks'

/** What attackers write where an id belongs. */
const IDS = [
  "1' OR 1=1--",
  "'; DROP TABLE message_log; --",
  '-1',
  `1${'0'.repeat(30)}`,
  '1e9',
  '0x10',
  '\\',
  '%',
  '$1',
  'NULL',
  '٣',
  'x'.repeat(10_000),
  '0000000000000',
]

scenario('threat 98: the archive of somebody else stays closed, whatever is asked of it', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(juliet, 'juliet@a.test', 'secret')
  await juliet.settles()
  const requests = [
    `<query xmlns="${MAM}"/>`,
    `<query xmlns="${MAM}"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>${MAM}</value></field><field var="with"><value>juliet@a.test</value></field></x></query>`,
    `<prefs xmlns="${MAM}" default="never"/>`,
    '<trim xmlns="urn:xmpp:mamtrim:0"/>',
  ]
  for (const payload of requests) {
    const answer = romeo.asksRaw(`<iq type="set" to="juliet@a.test">${payload}</iq>`)
    expect((await answer).child('error')?.elements()[0]?.name).toBe('forbidden')
  }
  for (const payload of [`<query xmlns="${MAM}"/>`, `<metadata xmlns="${MAM}"/>`, `<prefs xmlns="${MAM}"/>`]) {
    const answer = romeo.asksRaw(`<iq type="get" to="juliet@a.test">${payload}</iq>`)
    expect((await answer).child('error')?.elements()[0]?.name).toBe('forbidden')
  }
  expect((await read(juliet)).words).toBe('secret')
})

scenario('threat 98: nor does it open to a component, or to the server of a domain', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.join('juliet/balcony')
  await say(juliet, 'juliet@a.test', 'secret')
  await juliet.settles()
  const answers: Stanza[] = []
  stage.core.router.components.set('irc.test', stanza => void answers.push(stanza))
  for (const from of ['irc.test', 'juliet@irc.test/balcony']) {
    const head = { type: 'set', id: 'q', from: Jid.parse(from), to: juliet.bare } as const
    await stage.core.router.route(new Iq(head, Body.of([el('query', MAM)])))
  }
  expect(answers.map(({ type, body }) => `${type} ${/<forbidden/.test(body.xml)}`)).toEqual([
    'error true',
    'error true',
  ])
})

scenario('threat 99: what is written into a page is data, and never an id that is not there', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await say(romeo, 'juliet@a.test', WORDS)
  await juliet.settles()
  for (const id of IDS) {
    for (const name of ['before', 'after'])
      await refused(fin(romeo, { rsm: `<max>2</max><${name}>${id}</${name}>` }), 'item-not-found')
    for (const name of ['before-id', 'after-id', 'ids'])
      await refused(fin(romeo, { fields: { [name]: id } }), 'item-not-found')
  }
  for (const time of ["2026-01-01' OR '1'='1", '-1', 'infinity', '9'.repeat(40)])
    await refused(fin(romeo, { fields: { start: time } }), 'bad-request')
  expect((await read(romeo, { fields: { with: "x' OR 1=1--@a.test".replaceAll(/[' ]/g, '%') } })).words).toBe('')
  expect((await read(romeo)).words).toBe(WORDS)
})

scenario('threat 100: pages have a cap, and no position', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  for (let n = 0; n < 120; n++) await romeo.sends`<message type="chat" to="juliet@a.test"><body>${n}</body></message>`
  await juliet.settles()
  for (const max of ['1000000000', '101', '999999999999999'])
    expect((await read(romeo, { rsm: `<max>${max}</max>` })).ids).toHaveLength(100)
  expect((await read(romeo)).ids).toHaveLength(100)
  for (const max of ['-1', '1e9', `1${'0'.repeat(30)}`])
    await refused(fin(romeo, { rsm: `<max>${max}</max>` }), 'bad-request')
  await refused(fin(romeo, { rsm: '<max>1</max><index>1000000</index>' }), 'feature-not-implemented')
})

scenario('threat 100: a session has two queries under way at most, however many it sends', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.join('romeo/orchard')
  await say(romeo, 'romeo@a.test', 'soft')
  await romeo.settles()
  const log = stage.store.messages
  const { page } = log
  let running = 0
  let most = 0
  log.page = async (...given) => {
    most = Math.max(most, ++running)
    try {
      return await page(...given)
    } finally {
      running--
    }
  }
  try {
    for (let n = 0; n < 100; n++) await romeo.sends`<iq type="set" id="${n}"><query xmlns="${MAM}"/></iq>`
    await romeo.fence()
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(2)
    expect(romeo.client.inbox.splice(0).filter(({ name }) => name === 'iq')).toHaveLength(100)
  } finally {
    log.page = page
  }
})
