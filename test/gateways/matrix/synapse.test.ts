import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Outgoing, Place } from '@parley/adapter'
import matrix from '@parley/gateway-matrix'
import { freePort } from '../../ports.ts'
import { Kept, Stand } from '../irc/context.ts'
import { AS_TOKEN, HS_TOKEN, installed, MatrixPerson, SERVER, Synapse } from './synapse.ts'

const ROMEO = 'romeo@example.org'
const GHOST = `@xmpp_romeo:${SERVER}`
let names = 0
let keys = 0

if (!installed) test.todo('Matrix with Synapse (by hand: a Python with matrix-synapse, PARLEY_TEST_SYNAPSE)')
else
  describe('Synapse', () => {
    let synapse: Synapse
    let ours: number
    let kept: Kept
    let stand: Stand<typeof matrix.settings>
    let juliet: MatrixPerson
    const open: Stand<typeof matrix.settings>[] = []

    beforeAll(async () => {
      ours = await freePort()
      synapse = await Synapse.open(ours)
    })
    afterAll(async () => {
      await synapse?.close()
    })
    beforeEach(async () => {
      kept = new Kept()
      juliet = await MatrixPerson.register(synapse.url, `juliet${++names}`)
      await enter()
    })
    afterEach(async () => {
      for (const each of open.splice(0)) await each.end()
    })

    async function enter(more: object = {}): Promise<void> {
      const settings = {
        homeserver: synapse.url,
        serverName: SERVER,
        asToken: AS_TOKEN,
        hsToken: HS_TOKEN,
        listenPort: ours,
        ...more,
      }
      stand = new Stand(matrix, { kept, settings })
      open.push(stand)
      await stand.session.start()
    }
    const by = (user = ROMEO) => ({ key: `k${++keys} ${juliet.id}`, user })
    const message = (to: Place, text: string, more: Partial<Outgoing> = {}): Outgoing => ({
      ...by(),
      to,
      text,
      receipt: false,
      ...more,
    })
    const contentOf = (event: Record<string, unknown>) => event['content'] as Record<string, unknown>
    const from =
      (sender: string, type = 'm.room.message') =>
      (event: Record<string, unknown>) =>
        event['sender'] === sender && event['type'] === type

    /** Romeo writes first, and Juliet comes into the room. */
    async function together(): Promise<{ readonly room: string; readonly id: string }> {
      const { id } = await stand.session.send!(message({ peer: juliet.id }, 'It is the east'))
      const { room_id } = await juliet.sees('the invitation', event => event['type'] === 'invite')
      await juliet.call('POST', `join/${encodeURIComponent(room_id as string)}`, {})
      await juliet.sees('the message', from(GHOST))
      return { room: room_id as string, id: id! }
    }

    test('lets in who has the right token, and not who has not', async () => {
      const error = await enter({ asToken: 'a-wrong-token', listenPort: 0 }).then(
        () => undefined,
        (thrown: Error) => thrown,
      )
      expect(error).toMatchObject({ name: 'AdapterError', failure: 'credentials' })
      expect(`${error?.stack}${stand.logged.join()}`).not.toContain('a-wrong-token')
    })

    test.each([['But, soft! 💡👩‍👩‍👧'], ['שלום'], ['one\ntwo'], ['Ω'.repeat(14_000)], ['<b>&amp;</b>']])(
      'a text goes both ways as it is: %#',
      async text => {
        const { room } = await together()
        const { id } = await stand.session.send!(message({ peer: juliet.id }, text))
        const seen = await juliet.sees('the text', from(GHOST))
        expect(seen).toMatchObject({ event_id: id, content: { msgtype: 'm.text', body: text } })
        const said = await juliet.says(room, text)
        expect(await stand.sees('message')).toEqual({
          type: 'message',
          user: ROMEO,
          peer: juliet.id,
          id: said,
          text,
          origin: 'remote',
          at: expect.any(Number),
        })
      },
    )

    test('what comes again under one key is one event', async () => {
      await together()
      const once = message({ peer: juliet.id }, 'Once')
      expect(await stand.session.send!(once)).toEqual(await stand.session.send!(once))
      await stand.session.send!(message({ peer: juliet.id }, 'Then'))
      expect(contentOf(await juliet.sees('a text', from(GHOST)))['body']).toBe('Once')
      expect(contentOf(await juliet.sees('a text', from(GHOST)))['body']).toBe('Then')
    })

    test('somebody there may write first, and the conversation goes on after a restart', async () => {
      const { room_id } = await juliet.call('POST', 'createRoom', {
        is_direct: true,
        invite: [GHOST],
        preset: 'trusted_private_chat',
      })
      await juliet.sees(
        'him come in',
        event => from(GHOST, 'm.room.member')(event) && contentOf(event)['membership'] === 'join',
      )
      await juliet.says(room_id as string, 'Ay me!')
      expect(await stand.sees('message')).toMatchObject({ user: ROMEO, peer: juliet.id, text: 'Ay me!' })
      await stand.end()
      await juliet.says(room_id as string, 'Romeo?')
      await enter()
      expect((await stand.sees('message')).text).toBe('Romeo?')
      await stand.session.send!(message({ peer: juliet.id }, 'I am here'))
      expect(await juliet.sees('the answer', from(GHOST))).toMatchObject({ room_id, content: { body: 'I am here' } })
    })

    test('answers, corrections, retractions and reactions, both ways', async () => {
      const { room, id } = await together()
      const said = await juliet.says(room, 'Wherefore', { 'm.relates_to': { 'm.in_reply_to': { event_id: id } } })
      expect(await stand.sees('message')).toMatchObject({ id: said, replyTo: id })
      await stand.session.send!(message({ peer: juliet.id }, 'Therefore', { replyTo: said }))
      expect(contentOf(await juliet.sees('the answer', from(GHOST)))['m.relates_to']).toEqual({
        'm.in_reply_to': { event_id: said },
      })

      const change = {
        'm.new_content': { msgtype: 'm.text', body: 'Why' },
        'm.relates_to': { rel_type: 'm.replace', event_id: said },
      }
      await juliet.says(room, '* Why', change)
      expect(await stand.sees('edit')).toMatchObject({ user: ROMEO, peer: juliet.id, target: said, text: 'Why' })
      await stand.session.edit!({ peer: juliet.id }, id, 'It is the west', by())
      expect(contentOf(await juliet.sees('the correction', from(GHOST)))['m.new_content']).toMatchObject({
        body: 'It is the west',
      })

      const react = (key: string) => ({ 'm.relates_to': { rel_type: 'm.annotation', event_id: id, key } })
      await juliet.sends(room, 'm.reaction', react('👍'))
      expect(await stand.sees('reaction')).toMatchObject({ target: id, emojis: ['👍'] })
      const second = await juliet.sends(room, 'm.reaction', react('🌹'))
      expect(await stand.sees('reaction')).toMatchObject({ target: id, emojis: ['👍', '🌹'] })
      await juliet.call('PUT', `rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(second)}/r1`, {})
      expect(await stand.sees('reaction')).toMatchObject({ target: id, emojis: ['👍'] })
      await stand.session.react!({ peer: juliet.id }, said, ['❤'], by())
      const reaction = await juliet.sees('the reaction', from(GHOST, 'm.reaction'))
      expect(contentOf(reaction)['m.relates_to']).toMatchObject({ event_id: said, key: '❤' })
      await stand.session.react!({ peer: juliet.id }, said, [], by())
      expect(await juliet.sees('it go', from(GHOST, 'm.room.redaction'))).toMatchObject({
        redacts: reaction['event_id'],
      })

      await juliet.call('PUT', `rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(said)}/r2`, {})
      expect(await stand.sees('retract')).toMatchObject({ user: ROMEO, peer: juliet.id, target: said })
      await stand.session.retract!({ peer: juliet.id }, id, by())
      expect(await juliet.sees('it go', from(GHOST, 'm.room.redaction'))).toMatchObject({ redacts: id })
    })

    test('typing and what was read, both ways', async () => {
      const { room, id } = await together()
      await juliet.call('PUT', `rooms/${encodeURIComponent(room)}/typing/${encodeURIComponent(juliet.id)}`, {
        typing: true,
        timeout: 20_000,
      })
      expect(await stand.sees('typing')).toEqual({ type: 'typing', user: ROMEO, state: 'composing', peer: juliet.id })
      const said = await juliet.says(room, 'done')
      await juliet.call('PUT', `rooms/${encodeURIComponent(room)}/typing/${encodeURIComponent(juliet.id)}`, {
        typing: false,
      })
      expect(await stand.sees('typing')).toMatchObject({ state: 'paused' })
      await juliet.call('POST', `rooms/${encodeURIComponent(room)}/receipt/m.read/${encodeURIComponent(id)}`, {})
      expect(await stand.sees('receipt')).toMatchObject({ user: ROMEO, peer: juliet.id, ids: [id], level: 'read' })
      await stand.session.typing!({ peer: juliet.id }, 'composing', by())
      await juliet.sees(
        'typing',
        event => event['type'] === 'm.typing' && (contentOf(event)['user_ids'] as string[]).includes(GHOST),
      )
      await stand.session.read!({ peer: juliet.id }, [said], by())
      await juliet.sees('the mark', event => event['type'] === 'm.receipt' && JSON.stringify(event).includes(GHOST))
    })

    test('presence, both ways', async () => {
      await together()
      const shows = async (presence: string, status_msg?: string) =>
        await juliet.call('PUT', `presence/${encodeURIComponent(juliet.id)}/status`, {
          presence,
          ...(status_msg && { status_msg }),
        })
      await shows('unavailable', 'in the garden')
      const away = await stand.sees('presence', event => event.presence.show === 'away')
      expect(away).toMatchObject({ user: ROMEO, id: juliet.id, presence: { text: 'in the garden' } })
      await shows('unavailable', 'busy')
      await stand.sees('presence', event => event.presence.show === 'dnd')
      await shows('online')
      await stand.sees('presence', event => event.presence.show === 'available')
      await stand.session.setPresence!({ show: 'dnd', text: 'in exile' }, by())
      await juliet.sees(
        'presence',
        event => from(GHOST, 'm.presence')(event) && contentOf(event)['status_msg'] === 'in exile',
      )
    })

    test('somebody with whom there is no room can be a contact, and is seen when they talk', async () => {
      await juliet.call('PUT', `presence/${encodeURIComponent(juliet.id)}/status`, { presence: 'online' })
      await stand.session.addContact!(juliet.id, {}, by())
      const nobody = stand.session.addContact!(`@nobody:${SERVER}`, {}, by())
      await expect(nobody).rejects.toMatchObject({ failure: 'not-found' })
      await together()
      const seen = await stand.sees('presence', ({ id }) => id === juliet.id)
      expect(seen).toMatchObject({ user: ROMEO, presence: { show: 'available' } })
    })

    test('a room: who is there, what is said, who comes and goes; heard once by each of ours', async () => {
      const alias = `garden${names}`
      const { room_id } = await juliet.call('POST', 'createRoom', {
        preset: 'public_chat',
        room_alias_name: alias,
        topic: 'What light?',
      })
      const id = `#${alias}:${SERVER}`
      const room = room_id as string
      await stand.session.joinRoom!(id, 'ignored', undefined, by())
      const { room: seen } = await stand.sees('room')
      expect(seen).toMatchObject({ id, nick: GHOST, topic: 'What light?' })
      expect(seen.members.map(({ nick }) => nick).sort()).toEqual([juliet.id, GHOST].sort())
      await stand.session.joinRoom!(id, 'ignored', undefined, by('mercutio@example.org'))
      await stand.sees('room')
      await juliet.says(room, 'Good pilgrims')
      const heard = [await stand.sees('message'), await stand.sees('message')]
      expect(heard.map(({ user }) => user).sort()).toEqual(['mercutio@example.org', ROMEO])
      expect(heard[0]).toMatchObject({ peer: id, nick: juliet.id, text: 'Good pilgrims' })
      await stand.session.send!(message({ peer: id }, 'Have not saints lips?'))
      expect(contentOf(await juliet.sees('it', from(GHOST)))['body']).toBe('Have not saints lips?')
      expect(stand.events.filter(event => event.type === 'message' && event.text.startsWith('Have'))).toEqual([
        expect.objectContaining({ user: ROMEO, origin: 'self-echo' }),
        expect.objectContaining({ user: 'mercutio@example.org', origin: 'remote', nick: GHOST }),
      ])
      await juliet.call('POST', `rooms/${encodeURIComponent(room)}/leave`, {})
      expect(await stand.sees('room-member-gone')).toMatchObject({ id, nick: juliet.id })
      await stand.session.leaveRoom!(id, by())
      expect(await stand.sees('room-left')).toMatchObject({ user: ROMEO, id })
      await expect(stand.session.send!(message({ peer: id }, 'gone'))).rejects.toMatchObject({ failure: 'denied' })
    })

    test('nobody of that name, and names of Matrix only', async () => {
      await expect(stand.session.send!(message({ peer: `@nobody:${SERVER}` }, 'x'))).rejects.toMatchObject({
        failure: 'not-found',
      })
      await expect(stand.session.send!(message({ peer: 'x' }, 'x'))).rejects.toMatchObject({ failure: 'not-found' })
      await expect(stand.session.joinRoom!(`#none:${SERVER}`, '', undefined, by())).rejects.toMatchObject({
        failure: 'not-found',
      })
      expect(await stand.session.profile!(juliet.id, by())).toEqual({
        id: juliet.id,
        name: juliet.id.slice(1, -SERVER.length - 1),
      })
    })

    test('a user whose name Matrix does not have is one there, and comes back as the same', async () => {
      const { id } = await stand.session.send!(
        message({ peer: juliet.id }, 'Bonjour', { user: "d'artagnan+ü@example.org" }),
      )
      expect(id).toBeDefined()
      const { room_id } = await juliet.sees('the invitation', event => event['type'] === 'invite')
      await juliet.call('POST', `join/${encodeURIComponent(room_id as string)}`, {})
      await juliet.says(room_id as string, 'Bonsoir')
      expect(await stand.sees('message')).toMatchObject({ user: "d'artagnan+ü@example.org", text: 'Bonsoir' })
    })
  })
