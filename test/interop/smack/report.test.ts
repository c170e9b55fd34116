import { describe, expect, test } from '@jest/globals'
import { readOptions } from './options.ts'
import { bySpecification, count, type Result, readRun, report } from './report.ts'

const passed: Result = {
  name: 'PingIntegrationTest.pingServer (Normal)',
  result: 'passed',
  milliseconds: 12,
  document: 'XEP-0199',
  section: '',
  quote: '',
  reason: '',
  before: '',
}
const failed: Result = {
  ...passed,
  name: 'PingIntegrationTest.pingAsync (Normal)',
  result: 'failed',
  section: '4.2',
  quote: 'The other party MUST answer.',
  reason: 'NoResponseException: Nothing came\nand more',
}
const known: Result = {
  ...failed,
  name: 'MultiUserChatEntityIntegrationTest.mucTestForDiscoveringRoomItems (Normal)',
  document: 'XEP-0045',
}
const alike: Result = {
  ...known,
  name: 'MultiUserChatEntityIntegrationTest.mucTestForDiscoveringRoomItemsToo (Normal)',
}
const impossible: Result = {
  ...passed,
  name: 'IoTDiscoveryIntegrationTest.a',
  result: 'impossible',
  reason: 'None here',
}
const unnamed: Result = { ...passed, name: 'ChatTest.test (Normal)', document: '' }
const run = { smack: '4.5', results: [passed, failed, known, impossible, unnamed] }

describe('the report on the tests of others', () => {
  test('a failure that is known is told from one that is not', () => {
    expect(count(run.results)).toEqual({ passed: 2, failed: 1, known: 1, impossible: 1 })
    expect(count([alike])).toEqual({ passed: 0, failed: 1, known: 0, impossible: 0 })
  })

  test('a test that is known to fail may pass', () => {
    expect(count([{ ...known, result: 'passed' }])).toEqual({ passed: 1, failed: 0, known: 0, impossible: 0 })
  })

  test('counts stand for specifications, those that name none last', () => {
    expect([...bySpecification(run.results).keys()]).toEqual(['XEP-0045', 'XEP-0199', 'no specification'])
    expect(bySpecification(run.results).get('XEP-0199')).toEqual({ passed: 1, failed: 1, known: 0, impossible: 1 })
  })

  test('says why a test failed, and ends with the totals', () => {
    const text = report(run, 60)
    expect(text).toContain(
      'FAILED PingIntegrationTest.pingAsync (Normal) (XEP-0199 §4.2)\n  NoResponseException: Nothing came\n  “The other party MUST answer.”\n',
    )
    expect(text).toContain('KNOWN MultiUserChatEntityIntegrationTest.mucTestForDiscoveringRoomItems (Normal)')
    expect(text).toContain('IMPOSSIBLE IoTDiscoveryIntegrationTest: 1 test: None here')
    expect(text.split('\n').at(-1)).toBe('Smack 4.5: 2 passed, 1 failed, 1 known failure, 1 impossible (60 s)')
  })

  test('says what passed alone only', () => {
    const text = report({ smack: '4.5', results: [{ ...passed, before: 'TimeoutException: Too late' }] }, 60)
    expect(text).toContain(`PASSED alone: ${passed.name}; among the others: TimeoutException: Too late`)
  })

  test('reads what the runner writes', () => {
    const { name, ...rest } = passed
    const line = JSON.stringify({ name, ...rest, milliseconds: '12' })
    expect(readRun(`{"smack":"4.5"}\n${line}\n`)).toEqual({ smack: '4.5', results: [passed] })
    expect(() => readRun('')).toThrow('The runner wrote nothing')
  })

  test('an option that is unknown is refused', () => {
    expect(() => readOptions(['--all'])).toThrow("Unknown option '--all'")
    expect(readOptions(['--only', 'PingIntegrationTest'])).toMatchObject({
      only: 'PingIntegrationTest',
      out: undefined,
    })
  })
})
