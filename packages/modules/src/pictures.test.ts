import { describe, expect, test } from '@jest/globals'
import { blackPng, png, pngSize } from '@parley/testkit'
import { createLogger, silentLogger } from '@xmpp/server-core'
import { type Bounds, Pictures, pictures } from './pictures.ts'

const BOUNDS: Bounds = { side: 96, bytes: 8191, types: ['image/png', 'image/jpeg'] }
const fit = (image: Buffer) => pictures.fit(image, BOUNDS, silentLogger)

describe('pictures', () => {
  test('are made smaller, never larger, and keep their shape', async () => {
    expect(await fit(png(512, 128))).toMatchObject({ type: 'image/png', width: 96, height: 24 })
    expect(await fit(png(10, 500))).toMatchObject({ width: 2, height: 96 })
    const small = png(30, 20)
    expect(await fit(small)).toEqual({ image: small, type: 'image/png', width: 30, height: 20 })
  })

  test('have eight million pixels, and not more', async () => {
    const most = await fit(blackPng(4096, 2048))
    expect(pngSize(most!.image)).toEqual({ width: 96, height: 48 })
    expect(await fit(blackPng(4096, 2049))).toBeUndefined()
  })

  test('are read beside the event loop', async () => {
    let turns = 0
    let done = false
    const count = () => {
      turns++
      if (!done) setImmediate(count)
    }
    count()
    await fit(blackPng(4000, 2000))
    done = true
    expect(turns).toBeGreaterThan(10)
  })

  test('wait for each other, and go unread when too many wait', async () => {
    const large = blackPng(2000, 2000)
    const made = await Promise.all(Array.from({ length: 40 }, () => fit(large)))
    expect(made.filter(one => one !== undefined)).toHaveLength(34)
    expect(await fit(large)).toBeDefined()
  })
})

test('whatever else the library can read it reads no more', async () => {
  await fit(png(200, 200))
  const { default: sharp } = await import('sharp')
  for (const text of ['<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', 'P1 1 1 0'])
    await expect(sharp(Buffer.from(text)).metadata()).rejects.toThrow('unsupported image format')
})

test('where the library is missing pictures stay as they are, and the log says so once', async () => {
  const lines: string[] = []
  const log = createLogger({ level: 'debug', format: 'json', sink: { write: line => void lines.push(line) } })
  const none = new Pictures(() => Promise.reject(new Error('Could not load the module for this platform')))
  for (let n = 0; n < 3; n++) expect(await none.fit(png(200, 200), BOUNDS, log)).toBeUndefined()
  expect(lines.filter(line => line.includes('pictures stay as they are'))).toHaveLength(1)
})

test('where no picture comes the library is not even loaded', async () => {
  let loads = 0
  const mine = new Pictures(() => {
    loads++
    return import('sharp')
  })
  for (const text of ['<svg/>', '%PDF-1.7', 'RIFF....WAVE', ''])
    expect(await mine.fit(Buffer.from(text), BOUNDS, silentLogger)).toBeUndefined()
  expect(loads).toBe(0)
  await mine.fit(png(200, 200), BOUNDS, silentLogger)
  expect(loads).toBe(1)
})
