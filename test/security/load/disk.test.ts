import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { eventually } from '../../interop/eventually.ts'
import { Node } from './machines.ts'
import { BACK } from './pair.ts'
import { Wired } from './wired.ts'

const SIZE = '250m'
/** Does not get smaller by compression. */
const BODY = randomBytes(15_000).toString('base64')
const MESSAGES = 300

const folder = mkdtempSync(join(tmpdir(), 'parley-small-disk-'))
const isMounted =
  process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder]).status === 0

if (isMounted) suite()
else {
  rmdirSync(folder)
  test.todo('the disk is full: needs the right to mount a small one')
}

/** Fills what is left of the disk; gives what makes it free again. */
function fill(): () => void {
  const ballast = join(folder, 'ballast')
  const file = openSync(ballast, 'w')
  const megabyte = Buffer.alloc(1 << 20)
  try {
    for (;;) writeSync(file, megabyte)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
  return () => rmSync(ballast)
}

function suite(): void {
  describe('the disk is full', () => {
    let node: Node

    beforeAll(async () => {
      chmodSync(folder, 0o711)
      node = await Node.open({}, folder)
      await node.users('romeo', 'juliet')
    })
    afterAll(async () => {
      await node?.process.stop()
      spawnSync('umount', [folder])
      rmdirSync(folder)
    })

    /** Romeo goes on sending while there is no room; `harm` is what that does to the engine. */
    async function hasNoRoom(harm: () => Promise<unknown>): Promise<void> {
      const [romeo, juliet] = [await Wired.join(node.port, 'romeo/orchard'), await Wired.join(node.port, 'juliet/sofa')]
      await romeo.counts()
      juliet.write('<presence/>')
      await juliet.pings()
      juliet.inbox.length = 0
      const free = fill()
      for (let n = 0; n < MESSAGES; n++) romeo.says(juliet.jid, BODY, `m${n}`)
      await harm()
      const taken = juliet.inbox.length
      expect(taken).toBeLessThan(MESSAGES)
      free()
      await eventually('more is taken', () => juliet.inbox.length > taken, { within: BACK })
      expect(await romeo.handled()).toBe(romeo.sent)
      await juliet.pings()
      expect(juliet.inbox.map(({ attrs }) => attrs['id'])).toEqual(Array.from({ length: MESSAGES }, (_, n) => `m${n}`))
    }

    test('the embedded engine has no room: nothing is acknowledged that it does not have, and it is back when there is room', async () => {
      await hasNoRoom(() =>
        eventually('the log says why', () => node.complaints(/trying again: .*No space left on device/).length > 0),
      )
    })

    test('the embedded engine falls over for want of room: it is started again, and the same', async () => {
      await hasNoRoom(async () => {
        const engine = new pg.Client({
          host: join(folder, 'data/postgres/run'),
          user: 'postgres',
          database: 'postgres',
        })
        engine.on('error', () => undefined)
        await engine.connect()
        // The next piece of its journal does not fit, which ends the engine at once.
        const switched = async () => {
          for (;;) await engine.query('SELECT pg_switch_wal(), txid_current()')
        }
        await expect(switched()).rejects.toThrow('No space left on device')
        // It cannot be started either.
        await pause(1000)
      })
    })
  })
}
