import { describe, expect, test } from '@jest/globals'
import type { Setting } from './setting.ts'

/** What one node has at a time, and what it would leave to another one. */
export function placeSuite(at: Setting): void {
  describe('places', () => {
    test('who asks first has it, until it is given up', async () => {
      expect(await at.live.place('room')).toMatchObject({ own: true, isNew: true })
      expect(await at.live.place('room')).toMatchObject({ own: true, isNew: false })
      at.live.unplace('room')
      expect(await at.live.place('room')).toMatchObject({ own: true, isNew: true })
    })

    test('an operator can type the name of a node: no hyphen makes it an option', async () => {
      const { node } = await at.live.place('room')
      expect(node).toMatch(/^[a-z\d]+$/)
    })

    test('another node hears who has it, and has it when that one is known to be gone', async () => {
      const { peer } = at
      if (!peer) return
      const { node } = await at.live.place('room')
      expect(await peer.place('room')).toEqual({ node, own: false, isNew: false })
      at.live.note('room', 'romeo', 'here')
      at.live.note('room', 'juliet', 'here')
      at.live.note('room', 'romeo', undefined)
      await at.settled()
      expect(await peer.place('room', node)).toMatchObject({ own: true, isNew: true })
      expect(await peer.notes('room')).toEqual(new Map([['juliet', 'here']]))
      // Who has it no longer notes nothing any more.
      at.live.note('room', 'nurse', 'here')
      await at.settled()
      expect((await peer.notes('room')).has('nurse')).toBe(false)
    })

    test('who may not have it hears who has it, and nobody where it is gone', async () => {
      const { peer } = at
      if (!peer) return
      expect(await peer.place('hall', undefined, false)).toEqual({ node: '', own: false, isNew: false })
      const { node, isNew } = await at.live.place('hall')
      expect(isNew).toBe(true)
      expect(await peer.place('hall', undefined, false)).toEqual({ node, own: false, isNew: false })
      expect(await peer.place('hall', node, false)).toEqual({ node: '', own: false, isNew: false })
      // It was only looked for.
      expect(await at.live.place('hall')).toEqual({ node, own: true, isNew: false })
    })
  })
}
