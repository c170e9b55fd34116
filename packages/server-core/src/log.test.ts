import { describe, expect, test } from '@jest/globals'
import { createLogger } from './log.ts'

function logTo(format: 'json' | 'pretty') {
  const lines: string[] = []
  return { lines, log: createLogger({ level: 'info', format, sink: { write: line => void lines.push(line) } }) }
}

describe('the log', () => {
  test('a line of JSON with what the logger and the call say', () => {
    const { lines, log } = logTo('json')
    log.with({ host: 'a.test' }).info('said', { user: 'romeo', error: new Error('why') })
    const line = JSON.parse(lines[0]!) as Record<string, string>
    expect(line).toMatchObject({ level: 'info', host: 'a.test', msg: 'said', user: 'romeo' })
    expect(line['error']).toMatch(/^Error: why\n/)
  })

  test('the level can be changed for all', () => {
    const { lines, log } = logTo('json')
    const child = log.with({ a: 1 })
    child.debug('unheard')
    log.setLevel('debug')
    child.debug('heard')
    expect(lines.length).toBe(1)
  })

  test('what a peer wrote cannot make a line or a colour of its own', () => {
    const { lines, log } = logTo('pretty')
    log.warn('login failed', { user: 'x\n00:00:00 error hacked \u001b[31m', error: 'a\u001b[2Jb' })
    expect(lines.length).toBe(1)
    expect(lines[0]).not.toContain('\u001b[')
    expect(lines[0]!.split('\n').filter(line => line.startsWith('00:00'))).toEqual([])
  })

  test('threat: a sentence that is said without end is counted instead', () => {
    const { lines, log } = logTo('json')
    for (let i = 0; i < 100_000; i++) log.warn('again')
    log.warn('something else')
    const again = lines.filter(line => line.includes('"again"')).length
    // The clock may turn to another second on the way.
    expect(again).toBeLessThan(2000)
    expect(again).toBeGreaterThanOrEqual(100)
    expect(lines.at(-1)).toContain('something else')
  })
})
