import { describe, expect, test } from '@jest/globals'
import { isNetwork, Networks, plainAddress } from './networks.ts'

describe('a network', () => {
  test.each(['192.0.2.1', '192.0.2.0/24', '0.0.0.0/0', '::1', '2001:db8::/32', '::ffff:192.0.2.1'])('is %s', text => {
    expect(isNetwork(text)).toBe(true)
  })

  test.each([
    '',
    'localhost',
    '192.0.2',
    '192.0.2.1/33',
    '192.0.2.1/',
    '192.0.2.1/08',
    '192.0.2.1/8/8',
    '::1/129',
    'fe80::1%eth0',
    ' ::1',
  ])('is not %j', text => {
    expect(isNetwork(text)).toBe(false)
  })
})

describe('a set of networks', () => {
  const networks = new Networks(['192.0.2.7', '10.0.0.9/8', '2001:db8::/32', '::ffff:198.51.100.1'])

  test.each(['192.0.2.7', '::ffff:192.0.2.7', '10.255.0.1', '2001:db8:1::2', '198.51.100.1'])('has %s', address => {
    expect(networks.has(address)).toBe(true)
  })

  test.each(['192.0.2.8', '11.0.0.1', '2001:db9::1', '::1', '', 'unix', '10.0.0.1.2'])('has not %j', address => {
    expect(networks.has(address)).toBe(false)
  })

  test('without any has nobody', () => {
    expect(new Networks([]).has('127.0.0.1')).toBe(false)
  })
})

test('IPv4 that came over an IPv6 socket is IPv4', () => {
  expect(['::ffff:192.0.2.1', '192.0.2.1', '::ffff:1', '2001:db8::1'].map(plainAddress)).toEqual([
    '192.0.2.1',
    '192.0.2.1',
    '::ffff:1',
    '2001:db8::1',
  ])
})
