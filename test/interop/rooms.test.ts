import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from './eventually.ts'
import { Mcabber } from './mcabber.ts'
import { Profanity } from './profanity.ts'
import { withProgram } from './programs.ts'
import { runChecks } from './slixmpp/slixmpp.ts'
import { DOMAIN, Stage } from './stage.ts'

const ROOM = `orchard@conference.${DOMAIN}`

withProgram(['profanity', 'mcabber', 'tmux', 'slixmpp'], 'clients of different makers in a room', () => {
  let stage: Stage
  let romeo: Profanity
  let juliet: Mcabber

  beforeAll(async () => {
    stage = await Stage.open()
    romeo = new Profanity(stage, 'romeo')
    juliet = new Mcabber(stage, 'juliet')
    await Promise.all([romeo.login(), juliet.login()])
  })

  afterAll(async () => {
    romeo?.terminal.close()
    juliet?.terminal.close()
    await stage?.close()
  })

  test('profanity makes a room', async () => {
    romeo.terminal.enter('/presence room all')
    romeo.terminal.enter(`/join ${ROOM} nick Romeo`)
    await romeo.terminal.shows(/requires configuration/)
    romeo.terminal.enter('/room accept')
    await romeo.terminal.shows(/Room unlocked/)
  })

  test('mcabber comes in, and profanity sees it', async () => {
    juliet.command(`room join ${ROOM} Juliet`)
    await romeo.terminal.shows(/Juliet has joined the room/)
  })

  test('they talk', async () => {
    romeo.terminal.enter('He jests at scars that never felt a wound.')
    await eventually('the line in the log', () => juliet.logOf(ROOM).includes('He jests at scars'), {
      seen: () => juliet.logOf(ROOM) + juliet.terminal.screen,
    })
    juliet.command(`say_to ${ROOM} Ay me!`)
    await romeo.terminal.shows(/Juliet: Ay me!/)
    romeo.terminal.enter('She speaks:')
    for (let n = 0; n < 7; n++) romeo.terminal.enter(`line ${n}`)
    await eventually('the last line', () => juliet.logOf(ROOM).includes('line 6'), { seen: () => juliet.logOf(ROOM) })
    juliet.command(`say_to ${ROOM} Good night, good night!`)
    await romeo.terminal.shows(/Juliet: Good night, good night!/)
  })

  test('profanity gives the room a subject, which mcabber shows', async () => {
    romeo.terminal.enter('/subject set Capulet’s orchard')
    await juliet.terminal.shows(/Capulet’s orchard/)
  })

  test('slixmpp pages through what they have said, and enters', async () => {
    const checks = await runChecks(stage, 'rooms.py')
    expect(checks).toEqual(checks.map(({ check, seen }) => ({ check, ok: true, seen })))
    expect(checks.map(({ check }) => check)).toEqual([
      'pages through all that was said in the room',
      'and backwards',
      'the room says what it is',
      'sees who is in the room',
      'is shown so many lines as it asked for',
    ])
    await romeo.terminal.shows(/reader has joined the room/)
  })

  test('profanity sees mcabber leave', async () => {
    juliet.command('quit')
    await romeo.terminal.shows(/Juliet has left the room/)
  })
})
