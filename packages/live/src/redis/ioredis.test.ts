import { execFileSync } from 'node:child_process'
import { expect, test } from '@jest/globals'

test('who loads the live state finds strings as V8 keeps them fast', () => {
  const program = `
    import { createRequire } from 'node:module'
    const fast = () => %HasFastProperties(String.prototype)
    createRequire(${JSON.stringify(import.meta.url)})('ioredis')
    const spoiled = !fast()
    await import(${JSON.stringify(new URL('../../dist/redis/ioredis.js', import.meta.url).href)})
    console.log(JSON.stringify({ spoiled, fast: fast() }))`
  const printed = execFileSync(process.execPath, ['--allow-natives-syntax', '--input-type=module', '-e', program])
  // Where the library spoils them no more, what mends them can go.
  expect(JSON.parse(String(printed))).toEqual({ spoiled: true, fast: true })
})
