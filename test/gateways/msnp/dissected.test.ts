import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { withProgram } from '../../interop/programs.ts'
import { Capture } from '../public-im/dissect.ts'
import { comes, JULIET, PARIS, ROMEO, verona } from './cast.ts'
import type { MessengerServers } from './simulator.ts'

const by = (key: string) => ({ key })

withProgram(['tshark', 'dumpcap'], 'Messenger, as Wireshark reads it', () => {
  let servers: MessengerServers
  let capture: Capture

  beforeAll(async () => {
    servers = await verona()
    const { dispatch, notification, switchboard } = servers.ports
    capture = await Capture.begin({ [dispatch]: 'msnms', [notification]: 'msnms', [switchboard]: 'msnms' })
    const juliet = await comes(servers, JULIET)
    const romeo = await comes(servers, ROMEO)
    await romeo.session.setPresence?.({ show: 'dnd', text: 'Under the balcony' }, by('1'))
    await romeo.session.send?.({ to: { peer: JULIET }, text: 'She speaks! 🌙', key: '2', receipt: false })
    await juliet.hears('message')
    await romeo.session.typing?.({ peer: JULIET }, 'composing', by('3'))
    await juliet.hears('typing')
    await romeo.session.addContact?.(PARIS, { groups: ['Rivals'] }, by('4'))
    await romeo.session.renameContact?.(PARIS, 'The County', by('5'))
    await romeo.session.removeContact?.(PARIS, by('6'))
    servers.challenge(ROMEO)
    await romeo.session.ping?.()
    await romeo.session.stop()
    await juliet.hears('presence', event => event.presence.show === 'unavailable')
    await capture.end(`tcp.dstport == ${notification} && msnms && frame contains "OUT"`)
    await juliet.session.stop()
  })

  afterAll(async () => {
    capture?.remove()
    await servers?.close()
  })

  test('every packet is one of MSNMS, and none is malformed', async () => {
    expect(await capture.faults('msnms')).toEqual([])
  })

  test('the commands are those of the documents, in their order', async () => {
    const { notification, switchboard } = servers.ports
    const said = async (port: number, stream: (streams: string[]) => string | undefined) => {
      const rows = await capture.fields(`msnms && tcp.dstport == ${port}`, 'tcp.stream', 'tcp.payload')
      const wanted = stream([...new Set(rows.map(([one]) => one as string))])
      const bytes = rows.flatMap(([one, hex]) => (one === wanted ? [Buffer.from(hex ?? '', 'hex')] : []))
      return [
        ...Buffer.concat(bytes)
          .toString('latin1')
          .matchAll(/(?:^|<\/Data>)([A-Z]{3}) /gm),
      ].map(match => match[1])
    }
    const login = ['VER', 'CVR', 'USR', 'USR', 'SYN', 'CHG']
    const lists = ['ADC', 'ADC', 'ADG', 'ADC', 'SBP', 'REM']
    const romeo = await said(notification, streams => streams[1])
    // The second MSG follows the words of the first. A body has no line end of its own; PNG and OUT have no arguments.
    expect(romeo).toEqual([...login, 'CHG', 'UUX', 'XFR', ...lists, 'QRY'])
    expect(await said(switchboard, streams => streams[0])).toEqual(['USR', 'CAL', 'MSG'])
    expect(await said(switchboard, streams => streams[1])).toEqual(['ANS'])
  })
})
