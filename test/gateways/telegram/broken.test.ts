import { afterEach, beforeEach, expect, test } from '@jest/globals'
import telegram from '@parley/gateway-telegram'
import { Kept, Stand } from '../irc/context.ts'
import { by, eventually, Rig, Running } from '../kit/index.ts'
import { StrictApi, TOKEN } from './strict.ts'

const JULIET = { id: 1001, first_name: 'Juliet' }

let api: StrictApi
let rig: Rig

beforeEach(async () => {
  api = await StrictApi.open()
  api.chat(JULIET)
  const login = { id: '42', fields: {}, secrets: { token: TOKEN } }
  rig = new Rig(new Running(telegram as never, { api: api.url, pollSeconds: 1 }, login), login)
  await rig.start()
  // After a break it waits a second, and longer each time.
  rig.running.clock.hurry(5)
})
afterEach(async () => {
  await rig.stop()
  await api.close()
})

test('what is said to a bot is heard once, though questions for news and their answers break', async () => {
  const breaks = [['after'], ['before'], ['after', 'before'], ['before', 'after', 'after'], []] as const
  const hears = (text: string) => eventually(text, () => rig.heard.find(message => message.text === text))
  for (const [number, each] of breaks.entries()) {
    api.breaks.set('getUpdates', [...each])
    api.says(JULIET, `${number}`)
    await hears(`${number}`)
    await eventually('all breaks', () => api.breaks.get('getUpdates')?.length === 0)
    // Five failures with nothing between them would end the session.
    api.says(JULIET, `${number}, and well again`)
    await hears(`${number}, and well again`)
  }
  expect(rig.heard.map(({ text }) => text)).toEqual(
    breaks.flatMap((_, number) => [`${number}`, `${number}, and well again`]),
  )
  expect(rig.of('ended')).toEqual([])
})

test('what a bot says is not lost when a request breaks; where only its answer is lost it is said twice: the network has no keys', async () => {
  for (const [text, broken] of [
    ['one', 'before'],
    ['two', 'after'],
    ['three', undefined],
  ] as const) {
    const mine = by()
    api.breaks.set('sendMessage', broken ? [broken] : [])
    // The core tries again, under the same key, what failed for a moment.
    if (broken) await expect(rig.send('1001', text, mine)).rejects.toMatchObject({ failure: 'transient' })
    expect(await rig.send('1001', text, mine)).toMatchObject({ level: 'sent' })
    // What is known under it is not said again.
    await rig.send('1001', text, mine)
  }
  expect(api.called('sendMessage').map(each => each['text'])).toEqual(['one', 'two', 'two', 'three'])
  expect(rig.of('ended')).toEqual([])
})

test('what a bot is told while its session stops is heard by the next one, and what was heard before is not', async () => {
  const group = { id: -2001, type: 'group', title: 'Verona' }
  api.chat(group)
  let free = () => {}
  let isHeld = false
  let offset: string | undefined
  const kept = new (class extends Kept {
    override async set(name: string, value: string | undefined): Promise<void> {
      if (value?.includes('Mantua')) {
        isHeld = true
        await new Promise<void>(resolve => {
          free = resolve
        })
      }
      await super.set(name, value)
      if (name === 'offset') offset = value
    }
  })()
  await rig.stop()
  const settings = { api: api.url, pollSeconds: 1 }
  const first = new Stand(telegram, { kept, secrets: { token: TOKEN }, settings })
  await first.session.start()
  await first.session.joinRoom!('-2001', 'Romeo', undefined, by())
  api.says(JULIET, 'before')
  api.says(JULIET, 'meanwhile', {}, { ...group, title: 'Mantua' } as typeof group)
  expect((await first.sees('message')).text).toBe('before')
  await eventually('the group is being kept', () => isHeld)
  await first.session.stop()
  free()
  await eventually('what was heard is kept', () => offset !== undefined)
  await first.end()
  const second = new Stand(telegram, { kept, secrets: { token: TOKEN }, settings })
  await second.session.start()
  expect((await second.sees('message')).text).toBe('meanwhile')
  await second.end()
})
