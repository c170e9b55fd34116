import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { withProgram } from '../../interop/programs.ts'
import { Capture } from '../public-im/dissect.ts'
import { comes, verona } from './cast.ts'
import type { OscarServers } from './simulator.ts'

const by = (key: string) => ({ key })
const says = (to: string, words: string) => ({ to: { peer: to }, text: words, key: words, receipt: false })

withProgram(['tshark', 'dumpcap'], 'AIM and ICQ, as Wireshark reads them', () => {
  let servers: OscarServers
  let capture: Capture

  beforeAll(async () => {
    servers = await verona()
    const { gate, service } = servers.ports
    capture = await Capture.begin({ [gate]: 'aim', [service]: 'aim' })
    const one = await comes(servers, '1001')
    await one.session.setPresence?.({ show: 'dnd' }, by('0'))
    await one.session.send?.(says('1002', 'Later'))
    const two = await comes(servers, '1002')
    await two.hears('message')
    await one.session.send?.(says('1002', 'Now · 🌙'))
    await two.hears('message')
    await one.session.addContact?.('1003', { text: 'please' }, by('1'))
    await two.session.answer?.('1001', true, by('2'))
    const juliet = await comes(servers, 'Juliet C')
    const romeo = await comes(servers, 'Romeo M')
    await romeo.session.setPresence?.({ show: 'away', text: 'Under the balcony' }, by('3'))
    await juliet.hears('presence', event => event.presence.text !== undefined)
    await romeo.session.send?.(says('julietc', 'She speaks! 🌙'))
    await romeo.session.typing?.({ peer: 'julietc' }, 'composing', by('4'))
    await juliet.hears('typing')
    await romeo.session.addContact?.('paris', { groups: ['Rivals'] }, by('5'))
    await romeo.session.renameContact?.('paris', 'The County', by('6'))
    await romeo.session.removeContact?.('paris', by('7'))
    await romeo.session.block?.('paris', true, by('8'))
    await romeo.session.ping?.()
    // What comes last: a time that is nowhere else, 0x00067932.
    await romeo.session.setPresence?.({ show: 'available', idleSince: romeo.clock.now() - 424_242_000 }, by('9'))
    await juliet.hears('presence', event => event.presence.idleSince !== undefined)
    await capture.end('aim && frame contains 00:06:79:32')
    for (const user of [one, two, romeo, juliet]) await user.session.stop()
  })

  afterAll(async () => {
    capture?.remove()
    servers?.close()
  })

  test('every packet is one of OSCAR, and none is malformed', async () => {
    expect(await capture.faults('aim')).toEqual([])
  })

  test('the services that romeo asks for are those of the documents, in their order', async () => {
    const { gate, service } = servers.ports
    const asked = async (port: number) => {
      const rows = await capture.fields(
        `aim.fnac.family && tcp.dstport == ${port}`,
        'tcp.stream',
        'aim.fnac.family',
        'aim.fnac.subtype',
      )
      const fourth = [...new Set(rows.map(([stream]) => stream))][3]
      return rows
        .filter(([stream]) => stream === fourth)
        .flatMap(([, families, subtypes]) => {
          const kinds = subtypes?.split(',') ?? []
          return (families?.split(',') ?? []).map(
            (family, at) => `${Number(family).toString(16)}/${Number(kinds[at]).toString(16)}`,
          )
        })
    }
    expect(await asked(gate)).toEqual(['17/6', '17/2'])
    const negotiation = ['1/17', '1/6', '1/8', '2/2', '3/2', '4/4', '13/2', '2/4', '4/2', '13/4', '13/7', '1/2']
    const away = ['1/1e', '2/4', '1/11']
    const added = ['13/11', '13/8', '13/9', '13/8', '13/9', '13/12']
    const changed = ['13/11', '13/9', '13/12', '13/11', '13/a', '13/9', '13/12']
    const blocked = ['13/11', '13/8', '13/8', '13/12']
    const all = [...negotiation, ...away, '4/6', '4/14', ...added, ...changed, ...blocked, '1/e', ...away]
    expect(await asked(service)).toEqual(all)
  })

  test('the message, the proof and the status are what they are for Wireshark too', async () => {
    const [message] = await capture.fields('aim.fnac.family == 4 && aim.fnac.subtype == 6', 'aim.messageblock.message')
    expect(Buffer.from(message?.[0] ?? '', 'latin1').toString()).toContain('Later')
    const kinds = await capture.fields('aim.fnac.family == 0x17 && aim.fnac.subtype == 2', 'aim.tlv.value_id')
    expect(kinds[0]?.[0]?.split(',').map(Number)).toEqual(expect.arrayContaining([0x01, 0x03, 0x25, 0x4c, 0x4a]))
  })
})
