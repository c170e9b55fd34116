import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { withProgram } from '../../interop/programs.ts'
import { freePort } from '../../ports.ts'
import { Bitlbee } from './bitlbee.ts'
import { begin, endAll, type Stage } from './context.ts'
import { Kamailio } from './kamailio.ts'

const JULIET = 'juliet@example.org'
const PARIS = 'paris@far.example'

withProgram(['kamailio', 'sqlite3', 'bitlbee'], 'libpurple 2.14 (simple) at far.example, through Kamailio', () => {
  let kamailio: Kamailio
  let stage: Stage
  let paris: Bitlbee
  let count = 0
  const key = () => ({ key: String(++count), user: JULIET })

  beforeAll(async () => {
    const tcp = await freePort()
    kamailio = await Kamailio.open(tcp)
    stage = await begin({ tcp, proxy: `127.0.0.1:${kamailio.port};transport=tcp` })
    paris = await Bitlbee.open('paris', kamailio.port)
  })

  afterAll(async () => {
    await paris?.close()
    await endAll()
    await kamailio?.close()
  })

  test('he adds Juliet, who is asked, lets him, and is seen to come and go', async () => {
    paris.says('add simple sip:juliet@example.org')
    // He looks every ten seconds for whom he has not asked yet.
    await stage.hears('request', { user: JULIET, id: PARIS }, 25_000)
    await stage.session.setPresence!({ show: 'available' }, key())
    await stage.session.answer!(PARIS, true, key())
    await paris.hears(/:sipjuliet!\S+ JOIN :?&bitlbee|MODE &bitlbee \+v sipjuliet/)
    await stage.session.setPresence!({ show: 'unavailable' }, key())
    await paris.hears(/:sipjuliet!\S+ QUIT/)
    await stage.session.setPresence!({ show: 'available' }, key())
    await paris.hears(/:sipjuliet!\S+ JOIN :?&bitlbee/)
  })

  test('Juliet sees him, by what libpurple publishes', async () => {
    await stage.session.addContact!(PARIS, {}, key())
    expect((await stage.hears('contact')).contact).toMatchObject({ id: PARIS, subscription: 'both' })
    expect((await stage.hears('presence')).presence.show).toBe('available')
  })

  test.each(['Happily met, my lady', 'ô 🌹 שלום'])('a message each way: %s', async text => {
    paris.types(`PRIVMSG sipjuliet :${text}`)
    expect(await stage.hears('message')).toMatchObject({ user: JULIET, peer: PARIS, text })
    await stage.session.send!({ ...key(), to: { peer: PARIS }, text, receipt: false })
    expect(await paris.hears(/^:sipjuliet!\S+ PRIVMSG paris :/)).toMatch(new RegExp(`:${text}$`))
  })

  test('a message that asks for a receipt comes as the text that it is', async () => {
    await stage.session.send!({ ...key(), to: { peer: PARIS }, text: 'That may be, sir', receipt: true })
    expect(await paris.hears(/^:sipjuliet!\S+ PRIVMSG paris :/)).toMatch(/:That may be, sir$/)
  })
})
