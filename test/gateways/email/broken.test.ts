import { afterEach, beforeEach, expect, test } from '@jest/globals'
import email from '@parley/gateway-email'
import { freePort } from '../../ports.ts'
import { by, eventually, Rig, Running } from '../kit/index.ts'
import { MailPerson, PostOffice } from './post.ts'
import { ROMEO } from './stand.ts'

let office: PostOffice
let juliet: MailPerson
let rig: Rig

beforeEach(async () => {
  const listenPort = await freePort()
  office = await PostOffice.open(listenPort)
  juliet = new MailPerson(office, 'juliet')
  const settings = { host: '127.0.0.1', port: office.port, security: 'none', listenPort, open: true }
  const login = { id: 'romeo@email.example.org', user: ROMEO, fields: {}, secrets: {} }
  rig = new Rig(new Running(email as never, settings, login), login)
  await rig.start()
})
afterEach(async () => {
  await rig.stop()
  office.close()
})

test('a mail that is handed over again, since the connection broke in it or before it was said to be taken, is heard once', async () => {
  const breaks = [['before'], ['after'], ['before', 'after', 'after'], []] as const
  for (const [number, each] of breaks.entries()) {
    office.breaks.in.push(...each)
    await juliet.says('romeo@email.example.org', `${number}`)
    await eventually(`the mail ${number}`, () => rig.heard.find(({ text }) => text === `${number}`))
    await eventually('all breaks', () => office.breaks.in.length === 0)
  }
  await juliet.says('romeo@email.example.org', 'the end')
  await eventually('the last mail', () => rig.heard.find(({ text }) => text === 'the end'))
  expect(rig.heard.map(({ text }) => text)).toEqual(['0', '1', '2', '3', 'the end'])
})

test('a mail that goes out is not lost when the connection breaks; where only the answer is lost it goes twice, as one mail with one id', async () => {
  for (const [text, broken] of [
    ['one', 'before'],
    ['two', 'after'],
    ['three', undefined],
  ] as const) {
    const mine = by()
    if (broken) {
      office.breaks.out.push(broken)
      // The core tries again, under the same key, what failed for a moment.
      await expect(rig.send(juliet.id, text, mine)).rejects.toMatchObject({ failure: 'transient' })
    }
    expect(await rig.send(juliet.id, text, mine)).toMatchObject({ level: 'sent' })
    // What is known under it does not go again.
    await rig.send(juliet.id, text, mine)
  }
  const mails = juliet.told.map(mail => (mail.type === 'message' ? { id: mail.id, text: mail.text } : undefined))
  expect(mails.map(mail => mail?.text)).toEqual(['one', 'two', 'two', 'three'])
  expect(new Set(mails.map(mail => mail?.id)).size).toBe(3)
})
