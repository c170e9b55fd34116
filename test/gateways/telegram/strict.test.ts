import { randomInt } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Outgoing, Place } from '@parley/adapter'
import telegram from '@parley/gateway-telegram'
import { eventually } from '../../interop/eventually.ts'
import { Kept, Stand } from '../irc/context.ts'
import { failed, StrictApi, TOKEN } from './strict.ts'

const JULIET = { id: 1001, first_name: 'Juliet', last_name: 'Capulet', username: 'juliet' }
const GROUP = { id: -2001, type: 'group', title: 'Verona' }

let api: StrictApi
let kept: Kept
let stand: Stand<typeof telegram.settings>
const open: Stand<typeof telegram.settings>[] = []
let keys = 0

beforeEach(async () => {
  api = await StrictApi.open()
  kept = new Kept()
})
afterEach(async () => {
  await api.close()
  for (const each of open.splice(0)) await each.end()
})

async function enter(token = TOKEN): Promise<void> {
  stand = new Stand(telegram, { kept, secrets: { token }, settings: { api: api.url, pollSeconds: 1 } })
  open.push(stand)
  await stand.session.start()
}
const message = (to: Place, text: string, more: Partial<Outgoing> = {}): Outgoing => ({
  key: `k${++keys}`,
  to,
  text,
  receipt: false,
  ...more,
})
const by = { key: 'x' }

describe('a bot', () => {
  test('says who it is', async () => {
    await enter()
    expect(stand.events).toEqual([
      { type: 'self', id: '42', name: 'Romeo' },
      { type: 'roster', contacts: [] },
    ])
  })

  test.each(['123456:wrong', 'nonsense', '', '1:../../x'])(
    'with the token %j is not let in, and the token is shown nowhere',
    async token => {
      const error = await enter(token).then(
        () => undefined,
        (thrown: Error) => thrown,
      )
      expect(error).toMatchObject({ name: 'AdapterError', failure: 'credentials' })
      if (token) expect(`${error?.stack}${stand.logged.join()}`).not.toContain(token)
    },
  )

  test('that cannot reach the network does not show its address', async () => {
    await api.close()
    const error = await enter().then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    expect(error).toMatchObject({ failure: 'transient' })
    expect(`${error?.stack}${stand.logged.join()}`).not.toContain(TOKEN)
  })

  test('that another program uses ends as replaced; one with a webhook as denied; one revoked needs a login', async () => {
    for (const [answer, failure] of [
      [failed(409, 'Conflict: terminated by other getUpdates request'), 'replaced'],
      [failed(409, "Conflict: can't use getUpdates method while webhook is active"), 'denied'],
      [failed(401, 'Unauthorized'), 'credentials'],
    ] as const) {
      api.answers.set('getUpdates', answer)
      await enter()
      expect((await stand.sees('ended')).error).toMatchObject({ failure })
      await stand.end()
    }
  })
})

describe('messages', () => {
  test('go both ways as they are, with answers', async () => {
    await enter()
    for (const text of ['But, soft! 💡👩‍👩‍👧', 'שלום', 'one\ntwo', 'e\u0301'.repeat(50)]) {
      const number = api.says(JULIET, text)
      expect(await stand.sees('message')).toEqual({
        type: 'message',
        peer: '1001',
        id: `1001/${number}`,
        text,
        origin: 'remote',
        at: 1_790_000_000_000,
      })
      await stand.session.send!(message({ peer: '1001' }, text, { replyTo: `1001/${number}` }))
      expect(api.called('sendMessage').at(-1)).toEqual({
        chat_id: 1001,
        text,
        reply_parameters: { message_id: number, allow_sending_without_reply: true },
      })
    }
    api.says(JULIET, 'Because', { reply_to_message: { message_id: 1 } })
    expect((await stand.sees('message')).replyTo).toBe('1001/1')
  })

  test('that are long go in several', async () => {
    api.chat(JULIET)
    await enter()
    const text = `${'a'.repeat(4000)} ${'👩‍👩‍👧'.repeat(1000)}`
    expect(await stand.session.send!(message({ peer: '1001' }, text))).toMatchObject({
      id: expect.stringMatching(/^1001\//),
    })
    const pieces = api.called('sendMessage').map(each => each['text'] as string)
    expect(pieces.every(piece => piece.length <= 4096)).toBe(true)
    expect(pieces.join('').replace(' ', '')).toBe(text.replace(' ', ''))
  })

  test('to whom has never written, too many at once, and to whom has blocked the bot', async () => {
    await enter()
    await expect(stand.session.send!(message({ peer: '9' }, 'x'))).rejects.toMatchObject({ failure: 'not-found' })
    api.chat(JULIET)
    api.answers.set('sendMessage', failed(429, 'Too Many Requests: retry after 7', { retry_after: 7 }))
    const again = message({ peer: '1001' }, 'x')
    await expect(stand.session.send!(again)).rejects.toMatchObject({ failure: 'limited', retryAfter: 7000 })
    await stand.session.send!(again)
    api.answers.set('sendMessage', failed(403, 'Forbidden: bot was blocked by the user'))
    await expect(stand.session.send!(message({ peer: '1001' }, 'x'))).rejects.toMatchObject({ failure: 'blocked' })
    await expect(stand.session.send!(message({ peer: '-2001', nick: 'Juliet' }, 'x'))).rejects.toMatchObject({
      failure: 'unsupported',
    })
  })

  test('are changed, taken back and reacted to, both ways where the network has it', async () => {
    await enter()
    const number = api.says(JULIET, 'Wherefore')
    await stand.sees('message')
    api.happens({ edited_message: { message_id: number, from: JULIET, chat: JULIET, text: 'Therefore' } })
    expect(await stand.sees('edit')).toEqual({
      type: 'edit',
      target: `1001/${number}`,
      text: 'Therefore',
      origin: 'remote',
      peer: '1001',
    })
    const reaction = { chat: JULIET, user: JULIET, message_id: number, new_reaction: [{ type: 'emoji', emoji: '❤' }] }
    api.happens({ message_reaction: reaction })
    expect(await stand.sees('reaction')).toMatchObject({ target: `1001/${number}`, emojis: ['❤'], peer: '1001' })
    const { id } = await stand.session.send!(message({ peer: '1001' }, 'Rose'))
    await stand.session.edit!({ peer: '1001' }, id!, 'A rose', { key: 'e' })
    expect(api.called('editMessageText')).toEqual([
      { chat_id: 1001, message_id: Number(id!.split('/')[1]), text: 'A rose' },
    ])
    await stand.session.react!({ peer: '1001' }, `1001/${number}`, ['👍', '🎉'], by)
    await stand.session.react!({ peer: '1001' }, `1001/${number}`, [], by)
    expect(api.called('setMessageReaction').map(each => each['reaction'])).toEqual([
      [{ type: 'emoji', emoji: '👍' }],
      [],
    ])
    await stand.session.retract!({ peer: '1001' }, id!, by)
    expect(api.called('deleteMessage')).toHaveLength(1)
    await expect(stand.session.retract!({ peer: '1001' }, '1002/1', by)).rejects.toMatchObject({ failure: 'not-found' })
  })

  test('typing is shown', async () => {
    api.chat(JULIET)
    await enter()
    await stand.session.typing!({ peer: '1001' }, 'composing', by)
    await stand.session.typing!({ peer: '1001' }, 'paused', by)
    expect(api.called('sendChatAction')).toEqual([{ chat_id: 1001, action: 'typing' }])
  })

  test('with a file say what stays behind; links behind words are shown', async () => {
    await enter()
    api.says(JULIET, '', { text: undefined, caption: 'Look', document: { file_name: 'a\nb.pdf' } })
    expect((await stand.sees('message')).text).toBe('Look\n[file a b.pdf: this gateway does not pass it on]')
    api.says(JULIET, 'see here', { entities: [{ type: 'text_link', offset: 4, length: 4, url: 'https://x.test/' }] })
    expect((await stand.sees('message')).text).toBe('see here (https://x.test/)')
    api.says(JULIET, '', { text: undefined, sticker: { emoji: '🌹' } })
    expect((await stand.sees('message')).text).toBe('🌹')
  })
})

describe('news', () => {
  test('come once: over a restart, and while nobody listened', async () => {
    await enter()
    api.says(JULIET, 'first')
    await stand.sees('message')
    await eventually('what was heard is kept', async () => (await kept.get('offset')) !== undefined)
    await stand.end()
    api.says(JULIET, 'while away')
    await enter()
    expect((await stand.sees('message')).text).toBe('while away')
    api.says(JULIET, 'after')
    expect((await stand.sees('message')).text).toBe('after')
    expect(stand.count('message')).toBe(2)
  })

  test('come when the network is well again, after it was not', async () => {
    await enter()
    api.answers.set('getUpdates', failed(502, 'Bad Gateway'))
    api.says(JULIET, 'wake')
    expect(await stand.sees('state')).toMatchObject({ state: 'degraded' })
    await stand.sees('message')
    expect(await stand.sees('state')).toMatchObject({ state: 'online' })
    api.says(JULIET, 'still here')
    expect((await stand.sees('message')).text).toBe('still here')
  })

  test('of whoever writes first come with who that is', async () => {
    await enter()
    api.says(JULIET, 'hello')
    expect(await stand.sees('profile')).toEqual({
      type: 'profile',
      profile: { id: '1001', name: 'Juliet Capulet', nick: 'juliet', url: 'https://t.me/juliet' },
    })
    api.says(JULIET, 'again')
    await stand.sees('message', event => event.text === 'again')
    expect(stand.count('profile')).toBe(1)
  })

  test('that are of no use are passed over', async () => {
    await enter()
    const parts = [
      null,
      1,
      'x',
      [],
      {},
      { id: 'x' },
      { id: 1e300 },
      { id: -5, title: 'x\n' },
      [{}],
      '\ud800',
      { id: 3, first_name: 7 },
    ]
    const pick = () => parts[randomInt(parts.length)]
    const names = [
      'chat',
      'from',
      'message_id',
      'text',
      'caption',
      'entities',
      'new_chat_members',
      'sticker',
      'location',
      'photo',
    ].concat(['user', 'new_reaction', 'new_chat_member', 'left_chat_member', 'new_chat_title', 'migrate_to_chat_id'])
    for (let round = 0; round < 1000; round++) {
      const value = Object.fromEntries(names.filter(() => randomInt(2)).map(name => [name, pick()]))
      api.happens({
        [['message', 'edited_message', 'message_reaction', 'my_chat_member', 'chat_member'][randomInt(5)]!]: value,
      })
    }
    api.says(JULIET, 'still here')
    await stand.sees('message', event => event.text === 'still here')
    expect(stand.count('ended')).toBe(0)
  })
})

describe('contacts', () => {
  test('are kept: added, renamed, removed', async () => {
    api.chat(JULIET)
    await enter()
    await stand.session.addContact!('1001', {}, by)
    expect((await stand.sees('contact')).contact).toEqual({ id: '1001', name: 'Juliet Capulet', subscription: 'both' })
    await stand.session.renameContact!('1001', 'Jule', by)
    expect((await stand.sees('contact')).contact.name).toBe('Jule')
    await stand.end()
    await enter()
    expect((await stand.sees('roster')).contacts).toEqual([{ id: '1001', name: 'Jule', subscription: 'both' }])
    await stand.session.removeContact!('1001', by)
    await stand.sees('contact-gone')
    await expect(stand.session.addContact!('77', {}, by)).rejects.toMatchObject({ failure: 'not-found' })
  })
})

describe('a group', () => {
  test('is a room: who runs it, who speaks, who comes and goes, its title', async () => {
    api.chat(GROUP)
    await enter()
    await stand.session.joinRoom!('-2001', 'Romeo', undefined, by)
    expect((await stand.sees('room')).room).toEqual({
      id: '-2001',
      nick: 'Romeo',
      topic: 'Verona',
      members: [
        { nick: 'Romeo', role: 'participant' },
        { nick: 'Nurse', role: 'moderator', id: '7' },
      ],
    })
    api.says(JULIET, 'Good morrow', {}, GROUP)
    expect((await stand.sees('room-member')).member).toEqual({
      nick: 'Juliet Capulet',
      role: 'participant',
      id: '1001',
    })
    expect(await stand.sees('message')).toMatchObject({ peer: '-2001', nick: 'Juliet Capulet', text: 'Good morrow' })
    api.says({ ...JULIET, id: 1002 } as typeof JULIET, 'I too', {}, GROUP)
    expect(await stand.sees('message')).toMatchObject({ nick: 'Juliet Capulet (1002)' })
    await stand.session.send!(message({ peer: '-2001' }, 'Hello all'))
    expect(await stand.sees('message')).toMatchObject({
      peer: '-2001',
      nick: 'Romeo',
      origin: 'self-echo',
      text: 'Hello all',
    })
    api.says(JULIET, '', { text: undefined, new_chat_title: 'Mantua' }, GROUP)
    expect((await stand.sees('room')).room).toMatchObject({ topic: 'Mantua', topicBy: 'Juliet Capulet' })
    await stand.session.kick!('-2001', 'Juliet Capulet', '', by)
    expect(api.called('banChatMember')).toEqual([{ chat_id: -2001, user_id: 1001 }])
    api.says(JULIET, '', { text: undefined, left_chat_member: JULIET }, GROUP)
    expect(await stand.sees('room-member-gone')).toMatchObject({ nick: 'Juliet Capulet' })
    api.happens({
      my_chat_member: { chat: GROUP, from: JULIET, new_chat_member: { status: 'kicked', user: { id: 42 } } },
    })
    expect(await stand.sees('room-left')).toMatchObject({ id: '-2001', banned: true })
  })

  test('that the user is not in is known, and not heard; one that was joined is joined again', async () => {
    await enter()
    api.says(JULIET, 'unheard', {}, GROUP)
    api.says(JULIET, 'heard')
    expect((await stand.sees('message')).text).toBe('heard')
    expect(await stand.session.listRooms!(by)).toEqual([{ id: '-2001', name: 'Verona' }])
    await stand.session.joinRoom!('-2001', 'Romeo', undefined, by)
    await stand.end()
    await enter()
    expect((await stand.sees('room')).room.id).toBe('-2001')
    await stand.session.leaveRoom!('-2001', by)
    await stand.sees('room-left')
    await stand.end()
    await enter()
    expect(stand.count('room')).toBe(0)
  })
})
