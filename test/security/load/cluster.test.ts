import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ScratchDatabase, scratchDatabase } from '@parley/store'
import { eventually } from '../../interop/eventually.ts'
import { Node, OwnRedis } from './machines.ts'
import { Wired } from './wired.ts'

/** Longer than the lease of a node, so that the others have given it up. */
const BURIED = 30_000

if (process.env['PARLEY_TEST_REDIS']) suite()
else test.todo('threats to a cluster: needs Redis')

function suite(): void {
  describe('threats to a cluster', () => {
    let redis: OwnRedis
    let database: ScratchDatabase
    let first: Node
    let second: Node
    const open: Wired[] = []
    const join = async (node: Node, address: string) => {
      const client = await Wired.join(node.port, address)
      open.push(client)
      return client
    }
    const comesBack = async (node: Node, user: string) => {
      const client = await Wired.open(node.port)
      open.push(client)
      await client.authenticate(user)
      return client
    }

    beforeAll(async () => {
      redis = await OwnRedis.open()
      database = await scratchDatabase(process.env['PARLEY_TEST_DATABASE']!)
      const shared = { PARLEY_REDIS: redis.url, PARLEY_DATABASE: database.url }
      ;[first, second] = await Promise.all([Node.open(shared), Node.open(shared)])
      await first.users('romeo', 'juliet')
    })
    afterAll(async () => {
      for (const client of open) client.leave()
      await first?.remove()
      await second?.remove()
      await redis?.remove()
      await database?.drop()
    })

    test('threat 168: of clients that resume one session on two processes at the same moment, one has it', async () => {
      const juliet = await join(second, 'juliet/balcony')
      for (let round = 0; round < 10; round++) {
        const romeo = await join(first, 'romeo/orchard')
        await romeo.counts()
        juliet.says(romeo.jid, `held ${round}`)
        await romeo.hears(`held ${round}`)
        romeo.taken = 0
        romeo.leave()
        const rivals = await Promise.all([comesBack(first, 'romeo'), comesBack(second, 'romeo')])
        const answers = await Promise.all(rivals.map(rival => rival.resumes(romeo).catch(() => undefined)))
        await eventually('one of them is left', () => rivals.filter(({ isOpen }) => isOpen).length === 1)

        const winner = rivals.find(({ isOpen }) => isOpen)!
        expect(answers[rivals.indexOf(winner)]?.name).toBe('resumed')
        await winner.hears(`held ${round}`)
        juliet.says(romeo.jid, `again ${round}`)
        await winner.hears(`again ${round}`)
        expect(winner.unheard).toEqual([])
        winner.write('</stream:stream>')
      }
    })

    test(
      'threat 169: a process that was frozen while others took its sessions writes nothing more to them',
      async () => {
        const [romeo, juliet] = [await join(first, 'romeo/orchard'), await join(second, 'juliet/balcony')]
        await romeo.counts()
        await juliet.counts()
        romeo.says(juliet.jid, 'before')
        await juliet.hears('before')
        expect(await romeo.handled()).toBe(1)

        first.signal('SIGSTOP')
        // What the frozen process finds in its socket when it wakes up, and the same once more from where romeo went on.
        romeo.says(juliet.jid, 'said while frozen', 'm2')
        const back = await comesBack(second, 'romeo')
        const resumed = await back.resumes(romeo)
        expect([resumed.name, resumed.attrs['h']]).toEqual(['resumed', '1'])
        back.says(juliet.jid, 'said while frozen', 'm2')
        await juliet.hears('said while frozen')
        juliet.says(romeo.jid, 'to the new owner')
        await back.hears('to the new owner')
        first.signal('SIGCONT')

        // It has a say again, as somebody who owns nothing.
        await eventually('the zombie gives the session up', () => !romeo.isOpen)
        back.says(juliet.jid, 'after')
        await juliet.hears('after')
        expect(await back.handled()).toBe(3)
        expect(juliet.unheard).toEqual([])
        expect(romeo.unheard).toEqual([])
      },
      BURIED,
    )

    test(
      'threat 169: what the frozen process had begun is done once, also when it was given up for dead',
      async () => {
        const juliet = await join(second, 'juliet/balcony')
        const romeo = await join(first, 'romeo/orchard')
        await romeo.counts()
        first.signal('SIGSTOP')
        const question = '<iq type="get" id="asked once"><ping xmlns="urn:xmpp:ping"/></iq>'
        romeo.write(question)
        for (let n = 0; n < 50; n++) romeo.says(juliet.jid, `m${n}`)
        await eventually('the others bury it', () => second.complaints(/is gone: its sessions wait/).length > 0, {
          within: BURIED,
        })
        const back = await comesBack(second, 'romeo')
        expect((await back.resumes(romeo)).attrs['h']).toBe('0')
        first.signal('SIGCONT')
        back.write(question)
        for (let n = 0; n < 50; n++) back.says(juliet.jid, `m${n}`)
        for (let n = 0; n < 50; n++) await juliet.hears(`m${n}`)
        expect(await back.handled()).toBe(51)
        await eventually('the zombie has noticed', () => first.complaints(/given this one up/).length > 0)
        // Behind whatever it might still say.
        expect(await (await join(first, 'romeo/attic')).pings()).toBeLessThan(1000)
        await Promise.all([juliet.pings(), back.pings()])
        expect(juliet.unheard).toEqual([])
        expect(back.unheard).toEqual([])
        expect(back.inbox.filter(({ attrs }) => attrs['id'] === 'asked once')).toHaveLength(1)
      },
      BURIED * 2,
    )
  })
}
