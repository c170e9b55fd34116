import { expect, test } from '@jest/globals'
import { Counters, StanzaCounts } from './counters.ts'

test('stanzas are told apart by how they are written', () => {
  const counts = new StanzaCounts()
  for (const xml of ['<message/>', '<presence xml:lang="en"/>', '<iq type="get"/>', '<iq/>']) counts.addXml(xml)
  expect(counts).toEqual({ message: 1, presence: 1, iq: 2 })
})

test('logins are counted by mechanism and result', () => {
  const counters = new Counters()
  counters.login('PLAIN', 'ok')
  counters.login('PLAIN', 'failed')
  counters.login('PLAIN', 'failed')
  counters.login('EXTERNAL', 'ok')
  expect([...counters.logins]).toEqual([
    ['PLAIN', { ok: 1, failed: 2 }],
    ['EXTERNAL', { ok: 1, failed: 0 }],
  ])
})
