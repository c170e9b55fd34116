import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { newToken } from '@parley/sasl'
import { scenario } from '@parley/testkit'
import { opened } from './helpers.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')

function sources(): string[] {
  return readdirSync(join(root, 'packages'), { withFileTypes: true, recursive: true })
    .filter(({ name }) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter(({ parentPath }) => /\/src(?:\/|$)/.test(parentPath) && !/node_modules|testkit/.test(parentPath))
    .map(({ parentPath, name }) => join(parentPath, name))
}

/** A comparison of something called a secret with something that is not written there. */
const COMPARED =
  /\b\w*(?:secret|token|proof|password|digest|hmac|verifier|storedkey|signature)\b(?:\.\w+\(\))?\s*[!=]==\s*(?!\s|undefined|null|true|false|''|['"`\d])/i

test('threat 46: secrets are compared in constant time', () => {
  expect(COMPARED.test('if (token === given) return')).toBe(true)
  const found = sources().flatMap(path =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter(line => COMPARED.test(line))
      .map(line => `${path.slice(root.length + 1)}: ${line.trim()}`),
  )
  expect(found).toEqual([])
})

test('threat 47: tokens are long and never the same', () => {
  const tokens = new Set(Array.from({ length: 100_000 }, newToken))
  expect(tokens.size).toBe(100_000)
  for (const token of tokens) if (token.length < 43) throw new Error('A token has fewer than 256 bits')
})

scenario('threat 47: ids of streams, sessions and resources are long and never the same', async ({ server }) => {
  const stage = await server('a.test')
  const ids: string[] = []
  for (let i = 0; i < 50; i++) {
    ids.push((await opened(stage)).header!.attrs['id']!)
    const [romeo] = await stage.connect('romeo/')
    await romeo.sends`<enable xmlns="urn:xmpp:sm:3" resume="true"/>`
    ids.push((await romeo.client.next('enabled')).attrs['id']!)
  }
  expect(new Set(ids).size).toBe(100)
  // 128 bits in base64url
  for (const id of ids) expect(id.length).toBeGreaterThanOrEqual(22)
})
