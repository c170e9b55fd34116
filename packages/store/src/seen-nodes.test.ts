import { expect, test } from '@jest/globals'
import type { PubsubNode } from './pubsub.ts'
import { SeenNodes } from './seen-nodes.ts'

const OWNER = 'romeo@a.test'

const nodeWith = (more: Partial<PubsubNode>): PubsubNode => ({
  owner: OWNER,
  node: 'n',
  config: {},
  created: 0,
  affiliations: new Map(),
  subscriptions: [],
  ...more,
})

test('thousands of nodes are kept, not what makes each of them large', () => {
  const seen = new SeenNodes()
  const isKept = (more: Partial<PubsubNode>) => {
    seen.keep(OWNER, 'n', { node: nodeWith(more), version: 1n })
    return seen.get(OWNER, 'n') !== undefined
  }
  const people = (count: number, length: number) =>
    new Map(Array.from({ length: count }, (_, n) => [`${n}${'x'.repeat(length)}@a.test`, 'member'] as const))
  expect(isKept({ config: { access_model: 'open' }, affiliations: people(50, 20) })).toBe(true)
  expect(isKept({ affiliations: people(101, 1) })).toBe(false)
  expect(isKept({ affiliations: people(20, 1000) })).toBe(false)
  expect(isKept({ config: { roster_groups_allowed: Array.from({ length: 20 }, () => 'x'.repeat(1000)) } })).toBe(false)
})
