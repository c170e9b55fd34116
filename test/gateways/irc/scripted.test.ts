import { randomBytes, randomInt } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { KeptMap } from '@parley/adapter'
import { Kept, type Stand } from './context.ts'
import { type IrcStand, message, romeo } from './plays.ts'
import { Scripted } from './scripted.ts'

const PASSWORD = 'wherefore-art-thou'

let server: Scripted
let stand: IrcStand

beforeEach(async () => {
  server = await Scripted.open()
})
afterEach(async () => {
  await server.close()
  await stand?.end()
})

function enter(more: ConstructorParameters<typeof Stand>[1] = {}): Promise<void> {
  stand = romeo(server.port, more)
  const started = stand.session.start()
  started.catch(() => {})
  return started
}

async function online(more: ConstructorParameters<typeof Stand>[1] = {}, ...features: string[]): Promise<void> {
  const started = enter(more)
  await server.welcomes('Romeo', ...features)
  await started
}

describe('who the user is', () => {
  test('is proven by SASL PLAIN, in pieces where it is long', async () => {
    const long = 'x'.repeat(600)
    const started = enter({ secrets: { password: long } })
    await server.hears(/^CAP LS 302$/)
    server.says(':irc.test CAP * LS * :multi-prefix server-time', ':irc.test CAP * LS :sasl=PLAIN,EXTERNAL away-notify')
    expect(await server.hears(/^CAP REQ/)).toBe('CAP REQ :server-time multi-prefix away-notify sasl')
    server.says(':irc.test CAP * ACK :server-time multi-prefix away-notify sasl')
    await server.hears(/^AUTHENTICATE PLAIN$/)
    server.says('AUTHENTICATE +')
    const pieces = [
      await server.hears(/^AUTHENTICATE/),
      await server.hears(/^AUTHENTICATE/),
      await server.hears(/^AUTHENTICATE/),
    ]
    const words = pieces.map(line => line.slice('AUTHENTICATE '.length))
    expect(words.map(word => word.length)).toEqual([400, 400, 12])
    expect(Buffer.from(words.join(''), 'base64').toString()).toBe(`\0Romeo\0${long}`)
    server.says(':irc.test 903 * :done')
    await server.hears(/^CAP END$/)
    server.says(':irc.test 001 Romeo :Welcome', ':irc.test 422 Romeo :No message of the day')
    await started
    expect(stand.events[0]).toEqual({ type: 'self', id: 'romeo', name: 'Romeo' })
  })

  test('a wrong password is for the user to put right, and is in no log and no error', async () => {
    const started = enter({ secrets: { password: PASSWORD } })
    await server.hears(/^CAP LS/)
    server.says(':irc.test CAP * LS :sasl')
    await server.hears(/^CAP REQ/)
    server.says(':irc.test CAP * ACK :sasl')
    await server.hears(/^AUTHENTICATE/)
    server.says('AUTHENTICATE +')
    await server.hears(/^AUTHENTICATE/)
    server.says(`:irc.test 904 * :SASL failed for ${PASSWORD}`)
    const error = await started.then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    expect(error).toMatchObject({ failure: 'credentials' })
    expect(`${error?.stack} ${stand.logged.join()} ${JSON.stringify(stand.events)}`).not.toContain(PASSWORD)
  })

  test('a password is not given to a network that has no SASL, whether it has CAP or not', async () => {
    const started = enter({ secrets: { password: PASSWORD } })
    await server.hears(/^CAP LS/)
    await server.hears(/^USER/)
    server.says(':irc.test CAP * LS :server-time')
    await expect(started).rejects.toMatchObject({ failure: 'denied' })
    await stand.end()
    const again = enter({ secrets: { password: PASSWORD } })
    await server.welcomes('Romeo')
    await expect(again).rejects.toMatchObject({ failure: 'denied' })
    expect(server.heard.join()).not.toContain(PASSWORD)
  })

  test('the service for nicknames is told, and its refusal is one', async () => {
    const more = { secrets: { password: PASSWORD }, settings: { identify: 'nickserv' } }
    const started = enter(more)
    await server.welcomes('Romeo')
    expect(await server.hears(/^PRIVMSG/)).toBe(`PRIVMSG NickServ :IDENTIFY ${PASSWORD}`)
    server.says(':NickServ!s@services NOTICE Romeo :You are now identified for Romeo.')
    await started
    await stand.end()
    await server.hears(/^QUIT/)
    const again = enter(more)
    await server.welcomes('Romeo')
    await server.hears(/^PRIVMSG/)
    server.says(':NickServ!s@services NOTICE Romeo :Invalid password for Romeo.')
    await expect(again).rejects.toMatchObject({ failure: 'credentials' })
  })

  test('a server with a password of its own gets it by PASS', async () => {
    const started = enter({ secrets: { password: PASSWORD }, settings: { identify: 'pass' } })
    expect(await server.hears(/^PASS/)).toBe(`PASS ${PASSWORD}`)
    server.says(':irc.test 464 * :Bad password')
    await expect(started).rejects.toMatchObject({ failure: 'credentials' })
  })
})

describe('the end', () => {
  test.each([
    ['ERROR :Closing Link: 127.0.0.1 (Killed (NickServ (GHOST command used)))', 'replaced'],
    ['ERROR :Closing Link: (K-Lined)', 'denied'],
    ['ERROR :Trying to reconnect too fast.', 'limited'],
    ['ERROR :Ping timeout', 'transient'],
    [':op!o@h KILL Romeo :ghosted', 'replaced'],
  ])('%s is %s', async (line, failure) => {
    await online()
    server.says(line)
    expect((await stand.sees('ended')).error).toMatchObject({ name: 'AdapterError', failure })
  })

  test('a connection that is cut ends the session once, and what was asked fails', async () => {
    await online()
    const asked = stand.session.ping!()
    asked.catch(() => {})
    server.cut()
    await expect(asked).rejects.toMatchObject({ failure: 'transient' })
    expect((await stand.sees('ended')).error).toMatchObject({ failure: 'transient' })
    await expect(stand.session.send!(message({ peer: 'juliet' }, 'hello'))).rejects.toMatchObject({
      failure: 'transient',
    })
    expect(stand.count('ended')).toBe(1)
  })

  test.each([randomBytes(100), Buffer.alloc(50, 0xff), Buffer.from('\0\0'), Buffer.from('HTTP/1.1 400 Bad Request')])(
    'what is no IRC ends the session: %#',
    async bytes => {
      await online()
      server.saysBytes(Buffer.concat([bytes, Buffer.from('\r\n')]))
      expect((await stand.sees('ended')).error).toMatchObject({ failure: 'protocol' })
    },
  )

  test('a line without end ends the session', async () => {
    await online()
    server.saysBytes(Buffer.alloc(40_000, 'x'))
    expect((await stand.sees('ended')).error).toMatchObject({ failure: 'protocol' })
  })

  test('one that is stopped says nothing more', async () => {
    await online()
    const stopped = stand.session.stop()
    await server.hears(/^QUIT/)
    server.says(':juliet!j@h PRIVMSG Romeo :too late')
    server.cut()
    await stopped
    expect(stand.count('message') + stand.count('ended')).toBe(0)
  })

  test('one that is stopped while it starts gives up', async () => {
    const started = enter()
    await server.hears(/^USER/)
    await stand.session.stop()
    await expect(started).rejects.toMatchObject({ failure: 'transient' })
    expect(stand.count('ended')).toBe(0)
  })
})

describe('contacts', () => {
  test('are asked for by MONITOR as far as it goes, then by ISON', async () => {
    const kept = new Kept()
    const list = new KeptMap(kept, 'contacts', 32)
    for (const id of ['juliet', 'nurse']) await list.set(id, {})
    await online({ kept }, 'MONITOR=1')
    expect(await server.hears(/^MONITOR/)).toBe('MONITOR + juliet')
    expect(await server.hears(/^ISON/)).toBe('ISON nurse')
    server.says(':irc.test 730 Romeo :Juliet!j@h', ':irc.test 303 Romeo :Nurse')
    expect(await stand.sees('presence')).toMatchObject({ id: 'juliet', presence: { show: 'available' } })
    expect(await stand.sees('presence')).toMatchObject({ id: 'nurse', presence: { show: 'available' } })
    expect(await server.hears(/^USERHOST/)).toMatch(/^USERHOST (?:juliet nurse|nurse juliet)$/)
    server.says(':irc.test 302 Romeo :Juliet=+j@h Nurse*=-n@h')
    expect(await stand.sees('presence')).toEqual({
      type: 'presence',
      id: 'nurse',
      presence: { show: 'away', native: 'away' },
    })
  })

  test('are told apart as the server does: [] and {} may be the same', async () => {
    await online({}, 'CASEMAPPING=rfc1459')
    server.says(':Ro[se]!r@h PRIVMSG Romeo :by any other name')
    expect((await stand.sees('message')).peer).toBe('ro{se}')
  })
})

describe('what is said', () => {
  test('goes as the network allows: a burst, then one each interval', async () => {
    await online({ settings: { burst: 2, interval: 150 } })
    const begun = Date.now()
    await Promise.all(['a', 'b', 'c', 'd'].map(text => stand.session.send!(message({ peer: 'juliet' }, text))))
    expect(Date.now() - begun).toBeGreaterThanOrEqual(290)
    await server.hears(/:?d$/)
    expect(server.heard.filter(line => line.startsWith('PRIVMSG'))).toEqual(
      ['a', 'b', 'c', 'd'].map(text => `PRIVMSG juliet ${text}`),
    )
  })

  test('has the time of the server, and comes from the user elsewhere where it is their own', async () => {
    await online()
    server.says(
      '@time=2026-01-02T03:04:05.678Z;msgid=x1 :juliet!j@h PRIVMSG Romeo :once',
      '@msgid=x2 :Romeo!r@h PRIVMSG juliet :from my telephone',
    )
    expect(await stand.sees('message')).toMatchObject({ id: 'x1', at: Date.parse('2026-01-02T03:04:05.678Z') })
    expect(await stand.sees('message')).toMatchObject({ id: 'x2', peer: 'juliet', origin: 'self-elsewhere' })
  })

  test('is Latin-1 where it is no UTF-8, and a notice where it comes from no person', async () => {
    await online()
    server.saysBytes(Buffer.concat([Buffer.from(':juliet!j@h PRIVMSG Romeo :caf'), Buffer.from([0xe9, 0x0d, 0x0a])]))
    expect((await stand.sees('message')).text).toBe('café')
    server.says(':*status!znc@znc.in PRIVMSG Romeo :You are detached', ':irc.test NOTICE Romeo :We restart soon')
    expect((await stand.sees('notice')).text).toBe('*status: You are detached')
    expect((await stand.sees('notice')).text).toBe('We restart soon')
  })

  test('a name with a space or a line break goes nowhere (threat 152)', async () => {
    await online()
    for (const peer of ['juliet x', 'juliet\r\nQUIT', ':juliet'])
      await expect(stand.session.send!(message({ peer }, 'hello'))).rejects.toMatchObject({ failure: 'denied' })
    await expect(stand.session.joinRoom!('#a\r\nQUIT', '', undefined, { key: 'j' })).rejects.toBeDefined()
    await expect(stand.session.setNick!('#a', 'x\nQUIT', { key: 'n' })).rejects.toMatchObject({ failure: 'denied' })
    await stand.session.setPresence!({ show: 'away', text: 'a\r\nQUIT' }, { key: 'p' })
    expect(await server.hears(/^AWAY/)).toBe('AWAY :a QUIT')
    expect(server.heard.filter(line => /^QUIT|^NICK x/.test(line))).toEqual([])
  })
})

describe('a server that is out of its mind', () => {
  const words = [
    'JOIN',
    'PART',
    'KICK',
    'MODE',
    'NICK',
    'QUIT',
    'PRIVMSG',
    'NOTICE',
    'TAGMSG',
    'BATCH',
    'CAP',
    '353',
    '366',
  ].concat(['324', '332', '005', '730', '731', '303', '302', '401', '433', 'AWAY', 'TOPIC', 'INVITE', '734', '301'])
  const params = [
    'Romeo',
    '#x',
    ':',
    '+ovbk-l',
    '@+a',
    '*',
    '',
    'PREFIX=(ov)@+',
    'CHANMODES=b,k,l,',
    ':a b c',
    '+r',
    'LS',
    '\x01',
  ]
  const pick = (list: readonly string[]) => list[randomInt(list.length)]!

  test('is borne: nothing that it says ends in anything but an error of an adapter', async () => {
    await online()
    void stand.session.joinRoom!('#x', '', undefined, { key: 'j' }).catch(() => {})
    for (let round = 0; round < 2000; round++) {
      const line = [
        ...(randomInt(3) === 0
          ? [`@${pick(['label=p1', 'batch=r', 'msgid', 'time=x', '=;;', '+typing=active'])}`]
          : []),
        ...[pick([':Romeo!r@h', ':juliet!j@h', ':irc.test', ':', ''])].filter(Boolean),
        pick(words),
        ...Array.from({ length: randomInt(5) }, () => pick(params)),
      ].join(' ')
      server.says(line)
    }
    const token = server.hears(/^PING/)
    const answer = stand.session.ping!()
    answer.catch(() => {})
    server.says((await token).replace('PING', ':irc.test PONG irc.test'))
    await answer
  })
})
