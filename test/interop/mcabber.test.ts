import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from './eventually.ts'
import { Mcabber } from './mcabber.ts'
import { withProgram } from './programs.ts'
import { DOMAIN, Stage } from './stage.ts'
import { XmppClient } from './xmpp-client/xmpp-client.ts'

const JULIET = `juliet@${DOMAIN}`

withProgram(['mcabber', 'tmux'], 'mcabber', () => {
  let stage: Stage
  let juliet: XmppClient
  let mcabber: Mcabber

  beforeAll(async () => {
    stage = await Stage.open()
    juliet = new XmppClient(stage, 'juliet')
    await juliet.start()
    juliet.send('<presence/>')
    mcabber = new Mcabber(stage, 'romeo')
    await mcabber.login()
  })

  afterAll(async () => {
    mcabber?.terminal.close()
    await juliet?.end()
    await stage?.close()
  })

  test('trusts the certificate that it was given', () => {
    expect(mcabber.terminal.screen).not.toContain('not trusted')
    expect(mcabber.terminal.screen).toContain('Connection established')
  })

  test('subscribes to a contact and sees it online', async () => {
    mcabber.command(`add ${JULIET} Juliet`)
    await juliet.sees('received', ['<presence', 'type="subscribe"', `from="romeo@${DOMAIN}"`])
    juliet.send(`<presence to="romeo@${DOMAIN}" type="subscribed"/>`)
    await mcabber.terminal.shows(/\{o\} Juliet/)
    juliet.send('<presence><show>dnd</show></presence>')
    await mcabber.terminal.shows(/\{d\} Juliet/)
  })

  test('sends a message', async () => {
    mcabber.command(`say_to ${JULIET} But, soft! – ‘light’ 灯`)
    await juliet.sees('received', ['<message', `from="romeo@${DOMAIN}/mcabber`, 'But, soft! – ‘light’ 灯'])
  })

  test('receives a message, which its log keeps', async () => {
    juliet.send(`<message to="romeo@${DOMAIN}" type="chat"><body>Ay me! 灯</body></message>`)
    await eventually('the message in the log', () => /^MR .*Ay me! 灯$/m.test(mcabber.logOf(JULIET)), {
      seen: () => mcabber.logOf(JULIET),
    })
  })

  test('lets a contact see it, and leaves in order', async () => {
    juliet.send(`<presence type="subscribe" to="romeo@${DOMAIN}"/>`)
    await mcabber.terminal.shows(`<${JULIET}> wants to subscribe`)
    mcabber.command(`authorization allow ${JULIET}`)
    await juliet.sees('received', ['<presence', `from="romeo@${DOMAIN}/mcabber`])
    mcabber.command('quit')
    await juliet.sees('received', ['<presence', 'type="unavailable"', `from="romeo@${DOMAIN}/mcabber`])
  })
})
