import { expect, test } from '@jest/globals'
import { newName } from './change.ts'
import type { Asking } from './service.ts'

const asking = (mid?: string) => ({ mid }) as Asking

test('a request that comes again makes the same name, and the name says nothing of it', () => {
  expect(newName(asking('sid:7'))).toBe(newName(asking('sid:7')))
  expect(newName(asking('sid:7'))).not.toBe(newName(asking('sid:8')))
  expect(newName(asking('sid:7'))).toMatch(/^[0-9a-f]{32}$/)
})

test('what is not counted has a new name each time', () => {
  expect(newName(asking())).not.toBe(newName(asking()))
})
