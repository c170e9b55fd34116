import { expect, test } from '@jest/globals'
import type { Outgoing, Place } from '@parley/adapter'
import irc from '@parley/gateway-irc'
import { Kept, Stand } from './context.ts'
import { Person } from './person.ts'
import type { Server } from './servers.ts'

export interface Powers {
  /** Messages have ids and times, and their senders hear of them. */
  readonly echoes: boolean
  readonly typing: boolean
  /** Those who are watched are told of at once. */
  readonly monitor: boolean
}

export type IrcStand = Stand<typeof irc.settings>

let keys = 0
export function message(to: Place, text: string, more: Partial<Outgoing> = {}): Outgoing {
  return { key: `k${++keys}`, to, text, receipt: false, ...more }
}

export function romeo(port: number, more: ConstructorParameters<typeof Stand>[1] = {}): IrcStand {
  const settings = { host: '127.0.0.1', port, tls: false, burst: 100, interval: 100, ...more.settings }
  return new Stand(irc, { fields: { nick: 'Romeo', realname: 'Romeo Montague' }, ...more, settings })
}

interface Stage {
  /** Logs the user in. */
  enter(more?: ConstructorParameters<typeof Stand>[1]): Promise<IrcStand>
  /** Somebody else. */
  person(nick: string): Promise<Person>
}

/** What holds on any server. Each play has one of its own, so that they do not wait for each other. */
export function plays(open: () => Promise<Server>, powers: Powers): void {
  const play = (title: string, run: (stage: Stage) => Promise<void>) =>
    test.concurrent(title, async () => {
      const server = await open()
      const leaving: (() => unknown)[] = []
      const enter: Stage['enter'] = async (more = {}) => {
        const stand = romeo(server.port, more)
        leaving.push(() => stand.end())
        await stand.session.start()
        return stand
      }
      const person: Stage['person'] = async nick => {
        const there = await Person.enter(server.port, nick, powers.typing ? 'message-tags' : '')
        leaving.push(() => there.leave())
        return there
      }
      try {
        await run({ enter, person })
      } finally {
        for (const leave of leaving) await leave()
        await server.stop()
      }
    })

  play('logs in and says who the user is', async ({ enter }) => {
    const { events } = await enter()
    expect(events.slice(0, 2)).toEqual([
      { type: 'self', id: 'romeo', name: 'Romeo' },
      { type: 'roster', contacts: [] },
    ])
  })

  play(
    'a nickname that is taken gets a sign more, the user is told, and it is taken back when it is free',
    async ({ enter, person }) => {
      const other = await person('Romeo')
      const stand = await enter()
      expect(await stand.sees('self')).toEqual({ type: 'self', id: 'romeo_', name: 'Romeo_' })
      expect((await stand.sees('notice')).text).toBe('The nickname Romeo is taken: you are Romeo_ for now')
      await stand.session.joinRoom!('#verona', 'Romeo', undefined, { key: 'j' })
      other.says('JOIN #verona')
      await stand.sees('room-member')
      other.says('NICK Paris')
      expect(await stand.sees('self')).toEqual({ type: 'self', id: 'romeo', name: 'Romeo' })
    },
  )

  play(
    'messages go both ways as they are: emoji, right to left, and long ones in several',
    async ({ enter, person }) => {
      const stand = await enter()
      const juliet = await person('Juliet')
      for (const text of ['But, soft! 💡👩‍👩‍👧', 'שלום מרומאו', 'e\u0301'.repeat(20)]) {
        await stand.session.send!(message({ peer: 'juliet' }, text))
        expect(await juliet.sees(/PRIVMSG/)).toMatch(
          new RegExp(`^(?:@\\S+ )?:Romeo!\\S+ PRIVMSG Juliet :${text}$`, 'i'),
        )
        juliet.says(`PRIVMSG Romeo :${text}`)
        const heard = await stand.sees('message', event => event.origin === 'remote')
        expect(heard).toMatchObject({ peer: 'juliet', text, origin: 'remote' })
        expect(typeof heard.id).toBe(powers.echoes ? 'string' : 'undefined')
      }
      const long = 'Ω'.repeat(600)
      await stand.session.send!(message({ peer: 'juliet' }, long))
      let whole = ''
      while (whole.length < long.length) whole += / PRIVMSG Juliet :(.*)$/i.exec(await juliet.sees(/PRIVMSG/))![1]
      expect(whole).toBe(long)
    },
  )

  play(
    'lines of one text are messages in their order, and no line begins a command (threat 152)',
    async ({ enter, person }) => {
      const stand = await enter()
      const juliet = await person('Juliet')
      await stand.session.send!(message({ peer: 'juliet' }, 'one\r\nQUIT :gone\ntwo\0\rJOIN #x\n\nthree'))
      for (const line of ['one', 'QUIT :gone', 'two', 'JOIN #x', 'three'])
        expect(await juliet.sees(/PRIVMSG/)).toMatch(new RegExp(`:${line}$`))
      await stand.session.ping!()
    },
  )

  play('colours are left out, and an action is /me both ways', async ({ enter, person }) => {
    const stand = await enter()
    const juliet = await person('Juliet')
    juliet.says('PRIVMSG Romeo :\x02\x0304,12red\x0f and \x1dslanted')
    expect((await stand.sees('message')).text).toBe('red and slanted')
    juliet.says('PRIVMSG Romeo :\x01ACTION sighs\x01')
    expect((await stand.sees('message')).text).toBe('/me sighs')
    await stand.session.send!(message({ peer: 'juliet' }, '/me kneels'))
    expect(await juliet.sees(/PRIVMSG/)).toMatch(/:\x01ACTION kneels\x01$/)
  })

  play('a question of one program to another is not answered', async ({ enter, person }) => {
    const stand = await enter()
    const juliet = await person('Juliet')
    juliet.says('PRIVMSG Romeo :\x01VERSION\x01')
    juliet.says('PRIVMSG Romeo :after')
    expect((await stand.sees('message')).text).toBe('after')
    await stand.session.ping!()
    expect(juliet.lines.filter(line => / NOTICE Juliet/.test(line))).toEqual([])
  })

  play('who writes to nobody is told', async ({ enter }) => {
    const stand = await enter()
    const sending = stand.session.send!(message({ peer: 'nobody' }, 'Is anyone there?', { key: 'lost' }))
    if (powers.echoes) {
      await expect(sending).rejects.toMatchObject({ failure: 'not-found', message: 'Nobody of that name is there' })
      return
    }
    await sending
    expect(await stand.sees('bounced')).toMatchObject({ key: 'lost', error: { failure: 'not-found' } })
  })

  play('contacts come, go away, are back, and leave; the list is kept', async ({ enter, person }) => {
    const kept = new Kept()
    const stand = await enter({ kept })
    await stand.session.addContact!('juliet', { name: 'Jule', groups: ['Verona'] }, { key: 'a' })
    expect((await stand.sees('contact')).contact).toEqual({
      id: 'juliet',
      name: 'Jule',
      groups: ['Verona'],
      subscription: 'both',
    })
    expect(await stand.sees('presence')).toMatchObject({ id: 'juliet', presence: { show: 'unavailable' } })
    const juliet = await person('Juliet')
    juliet.says('JOIN #balcony')
    await stand.session.joinRoom!('#balcony', 'Romeo', undefined, { key: 'b' })
    if (!powers.monitor) juliet.says('PRIVMSG Romeo :here')
    expect((await stand.sees('presence')).presence).toEqual({ show: 'available', native: 'here' })
    if (powers.monitor) {
      juliet.says('AWAY :at the mass')
      expect((await stand.sees('presence')).presence).toEqual({ show: 'away', text: 'at the mass', native: 'away' })
      juliet.says('AWAY :busy')
      expect((await stand.sees('presence')).presence).toEqual({ show: 'dnd', native: 'away' })
      juliet.says('AWAY')
      expect((await stand.sees('presence')).presence).toEqual({ show: 'available', native: 'here' })
    }
    juliet.says('QUIT :farewell')
    expect(await stand.sees('presence')).toMatchObject({ id: 'juliet', presence: { show: 'unavailable' } })
    await stand.end()
    const again = await enter({ kept })
    expect((await again.sees('roster')).contacts).toEqual([
      { id: 'juliet', name: 'Jule', groups: ['Verona'], subscription: 'both' },
    ])
    await again.session.removeContact!('juliet', { key: 'r' })
    expect(await again.sees('contact-gone')).toEqual({ type: 'contact-gone', id: 'juliet' })
  })

  for (const [show, text, away] of [
    ['available', undefined, undefined],
    ['chat', undefined, undefined],
    ['away', undefined, 'away'],
    ['away', 'in the garden\r\nQUIT', 'in the garden QUIT'],
    ['xa', undefined, 'away'],
    ['dnd', undefined, 'busy'],
  ] as const)
    play(`presence ${show} ${text} is AWAY ${away}`, async ({ enter, person }) => {
      const stand = await enter()
      const juliet = await person('Juliet')
      await stand.session.setPresence!({ show: 'away', text: 'before' }, { key: 'p1' })
      await stand.session.setPresence!({ show, ...(text === undefined ? {} : { text }) }, { key: 'p2' })
      await stand.session.ping!()
      juliet.says('WHOIS Romeo')
      const line = await juliet.sees(/ (?:301|318) Juliet Romeo/)
      if (away === undefined) expect(line).toContain(' 318 ')
      else expect(line).toMatch(new RegExp(` 301 Juliet Romeo :${away}$`))
    })

  play(
    'a channel: topic, members with their roles, what is said, who comes, goes and is renamed',
    async ({ enter, person }) => {
      const juliet = await person('Juliet')
      juliet.says('JOIN #Garden')
      await juliet.sees(/ 366 /)
      juliet.says('TOPIC #garden :What light is that?')
      await juliet.sees(/ TOPIC /)
      const stand = await enter()
      await stand.session.joinRoom!('#garden', 'ignored', undefined, { key: 'j' })
      const { room } = await stand.sees('room')
      expect(room).toMatchObject({ id: '#garden', nick: 'Romeo', topic: 'What light is that?' })
      expect([...room.members].sort((a, b) => (a.nick < b.nick ? -1 : 1))).toEqual([
        { nick: 'Juliet', role: 'moderator', id: 'juliet' },
        { nick: 'Romeo', role: 'participant', id: 'romeo' },
      ])
      juliet.says('PRIVMSG #garden :Good pilgrim')
      expect(await stand.sees('message')).toMatchObject({
        peer: '#garden',
        nick: 'Juliet',
        text: 'Good pilgrim',
        origin: 'remote',
      })
      await stand.session.send!(message({ peer: '#garden' }, 'O speak again'))
      expect(await juliet.sees(/PRIVMSG #garden/i)).toContain(':O speak again')
      expect(await stand.sees('message')).toMatchObject({
        peer: '#garden',
        nick: 'Romeo',
        origin: 'self-echo',
        text: 'O speak again',
      })
      const nurse = await person('Nurse')
      nurse.says('JOIN #garden')
      expect(await stand.sees('room-member')).toMatchObject({
        id: '#garden',
        member: { nick: 'Nurse', role: 'participant' },
      })
      juliet.says('MODE #garden +m')
      expect((await stand.sees('room-member', event => event.member.nick === 'Nurse')).member.role).toBe('visitor')
      juliet.says('MODE #garden +v Nurse')
      expect((await stand.sees('room-member', event => event.member.nick === 'Nurse')).member.role).toBe('participant')
      nurse.says('NICK Angelica')
      expect(await stand.sees('room-member')).toMatchObject({ member: { nick: 'Angelica' }, before: 'Nurse' })
      nurse.says('QUIT :called')
      expect(await stand.sees('room-member-gone')).toMatchObject({ id: '#garden', nick: 'Angelica' })
      await stand.session.leaveRoom!('#garden', { key: 'l' })
      expect(await stand.sees('room-left')).toMatchObject({ id: '#garden' })
    },
  )

  play('whoever runs a channel sets its topic, invites and removes; others are refused', async ({ enter, person }) => {
    const stand = await enter()
    const juliet = await person('Juliet')
    await stand.session.joinRoom!('#tomb', 'Romeo', undefined, { key: 'j' })
    await stand.session.setTopic!('#tomb', 'Thus with a kiss', { key: 't' })
    expect((await stand.sees('room', event => event.room.topic !== undefined)).room.topic).toBe('Thus with a kiss')
    await stand.session.invite!('#tomb', 'juliet', { key: 'i' })
    await juliet.sees(/INVITE Juliet :?#tomb/i)
    juliet.says('JOIN #tomb')
    await stand.sees('room-member')
    await stand.session.kick!('#tomb', 'Juliet', 'too late', { key: 'k' })
    expect(await stand.sees('room-member-gone')).toEqual({
      type: 'room-member-gone',
      id: '#tomb',
      nick: 'Juliet',
      reason: 'too late',
    })
    juliet.says('JOIN #feast')
    await juliet.sees(/ 366 /)
    await stand.session.joinRoom!('#feast', 'Romeo', undefined, { key: 'j2' })
    await expect(stand.session.kick!('#feast', 'Juliet', 'no', { key: 'k2' })).rejects.toMatchObject({
      failure: 'denied',
    })
  })

  play('who is removed and banned is told so, and does not come in again', async ({ enter, person }) => {
    const juliet = await person('Juliet')
    juliet.says('JOIN #feast')
    await juliet.sees(/ 366 /)
    const stand = await enter()
    await stand.session.joinRoom!('#feast', 'Romeo', undefined, { key: 'j' })
    juliet.says('MODE #feast +b Romeo!*@*')
    juliet.says('KICK #feast Romeo :a villain')
    expect(await stand.sees('room-left')).toEqual({
      type: 'room-left',
      id: '#feast',
      reason: 'a villain',
      banned: true,
    })
    await expect(stand.session.joinRoom!('#feast', 'Romeo', undefined, { key: 'j2' })).rejects.toMatchObject({
      failure: 'denied',
      message: 'You are banned from this channel',
    })
  })

  play('a channel with a password, and one only for the invited', async ({ enter, person }) => {
    const juliet = await person('Juliet')
    juliet.says('JOIN #chamber')
    await juliet.sees(/ 366 /)
    juliet.says('MODE #chamber +k rose')
    await juliet.sees(/MODE #chamber/i)
    const stand = await enter()
    await expect(stand.session.joinRoom!('#chamber', 'R', 'thorn', { key: 'j' })).rejects.toMatchObject({
      failure: 'denied',
    })
    await stand.session.joinRoom!('#chamber', 'R', 'rose', { key: 'j2' })
    expect((await stand.sees('room')).room.id).toBe('#chamber')
  })

  play('the user changes the nickname; one that is taken is refused', async ({ enter, person }) => {
    const stand = await enter()
    await person('Juliet')
    await stand.session.joinRoom!('#street', 'Romeo', undefined, { key: 'j' })
    await expect(stand.session.setNick!('#street', 'Juliet', { key: 'n' })).rejects.toMatchObject({
      failure: 'denied',
      message: 'The nickname is taken',
    })
    await stand.session.setNick!('#street', 'Montague', { key: 'n2' })
    expect(await stand.sees('room-member')).toMatchObject({ member: { nick: 'Montague' }, before: 'Romeo' })
    expect(await stand.sees('self')).toMatchObject({ id: 'montague' })
  })

  play('lists channels, and shows who somebody is', async ({ enter, person }) => {
    const juliet = await person('Juliet')
    juliet.says('JOIN #garden')
    await juliet.sees(/ 366 /)
    juliet.says('TOPIC #garden :Light')
    await juliet.sees(/ TOPIC /)
    const stand = await enter()
    expect(await stand.session.listRooms!({ key: 'l' })).toContainEqual({
      id: '#garden',
      name: expect.stringMatching(/Light$/),
      occupants: 1,
    })
    expect(await stand.session.profile!('juliet', { key: 'p' })).toMatchObject({
      id: 'juliet',
      name: 'Juliet of Verona',
    })
    await expect(stand.session.profile!('nobody', { key: 'p2' })).rejects.toMatchObject({ failure: 'not-found' })
  })

  play('channels are joined again by the next session after one that was cut', async ({ enter }) => {
    const kept = new Kept()
    const stand = await enter({ kept })
    await stand.session.joinRoom!('#road', 'Romeo', undefined, { key: 'j' })
    await stand.end()
    const again = await enter({ kept })
    expect((await again.sees('room')).room.id).toBe('#road')
  })

  play('what comes again under one key is said once', async ({ enter, person }) => {
    const stand = await enter()
    const juliet = await person('Juliet')
    const once = message({ peer: 'juliet' }, 'Once')
    expect(await stand.session.send!(once)).toEqual(await stand.session.send!(once))
    await stand.session.send!(message({ peer: 'juliet' }, 'Then'))
    expect(await juliet.sees(/PRIVMSG/)).toMatch(/:Once$/)
    expect(await juliet.sees(/PRIVMSG/)).toMatch(/:Then$/)
  })

  if (powers.typing)
    play('typing goes both ways, and an answer says to what', async ({ enter, person }) => {
      const stand = await enter()
      const juliet = await person('Juliet')
      await stand.session.typing!({ peer: 'juliet' }, 'composing', { key: 't' })
      expect(await juliet.sees(/TAGMSG/)).toMatch(/\+typing=active/)
      juliet.says('@+typing=active TAGMSG Romeo')
      expect(await stand.sees('typing')).toEqual({ type: 'typing', state: 'composing', peer: 'juliet' })
      juliet.says('@+typing=done TAGMSG Romeo')
      expect(await stand.sees('typing')).toEqual({ type: 'typing', state: 'gone', peer: 'juliet' })
      const ack = await stand.session.send!(message({ peer: 'juliet' }, 'Wherefore?'))
      expect(ack).toMatchObject({ level: 'sent', id: expect.any(String) })
      juliet.says(`@+draft/reply=${ack.id} PRIVMSG Romeo :Because`)
      expect(await stand.sees('message', event => event.origin === 'remote')).toMatchObject({ replyTo: ack.id })
    })

  play('many sessions talk to one another', async ({ enter }) => {
    const people = await Promise.all(
      ['Tybalt', 'Mercutio', 'Benvolio', 'Paris'].map(nick => enter({ fields: { nick } })),
    )
    await Promise.all(people.map(each => each.session.joinRoom!('#square', '', undefined, { key: 'j' })))
    for (const each of people) await each.session.send!(message({ peer: '#square' }, 'Here'))
    for (const each of people)
      for (let heard = 0; heard < people.length; heard++) await each.sees('message', event => event.text === 'Here')
  })
}
