import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { RawClient } from '@parley/testkit'
import { Abroad, heard } from './abroad.ts'

let abroad: Abroad

beforeAll(async () => {
  abroad = await Abroad.open(['b.test'])
})
afterEach(async () => {
  for (const value of ['romeo', 'paris']) await set('unset', { user: value }).catch(() => undefined)
  await abroad.clear()
})
afterAll(() => abroad.close())

const set = (value: 'on' | 'off' | 'unset', where: { readonly user?: string; readonly group?: string }) =>
  abroad.run(value === 'unset' ? 'policy unset' : 'policy set', {
    policy: 'federation',
    ...(value !== 'unset' && { value }),
    ...where,
  })

/** Somebody here and somebody of b.test who see each other. */
async function friends(user: string): Promise<RawClient> {
  const client = await abroad.enter(user)
  client.write('<presence type="subscribe" to="juliet@b.test"/>')
  await heard(client)
  const peer = await abroad.proven('b.test')
  for (const type of ['subscribe', 'subscribed'])
    await peer.write(`<presence from="juliet@b.test" to="${user}@a.test" type="${type}"/>`)
  await peer.write(`<presence from="juliet@b.test/balcony" to="${user}@a.test"/>`)
  await abroad.settled(peer, 'b.test')
  client.write('<presence to="juliet@b.test" type="subscribed"/>')
  await heard(client)
  await abroad.front.until(() => abroad.rival.text.includes(`<presence from="${user}@a.test/here" to="juliet@b.test"`))
  await abroad.settled(peer, 'b.test')
  abroad.rival.received.length = 0
  return client
}

describe('an account that may not talk with other domains', () => {
  test('hears so when it tries, and nothing leaves', async () => {
    const romeo = await abroad.enter('romeo')
    await set('off', { user: 'romeo' })
    romeo.write('<message to="juliet@b.test" type="chat" id="m"><body>hi</body></message>')
    romeo.write('<presence to="room@b.test/me" id="p"/>')
    romeo.write('<presence to="juliet@b.test" type="subscribe" id="s"/>')
    const answer = await romeo.request('get', '<query xmlns="http://jabber.org/protocol/disco#info"/>', 'b.test')
    expect(String(answer)).toContain('You may not talk with other domains')
    const came = await heard(romeo)
    for (const id of ['m', 'p', 's']) expect(came).toMatch(new RegExp(`id="${id}".*?<policy-violation`))
    const peer = await abroad.proven('b.test')
    await abroad.settled(peer, 'b.test')
    expect(abroad.rival.text).not.toMatch(/romeo@a\.test/)
  })

  test('may talk with everybody here', async () => {
    const romeo = await abroad.enter('romeo')
    const paris = await abroad.enter('paris')
    await set('off', { user: 'romeo' })
    romeo.write('<message to="paris@a.test" type="chat"><body>hi</body></message>')
    await heard(romeo)
    expect(await heard(paris)).toContain('<body>hi</body>')
  })

  test('RFC 6121 § 8.5.1: to people elsewhere it is as if it were not there', async () => {
    const romeo = await abroad.enter('romeo')
    await set('off', { user: 'romeo' })
    const peer = await abroad.proven('b.test')
    const answers = async (user: string) => {
      abroad.rival.received.length = 0
      for (const [id, resource] of [
        ['1', ''],
        ['2', '/here'],
      ]) {
        const to = `${user}@a.test${resource}`
        await peer.write(
          `<message from="juliet@b.test/x" to="${to}" type="chat" id="m${id}"><body>hi</body></message>` +
            `<message from="juliet@b.test/x" to="${to}" type="headline" id="h${id}"><body>hi</body></message>` +
            `<iq type="get" from="juliet@b.test/x" to="${to}" id="i${id}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>` +
            `<presence from="juliet@b.test/x" to="${to}"/>`,
        )
      }
      await peer.write(`<presence from="juliet@b.test/x" to="${user}@a.test" type="probe"/>`)
      await peer.write(`<presence from="juliet@b.test" to="${user}@a.test" type="subscribe"/>`)
      await abroad.settled(peer, 'b.test')
      return abroad.rival.text
        .replaceAll(user, 'USER')
        .replace(/<iq[^>]*id="fence.*$/, '')
        .match(/<(message|iq|presence) .*?(?:\/>|<\/\1>)/g)
        ?.filter(stanza => stanza.includes('USER'))
    }
    const hidden = await answers('romeo')
    expect(hidden).toHaveLength(5)
    expect(hidden).toEqual(await answers('nobody'))
    expect(await heard(romeo)).not.toContain('b.test')
  })

  test('its presence does not leave, whoever is in its roster', async () => {
    await friends('romeo').then(heard)
    await set('off', { user: 'romeo' })
    await abroad.front.until(() => abroad.rival.text.includes('type="unavailable"'))
    abroad.rival.received.length = 0
    const again = await abroad.enter('romeo', '<presence><status>secret</status></presence>')
    again.write('<presence><show>dnd</show></presence>')
    again.write('<presence type="unavailable"/>')
    await heard(again)
    const peer = await abroad.proven('b.test')
    await abroad.settled(peer, 'b.test')
    expect(abroad.rival.text).not.toContain('romeo')
  })

  test('who loses the permission leaves for both sides, and comes back with it', async () => {
    const romeo = await friends('romeo')
    await set('off', { user: 'romeo' })
    await abroad.front.until(() => abroad.rival.text.includes('type="unavailable"'))
    expect(abroad.rival.text).toContain('<presence from="romeo@a.test/here" to="juliet@b.test" type="unavailable"/>')
    expect(await heard(romeo)).toMatch(/<presence [^>]*from="juliet@b\.test"[^>]*type="unavailable"/)
    abroad.rival.received.length = 0
    await set('on', { user: 'romeo' })
    await abroad.front.until(() => abroad.rival.text.includes('type="probe"'))
    expect(abroad.rival.text).toContain('<presence from="romeo@a.test/here" to="juliet@b.test"/>')
  })

  test('by its group: who joins loses it, who leaves the group has it again', async () => {
    const romeo = await abroad.enter('romeo')
    const attempt = async () => {
      romeo.write('<message to="juliet@b.test" type="chat"><body>hi</body></message>')
      return heard(romeo)
    }
    await abroad.run('group put', { group: 'inside' })
    await set('off', { group: 'inside' })
    expect(await attempt()).not.toContain('<error')
    await abroad.run('group add', { group: 'inside', accounts: ['romeo'] })
    expect(await attempt()).toContain('<policy-violation')
    await abroad.run('group delete', { group: 'inside' })
    expect(await attempt()).not.toContain('<error')
  })
})
