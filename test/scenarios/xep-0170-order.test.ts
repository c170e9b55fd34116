import { expect } from '@jest/globals'
import { authenticate, PASSWORD, plain, scenario } from '@parley/testkit'

scenario('XEP-0170 § 2.1: login first, then the resource and what needs one', async ({ server }) => {
  const stage = await server('a.test')
  await stage.account('romeo')
  const client = stage.client()
  const before = (await client.negotiate('a.test')).elements().map(({ ns }) => ns)
  expect(before).not.toContain('urn:ietf:params:xml:ns:xmpp-bind')
  expect(before[0]).toMatch(/sasl/)

  client.features = undefined
  expect((await authenticate(client, 'PLAIN', plain('romeo', PASSWORD))).name).toBe('success')
  await client.until(() => client.features !== undefined, 'features')
  const after = client.features!.elements().map(({ ns }) => ns)
  expect(after.some(ns => /sasl/.test(ns))).toBe(false)
  expect(after[0]).toBe('urn:ietf:params:xml:ns:xmpp-bind')
  expect(after.indexOf('urn:xmpp:sm:3')).toBeGreaterThan(0)
})
