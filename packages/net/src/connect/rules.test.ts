import { describe, expect, test } from '@jest/globals'
import { ConnectRules } from './rules.ts'

const rules = new ConnectRules()

describe('networks', () => {
  test.each([
    ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.0.1'],
    ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.1.1'],
    ...['198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.7', '224.0.0.251', '240.0.0.1', '255.255.255.255'],
    ...['::', '::1', 'fc00::1', 'fd12::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '100::1', '4000::1'],
    ...['2001::1', '2001:2::1', '2001:10::1', '2001:db8::1', '3fff::1', '5f00::1', '64:ff9b:1::1'],
  ])('%s is not connected to', address => {
    expect(rules.refusal(address, 5269)).toBe('network')
  })

  test.each([
    ['mapped', '::ffff:127.0.0.1'],
    ['mapped, in other digits', '::ffff:7f00:1'],
    ['mapped, in full', '0:0:0:0:0:ffff:a9fe:a9fe'],
    ['compatible', '::127.0.0.1'],
    ['NAT64', '64:ff9b::10.0.0.1'],
    ['NAT64, in other digits', '64:ff9b::a00:1'],
    ['6to4', '2002:7f00:1::1'],
    ['6to4 of a private one', '2002:c0a8:101::'],
    ['Teredo', '2001:0:7f00:1::'],
  ])('nor is an address behind another one: %s', (_, address) => {
    expect(rules.refusal(address, 5269)).toBe('network')
  })

  test.each([
    ...[
      '1.1.1.1',
      '9.255.255.255',
      '100.63.255.255',
      '100.128.0.1',
      '172.15.0.1',
      '172.32.0.1',
      '192.0.1.1',
      '223.255.255.255',
    ],
    ...[
      '2606:4700::1111',
      '2a00::1',
      '2001:200::1',
      '2001:470::1',
      '3ffe::1',
      '::ffff:1.1.1.1',
      '64:ff9b::1.1.1.1',
      '2002:101:101::',
    ],
  ])('%s is', address => {
    expect(rules.refusal(address, 5269)).toBeUndefined()
  })

  test.each(['', 'a.test', '1.1.1', '1.1.1.1.1', '0x7f.1', '2130706433', '[::1]'])('%j is no address', address => {
    expect(rules.refusal(address, 5269)).toBe('network')
  })

  test.each([
    ['10.1.2.3', undefined],
    ['::ffff:10.1.2.3', undefined],
    ['::ffff:a01:203', undefined],
    ['10.2.0.1', 'network'],
    ['fd00::7', undefined],
    ['fd00::8', 'network'],
  ])('of those that the operator opens: %s', (address, refusal) => {
    expect(new ConnectRules({ allow: ['10.1.0.0/16', 'fd00::7'] }).refusal(address, 5269)).toBe(refusal)
  })
})

describe('ports', () => {
  test.each([443, 1024, 5222, 5269, 5270, 5280, 8443, 65_535])('%d may be one of a server', port => {
    expect(rules.refusal('1.1.1.1', port)).toBeUndefined()
  })

  test.each([0, 7, 22, 23, 25, 53, 80, 110, 143, 389, 445, 465, 587, 993, 1023])(
    '%d belongs to another service',
    port => {
      expect(rules.refusal('1.1.1.1', port)).toBe('port')
    },
  )

  test.each([2375, 3306, 5432, 6379, 9200, 11211, 27017, 65_536])('%d is where orders are taken', port => {
    expect(rules.refusal('1.1.1.1', port)).toBe('port')
  })

  test('of the system are open to gateways, those where orders are taken are not', () => {
    const open = new ConnectRules({ system: true })
    for (const port of [25, 80, 194, 993]) expect(open.refusal('1.1.1.1', port)).toBeUndefined()
    for (const port of [0, 6379, 65_536]) expect(open.refusal('1.1.1.1', port)).toBe('port')
  })

  test('are refused in open networks too', () => {
    expect(new ConnectRules({ allow: ['10.0.0.0/8'] }).refusal('10.0.0.1', 6379)).toBe('port')
  })
})
