import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { gatewayModules } from '@parley/gateway'
import type { LiveStats, Measured } from '@parley/live'
import { Ajv } from 'ajv'
import { dial, dropAll } from '../../packages/wire/test/peer.ts'
import { Puppets } from '../scenarios/gateway-puppet.ts'
import { type ReadFamily, readOpenMetrics } from '../scenarios/open-metrics.ts'
import { Front } from '../security/wire/front.ts'
import { root } from './process.ts'

interface Target {
  readonly expr: string
  readonly legendFormat: string
}
interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number }
  readonly targets?: readonly Target[]
}
interface Dashboard {
  readonly panels: readonly Panel[]
}

/** What Grafana's classic dashboard model needs of what is used here. */
const datasource = {
  type: 'object',
  required: ['type', 'uid'],
  properties: { type: { const: 'prometheus' }, uid: { pattern: '^\\$\\{datasource\\}$' } },
}
const grid = (least: number, most: number) => ({ type: 'integer', minimum: least, maximum: most })
const SCHEMA = {
  type: 'object',
  required: ['title', 'uid', 'schemaVersion', 'version', 'panels', 'templating', 'time'],
  properties: {
    uid: { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,40}$' },
    schemaVersion: { type: 'integer', minimum: 36 },
    templating: {
      type: 'object',
      required: ['list'],
      properties: { list: { type: 'array', items: { type: 'object', required: ['name', 'type', 'query'] } } },
    },
    time: { type: 'object', required: ['from', 'to'] },
    panels: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'type', 'title', 'gridPos'],
        properties: {
          id: { type: 'integer', minimum: 1 },
          type: { enum: ['row', 'timeseries', 'stat'] },
          title: { type: 'string', minLength: 1 },
          gridPos: {
            type: 'object',
            required: ['h', 'w', 'x', 'y'],
            properties: { h: grid(1, 24), w: grid(1, 24), x: grid(0, 23), y: grid(0, 1000) },
          },
        },
        if: { properties: { type: { const: 'row' } } },
        else: {
          required: ['datasource', 'fieldConfig', 'options', 'targets'],
          properties: {
            datasource,
            fieldConfig: {
              type: 'object',
              required: ['defaults', 'overrides'],
              properties: { defaults: { type: 'object', required: ['unit'] }, overrides: { type: 'array' } },
            },
            targets: {
              type: 'array',
              minItems: 1,
              items: {
                type: 'object',
                required: ['refId', 'expr', 'legendFormat', 'datasource'],
                properties: { expr: { type: 'string', minLength: 1 }, refId: { pattern: '^[A-Z]$' }, datasource },
              },
            },
          },
        },
      },
    },
  },
}

const REDIS: NonNullable<LiveStats['redis']> = {
  operations: 10,
  batches: 2,
  seconds: 0.5,
  slowest: 0.4,
  reconnects: 1,
  fences: 0,
  leaseRemaining: 9,
  nodes: 2,
}
/** Names that Prometheus itself gives. */
const ADDED = ['instance', 'job', 'le']

const dashboard = JSON.parse(readFileSync(join(root, 'deploy/grafana/parley.json'), 'utf8')) as Dashboard
const targets = dashboard.panels.flatMap(({ targets = [] }) => targets)

describe('the dashboard', () => {
  let families: ReadonlyMap<string, ReadFamily>

  beforeAll(async () => {
    const front = await Front.open({ domains: ['a.test'] }, { modules: gatewayModules(() => new Puppets().engine()) })
    const add = front.server.hosts[0]!.commands.find(({ name }) => name === 'provider add')!
    await add.run({ id: 'puppets', adapter: 'puppet' })
    const live = front.server.live as typeof front.server.live & Measured
    const own = live.stats.bind(live)
    live.stats = () => ({ ...own(), redis: REDIS })
    front.server.counters.login('PLAIN', 'ok')
    await front.federation!.partners.set('b.test', { state: 'allowed', monitor: true })
    const peer = await dial(front.port('http'))
    await peer.write('GET /metrics HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
    await peer.closed
    families = readOpenMetrics(peer.received.slice(peer.received.indexOf('\r\n\r\n') + 4))
    await dropAll()
    await front.close()
  })
  afterAll(dropAll)

  const samples = () => [...families.values()].flatMap(family => family.samples)

  test('is a dashboard', () => {
    const ajv = new Ajv({ allErrors: true, strict: false })
    expect([ajv.validate(SCHEMA, dashboard), ajv.errors]).toEqual([true, null])
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('has no panel on top of another', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, n) => `${x + (n % w)} ${y + Math.floor(n / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([])
  })

  test('asks only for what is exposed', () => {
    const names = new Set(samples().map(({ name }) => name))
    const asked = targets.flatMap(({ expr }) => expr.match(/\b(?:parley|process|nodejs)_\w+/g) ?? [])
    expect(asked.filter(name => !names.has(name))).toEqual([])
  })

  test('shows everything that is exposed', () => {
    const text = targets.map(({ expr }) => expr).join('\n')
    const hidden = [...families].filter(([, { samples }]) => !samples.some(({ name }) => text.includes(name)))
    expect(hidden.map(([name]) => name)).toEqual([])
  })

  test('every family has a value, so that the two above mean something', () => {
    expect([...families].filter(([, { samples }]) => samples.length === 0).map(([name]) => name)).toEqual([])
  })

  test('knows the labels that it groups by, chooses by, and writes', () => {
    const known = new Set([...samples().flatMap(({ labels }) => Object.keys(labels)), ...ADDED])
    const used = targets.flatMap(({ expr, legendFormat }) => [
      ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(match => match[1]!.split(', ')),
      ...[...expr.matchAll(/[{,](\w+)=/g)].map(match => match[1]!),
      ...[...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(match => match[1]!),
    ])
    expect(used.filter(label => !known.has(label))).toEqual([])
  })
})
