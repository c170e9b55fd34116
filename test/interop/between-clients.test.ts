import { afterAll, beforeAll, test } from '@jest/globals'
import { Profanity } from './profanity.ts'
import { withProgram } from './programs.ts'
import { Talker } from './slixmpp/slixmpp.ts'
import { DOMAIN, Stage } from './stage.ts'
import { XmppClient } from './xmpp-client/xmpp-client.ts'

const ROMEO = `romeo@${DOMAIN}`
const JULIET = `juliet@${DOMAIN}`

withProgram(['profanity', 'tmux', 'slixmpp'], 'clients of different makers', () => {
  let stage: Stage
  let romeo: Profanity
  let juliet: Talker
  let phone: XmppClient
  let phoneAt: string

  beforeAll(async () => {
    stage = await Stage.open()
    romeo = new Profanity(stage, 'romeo')
    await romeo.login()
    juliet = await Talker.join(stage, 'juliet')
    phone = new XmppClient(stage, 'romeo')
    phoneAt = await phone.start()
    await phone.ask('<iq type="set"><enable xmlns="urn:xmpp:carbons:2"/></iq>')
    phone.send('<presence><priority>-1</priority></presence>')
  })

  afterAll(async () => {
    romeo?.terminal.close()
    await Promise.all([juliet?.leave(), phone?.end()])
    await stage?.close()
  })

  test('slixmpp subscribes to profanity, which then is online', async () => {
    juliet.does('subscribe', ROMEO)
    await romeo.terminal.shows(`Received authorization request from ${JULIET}`)
    romeo.terminal.enter(`/sub allow ${JULIET}`)
    await juliet.hears({ event: 'presence', sender: `${ROMEO}/profanity`, type: 'available' })
  })

  test('profanity and slixmpp talk', async () => {
    romeo.terminal.enter(`/msg ${JULIET} Lady, by yonder blessed moon I swear 🌙`)
    const body = 'Lady, by yonder blessed moon I swear 🌙'
    await juliet.hears({ event: 'message', sender: `${ROMEO}/profanity`, body })
    juliet.says(ROMEO, 'O, swear not by the moon')
    await romeo.terminal.shows(/juliet.*: O, swear not by the moon/)
  })

  test("@xmpp/client of the same account gets copies of both sides of profanity's talk", async () => {
    await phone.sees('received', ['<sent', 'urn:xmpp:carbons:2', 'by yonder blessed moon'])
    await phone.sees('received', ['<received', 'urn:xmpp:carbons:2', 'O, swear not by the moon'])
  })

  test('profanity shows what @xmpp/client of the same account has said and heard', async () => {
    phone.send(`<message to="${JULIET}" type="chat"><body>What shall I swear by?</body></message>`)
    await juliet.hears({ event: 'message', sender: phoneAt, body: 'What shall I swear by?' })
    await romeo.terminal.shows(/me: What shall I swear by\?/)
    juliet.says(phoneAt, 'Do not swear at all')
    await phone.sees('received', ['<message', 'Do not swear at all'])
    await romeo.terminal.shows(/juliet.*: Do not swear at all/)
  })
})
