import { describe, expect, test } from '@jest/globals'
import type { Store } from '../store.ts'
import { fresh } from './drivers.ts'

export function gatewaySuite(use: () => Store): void {
  describe('gateways', () => {
    const account = () => ({ owner: fresh('romeo'), provider: 'irc' })
    const letter = (key: string) => ({ key, expires: 5000, message: `{"text":"${key} \\u0000 ü"}` })

    test('keep what waits, in order, once for each key', async () => {
      const { gateways } = use()
      const [mine, other] = [account(), account()]
      for (const key of ['b', 'a', 'c']) expect(await gateways.queue(mine, letter(key))).toBe(true)
      expect(await gateways.queue(mine, letter('a'))).toBe(false)
      await gateways.queue({ ...mine, provider: 'sip' }, letter('a'))
      await gateways.queue(other, letter('d'))
      expect(await gateways.queued(mine)).toEqual(['b', 'a', 'c'].map(letter))
      const overdue = async (now: number) => (await gateways.overdue(now)).filter(({ owner }) => owner === mine.owner)
      expect(await overdue(4999)).toEqual([])
      expect(await overdue(5000)).toHaveLength(2)
      expect(await gateways.unqueue(mine, 'a')).toBe(true)
      expect(await gateways.unqueue(mine, 'a')).toBe(false)
      expect((await gateways.queued(mine)).map(({ key }) => key)).toEqual(['b', 'c'])
    })

    test('know ids from both sides, each of the network once', async () => {
      const { gateways } = use()
      const [mine, other] = [account(), account()]
      const pair = { peer: '#verona', native: 'n1', stanza: 's1' }
      expect(await gateways.addId(mine, pair)).toBe(true)
      expect(await gateways.addId(mine, { ...pair, stanza: 's2' })).toBe(false)
      expect(await gateways.addId(other, { ...pair, stanza: 's3' })).toBe(true)
      expect(await gateways.addId(mine, { ...pair, native: 'n2' })).toBe(true)
      expect(await gateways.idByNative(mine, 'n1')).toEqual(pair)
      expect(await gateways.idByStanza(mine, 's1')).toEqual(pair)
      expect(await gateways.idByStanza(other, 's1')).toBeUndefined()
    })

    test('forget an account, and what belongs to an owner who is removed', async () => {
      const { gateways } = use()
      const mine = account()
      const sip = { ...mine, provider: 'sip' }
      for (const each of [mine, sip]) {
        await gateways.queue(each, letter('a'))
        await gateways.addId(each, { peer: 'x', native: 'n', stanza: 's' })
      }
      await gateways.clear(mine)
      expect(await gateways.queued(mine)).toEqual([])
      expect(await gateways.idByNative(mine, 'n')).toBeUndefined()
      expect(await gateways.queued(sip)).toHaveLength(1)
      await use().removeAccount(mine.owner)
      expect(await gateways.queued(sip)).toEqual([])
      expect(await gateways.idByNative(sip, 'n')).toBeUndefined()
    })
  })
}
