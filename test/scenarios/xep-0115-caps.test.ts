import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import { modules } from '@parley/modules'
import { type Actor, refused, type Stage, scenario } from '@parley/testkit'
import type { Element } from '@parley/xml'
import { defineModule } from '@xmpp/server-core'

const CAPS = 'http://jabber.org/protocol/caps'
const INFO = 'http://jabber.org/protocol/disco#info'
const caps = modules.find(({ name }) => name === 'caps')!

/** § 5.2 */
const EXODUS = {
  ver: 'QgayPKawpkPSDYmwT/WM94uAlu0=',
  info: `<identity category="client" type="pc" name="Exodus 0.9.1"/><feature var="${CAPS}"/><feature var="${INFO}"/><feature var="http://jabber.org/protocol/disco#items"/><feature var="http://jabber.org/protocol/muc"/>`,
}

/** A server, and a way to look at what it has learnt. */
async function listening(server: Stage['server']) {
  let features: (caps: string) => unknown = () => undefined
  const listener = defineModule({
    name: 'listener',
    uses: { caps },
    setup({ uses }) {
      features = (uses.caps as { features: typeof features }).features
      return {}
    },
  })
  const stage = await server('a.test', { modules: [...modules, listener] })
  return {
    stage,
    features: async (ver: string, hash = 'sha-1') => features(`${hash} ${ver}`) as ReadonlySet<string> | undefined,
  }
}

/** The question of the server, which comes when it has looked at what it knows. */
async function asked(actor: Actor): Promise<Element> {
  const question = () => actor.unexpected.find(({ name }) => name === 'iq')
  await actor.client.until(() => question() !== undefined, 'a question')
  return question()!
}

/** Sends presence with capabilities, and answers the question that follows. */
async function tells(actor: Actor, ver: string, info: string, hash = 'sha-1'): Promise<void> {
  await actor.sends`<presence><c xmlns="${CAPS}" hash="${hash}" node="urn:client" ver="${ver}"/></presence>`
  const question = await asked(actor)
  expect(question.child('query', INFO)?.attrs['node']).toBe(`urn:client#${ver}`)
  await actor.sendsRaw(
    `<iq type="result" id="${question.attrs['id']}" to="a.test"><query xmlns="${INFO}" node="urn:client#${ver}">${info}</query></iq>`,
  )
  await actor.settles()
}

scenario('XEP-0115 § 5.4: what a client says of its hash is kept, and not asked again', async ({ server }) => {
  const { stage, features } = await listening(server)
  const [romeo, juliet] = await stage.connect('romeo/orchard', 'juliet/balcony')
  await tells(romeo, EXODUS.ver, EXODUS.info)

  expect([...(await features(EXODUS.ver))!]).toContain('http://jabber.org/protocol/muc')
  await juliet.sends`<presence><c xmlns="${CAPS}" hash="sha-1" node="urn:client" ver="${EXODUS.ver}"/></presence>`
  await juliet.receives`<presence from="${juliet}"/>`
  await juliet.receivesNothing()
})

scenario('XEP-0115 § 9.3: an answer without the hash that was claimed is forgotten', async ({ server }) => {
  const { stage, features } = await listening(server)
  const [romeo] = await stage.connect('romeo/orchard')
  const poison = [
    EXODUS.info.replace('muc', 'evil'),
    `${EXODUS.info}<feature var="http://jabber.org/protocol/muc"/>`,
    // The same text to be hashed, in other elements.
    `<identity category="client" type="pc" name="Exodus 0.9.1&lt;${CAPS}"/><feature var="${INFO}"/><feature var="http://jabber.org/protocol/disco#items"/><feature var="http://jabber.org/protocol/muc"/>`,
    '',
  ]
  for (const info of poison) {
    await tells(romeo, EXODUS.ver, info)
    expect(await features(EXODUS.ver)).toBeUndefined()
    await romeo.sends`<presence/>`
    await romeo.settles()
  }
  // A right answer to another algorithm is another matter.
  await tells(romeo, EXODUS.ver, EXODUS.info, 'sha-256')
  expect(await features(EXODUS.ver, 'sha-256')).toBeUndefined()
  await romeo.sends`<presence/>`
  await tells(romeo, EXODUS.ver, EXODUS.info)
  expect(await features(EXODUS.ver)).toBeDefined()
})

scenario('XEP-0115 § 9.3: an answer from somebody else counts nothing', async ({ server }) => {
  const { stage, features } = await listening(server)
  const [romeo, tybalt] = await stage.connect('romeo/orchard', 'tybalt/street')
  await romeo.sends`<presence><c xmlns="${CAPS}" hash="sha-1" node="urn:client" ver="${EXODUS.ver}"/></presence>`
  const { id } = (await asked(romeo)).attrs
  await romeo.settles()

  await tybalt.sends`<iq type="result" id="${id!}" to="a.test"><query xmlns="${INFO}"/></iq>`
  await tybalt.receivesNothing()
  expect(await features(EXODUS.ver)).toBeUndefined()
})

scenario('XEP-0115 § 5.4: legacy capabilities and unknown hashes are not asked for', async ({ server }) => {
  const stage = await server('a.test')
  const [romeo] = await stage.connect('romeo/orchard')

  for (const c of [
    `<c xmlns="${CAPS}" node="urn:client" ver="0.9"/>`,
    `<c xmlns="${CAPS}" node="urn:client" ver="0.9" hash="md5"/>`,
    `<c xmlns="${CAPS}" node="urn:client" ver="0.9" hash="__proto__"/>`,
    `<c xmlns="${CAPS}" hash="sha-1" ver="x"/>`,
    `<c xmlns="${CAPS}" hash="sha-1" node="urn:client" ver="${'x'.repeat(89)}"/>`,
  ]) {
    await romeo.sendsRaw(`<presence>${c}</presence>`)
    await romeo.receives`<presence from="${romeo}"/>`
  }
  await romeo.receivesNothing()
})

scenario('XEP-0115 § 6.3: the stream says what the host can do, and its hash is right', async ({ server }) => {
  const [romeo] = await (await server('a.test')).connect('romeo/orchard')
  const c = romeo.client.features!.child('c', CAPS)!
  expect(c.attrs['hash']).toBe('sha-1')

  const node = `${c.attrs['node']}#${c.attrs['ver']}`
  const info = await romeo.asks`<iq type="get" to="a.test"><query xmlns="${INFO}" node="${node}"/></iq>`
  expect(info.attrs['node']).toBe(node)
  // Hashed here once more, with nothing but what was told.
  const lines = [
    ...info
      .childrenNamed('identity')
      .map(({ attrs }) => `${attrs['category']}/${attrs['type']}//${attrs['name'] ?? ''}`)
      .sort(),
    ...info
      .childrenNamed('feature')
      .map(({ attrs }) => attrs['var']!)
      .sort(),
  ]
  expect(info.child('x', 'jabber:x:data')).toBeUndefined()
  expect(
    createHash('sha1')
      .update(lines.map(line => `${line}<`).join(''))
      .digest('base64'),
  ).toBe(c.attrs['ver'])
  await refused(
    romeo.asks`<iq type="get" to="a.test"><query xmlns="${INFO}" node="urn:parley#x"/></iq>`,
    'item-not-found',
  )
})
