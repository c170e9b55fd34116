import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { listenerModules } from '@parley/c2s'
import { gatewayModules } from '@parley/gateway'
import { modules } from '@parley/modules'
import { serverModules } from '@parley/s2s'
import { configKeys, loadOrder } from '@xmpp/server-core'
import { pages } from '../scripts/docs.mjs'
import { OWN_COMMANDS } from '../services/parley/src/own-commands.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const gateways = gatewayModules(() => {
  throw new Error('nobody starts it')
})
const all = [...modules, ...listenerModules('required'), ...serverModules(), ...gateways]

describe('what is written about the code is what the code says', () => {
  const made = pages({ modules: all, configKeys, loadOrder, ownCommands: OWN_COMMANDS })

  test.each([...made.keys()])('%s is up to date (npm run docs)', path => {
    expect(existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '').toBe(made.get(path))
  })

  test('no page is left of a module that is gone', () => {
    const there = readdirSync(join(root, 'docs/modules')).map(name => `docs/modules/${name}`)
    expect(there.filter(path => !made.has(path))).toEqual([])
  })

  test('README links lead somewhere', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const targets = [...readme.matchAll(/\]\((?!https?:|#|mailto:|xmpp:)([^)#\s]+)/g)].map(match => match[1]!)
    expect(targets.filter(target => !existsSync(join(root, target)))).toEqual([])
  })
})
