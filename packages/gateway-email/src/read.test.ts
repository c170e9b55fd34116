import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { readMail } from './read.ts'

const NOW = Date.UTC(2026, 0, 10)
const read = async (text: string, from = 'juliet@verona.test') =>
  await readMail(from, Buffer.from(text.replaceAll('\n', '\r\n')), NOW)

describe('a mail', () => {
  test('says who wrote it, when, and what', async () => {
    const text =
      'From: =?utf-8?Q?J=C3=BClia?= <Juliet@Verona.test>\nDate: Fri, 9 Jan 2026 10:00:00 +0100\nMessage-ID: <a@b>\nSubject: =?utf-8?B?4pmh?=\n\nHello'
    expect(await read(text)).toEqual({
      type: 'message',
      from: 'juliet@verona.test',
      id: '<a@b>',
      subject: '♡',
      text: 'Hello',
      at: Date.UTC(2026, 0, 9, 9),
      references: [],
      results: [],
    })
  })

  test('that was written in the future, or years ago, was written now', async () => {
    for (const year of ['2030', '1999', 'x'])
      expect(await read(`From: a@b.cd\nDate: 9 Jan ${year} 10:00:00 +0000\n\nx`)).toMatchObject({ at: NOW })
  })

  test('without an id has one, and the same each time', async () => {
    const first = await read('From: a@b.cd\n\nx')
    expect(first).toMatchObject({ id: expect.stringMatching(/^<[0-9a-f]{64}@parley\.invalid>$/) })
    expect(await read('From: a@b.cd\n\nx')).toEqual(first)
  })

  test.each(['Auto-Submitted: auto-replied', 'Precedence: bulk', 'List-Id: <x.y.z>', 'X-Autoreply: yes'])(
    'with %s is automatic',
    async field => {
      expect(await read(`From: a@b.cd\nSubject: Away\n${field}\n\nI am away`)).toEqual({
        type: 'automatic',
        from: 'a@b.cd',
        subject: 'Away',
        text: 'I am away',
      })
    },
  )

  test('of nobody is automatic; one that says no is not', async () => {
    expect(await read('From: a@b.cd\n\nx', '')).toMatchObject({ type: 'automatic' })
    expect(await read('From: a@b.cd\nAuto-Submitted: no\n\nx')).toMatchObject({ type: 'message' })
  })

  test('that reports a failure names the mail, one that reports a delay is not final', async () => {
    const report = (action: string) =>
      `From: Mailer <mailer-daemon@mx.test>\nMessage-ID: <own@mx>\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822;x@y.test\nAction: ${action}\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <lost@us>\n\n--b--\n`
    expect(await read(report('failed'), '')).toEqual({ type: 'bounce', ids: ['<lost@us>'], final: true })
    expect(await read(report('delayed'), '')).toEqual({ type: 'bounce', ids: ['<lost@us>'], final: false })
  })

  test('of nobody that can be named is none', async () => {
    for (const from of ['', 'a', '"a b"@c.de', '<script>'])
      expect(await read(`From: ${from}\n\nx`, 'no address')).toBeUndefined()
  })

  test('in HTML is read, with files left behind', async () => {
    const text =
      'From: a@b.cd\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>Hello &amp; goodbye</p>\n--b\nContent-Type: image/png; name="a\u0007.png"\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n'
    expect(await read(text)).toMatchObject({
      text: expect.stringMatching(/^Hello & goodbye\n\[Files that this gateway does not pass on: .*\(1 KB\)\]$/),
    })
  })

  test('of parts within parts without end is none', async () => {
    let text = 'From: a@b.cd\n'
    for (let depth = 0; depth < 60; depth++)
      text += `Content-Type: multipart/mixed; boundary=b${depth}\n\n--b${depth}\n`
    expect(await read(`${text}\nx`)).toBeUndefined()
  })

  test('of any bytes is read or refused, and nothing is thrown', async () => {
    const lines = [
      'From: a@b.cd',
      'Content-Type: multipart/mixed; boundary=b',
      '--b',
      '--b--',
      '',
      'Content-Type: text/html; charset=x',
    ].concat([
      'Content-Transfer-Encoding: base64',
      'Content-Transfer-Encoding: quoted-printable',
      '=C3=',
      'AAA',
      'Subject: =?x?B?!?=',
      'Date: x',
    ])
    for (let round = 0; round < 500; round++) {
      const parts = Array.from({ length: randomInt(25) }, () =>
        randomInt(8) ? Buffer.from(lines[randomInt(lines.length)]!) : randomBytes(randomInt(30)),
      )
      await readMail('a@b.cd', Buffer.concat(parts.flatMap(part => [part, Buffer.from('\r\n')])), NOW)
    }
  })
})
