import { afterEach, beforeEach, expect, test } from '@jest/globals'
import matrix from '@parley/gateway-matrix'
import { freePort } from '../../ports.ts'
import { by, eventually, Rig, Running } from '../kit/index.ts'
import { Homeserver } from './homeserver.ts'
import { MatrixPerson } from './person.ts'

const NAME = 'verona.test'
const GHOST = `@xmpp_romeo:${NAME}`
const BREAKS = [['before'], ['after'], ['before', 'after', 'after'], []] as const

let home: Homeserver
let juliet: MatrixPerson
let rig: Rig

beforeEach(async () => {
  const tokens = { asToken: 'the-gateway-comes-with-this', hsToken: 'the-homeserver-comes-with-this' }
  const listenPort = await freePort()
  home = await Homeserver.open({ name: NAME, gateway: listenPort, ...tokens })
  juliet = new MatrixPerson(home, 'juliet')
  const settings = { homeserver: home.url, serverName: NAME, listenPort, ...tokens }
  const login = { id: GHOST, user: 'romeo@example.org', fields: {}, secrets: {} }
  rig = new Rig(new Running(matrix as never, settings, login), login)
  await rig.start()
})
afterEach(async () => {
  await rig.stop()
  await home.close()
})

test('a transaction of which only the beginning comes, or whose answer is lost, comes again and is heard once', async () => {
  for (const [number, each] of BREAKS.entries()) {
    home.breaks.in.push(...each)
    await juliet.says(GHOST, `${number}`)
    await eventually(`the message ${number}`, () => rig.heard.find(({ text }) => text === `${number}`))
    await eventually('all breaks', () => home.breaks.in.length === 0)
  }
  await juliet.says(GHOST, 'the end')
  await eventually('the last message', () => rig.heard.find(({ text }) => text === 'the end'))
  expect(rig.heard.map(({ text }) => text)).toEqual(['0', '1', '2', '3', 'the end'])
})

test('a message whose request or answer breaks arrives once: the same key is the same event', async () => {
  for (const [number, each] of BREAKS.entries()) {
    const mine = by()
    home.breaks.out.push(...each)
    // The core tries again, under the same key, what failed for a moment.
    for (const _ of each)
      await expect(rig.send(juliet.id, `${number}`, mine)).rejects.toMatchObject({ failure: 'transient' })
    expect(await rig.send(juliet.id, `${number}`, mine)).toMatchObject({ level: 'sent' })
  }
  const texts = juliet.told.flatMap(event => (event.type === 'message' ? [event.text] : []))
  expect(texts).toEqual(['0', '1', '2', '3'])
})
