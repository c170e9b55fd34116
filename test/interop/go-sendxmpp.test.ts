import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { Child } from './child.ts'
import { withProgram } from './programs.ts'
import { DOMAIN, password, Stage } from './stage.ts'
import { XmppClient } from './xmpp-client/xmpp-client.ts'

const TRANSPORTS = ['STARTTLS', 'direct TLS'] as const

withProgram('go-sendxmpp', 'go-sendxmpp', () => {
  let stage: Stage
  let juliet: XmppClient
  let julietAt: string
  const children: Child[] = []

  beforeAll(async () => {
    stage = await Stage.open()
    juliet = new XmppClient(stage, 'juliet')
    julietAt = await juliet.start()
    juliet.send('<presence/>')
    await juliet.sees('received', ['<presence', `from="${julietAt}"`])
  })

  afterEach(async () => {
    await Promise.all(children.splice(0).map(child => child.end()))
  })

  afterAll(async () => {
    await juliet?.end()
    await stage?.close()
  })

  /** Go takes the certificates that it trusts from the file in SSL_CERT_FILE. */
  function run(
    transport: (typeof TRANSPORTS)[number],
    args: readonly string[],
    certificate = stage.certificate,
  ): Child {
    const port = transport === 'STARTTLS' ? stage.ports.client : stage.ports.clientTls
    const login = ['-u', `romeo@${DOMAIN}`, '-p', password('romeo'), '-j', `${DOMAIN}:${port}`]
    const home = stage.folder('go-sendxmpp')
    const child = new Child('go-sendxmpp', [...login, ...(transport === 'STARTTLS' ? [] : ['-t']), ...args], {
      env: { HOME: home, SSL_CERT_FILE: certificate },
    })
    children.push(child)
    return child
  }

  test.each(TRANSPORTS)('sends a message over %s', async transport => {
    const child = run(transport, [`juliet@${DOMAIN}`])
    child.closeInput(`O Romeo, over ${transport} 🌹\n`)
    await juliet.sees('received', ['<message', `from="romeo@${DOMAIN}/`, `O Romeo, over ${transport} 🌹`])
    expect([await child.ended, child.output]).toEqual([0, ''])
  })

  test.each(TRANSPORTS)('listens over %s', async transport => {
    const child = run(transport, ['-l'])
    juliet.send(`<message to="romeo@${DOMAIN}" type="chat"><body>Ay me, over ${transport}!</body></message>`)
    await child.prints(`Ay me, over ${transport}!`)
    expect(child.output).toContain(`juliet@${DOMAIN}`)
  })

  test('does not talk to a server whose certificate it cannot verify', async () => {
    const child = run('STARTTLS', [`juliet@${DOMAIN}`], '/dev/null')
    child.closeInput('to a stranger\n')
    expect(await child.ended).not.toBe(0)
    expect(child.output).toContain('certificate')
  })
})
