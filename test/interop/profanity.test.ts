import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Profanity } from './profanity.ts'
import { withProgram } from './programs.ts'
import { DOMAIN, Stage } from './stage.ts'
import { XmppClient } from './xmpp-client/xmpp-client.ts'

withProgram(['profanity', 'tmux'], 'profanity', () => {
  let stage: Stage
  let juliet: XmppClient
  let julietAt: string
  let profanity: Profanity
  let shown: string

  beforeAll(async () => {
    stage = await Stage.open()
    juliet = new XmppClient(stage, 'juliet')
    julietAt = await juliet.start()
    juliet.send('<presence/>')
    profanity = new Profanity(stage, 'romeo')
    shown = await profanity.login()
  })

  afterAll(async () => {
    profanity?.terminal.close()
    await juliet?.end()
    await stage?.close()
  })

  test('is shown the certificate of the server before it logs in', () => {
    const { fingerprint } = new X509Certificate(readFileSync(stage.certificate))
    expect(shown.replaceAll(':', '').toUpperCase()).toContain(fingerprint.replaceAll(':', ''))
  })

  test('subscribes to a contact and sees it come and change', async () => {
    profanity.terminal.enter(`/sub request juliet@${DOMAIN}`)
    await juliet.sees('received', ['<presence', 'type="subscribe"', `from="romeo@${DOMAIN}"`])
    juliet.send(`<presence to="romeo@${DOMAIN}" type="subscribed"/>`)
    await profanity.terminal.shows(new RegExp(`Subscription received from juliet@${DOMAIN}`))
    await profanity.terminal.shows(`juliet@${DOMAIN} (${julietAt.split('/').slice(1).join('/')}) is online`)
    juliet.send('<presence><show>away</show><status>at Friar Laurence’s cell</status></presence>')
    await profanity.terminal.shows(/juliet.* is away.*at Friar Laurence’s cell/)
  })

  test('talks both ways', async () => {
    profanity.terminal.enter(`/msg juliet@${DOMAIN} But, soft! – ‘light’ 灯`)
    await juliet.sees('received', ['<message', `from="romeo@${DOMAIN}/profanity"`, 'But, soft! – ‘light’ 灯'])
    juliet.send(`<message to="romeo@${DOMAIN}/profanity" type="chat"><body>Ay me! 灯</body></message>`)
    await profanity.terminal.shows(/juliet.*: Ay me! 灯/)
  })

  test('is told when the contact leaves', async () => {
    profanity.terminal.enter('/win 1')
    await juliet.stop()
    await profanity.terminal.shows(/juliet.* is offline/)
  })

  test('logs out in order', async () => {
    profanity.terminal.enter('/disconnect')
    await profanity.terminal.shows(/romeo.* logged out successfully/)
  })
})
