import { crc32, deflateSync } from 'node:zlib'

const SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/** Red, green, blue, and how much is seen of it: 0 to 255 each. */
export type Pixel = readonly [red: number, green: number, blue: number, alpha: number]

/** A PNG of that many pixels, each of them what `paint` says: a gradient where nothing is said. */
export function png(width: number, height: number, paint: (x: number, y: number) => Pixel = gradient): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 4))
  for (let y = 0, at = 0; y < height; y++) {
    // Each row begins with its filter: what differs from the pixel before.
    rows[at++] = 1
    let before: Pixel = [0, 0, 0, 0]
    for (let x = 0; x < width; x++) {
      const pixel = paint(x, y)
      for (let part = 0; part < 4; part++) rows[at++] = pixel[part]! - before[part]!
      before = pixel
    }
  }
  return written(width, height, 8, 6, rows)
}

/** A PNG of black pixels, eight in a byte: many in few bytes. */
export function blackPng(width: number, height: number): Buffer {
  return written(width, height, 1, 0, Buffer.alloc(height * (1 + Math.ceil(width / 8))))
}

/** Width and height as a PNG says them. */
export function pngSize(image: Buffer): { width: number; height: number } {
  if (!image.subarray(0, 8).equals(SIGNATURE)) throw new Error('No PNG')
  return { width: image.readUInt32BE(16), height: image.readUInt32BE(20) }
}

/** Something that cannot be packed well, and is the same each time. */
export function noise(x: number, y: number): Pixel {
  const hash = Math.imul((x * 73_856_093) ^ (y * 19_349_663), 0x9e3779b1) >>> 0
  return [hash & 255, (hash >>> 8) & 255, (hash >>> 16) & 255, 255]
}

function gradient(x: number, y: number): Pixel {
  return [(x >> 2) & 255, (y >> 2) & 255, 128, 255]
}

function written(width: number, height: number, depth: number, colours: number, rows: Buffer): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, colours, 0, 0, 0])
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  const end = Buffer.alloc(0)
  return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', end)])
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(data.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}
