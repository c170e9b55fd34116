import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { withProgram } from '../../interop/programs.ts'
import { freePort } from '../../ports.ts'
import { begin, endAll, type Stage } from './context.ts'
import { Kamailio } from './kamailio.ts'
import { Linphone } from './linphone.ts'

const JULIET = 'juliet@example.org'
const NURSE = 'nurse@far.example'

withProgram(['kamailio', 'sqlite3', 'linphonec'], 'linphone 5.1 at far.example, through Kamailio', () => {
  let kamailio: Kamailio
  let stage: Stage
  let nurse: Linphone
  let count = 0
  const key = () => ({ key: String(++count), user: JULIET })

  beforeAll(async () => {
    const tcp = await freePort()
    kamailio = await Kamailio.open(tcp)
    stage = await begin({ tcp, proxy: `127.0.0.1:${kamailio.port};transport=tcp` })
    nurse = await Linphone.open('nurse', kamailio.port)
  })

  afterAll(async () => {
    await nurse?.close()
    await endAll()
    await kamailio?.close()
  })

  test.each(['Anon, good nurse!', 'ô 🌹 שלום 漢'])('a message each way: %s', async text => {
    nurse.type(`chat sip:juliet@example.org ${text}`)
    expect(await stage.hears('message')).toMatchObject({ user: JULIET, peer: NURSE, text })
    await stage.session.send!({ ...key(), to: { peer: NURSE }, text, receipt: false })
    expect((await nurse.says(/Message received from sip:juliet@example\.org: ([^\n]*)\n/))[1]).toBe(text)
  })

  test('a message that asks for a receipt is shown as the text that it is', async () => {
    await stage.session.send!({ ...key(), to: { peer: NURSE }, text: 'O, shut the door', receipt: true })
    expect((await nurse.says(/Message received from sip:juliet@example\.org: ([^\n]*)\n/))[1]).toBe('O, shut the door')
  })

  test('the nurse asks to see Juliet, who lets her, and sees her come and go', async () => {
    await stage.hears('request', { user: JULIET, id: NURSE })
    await stage.session.setPresence!({ show: 'available' }, key())
    await stage.session.answer!(NURSE, true, key())
    await nurse.says(/Friend [^\n]*juliet[^\n]* is Online/i)
    await stage.session.setPresence!({ show: 'dnd' }, key())
    await nurse.says(/Friend [^\n]*juliet[^\n]* is Busy/i)
    await stage.session.setPresence!({ show: 'away' }, key())
    await nurse.says(/Friend [^\n]*juliet[^\n]* is Away/i)
    await stage.session.setPresence!({ show: 'unavailable' }, key())
    await nurse.says(/Friend [^\n]*juliet[^\n]* is Offline/i)
  })

  test('Juliet sees the nurse, by what linphone publishes', async () => {
    await stage.session.setPresence!({ show: 'available' }, key())
    await stage.session.addContact!(NURSE, {}, key())
    expect((await stage.hears('contact')).contact).toMatchObject({ id: NURSE, subscription: 'both' })
    expect((await stage.hears('presence')).presence.show).toBe('available')
  })
})
