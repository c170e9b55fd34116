import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { Link } from './link.ts'
import { DOMAIN, type Ports, Stage } from './stage.ts'
import { XmppClient } from './xmpp-client/xmpp-client.ts'

const TRANSPORTS: readonly (readonly [string, keyof Ports, (port: number) => string])[] = [
  ['TCP with STARTTLS', 'client', port => `xmpp://${DOMAIN}:${port}`],
  ['direct TLS', 'clientTls', port => `xmpps://${DOMAIN}:${port}`],
  ['WebSocket', 'https', port => `wss://${DOMAIN}:${port}/ws`],
]
const JULIET = `juliet@${DOMAIN}`
const ROMEO = `romeo@${DOMAIN}`

let stage: Stage
const clients: XmppClient[] = []

beforeAll(async () => {
  stage = await Stage.open()
})

afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.end()))
})

afterAll(() => stage.close())

function open(username: string, service?: string): XmppClient {
  const client = new XmppClient(stage, username, service)
  clients.push(client)
  return client
}

describe.each(TRANSPORTS)('@xmpp/client over %s', (_name, door, service) => {
  test('logs in with SASL2 and Bind 2, and has stream management at once', async () => {
    const romeo = open('romeo', service(stage.ports[door]))
    expect(await romeo.start()).toMatch(new RegExp(`^${ROMEO}/.+`))
    await romeo.sees('sent', ['<authenticate', 'urn:xmpp:sasl:2', 'mechanism="SCRAM-SHA-1"', 'urn:xmpp:bind:0'])
    await romeo.sees('received', ['<success', 'urn:xmpp:sasl:2', 'authorization-identifier', 'urn:xmpp:sm:3'])
  })

  test('logs in again with its FAST token', async () => {
    const romeo = open('romeo', service(stage.ports[door]))
    await romeo.start()
    await romeo.sees('received', ['<success', '<token', 'urn:xmpp:fast:0'])
    await romeo.stop()
    const since = romeo.now
    await romeo.start()
    await romeo.sees('sent', ['<authenticate', 'mechanism="HT-SHA-256-NONE"'], since)
    await romeo.sees('received', ['<success', 'urn:xmpp:sasl:2'], since)
  })

  test('gets its roster, shows its presence, and talks both ways', async () => {
    const romeo = open('romeo', service(stage.ports[door]))
    const juliet = open('juliet', service(stage.ports[door]))
    const [romeoAt, julietAt] = [await romeo.start(), await juliet.start()]
    expect(await romeo.ask('<iq type="get"><query xmlns="jabber:iq:roster"/></iq>')).toContain('jabber:iq:roster')
    for (const client of [romeo, juliet]) client.send('<presence/>')
    await romeo.sees('received', ['<presence', `from="${romeoAt}"`])
    await juliet.sees('received', ['<presence', `from="${julietAt}"`])

    romeo.send(`<message to="${JULIET}" type="chat"><body>But, soft! – ‘light’ 灯 🌹</body></message>`)
    await juliet.sees('received', ['<message', `from="${romeoAt}"`, 'But, soft! – ‘light’ 灯 🌹'])
    juliet.send(`<message to="${romeoAt}" type="chat"><body>Ay me!</body></message>`)
    await romeo.sees('received', ['<message', `from="${julietAt}"`, 'Ay me!'])
  })

  test('resumes its session after its connection was cut, and nothing is lost', async () => {
    const link = await Link.to(stage.ports[door])
    try {
      const romeo = open('romeo', service(link.port))
      const juliet = open('juliet', service(stage.ports[door]))
      const [romeoAt, julietAt] = [await romeo.start(), await juliet.start()]
      romeo.send('<presence/>')
      await romeo.sees('received', ['<presence', `from="${romeoAt}"`])

      const since = romeo.now
      link.cut()
      juliet.send(`<message to="${romeoAt}" type="chat"><body>O, be some other name!</body></message>`)
      await romeo.sees('resumed', [], since)
      await romeo.sees('sent', ['<authenticate', '<resume', 'urn:xmpp:sm:3'], since)
      await romeo.sees('received', ['<message', 'O, be some other name!'], since)
      romeo.send(`<message to="${julietAt}" type="chat"><body>Call me but love</body></message>`)
      await juliet.sees('received', ['<message', `from="${romeoAt}"`, 'Call me but love'])
    } finally {
      await link.close()
    }
  })
})

describe('@xmpp/client', () => {
  test('subscribes to a contact, who then sees it come and go', async () => {
    const romeo = open('romeo')
    const juliet = open('juliet')
    await romeo.start()
    await juliet.start()
    for (const client of [romeo, juliet]) {
      await client.ask('<iq type="get"><query xmlns="jabber:iq:roster"/></iq>')
      client.send('<presence/>')
    }
    juliet.send(`<presence to="${ROMEO}" type="subscribe"/>`)
    await romeo.sees('received', ['<presence', 'type="subscribe"', `from="${JULIET}"`])
    romeo.send(`<presence to="${JULIET}" type="subscribed"/>`)
    await juliet.sees('received', ['<iq', 'jabber:iq:roster', 'subscription="to"'])
    await juliet.sees('received', ['<presence', `from="${ROMEO}/`])

    const since = juliet.now
    await romeo.stop()
    await juliet.sees('received', ['<presence', 'type="unavailable"', `from="${ROMEO}/`], since)
  })

  test('does not log in with a wrong password', async () => {
    await stage.server.user(`paris@${DOMAIN}`, 'not what the client sends')
    const paris = open('paris')
    paris.begin()
    await paris.sees('error', ['not-authorized'])
    expect(paris.happenings.some(({ event }) => event === 'online')).toBe(false)
  })
})
