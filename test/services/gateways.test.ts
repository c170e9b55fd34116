import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Element } from '@parley/xml'
import { eventually } from '../interop/eventually.ts'
import { freePort } from '../ports.ts'
import { Wired } from '../security/load/wired.ts'
import { ServerProcess } from './process.ts'

const REGISTER = 'jabber:iq:register'
const form = (name: string, password = '') =>
  `<query xmlns="${REGISTER}"><name>${name}</name><password>${password}</password></query>`

describe('a network that the operator adds to a server that runs', () => {
  let server: ServerProcess
  let port: number
  let romeo: Wired
  let juliet: Wired

  const messageFrom =
    (jid: string) =>
    ({ name, attrs, children }: Element) =>
      name === 'message' && attrs['from'] === jid && String(children).includes('<body')

  beforeAll(async () => {
    port = await freePort()
    server = new ServerProcess({
      PARLEY_LISTEN_CLIENT: `127.0.0.1:${port}`,
      PARLEY_TLS_CLIENT: 'optional',
      PARLEY_LISTEN_SERVER: '',
      PARLEY_GATEWAY_KEY: `k1 ${randomBytes(32).toString('base64')}`,
    })
    await server.start()
    for (const user of ['romeo', 'juliet']) await server.user(`${user}@localhost`, 'secret')
  })
  afterAll(async () => {
    romeo?.leave()
    juliet?.leave()
    await server.remove()
  })

  test('is added, shown, enabled and listed', async () => {
    const steps: [string[], string][] = [
      [['provider', 'add', 'loop', 'world=verona', '--adapter', 'loopback', '--rooms', 'on'], 'loop is added'],
      [['provider', 'set', 'loop', 'password=sesame', '--verification', 'everyone'], 'loop is changed'],
      [['provider', 'show', 'loop'], '(kept secret)'],
      [['provider', 'enable', 'loop'], 'loop is enabled'],
      [['provider', 'list'], 'skype'],
      [['seat', 'assign', 'loop', 'romeo@localhost', '--until', '2099-01-01'], '1 accounts have a seat for loop'],
      [['seat', 'report'], 'loop'],
      [['provider', 'add', 'loop', '--adapter', 'loopback'], 'There is a provider loop already'],
    ]
    for (const [args, answer] of steps) expect((await server.cli(args)).output).toContain(answer)
  })

  test('lets two people meet there', async () => {
    romeo = await Wired.join(port, 'romeo/orchard')
    juliet = await Wired.join(port, 'juliet/balcony')
    for (const [client, name] of [
      [romeo, 'romeo'],
      [juliet, 'juliet'],
    ] as const) {
      client.write('<presence/>')
      const wrong = await client.asks('set', form(name, 'guess'), 'loop.localhost')
      expect(String(wrong)).toContain('The password is wrong')
      const answer = await client.asks('set', form(name, 'sesame'), 'loop.localhost')
      expect(answer.attrs['type']).toBe('result')
    }
    const heard = juliet.next(messageFrom('romeo@loop.localhost'))
    romeo.write('<message type="chat" id="m1" to="juliet@loop.localhost"><body>Across the wall</body></message>')
    expect((await heard).textOf('body')).toBe('Across the wall')
  })

  test('says nothing of passwords in the log', () => {
    expect(server.output).not.toContain('sesame')
    expect(server.output).not.toContain('guess')
  })

  test('seals with the key that it was given, and makes none', () => {
    expect(existsSync(join(server.folder, 'data', 'gateway.key'))).toBe(false)
  })

  test('has its logins after a restart', async () => {
    romeo.leave()
    juliet.leave()
    await server.stop()
    await server.start()
    romeo = await Wired.join(port, 'romeo/orchard')
    romeo.write('<presence/>')
    const status = await eventually('a session', async () => {
      const answer = await romeo.asks(
        'set',
        '<command xmlns="http://jabber.org/protocol/commands" node="urn:parley:gateway:status"/>',
        'loop.localhost',
      )
      return String(answer).includes('>Connected<')
    })
    expect(status).toBeTruthy()
  })

  test('ends when it is disabled', async () => {
    const gone = romeo.next(
      ({ name, attrs }) => name === 'presence' && attrs['from'] === 'loop.localhost' && attrs['type'] === 'unavailable',
    )
    await server.cli(['provider', 'disable', 'loop'])
    await gone
    const answer = await romeo.asks('get', `<query xmlns="${REGISTER}"/>`, 'loop.localhost')
    expect(answer.attrs['type']).toBe('error')
  })
})
