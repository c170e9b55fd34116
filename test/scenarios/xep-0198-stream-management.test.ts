import { expect } from '@jest/globals'
import { capture, scenario } from '@parley/testkit'

const SM = 'urn:xmpp:sm:3'
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas'

scenario('XEP-0198 § 4: the server counts what it has handled', async ({ server }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')

  await romeo.sends`<enable xmlns="${SM}"/>`
  await romeo.receives`<enabled xmlns="${SM}"/>`
  await romeo.sends`<message type="chat" to="${juliet}"><body>one</body></message>`
  await romeo.sends`<message type="chat" to="${juliet}"><body>two</body></message>`
  await romeo.sends`<r xmlns="${SM}"/>`
  await romeo.receives`<a xmlns="${SM}" h="2"/>`
  await juliet.receives`<message><body>one</body></message>`
  await juliet.receives`<message><body>two</body></message>`
})

scenario('XEP-0198 § 5: a session is resumed and what was missed is sent again', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo, juliet] = await stage.join('romeo/orchard', 'juliet/balcony')
  await romeo.sends`<enable xmlns="${SM}" resume="true"/>`
  const { id } = await romeo.receives`<enabled xmlns="${SM}" resume="true" id="${capture('id')}"/>`

  await romeo.losesConnection()
  await juliet.sends`<message type="chat" to="${romeo}"><body>missed</body></message>`
  await juliet.fence()

  const phone = stage.client()
  await phone.negotiate('a.test')
  phone.write(
    `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${Buffer.from('\0romeo\0secret').toString('base64')}</auth>`,
  )
  expect((await phone.next('success')).name).toBe('success')
  await phone.negotiate('a.test')
  phone.write(`<resume xmlns="${SM}" previd="${id}" h="0"/>`)
  const resumed = await phone.next('resumed')
  expect(resumed.name).toBe('resumed')
  expect(resumed.attrs['h']).toBe('0')
  expect((await phone.next('the message')).textOf('body')).toBe('missed')
})

scenario('XEP-0198 § 5: a session that nobody knows cannot be resumed', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')

  await romeo.sends`<resume xmlns="${SM}" previd="nobody" h="0"/>`
  await romeo.receives`<failed xmlns="${SM}"><unexpected-request xmlns="${STANZAS}"/></failed>`
})

scenario('XEP-0198 § 5: after the hold time contacts see the session leave', async ({ server, befriend, after }) => {
  const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
  await befriend(romeo, juliet)
  await romeo.sends`<enable xmlns="${SM}" resume="true" max="60"/>`
  await romeo.receives`<enabled xmlns="${SM}" max="60"/>`

  await romeo.losesConnection()
  await juliet.receivesNothing()
  await after('62s')
  await juliet.receives`<presence type="unavailable" from="${romeo}"/>`
})
