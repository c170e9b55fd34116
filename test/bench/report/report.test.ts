import { describe, expect, test } from '@jest/globals'
import { parseElement } from '@parley/xml'
import type { Row } from '../rows.ts'
import type { ServerName } from '../servers/server.ts'
import { chart } from './chart.ts'
import { target, value } from './format.ts'
import { measured, middleOnes, type Outcome, type Result, verdict } from './result.ts'
import { latencies, percentile } from './statistics.ts'
import { markdown, table } from './table.ts'
import { between } from './write.ts'

const outcome = (row: string, server: ServerName, cpu: number): Outcome => ({
  row,
  server,
  figures: { cpu },
  software: `${server} 1 <2>`,
})

const result: Result = {
  date: '2026-01-02T03:04:05.000Z',
  commit: 'abc1234',
  machine: { processor: 'A & B', cores: 2, memoryGb: 24, system: 'Debian', node: '20.20.2', load: 0.1 },
  quick: false,
  outcomes: [
    outcome('message', 'parley', 10),
    outcome('message', 'ejabberd', 80),
    outcome('message', 'prosody', 100),
    outcome('tls', 'parley', 30),
    outcome('tls', 'ejabberd', 90),
    { row: 'tls', server: 'prosody', failure: 'it fell over' },
    outcome('nodes-2', 'parley', 60),
    { row: 'nodes-4', server: 'parley', leftOut: 'no Redis is installed' },
  ],
}

describe('statistics', () => {
  test('a percentile is a value that was measured: the nearest rank', () => {
    const sorted = Array.from({ length: 200 }, (_, index) => index + 1)
    expect([0, 0.5, 0.99, 0.999, 1].map(share => percentile(sorted, share))).toEqual([1, 100, 198, 200, 200])
    expect(percentile([7], 0.99)).toBe(7)
    expect(percentile([], 0.5)).toBeUndefined()
  })

  test('times need not be sorted; without any there are no percentiles', () => {
    expect(latencies([3, 1, 2])).toEqual({ p50: 2, p99: 3, p999: 3, max: 3, samples: 3 })
    expect(latencies([])).toEqual({ samples: 0 })
  })
})

describe('rounds', () => {
  const row = { lines: [{ metric: 'cpu', title: '', unit: 'µs' as const }] }

  test('of several turns of a server the middle one counts', () => {
    const turns = [5, 1, 3].map(cpu => outcome('steady', 'parley', cpu))
    const others = [30, 10, 20].map(cpu => outcome('steady', 'ejabberd', cpu))
    expect(middleOnes(row, [...turns, ...others])).toEqual([turns[2], others[2]])
  })

  test('a turn that goes wrong is not passed over', () => {
    const failed: Outcome = { row: 'steady', server: 'parley', failure: 'it fell over' }
    expect(middleOnes(row, [outcome('steady', 'parley', 1), failed, outcome('steady', 'parley', 2)])).toEqual([failed])
  })
})

describe('verdicts', () => {
  test('a share of another server is compared with the ratio', () => {
    expect(verdict({ atMost: 1 / 5, of: 'ejabberd' }, 10, { ejabberd: 0.2 })).toBe('met')
    expect(verdict({ atMost: 1 / 5, of: 'ejabberd' }, 10, { ejabberd: 0.21 })).toBe('missed')
  })

  test('an absolute bound is compared with the figure', () => {
    expect(verdict({ atMost: 40 }, 40, {})).toBe('met')
    expect(verdict({ atMost: 40 }, 40.1, {})).toBe('missed')
    expect(verdict({ atMost: 0 }, 1, {})).toBe('missed')
  })

  test('what was not measured is not met', () => {
    expect(verdict({ atMost: 1 / 5, of: 'ejabberd' }, 10, { prosody: 0.1 })).toBe('not measured')
    expect(verdict({ atMost: 40 }, undefined, {})).toBe('not measured')
  })

  test('several nodes are compared with the single node of the other server', () => {
    const nodes = measured(result).find(({ row }) => row.id === 'nodes-2')!
    expect(nodes).toMatchObject({ borrowed: { ejabberd: 80 }, ratios: { ejabberd: 0.75 }, verdict: 'met' })
    expect(nodes.values).toEqual({ parley: 60 })
  })

  test('a row has its lines only where it was asked for', () => {
    const rows = new Set(measured(result).map(({ row }: { row: Row }) => row.id))
    expect([...rows]).toEqual(['message', 'tls', 'nodes-2', 'nodes-4'])
  })
})

describe('what people read', () => {
  test('figures have three digits and a unit that fits', () => {
    expect([9.871, 10.04, 123.4, 4921].map(figure => value(figure, 'µs'))).toEqual([
      '9.87 µs',
      '10.0 µs',
      '123 µs',
      '4.92 ms',
    ])
    expect(value(0, '')).toBe('0')
    expect(value(undefined, 'KB')).toBe('–')
  })

  test('targets are fractions', () => {
    expect(target({ unit: 'µs', target: { atMost: 2 / 3, of: 'ejabberd' } })).toBe('≤ 2/3 of ejabberd')
    expect(target({ unit: 'ms', target: { atMost: 1, of: 'ejabberd' } })).toBe('≤ ejabberd')
    expect(target({ unit: 'KB', target: { atMost: 40 } })).toBe('≤ 40 KB')
    expect(target({ unit: '', target: { atMost: 0 } })).toBe('none')
  })

  test('the table has a line of each row, and names what is missing', () => {
    const lines = table(result).split('\n')
    expect(lines[1]).toMatch(/^1:1 message +10 µs +80 µs +100 µs +0\.13 +0\.10 +≤ 1\/5 of ejabberd +met$/)
    expect(lines[2]).toMatch(/^1:1 message over TLS +30 µs +90 µs +– .* missed$/)
    expect(lines[3]).toContain('(80 µs)')
    expect(lines.slice(-2)).toEqual([
      'FAILED: tls on prosody: it fell over',
      'Left out: nodes-4 on parley: no Redis is installed',
    ])
  })

  test('a machine that had other things to do is told of', () => {
    const busy = { ...outcome('message', 'parley', 10), figures: { cpu: 10, others: 0.4 } }
    const quiet = { ...outcome('message', 'ejabberd', 80), figures: { cpu: 80, others: 0.05 } }
    expect(table({ ...result, outcomes: [busy, quiet] })).toContain(
      'Not quiet: others used the server’s core for more than 10 % of 1 of 2',
    )
    expect(table({ ...result, outcomes: [quiet] })).not.toContain('Not quiet')
  })

  test('every line of the Markdown table has the same number of cells', () => {
    const cells = markdown(result)
      .split('\n')
      .filter(line => line.startsWith('|'))
      .map(line => line.split(' | ').length)
    expect(new Set(cells)).toEqual(new Set([8]))
  })

  test('the chart is well-formed and shows what more than one server has a figure of', () => {
    const svg = chart(result)
    expect(parseElement(svg).name).toBe('svg')
    expect(svg).toContain('80 µs, one node')
    expect(svg).not.toContain('four nodes')
  })

  test('new text takes the place between the marks, and nothing else', () => {
    const page = 'before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n'
    expect(between(page, 'new')).toBe(page.replace('old', 'new'))
    expect(() => between('no marks', 'new')).toThrow('has no')
  })
})
