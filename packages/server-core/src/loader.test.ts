import { describe, expect, test } from '@jest/globals'
import { checkModuleOptions, loadOrder } from './loader.ts'
import { type AnyModule, defineModule } from './module.ts'
import { integer } from './options.ts'

const module = (name: string, uses: Record<string, AnyModule> = {}) => defineModule({ name, uses, setup: () => ({}) })

describe('the order of modules', () => {
  test('each comes once, after those it uses, listed or not', () => {
    const a = module('a')
    const b = module('b', { a })
    const c = module('c', { b, a })
    expect(loadOrder([c, a]).map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  })

  test('a circle is refused', () => {
    const uses: Record<string, AnyModule> = {}
    const a = module('a', uses)
    uses['b'] = module('b', { a })
    expect(() => loadOrder([a])).toThrow('Modules use each other in a circle: a')
  })
})

describe('options under modules:', () => {
  const a = defineModule({ name: 'a', config: { size: integer(1, 0, 9, 'a size') }, setup: () => ({}) })

  test.each([
    [{}, []],
    [{ a: { size: 5 } }, []],
    [{ a: null }, []],
    [{ b: {} }, ['modules.b: there is no such module']],
    [{ a: { weight: 1 } }, ['modules.a.weight: unknown key']],
    [{ a: { size: 10 } }, ['modules.a.size: must be a whole number from 0 to 9']],
    [{ a: { __proto__: null, constructor: 1 } }, ['modules.a.constructor: unknown key']],
    [{ a: 5 }, ['modules.a: must be a mapping of options']],
    [{ a: 'text' }, ['modules.a: must be a mapping of options']],
    [{ a: [1] }, ['modules.a: must be a mapping of options']],
  ])('%j', (given, problems) => {
    expect(checkModuleOptions([a], given)).toEqual(problems)
  })
})
