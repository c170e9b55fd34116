import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Outbox } from './outbox.ts'

let written: string[]
let socket: Socket
beforeEach(() => {
  jest.useFakeTimers()
  written = []
  socket = new Socket()
  jest.spyOn(socket, 'write').mockImplementation(text => written.push(String(text)) > 0)
})
afterEach(() => {
  jest.useRealTimers()
})

/** The rest of this turn of the event loop. */
const turn = () => jest.advanceTimersByTime(0)

describe('what is written', () => {
  test('leaves at the end of the turn, as one', () => {
    const outbox = new Outbox(socket)
    for (const letter of 'abc') outbox.write(letter)
    expect(written).toEqual([])
    turn()
    outbox.write('d')
    turn()
    expect(written).toEqual(['abc', 'd'])
  })

  test('leaves later, as one, where several turns write in quick succession', () => {
    const outbox = new Outbox(socket)
    outbox.gather('a')
    turn()
    for (const letter of 'bcd') {
      outbox.gather(letter)
      turn()
    }
    expect(written).toEqual(['a'])
    jest.advanceTimersByTime(1)
    expect(written).toEqual(['a', 'bcd'])
  })

  test('does not wait where nobody has written just before', () => {
    const outbox = new Outbox(socket)
    for (const letter of 'ab') {
      outbox.gather(letter)
      turn()
      jest.advanceTimersByTime(1)
    }
    expect(written).toEqual(['a', 'b'])
  })

  test('leaves at once when it must', () => {
    const outbox = new Outbox(socket)
    outbox.gather('a')
    turn()
    outbox.gather('b')
    outbox.flush()
    expect(written).toEqual(['a', 'b'])
    jest.advanceTimersByTime(1)
    expect(written).toEqual(['a', 'b'])
  })
})
