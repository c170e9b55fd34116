import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { eventually } from '../../interop/eventually.ts'
import { Kept } from '../irc/context.ts'
import { type EmailStand, gateway, mail, portOf } from './stand.ts'

/** A mail server that answers as it is told. */
let server: Server
let stand: EmailStand
let answers: (line: string) => string | undefined
const heard: string[] = []
const TO = 'juliet@verona.test'

beforeEach(async () => {
  heard.length = 0
  answers = line =>
    ({ EHLO: '250-mx\r\n250 SIZE', MAIL: '250 ok', RCPT: '250 ok', DATA: '354 go', '.': '250 taken', QUIT: '221 bye' })[
      line.split(' ')[0]!
    ]
  server = createServer(socket => {
    socket.setEncoding('utf8').on('error', () => {})
    socket.write('220 mx\r\n')
    let rest = ''
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        heard.push(line)
        const answer = answers(line)
        if (answer !== undefined) socket.write(`${answer}\r\n`)
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  await stand?.end()
  server.close()
})

async function open(settings: object = {}): Promise<void> {
  stand = gateway((server.address() as { port: number }).port, { settings: { open: true, ...settings } })
  await stand.session.start()
}

/** Hands over what it likes, and sees what is said to it. */
class Sender {
  readonly socket: Socket
  said = ''
  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1').setEncoding('utf8')
    this.socket.on('error', () => {}).on('data', (chunk: string) => (this.said += chunk))
  }
  async sees(text: string): Promise<void> {
    await eventually(`the sender sees ${text}`, () => this.said.includes(text) || undefined, { seen: () => this.said })
  }
  async begins(): Promise<void> {
    this.socket.write(`EHLO x\r\nMAIL FROM:<${TO}>\r\nRCPT TO:<romeo@email.example.org>\r\nDATA\r\n`)
    await this.sees('354')
  }
}

describe('what goes out', () => {
  test('a subject with a line break is refused, and nothing is sent (threat 153)', async () => {
    await open()
    for (const subject of ['a\r\nBcc: all@verona.test', 'a\nb', 'a\rb', 'a\0b'])
      await expect(stand.session.send!(mail(TO, 'x', { subject }))).rejects.toMatchObject({ failure: 'denied' })
    await expect(stand.session.send!(mail(TO, 'x', { replyTo: '<a>\r\nBcc: b' }))).rejects.toMatchObject({
      failure: 'denied',
    })
    for (const peer of ['a@b.test>\r\nRCPT TO:<c@d.test', 'a@b.test\nX', 'a b@c.test'])
      await expect(stand.session.send!(mail(peer, 'x'))).rejects.toMatchObject({ failure: 'not-found' })
    expect(heard.filter(line => /^(?:MAIL|RCPT|DATA|Bcc)/.test(line))).toEqual([])
  })

  test.each([
    ['RCPT', '550 5.1.1 unknown', 'not-found'],
    ['RCPT', '550 5.7.1 refused', 'blocked'],
    ['RCPT', '450 4.2.0 later', 'transient'],
    ['MAIL', '552 too long', 'too-large'],
    ['.', '554 5.7.1 spam', 'blocked'],
    ['DATA', '421 going down', 'transient'],
    ['MAIL', 'garbage', 'protocol'],
  ])('%s answered by %s is %s', async (command, answer, failure) => {
    await open()
    const usual = answers
    answers = line => (line.split(' ')[0] === command ? answer : usual(line))
    await expect(stand.session.send!(mail(TO, 'hello'))).rejects.toMatchObject({ name: 'AdapterError', failure })
  })

  test('a server that offers no encryption gets nothing where it is wanted', async () => {
    await expect(open({ security: 'starttls' })).rejects.toMatchObject({ failure: 'denied' })
    expect(heard.filter(line => line.startsWith('MAIL'))).toEqual([])
  })

  test('what a server says before encryption does not count under it', async () => {
    answers = line => (line.startsWith('EHLO') ? '250-mx\r\n250 STARTTLS' : '220 go\r\n250 injected')
    await expect(open({ security: 'starttls' })).rejects.toMatchObject({ failure: 'protocol' })
  })

  test('a text of dots does not end the mail', async () => {
    await open()
    await stand.session.send!(mail(TO, '.\n..\nx'))
    expect(heard).toEqual(expect.arrayContaining(['..', '...', 'x', '.']))
  })

  test('a session that is stopped ends what is under way', async () => {
    await open()
    answers = line => (line.startsWith('EHLO') ? '250 mx' : undefined)
    const sending = stand.session.send!(mail(TO, 'hello'))
    sending.catch(() => {})
    await eventually('the server is asked', () => heard.some(line => line.startsWith('MAIL')) || undefined)
    await stand.session.stop()
    await expect(sending).rejects.toMatchObject({ failure: 'transient' })
  })
})

describe('what comes in', () => {
  test('a line that ends otherwise hides no second mail', async () => {
    await open()
    for (const end of ['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r']) {
      const sender = new Sender(portOf(stand))
      await sender.begins()
      sender.socket.write(
        `Subject: a\r\n\r\nfirst${end}MAIL FROM:<x@y.test>\r\nRCPT TO:<romeo@email.example.org>\r\nDATA\r\nFrom: boss@verona.test\r\n\r\nsecond\r\n.\r\n`,
      )
      await sender.sees('550 5.6.11')
      sender.socket.destroy()
    }
    expect(stand.count('message')).toBe(0)
  })

  test('who hands over a mail and says no more hears that it was taken, however long that lasts', async () => {
    let keep = () => {}
    const kept = new (class extends Kept {
      override async set(name: string, value: string | undefined): Promise<void> {
        await new Promise<void>(resolve => {
          keep = resolve
        })
        await super.set(name, value)
      }
    })()
    stand = gateway((server.address() as { port: number }).port, { settings: { open: true }, kept })
    await stand.session.start()
    const sender = new Sender(portOf(stand))
    await sender.begins()
    sender.socket.end('From: juliet@verona.test\r\n\r\nfarewell\r\n.\r\nQUIT\r\n')
    await eventually('the mail is under way', () => {
      keep()
      return sender.said.includes('250 2.6.0') || undefined
    })
    await sender.sees('221 2.0.0')
    await eventually('the connection is closed', () => sender.socket.closed || undefined)
    // Who goes in the midst of it is not waited for.
    const other = new Sender(portOf(stand))
    await other.begins()
    other.socket.end('From: juliet@verona.test\r\n')
    await other.sees('421 4.4.2')
    await eventually('the connection is closed', () => other.socket.closed || undefined)
  })

  test('a mail that is too long is refused, however it is announced', async () => {
    await open({ maxBytes: 10_000 })
    const sender = new Sender(portOf(stand))
    sender.socket.write(`EHLO x\r\nMAIL FROM:<${TO}> SIZE=20000\r\n`)
    await sender.sees('552 5.3.4')
    sender.said = ''
    await sender.begins()
    sender.socket.write(`${`${'x'.repeat(98)}\r\n`.repeat(200)}.\r\n`)
    await sender.sees('552 5.3.4')
    sender.said = ''
    await sender.begins()
    sender.socket.write('From: juliet@verona.test\r\n\r\nshort\r\n.\r\n')
    expect((await stand.sees('message')).text).toBe('short')
    sender.socket.destroy()
  })

  test('a line without end, and mistakes without end, close the connection', async () => {
    await open()
    const long = new Sender(portOf(stand))
    long.socket.write('x'.repeat(5000))
    await long.sees('550 5.6.11')
    const wrong = new Sender(portOf(stand))
    wrong.socket.write('VRFY romeo\r\n'.repeat(30))
    await wrong.sees('421 4.7.0')
    await eventually('both are closed', () => (long.socket.closed && wrong.socket.closed) || undefined)
  })

  test('a mail that went through too many servers is not taken, nor one that we sent (threat 157)', async () => {
    await open()
    for (const fields of [
      `${'Received: from a by b\r\n'.repeat(60)}From: a@verona.test`,
      'From: romeo@email.example.org',
    ]) {
      const sender = new Sender(portOf(stand))
      await sender.begins()
      sender.socket.write(`${fields}\r\nSubject: x\r\n\r\nround\r\n.\r\n`)
      await sender.sees('554 5.6.0')
      sender.socket.destroy()
    }
    expect(stand.count('message')).toBe(0)
  })

  test('whatever is said, the gateway stays', async () => {
    await open()
    const words = [
      'EHLO x',
      'LHLO x',
      `MAIL FROM:<${TO}>`,
      'RCPT TO:<romeo@email.example.org>',
      'DATA',
      '.',
      'RSET',
      'NOOP',
      'MAIL FROM:<>',
    ].concat([
      'Content-Type: multipart/mixed; boundary=a',
      '--a',
      '--a--',
      '',
      'Content-Transfer-Encoding: base64',
      'From: <a',
      '\0',
      '=?utf-8?B?/?=',
    ])
    for (let round = 0; round < 100; round++) {
      const sender = new Sender(portOf(stand))
      for (let line = 0; line < 40; line++)
        sender.socket.write(randomInt(20) ? `${words[randomInt(words.length)]}\r\n` : randomBytes(randomInt(50)))
      sender.socket.end('\r\n.\r\nQUIT\r\n')
      await eventually('the connection is closed', () => sender.socket.closed || undefined)
    }
    const sender = new Sender(portOf(stand))
    await sender.begins()
    sender.socket.write('From: juliet@verona.test\r\n\r\nstill here\r\n.\r\n')
    await stand.sees('message', event => event.text === 'still here')
    sender.socket.destroy()
  })
})
