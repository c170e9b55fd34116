import { expect } from '@jest/globals'
import { scenario } from '@parley/testkit'

scenario(
  'XEP-0297 § 3.1: a forwarded stanza keeps its addresses and namespace, with the time beside it',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).join('romeo/orchard', 'juliet/balcony')
    await romeo.sends`<message type="chat" to="${juliet}" id="m" xml:lang="it"><body>Addio</body></message>`
    await juliet.settles()

    await juliet.sends`<iq type="set" id="q"><query xmlns="urn:xmpp:mam:2"/></iq>`
    const result = (await juliet.client.next('the result')).child('result', 'urn:xmpp:mam:2')
    await juliet.receives`<iq type="result" id="q"/>`
    const forwarded = result?.child('forwarded', 'urn:xmpp:forward:0')
    expect(forwarded?.elements().map(({ name, ns }) => [name, ns])).toEqual([
      ['delay', 'urn:xmpp:delay'],
      ['message', 'jabber:client'],
    ])
    expect(forwarded?.child('message', 'jabber:client')?.attrs).toMatchObject({
      from: romeo.jid.text,
      to: juliet.jid.text,
      'xml:lang': 'it',
    })
  },
)
