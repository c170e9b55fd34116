import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from './eventually.ts'
import { withProgram } from './programs.ts'
import { DOMAIN, password, Stage } from './stage.ts'
import { Terminal } from './terminal.ts'
import { XmppClient } from './xmpp-client/xmpp-client.ts'

const JULIET = `juliet@${DOMAIN}`

withProgram(['mcabber', 'tmux'], 'mcabber', () => {
  let stage: Stage
  let juliet: XmppClient
  let home: string
  let mcabber: Terminal

  beforeAll(async () => {
    stage = await Stage.open()
    juliet = new XmppClient(stage, 'juliet')
    await juliet.start()
    juliet.send('<presence/>')
    home = stage.folder('mcabber')
    mkdirSync(join(home, 'logs'), { mode: 0o700 })
    writeFileSync(join(home, 'mcabberrc'), settings(), { mode: 0o600 })
    mcabber = new Terminal(home, ['mcabber', '-f', join(home, 'mcabberrc')])
    await mcabber.shows('Your status has been set')
  }, 60_000)

  afterAll(async () => {
    mcabber?.close()
    await juliet?.end()
    await stage?.close()
  })

  function settings(): string {
    const values = {
      username: 'romeo',
      server: DOMAIN,
      port: stage.ports.client,
      password: password('romeo'),
      jid: `romeo@${DOMAIN}`,
      resource: 'mcabber',
      tls: 1,
      ssl_ca: stage.certificate,
      fifo_name: join(home, 'fifo'),
      logging: 1,
      logging_dir: join(home, 'logs'),
      load_logs: 0,
    }
    const lines = Object.entries(values).map(([name, value]) => `set ${name} = ${value}`)
    return `${lines.join('\n')}\nmodule load fifo\n`
  }

  /** Commands come through the named pipe, as from a script. */
  const commands = (line: string) => appendFileSync(join(home, 'fifo'), `${line}\n`)
  const logOf = (jid: string) => {
    const path = join(home, 'logs', jid)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }

  test('trusts the certificate that it was given', () => {
    expect(mcabber.screen).not.toContain('not trusted')
    expect(mcabber.screen).toContain('Connection established')
  })

  test('subscribes to a contact and sees it online', async () => {
    commands(`add ${JULIET} Juliet`)
    await juliet.sees('received', ['<presence', 'type="subscribe"', `from="romeo@${DOMAIN}"`])
    juliet.send(`<presence to="romeo@${DOMAIN}" type="subscribed"/>`)
    await mcabber.shows(/\{o\} Juliet/)
    juliet.send('<presence><show>dnd</show></presence>')
    await mcabber.shows(/\{d\} Juliet/)
  })

  test('sends a message', async () => {
    commands(`say_to ${JULIET} But, soft! – ‘light’ 灯`)
    await juliet.sees('received', ['<message', `from="romeo@${DOMAIN}/mcabber`, 'But, soft! – ‘light’ 灯'])
  })

  test('receives a message, which its log keeps', async () => {
    juliet.send(`<message to="romeo@${DOMAIN}" type="chat"><body>Ay me! 灯</body></message>`)
    await eventually('the message in the log', () => /^MR .*Ay me! 灯$/m.test(logOf(JULIET)), {
      seen: () => logOf(JULIET),
    })
  })

  test('lets a contact see it, and leaves in order', async () => {
    juliet.send(`<presence type="subscribe" to="romeo@${DOMAIN}"/>`)
    await mcabber.shows(`<${JULIET}> wants to subscribe`)
    commands(`authorization allow ${JULIET}`)
    await juliet.sees('received', ['<presence', `from="romeo@${DOMAIN}/mcabber`])
    commands('quit')
    await juliet.sees('received', ['<presence', 'type="unavailable"', `from="romeo@${DOMAIN}/mcabber`])
  })
})
