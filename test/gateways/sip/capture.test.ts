import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, expect, test } from '@jest/globals'
import { withProgram } from '../../interop/programs.ts'
import { freePort } from '../../ports.ts'
import { begin, endAll } from './context.ts'
import { Peer } from './peer.ts'

const JULIET = 'juliet@example.org'
const ROMEO = 'romeo@far.example'
const folders: string[] = []

afterEach(async () => {
  await endAll()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const folder = () => {
  const made = mkdtempSync(join(tmpdir(), 'parley-sip-'))
  folders.push(made)
  return made
}

withProgram(['tshark', 'dumpcap'], 'tshark 4.0', () => {
  test('sees in all that is said, by UDP and TCP, no frame that is malformed', async () => {
    const file = join(folder(), 'sip.pcapng')
    const [udp, tcp, far, mark] = [await freePort(), await freePort(), await freePort(), await freePort()]
    const ports = [udp, tcp, far, mark].map(port => `port ${port}`).join(' or ')
    const shark = spawn('tshark', ['-i', 'lo', '-f', ports, '-w', file, '-q'], { stdio: ['ignore', 'ignore', 'pipe'] })
    await new Promise<void>((resolve, reject) => {
      shark.stderr.on('data', chunk => /Capturing on/.test(String(chunk)) && resolve())
      shark.once('exit', () => reject(new Error('tshark may not listen here')))
    })
    // It says that it captures before it does, and what it has captured is in the file later: a mark tells both.
    await seen(file, mark, 'the beginning')
    await play(udp, tcp, far)
    await seen(file, mark, 'the end')
    shark.kill('SIGINT')
    await once(shark, 'exit')
    const decode = [udp, far].flatMap(port => ['-d', `udp.port==${port},sip`]).concat('-d', `tcp.port==${tcp},sip`)
    const look = (...args: string[]) =>
      execFileSync('tshark', ['-r', file, ...decode, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
        .split('\n')
        .filter(line => line !== '')
    const methods = new Set(
      look('-Y', 'sip.Method', '-T', 'fields', '-e', 'sip.Method').flatMap(line => line.split(',')),
    )
    for (const method of ['MESSAGE', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'OPTIONS']) expect(methods).toContain(method)
    expect(look('-Y', '_ws.malformed')).toEqual([])
  })
})

/** Says it until it is in the file. */
async function seen(file: string, port: number, text: string): Promise<void> {
  const socket = createSocket('udp4')
  for (;;) {
    socket.send(text, port, '127.0.0.1')
    if (existsSync(file) && readFileSync(file).includes(text)) break
    await setTimeout(20)
  }
  socket.close()
}

/** Everything that the adapter says, once. */
async function play(udp: number, tcp: number, far: number): Promise<void> {
  const romeo = await Peer.open(udp, far)
  const by = { key: 'k', user: JULIET }
  try {
    const proxy = `127.0.0.1:${far};transport=udp`
    const stage = await begin({ udp, transport: 'udp', proxy, publish: true })
    for (const method of ['MESSAGE', 'NOTIFY', 'PUBLISH', 'SUBSCRIBE', 'OPTIONS']) romeo.answers.set(method, '200 OK')
    await stage.session.setPresence!({ show: 'dnd', text: 'Masque 🌹', idleSince: stage.clock.now() }, by)
    await romeo.hears('PUBLISH')
    await stage.session.addContact!(ROMEO, {}, by)
    await romeo.hears('SUBSCRIBE')
    await stage.session.answer!(ROMEO, true, by)
    for (const accept of ['application/pidf+xml', 'application/msrtc-event-categories+xml']) {
      romeo.request('SUBSCRIBE', { Event: 'presence', Accept: accept, Expires: '600' })
      await romeo.hears('NOTIFY')
    }
    await stage.session.typing!({ peer: ROMEO }, 'composing', by)
    await stage.session.send!({ ...by, key: '1', to: { peer: ROMEO }, text: 'O 🌹\nשלום', receipt: true })
    await stage.session.ping!()
    romeo.writes('I')
    await romeo.hears('SIP/2.0 202')
    romeo.request('INVITE', {}, 'v=0')
    await romeo.hears('SIP/2.0 488')
    const other = await begin({ udp: 0, tcp, trusted: '127.0.0.1' }, { face: 'sip.far.example' })
    const ours = await begin({ udp: 0, tcp: 0, proxy: `127.0.0.1:${tcp};transport=tcp` })
    await ours.session.send!({ ...by, key: '2', to: { peer: ROMEO }, text: 'garden 🌹 '.repeat(300), receipt: true })
    await other.hears('message')
  } finally {
    romeo.close()
  }
}

withProgram('sipp', 'sipp 3.6', () => {
  test.each(['u1', 't1'])(
    'three hundred messages of its own making, one by one (%s)',
    async transport => {
      const port = await freePort()
      const stage = await begin({ udp: port, tcp: port, trusted: '127.0.0.1' })
      const place = folder()
      writeFileSync(join(place, 'message.xml'), SCENARIO)
      const args = [
        '-sf',
        'message.xml',
        '-m',
        '300',
        '-r',
        '300',
        '-t',
        transport,
        '-i',
        '127.0.0.1',
        '-p',
        String(await freePort()),
      ]
      const sipp = spawn('sipp', [...args, '-nostdin', `127.0.0.1:${port}`], { cwd: place, stdio: 'ignore' })
      const [code] = (await once(sipp, 'exit')) as [number]
      expect(code).toBe(0)
      const texts = stage.left().map(event => event.type === 'message' && event.text)
      expect(new Set(texts).size).toBe(300)
      expect(texts).toHaveLength(300)
    },
    60_000,
  )
})

const SCENARIO = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="messages">
  <send retrans="500"><![CDATA[
MESSAGE sip:juliet@example.org SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: sipp <sip:romeo@far.example>;tag=[pid]x[call_number]
To: <sip:juliet@example.org>
Call-ID: [call_id]
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: [len]

Message number [call_number]]]></send>
  <recv response="202"/>
</scenario>
`
