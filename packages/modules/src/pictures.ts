import type { Logger } from '@xmpp/server-core'
import type { Sharp } from 'sharp'

type Library = typeof import('sharp').default

/** Pixels that are decoded at most, which can take four bytes each: far more than an avatar has, far less than a bomb. */
const PIXELS = 4096 * 2048
/** Seconds that one picture may take. */
const SECONDS = 2
/** Pictures at once: each takes a thread that files and passwords need too. */
const AT_ONCE = 2
/** Pictures that wait for those. */
const WAITING = 32
/** What is read, by its first bytes: what a label says may be anything. */
const TYPES: readonly (readonly [string, RegExp])[] = [
  ['image/png', /^\x89PNG\r\n\x1a\n/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8[79]a/],
  ['image/webp', /^RIFF.{4}WEBP/s],
]
const LOADERS = ['Png', 'Jpeg', 'Nsgif', 'Webp'].map(name => `VipsForeignLoad${name}Buffer`)

/** What a picture is to be like. */
export interface Bounds {
  /** Pixels of the longer side. */
  readonly side: number
  /** Size of the file; what cannot be made so small is made as small as it goes. */
  readonly bytes: number
  readonly types: readonly ('image/png' | 'image/jpeg')[]
}

/** A picture that was read. */
export interface Sized {
  readonly image: Buffer
  readonly type: string
  readonly width: number
  readonly height: number
}

/** Makes pictures smaller, outside of the event loop, a few at once. */
export class Pictures {
  readonly #load: () => Promise<{ readonly default: Library }>
  readonly #waiting: (() => void)[] = []
  #library: Promise<Library | undefined> | undefined
  #running = 0

  constructor(load: () => Promise<{ readonly default: Library }>) {
    this.#load = load
  }

  /**
   * The picture within these bounds: itself where it is so already and says nothing of where it was taken, else its first
   * frame, upright, with nothing but pixels in it. Undefined: it cannot be read, or not now.
   */
  async fit(image: Buffer, bounds: Bounds, log: Logger): Promise<Sized | undefined> {
    const start = image.toString('latin1', 0, 12)
    const type = TYPES.find(([, begins]) => begins.test(start))?.[0]
    if (type === undefined) return undefined
    this.#library ??= this.#loaded(log)
    const library = await this.#library
    if (!library || this.#waiting.length >= WAITING) return undefined
    return this.#inTurn(async () => {
      try {
        return await fitted(library, image, type, bounds)
      } catch (error) {
        log.debug('a picture could not be read', { type, bytes: image.length, error })
        return undefined
      }
    })
  }

  async #loaded(log: Logger): Promise<Library | undefined> {
    try {
      const { default: library } = await this.#load()
      library.cache(false)
      library.concurrency(1)
      // Whatever a picture looks like to the library, nothing else is tried on it.
      library.block({ operation: ['VipsForeignLoad'] })
      library.unblock({ operation: LOADERS })
      return library
    } catch (error) {
      log.warn('pictures stay as they are: the library that reads them is not there', { error })
      return undefined
    }
  }

  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < AT_ONCE) this.#running++
    else await new Promise<void>(go => this.#waiting.push(go))
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      // Whoever waits takes this place.
      if (next) next()
      else this.#running--
    }
  }
}

/** The pictures of the process: all its hosts share the threads. */
export const pictures = new Pictures(() => import('sharp'))

async function fitted(library: Library, image: Buffer, type: string, bounds: Bounds): Promise<Sized> {
  const { side, bytes, types } = bounds
  const read = () => library(image, { limitInputPixels: PIXELS, failOn: 'error' }).timeout({ seconds: SECONDS })
  const { width, height, exif, xmp, iptc } = await read().metadata()
  const fits = Math.max(width, height) <= side && image.length <= bytes && types.some(one => one === type)
  if (fits && !exif && !xmp && !iptc) return { image, type, width, height }
  const { data, info } = await read()
    .rotate()
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  const { channels } = info
  const frame = { width: info.width, height: info.height, channels }
  let made: Buffer | undefined
  let as = ''
  for (const [encoded, encode] of encodings(types, isOpaque(data, channels))) {
    const tried = await encode(library(data, { raw: frame })).toBuffer()
    if (made && made.length <= tried.length) continue
    made = tried
    as = encoded
    if (made.length <= bytes) break
  }
  return { image: made!, type: as, width: info.width, height: info.height }
}

type Encoding = readonly [type: string, encode: (picture: Sharp) => Sharp]

/** Ways to write a picture, from the best to the smallest. */
function encodings(types: Bounds['types'], opaque: boolean): Encoding[] {
  const jpeg = opaque && types.includes('image/jpeg')
  return [
    ['image/png', picture => picture.png({ compressionLevel: 8, adaptiveFiltering: true })],
    ...(jpeg ? [85, 60].map((quality): Encoding => ['image/jpeg', picture => picture.jpeg({ quality })]) : []),
    ['image/png', picture => picture.png({ compressionLevel: 8, palette: true, colours: 64 })],
  ]
}

function isOpaque(pixels: Buffer, channels: number): boolean {
  if (channels === 1 || channels === 3) return true
  for (let at = channels - 1; at < pixels.length; at += channels) if (pixels[at] !== 255) return false
  return true
}
