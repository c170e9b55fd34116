import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { withProgram } from '../../interop/programs.ts'
import { Capture } from '../public-im/dissect.ts'
import { comes, verona } from './cast.ts'
import type { YahooServer } from './simulator.ts'

const by = (key: string) => ({ key })

withProgram(['tshark', 'dumpcap'], 'Yahoo! Messenger, as Wireshark reads it', () => {
  let server: YahooServer
  let capture: Capture

  beforeAll(async () => {
    server = await verona()
    capture = await Capture.begin({ [server.port]: '' })
    const juliet = await comes(server, 'juliet')
    const romeo = await comes(server, 'romeo')
    await romeo.session.setPresence?.({ show: 'away', text: 'Under the balcony' }, by('1'))
    await romeo.session.setPresence?.({ show: 'available' }, by('2'))
    await romeo.session.typing?.({ peer: 'juliet' }, 'composing', by('3'))
    await romeo.session.send?.({ to: { peer: 'juliet' }, text: 'She speaks! 🌙', key: '4', receipt: false })
    await juliet.hears('message')
    await romeo.session.addContact?.('paris', { groups: ['Rivals'] }, by('5'))
    await romeo.session.removeContact?.('paris', by('6'))
    await romeo.session.block?.('paris', false, by('7'))
    await romeo.session.answer?.('paris', false, by('8'))
    server.says('romeo', 0x18, [
      [1, 'romeo'],
      [57, 'ball-1'],
      [50, 'mercutio'],
      [58, 'Come!'],
    ])
    await romeo.hears('notice')
    await romeo.session.ping?.()
    await romeo.session.stop()
    await juliet.hears('presence', event => event.presence.show === 'unavailable')
    await capture.end('ymsg.service == 2')
    await juliet.session.stop()
  })

  afterAll(async () => {
    capture?.remove()
    await server?.close()
  })

  test('every packet is one of YMSG, and none is malformed', async () => {
    expect(await capture.faults('ymsg')).toEqual([])
  })

  test('the services are those of the documents, in their order', async () => {
    const sent = await capture.fields(
      `ymsg && tcp.dstport == ${server.port}`,
      'tcp.stream',
      'ymsg.service',
      'ymsg.version',
    )
    const romeo = sent.filter(([stream]) => stream === '1')
    const services = romeo.flatMap(([, service]) => service?.split(',').map(Number) ?? [])
    const login = [0x4c, 0x57, 0x54]
    const said = [0x03, 0x04, 0x4b, 0x06, 0x83, 0x84, 0x85, 0x86, 0x1a, 0x12, 0x02]
    expect(services).toEqual([...login, ...said])
    expect(new Set(romeo.flatMap(([, , version]) => version?.split(',')))).toEqual(new Set([String(0x0a00)]))
  })

  test('the message has the keys of the documents', async () => {
    const [keys] = await capture.fields(`ymsg.service == 6 && tcp.dstport == ${server.port}`, 'ymsg.content-line.key')
    expect(keys).toEqual(['1,5,14,97,63,64'])
  })
})
