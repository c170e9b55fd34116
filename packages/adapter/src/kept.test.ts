import { expect, test } from '@jest/globals'
import type { Vault } from './context.ts'
import { KeptMap } from './kept.ts'

const VALUE = 65_536

function vault(): Vault & { readonly values: Map<string, string> } {
  const values = new Map<string, string>()
  return {
    values,
    get: async name => values.get(name),
    async set(name, value) {
      if (value === undefined) values.delete(name)
      else values.set(name, value)
    },
  }
}

test('what is kept is there for the next one, and what is deleted is not', async () => {
  const kv = vault()
  const first = new KeptMap<{ readonly name: string }>(kv, 'contacts', 4)
  await first.load()
  for (let number = 0; number < 50; number++) await first.set(`k${number}`, { name: `n${number}` })
  expect(await first.delete('k7')).toBe(true)
  expect(await first.delete('k7')).toBe(false)
  const next = new KeptMap<{ readonly name: string }>(kv, 'contacts', 4)
  await next.load()
  expect(next.size).toBe(49)
  expect(next.get('k8')).toEqual({ name: 'n8' })
  expect(next.has('k7')).toBe(false)
  expect(new Map(next.entries())).toEqual(new Map(first.entries()))
})

test('no page is longer than a vault takes', async () => {
  const kv = vault()
  const map = new KeptMap<string>(kv, 'rooms', 64)
  for (let number = 0; number < 10_000; number++) await map.set(`!room${number}:verona.test`, 'x'.repeat(150))
  for (const text of kv.values.values()) expect(text.length).toBeLessThan(VALUE)
  expect(kv.values.size).toBe(64)
})

test('nothing is left where nothing is kept', async () => {
  const kv = vault()
  const map = new KeptMap<number>(kv, 'x', 2)
  await map.set('a', 1)
  await map.delete('a')
  expect(kv.values.size).toBe(0)
})
