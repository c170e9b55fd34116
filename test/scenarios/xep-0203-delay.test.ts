import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'
import { read, say } from './archive-reader.ts'

scenario(
  'XEP-0203 § 2: the delay names the server and the time at which the message came',
  async ({ server, after }) => {
    const stage = await server('a.test')
    await stage.account('juliet')
    const [romeo] = await stage.join('romeo/orchard')
    await say(romeo, 'juliet@a.test', 'late')
    await after('1h')
    const [juliet] = await stage.connect('juliet/balcony')
    await juliet.sends`<presence/>`
    await juliet.receives`<presence/>`
    const message = await juliet.client.next('the message')
    const delay = message.child('delay', 'urn:xmpp:delay')
    expect(delay?.attrs['from']).toBe('a.test')
    const { results } = await read(juliet)
    const archived = results[0]?.child('forwarded', 'urn:xmpp:forward:0')?.child('delay', 'urn:xmpp:delay')
    expect(delay?.attrs['stamp']).toBe(archived?.attrs['stamp'])
  },
)
