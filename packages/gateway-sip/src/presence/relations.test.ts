import { expect, test } from '@jest/globals'
import type { Vault } from '@parley/adapter'
import { Deaf } from '../message/deaf.ts'
import { Relations } from './relations.ts'

/** Takes what the vault of a session takes. */
class Small implements Vault {
  readonly all = new Map<string, string>()

  async get(name: string): Promise<string | undefined> {
    return this.all.get(name)
  }

  async set(name: string, value: string | undefined): Promise<void> {
    if (name.length > 200 || (value?.length ?? 0) > 65_536) throw new Error('too large')
    if (value === undefined) this.all.delete(name)
    else this.all.set(name, value)
  }
}

const JULIET = 'juliet@example.org'

test('what is decided is there after a restart, and what is taken back leaves nothing', async () => {
  const vault = new Small()
  const before = new Relations(vault)
  await before.see(JULIET, 'romeo@far.example', false)
  await before.see(JULIET, 'romeo@far.example', true)
  await before.allow(JULIET, 'nurse@far.example', true)
  const after = new Relations(vault)
  expect(await after.contact(JULIET, 'romeo@far.example')).toEqual({
    id: 'romeo@far.example',
    subscription: 'to',
    asked: false,
  })
  expect(await after.contact(JULIET, 'nurse@far.example')).toMatchObject({ subscription: 'from' })
  expect(await after.see(JULIET, 'romeo@far.example', false)).toBe(false)
  await after.see(JULIET, 'romeo@far.example', undefined)
  await after.allow(JULIET, 'nurse@far.example', false)
  expect(vault.all.size).toBe(0)
})

test('who was never asked for is not seen', async () => {
  const relations = new Relations(new Small())
  expect(await relations.see(JULIET, 'romeo@far.example', true)).toBe(false)
  expect((await relations.contact(JULIET, 'romeo@far.example')).subscription).toBe('none')
})

test('a user has as many contacts as a vault takes, however long the names are', async () => {
  const relations = new Relations(new Small())
  const user = `${'j'.repeat(900)}@example.org`
  const add = async () => {
    for (let i = 0; i < 1000; i++) await relations.see(user, `${'r'.repeat(200)}${i}@far.example`, false)
  }
  await expect(add()).rejects.toMatchObject({ name: 'AdapterError', failure: 'limited' })
  expect((await relations.to(user)).length).toBeGreaterThan(200)
  await relations.see(user, (await relations.to(user))[0]!, undefined)
  await relations.see(user, 'romeo@far.example', false)
})

test('of those who are deaf the oldest are forgotten', async () => {
  const vault = new Small()
  const deaf = new Deaf(vault)
  for (let i = 0; i < 400; i++) await deaf.add(`${'r'.repeat(200)}${i}@far.example`, 'typing')
  const after = new Deaf(vault)
  await after.load()
  expect(after.has(`${'r'.repeat(200)}399@far.example`, 'typing')).toBe(true)
  expect(after.has(`${'r'.repeat(200)}399@far.example`, 'envelope')).toBe(false)
  expect(after.has(`${'r'.repeat(200)}0@far.example`, 'typing')).toBe(false)
})
