import { expect } from '@jest/globals'
import { blackPng, noise, type Pixel, png, pngSize, scenario } from '@parley/testkit'
import sharp from 'sharp'
import { avatar, DATA, hashTold, METADATA, publishes, sha1, shown, writes } from './avatar-client.ts'
import { done, get, listen, OWNER, publish, set } from './pep-client.ts'
import { makes, ROOM } from './room.ts'

const LARGE = png(512, 384)
const SMALL = png(64, 64)
const RED = [255, 0, 0, 255] as const
const BLUE = [0, 0, 255, 255] as const

/** A photo as telephones make them: on its side, with the place where it was taken. */
const photograph = (width: number, height: number, orientation: number) =>
  sharp(png(width, height, x => (x < width / 2 ? RED : BLUE)))
    .jpeg()
    .withMetadata({ orientation })
    .withExifMerge({ IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '45/1 26/1 0/1' } })
    .toBuffer()

/** The colour at one place of a picture. */
async function colourAt(image: Buffer, left: number, top: number): Promise<Pixel> {
  const pixels = await sharp(image).ensureAlpha().raw().toBuffer()
  const { width = 0 } = await sharp(image).metadata()
  const at = (top * width + left) * 4
  return [pixels[at]!, pixels[at + 1]!, pixels[at + 2]!, pixels[at + 3]!]
}

const isRed = ([red, , blue]: Pixel) => red > 200 && blue < 50

scenario(
  'XEP-0398 § 3.1: a large avatar is small in the vCard, presence tells the hash of that, and the avatar stays as it is',
  async ({ server }) => {
    const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
    await publishes(juliet, LARGE)
    const photo = (await shown(romeo, juliet))!
    expect(photo.type).toBe('image/png')
    expect(pngSize(photo.image)).toEqual({ width: 96, height: 72 })
    expect(await hashTold(juliet, romeo)).toBe(sha1(photo.image))
    expect((await avatar(romeo, juliet)).image).toEqual(LARGE)
  },
)

scenario('XEP-0153 § 4.6: a photo has less than eight kilobytes, or is a JPEG to have them', async ({ server }) => {
  const [juliet, romeo] = await (await server('a.test')).connect('juliet/balcony', 'romeo/orchard')
  const loud = png(300, 300, (x, y) => noise(x >> 2, y >> 2))
  await publishes(juliet, loud)
  const opaque = (await shown(romeo, juliet))!
  expect(opaque.type).toBe('image/jpeg')
  expect(opaque.image.length).toBeLessThan(8192)
  expect(await sharp(opaque.image).metadata()).toMatchObject({ format: 'jpeg', width: 96, height: 96 })
  // What can be seen through is no JPEG.
  await publishes(
    juliet,
    png(300, 300, (x, y) => [...noise(x >> 2, y >> 2).slice(0, 3), x < 150 ? 0 : 255] as unknown as Pixel),
  )
  const clear = (await shown(romeo, juliet))!
  expect(clear.type).toBe('image/png')
  expect(clear.image.length).toBeLessThan(8192)
  expect((await colourAt(clear.image, 10, 10))[3]).toBe(0)
})

scenario('XEP-0153 § 4.6: an avatar that is small already is the photo as it is', async ({ server }) => {
  const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
  for (const image of [SMALL, await sharp(SMALL).jpeg().toBuffer()]) {
    // § 5: what it says to be does not matter.
    await publishes(juliet, image, 'image/gif')
    const type = image === SMALL ? 'image/png' : 'image/jpeg'
    expect(await shown(romeo, juliet)).toEqual({ type, image })
    expect(await hashTold(juliet, romeo)).toBe(sha1(image))
  }
})

scenario('XEP-0153 § 4.6: what moves stands still, and WebP is no WebP any more', async ({ server }) => {
  const [juliet, romeo] = await (await server('a.test')).connect('juliet/balcony', 'romeo/orchard')
  const frames = Buffer.concat([Buffer.alloc(80 * 80 * 3, Buffer.from([255, 0, 0])), Buffer.alloc(80 * 80 * 3, 0)])
  const raw = { width: 80, height: 160, channels: 3, pageHeight: 80 } as const
  const gif = await sharp(frames, { raw })
    .gif({ delay: [100, 100], loop: 0 })
    .toBuffer()
  expect((await sharp(gif).metadata()).pages).toBe(2)
  for (const [image, type] of [
    [gif, 'image/gif'],
    [await sharp(LARGE).webp({ lossless: true }).toBuffer(), 'image/webp'],
  ] as const) {
    await publishes(juliet, image, type)
    const photo = (await shown(romeo, juliet))!
    const is = await sharp(photo.image).metadata()
    expect(photo.type).toBe('image/png')
    expect([is.format, is.pages]).toEqual(['png', undefined])
    if (image === gif) expect(isRed(await colourAt(photo.image, 40, 40))).toBe(true)
  }
})

scenario(
  'XEP-0084 § 4.2.1: the photo of a vCard becomes a PNG, and the metadata say what it is; the card stays as it is',
  async ({ server }) => {
    const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
    const photo = await sharp(png(400, 800)).jpeg().toBuffer()
    await writes(juliet, photo, 'image/jpeg')
    const { image, info } = await avatar(romeo, juliet)
    expect(pngSize(image)).toEqual({ width: 96, height: 192 })
    expect(info).toMatchObject({ type: 'image/png', width: '96', height: '192' })
    expect(await shown(romeo, juliet)).toEqual({ type: 'image/jpeg', image: photo })
    expect(await hashTold(juliet, romeo)).toBe(sha1(photo))
  },
)

scenario('XEP-0084 § 4.2.1: a photo that is a small PNG is the avatar as it is', async ({ server }) => {
  const [juliet, romeo] = await (await server('a.test')).connect('juliet/balcony', 'romeo/orchard')
  const photo = png(150, 100)
  await writes(juliet, photo, 'image/jpeg')
  const { image, info } = await avatar(romeo, juliet)
  expect(image).toEqual(photo)
  expect(info).toMatchObject({ type: 'image/png', width: '150', height: '100' })
  expect((await shown(romeo, juliet))!.image).toEqual(photo)
  // What has little to show is not made larger.
  await writes(juliet, await sharp(png(20, 10)).webp().toBuffer(), 'image/webp')
  expect(pngSize((await avatar(romeo, juliet)).image)).toEqual({ width: 20, height: 10 })
})

scenario(
  'XEP-0398 § 3.2: who writes back the photo that was read has the same avatar as before',
  async ({ server }) => {
    const [juliet, romeo] = await (await server('a.test')).connect('juliet/balcony', 'romeo/orchard')
    await publishes(juliet, LARGE)
    const photo = (await shown(juliet, juliet))!
    await writes(juliet, photo.image, photo.type, '<FN>Juliet</FN>')
    expect((await avatar(romeo, juliet)).image).toEqual(LARGE)
    expect(await shown(romeo, juliet)).toEqual(photo)
    // The same the other way round.
    const mine = await sharp(LARGE).jpeg().toBuffer()
    await writes(juliet, mine, 'image/jpeg')
    const before = await avatar(romeo, juliet)
    await writes(juliet, mine, 'image/jpeg', '<FN>Juliet C.</FN>')
    expect(await avatar(romeo, juliet)).toEqual(before)
  },
)

scenario('XEP-0398 § 3: pictures stand upright, and do not say where they were taken', async ({ server }) => {
  const [juliet, romeo] = await (await server('a.test')).connect('juliet/balcony', 'romeo/orchard')
  // 6: the left side is up.
  for (const [width, height] of [
    [400, 200],
    [60, 30],
  ] as const) {
    const photo = await photograph(width, height, 6)
    expect((await sharp(photo).metadata()).exif).toBeDefined()
    await publishes(juliet, photo, 'image/jpeg')
    const small = (await shown(romeo, juliet))!.image
    await writes(juliet, await photograph(width, height + 2, 6), 'image/jpeg')
    const { image } = await avatar(romeo, juliet)
    for (const made of [small, image]) {
      const is = await sharp(made).metadata()
      expect([is.exif, is.orientation]).toEqual([undefined, undefined])
      expect(is.height).toBeGreaterThan(is.width)
      expect(isRed(await colourAt(made, is.width >> 1, 2))).toBe(true)
      expect(isRed(await colourAt(made, is.width >> 1, is.height - 3))).toBe(false)
    }
  }
})

const cut = (image: Buffer) => image.subarray(0, image.length >> 1)
const UNREADABLE: readonly (readonly [string, Buffer])[] = [
  ['far too many pixels in few bytes', blackPng(20_000, 20_000)],
  ['the beginning of a picture', cut(png(512, 512, noise).subarray(0, 200_000))],
  ['a signature and nothing else', LARGE.subarray(0, 8)],
  ['a drawing', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"><rect/></svg>')],
  [
    'a drawing that begins like a GIF',
    Buffer.from('GIF89a<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  ],
  ['a page', Buffer.from('<!DOCTYPE html><script>alert(1)</script>')],
  ['a document', Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF')],
]

for (const [what, image] of UNREADABLE) {
  scenario(`XEP-0398 § 3: what cannot be read goes as it is: ${what}`, async ({ server }) => {
    const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
    await publishes(juliet, image)
    expect(await shown(romeo, juliet)).toEqual({ type: 'image/png', image })
    expect(await hashTold(juliet, romeo)).toBe(sha1(image))
    // And from the card to the node.
    await done(juliet, set(`<pubsub xmlns="${OWNER}"><delete node="${METADATA}"/></pubsub>`))
    await writes(juliet, image)
    const published = await avatar(romeo, juliet)
    expect(published.image).toEqual(image)
    expect(published.info).toEqual({ id: sha1(image), type: 'image/png', bytes: String(image.length) })
  })
}

scenario('XEP-0398 § 3.1: nothing is kept of avatars that are there no more', async ({ server }) => {
  const stage = await server('a.test')
  const [juliet] = await stage.connect('juliet/balcony')
  for (const image of [LARGE, SMALL, png(200, 200)]) await publishes(juliet, image)
  const kept = () => stage.store.maps.map('avatars.photos').keys(juliet.bare.text)
  expect(await kept()).toEqual([sha1(png(200, 200))])
  await writes(juliet, LARGE)
  expect(await kept()).toEqual([sha1((await avatar(juliet, juliet)).image)])
  for (const node of [DATA, METADATA])
    await done(juliet, set(`<pubsub xmlns="${OWNER}"><delete node="${node}"/></pubsub>`))
  expect(await kept()).toEqual([])
})

scenario(
  'XEP-0398 § 3: an account has twenty pictures read in a minute, then they go as they are',
  async ({ server }) => {
    const stage = await server('a.test')
    const [juliet, romeo] = await stage.connect('juliet/balcony', 'romeo/orchard')
    for (let n = 0; n < 20; n++) await publishes(juliet, png(100, 1 + n))
    expect((await shown(romeo, juliet))!.image).not.toEqual(png(100, 20))
    await publishes(juliet, LARGE)
    expect((await shown(romeo, juliet))!.image).toEqual(LARGE)
    await publishes(romeo, LARGE)
    expect((await shown(juliet, romeo))!.image).not.toEqual(LARGE)
  },
)

scenario('XEP-0398 § 3: whoever runs the server says how large pictures are, or that they stay', async ({ server }) => {
  const sized = { modules: { avatars: { photo: 32, avatar: 48 } } }
  const [juliet, romeo] = await (await server('a.test', { config: sized })).connect('juliet/balcony', 'romeo/orchard')
  await publishes(juliet, LARGE)
  expect(pngSize((await shown(romeo, juliet))!.image)).toEqual({ width: 32, height: 24 })
  await writes(juliet, png(300, 300))
  expect(pngSize((await avatar(romeo, juliet)).image)).toEqual({ width: 48, height: 48 })

  const config = { modules: { avatars: { photo: 0, avatar: 0 } } }
  const [nurse, tybalt] = await (await server('b.test', { config })).connect('nurse/x', 'tybalt/y')
  await publishes(nurse, LARGE)
  expect((await shown(tybalt, nurse))!.image).toEqual(LARGE)
  const photo = await sharp(LARGE).jpeg().toBuffer()
  await writes(nurse, photo, 'image/jpeg')
  expect(await avatar(tybalt, nurse)).toMatchObject({ image: photo, info: { type: 'image/jpeg' } })
})

scenario('XEP-0398 § 3.1: an item without a picture is no avatar, and no trouble', async ({ server, befriend }) => {
  const [juliet, romeo] = await (await server('a.test')).join('juliet/balcony', 'romeo/orchard')
  await befriend(juliet, romeo)
  await listen([romeo])
  for (const node of [DATA, METADATA])
    await done(juliet, set(publish(node, `<item id="${sha1(SMALL)}"/>`, { deliver_payloads: 'false' })))
  await juliet.sends`<presence><show>away</show></presence>`
  await romeo.receives`<presence from="${juliet}"><show>away</show></presence>`
  await juliet.settles()
})

scenario(
  'XEP-0486 § 3.3: the avatar of a room stays as its owner gives it, and so does its hash',
  async ({ server }) => {
    const [romeo, juliet] = await (await server('a.test')).connect('romeo/orchard', 'juliet/balcony')
    await makes(romeo, 'romeo')
    const photo = `<PHOTO><TYPE>image/png</TYPE><BINVAL>${LARGE.toString('base64')}</BINVAL></PHOTO>`
    await done(romeo, set(`<vCard xmlns="vcard-temp">${photo}</vCard>`, ROOM))
    const card = await done(juliet, get('<vCard xmlns="vcard-temp"/>', ROOM))
    expect(Buffer.from(card?.child('PHOTO')?.textOf('BINVAL') ?? '', 'base64')).toEqual(LARGE)
    const info = await done(juliet, get('<query xmlns="http://jabber.org/protocol/disco#info"/>', ROOM))
    const fields = info?.child('x', 'jabber:x:data')?.childrenNamed('field')
    const hash = fields?.find(({ attrs }) => attrs['var'] === 'muc#roominfo_avatarhash')
    expect(hash?.textOf('value')).toBe(sha1(LARGE))
    await romeo.settles()
  },
)
