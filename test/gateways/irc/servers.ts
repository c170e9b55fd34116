import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../interop/eventually.ts'
import { freePort } from '../../ports.ts'

export interface Server {
  readonly port: number
  stop(): Promise<void>
}

const NGIRCD = '/usr/sbin/ngircd'
const INSPIRCD = '/usr/sbin/inspircd'

/** ngIRCd of Debian: no IRCv3 to speak of. */
export async function ngircd(more = ''): Promise<Server> {
  return await serve(NGIRCD, (folder, port) => {
    const path = join(folder, 'ngircd.conf')
    writeFileSync(
      path,
      `[Global]
Name = irc.example.net
AdminInfo1 = nobody
Info = test
Listen = 127.0.0.1
Ports = ${port}
MotdPhrase = Hello
${more}
[Limits]
MaxConnectionsIP = 0
MaxNickLength = 30
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
`,
    )
    return ['--nodaemon', '--config', path]
  })
}

/** InspIRCd of Debian, with its modules for IRCv3. */
export async function inspircd(): Promise<Server> {
  const modules = ['cap', 'monitor', 'ircv3', 'ircv3_ctctags', 'ircv3_echomessage', 'ircv3_labeledresponse']
    .concat(['ircv3_msgid', 'ircv3_servertime', 'ircv3_batch', 'namesx', 'services_account'])
    .map(name => `<module name="${name}">`)
    .join('\n')
  return await serve(INSPIRCD, (folder, port) => {
    const path = join(folder, 'inspircd.conf')
    writeFileSync(
      path,
      `<server name="irc.example.net" description="test" network="Test" id="97K">
<admin name="nobody" nick="nobody" email="nobody@example.net">
<bind address="127.0.0.1" port="${port}" type="clients">
<connect allow="*" timeout="60" pingfreq="120" threshold="200" recvq="1000000" softsendq="4000000" hardsendq="4000000" commandrate="100000" fakelag="off" localmax="100" globalmax="100" maxchans="50" resolvehostnames="no" useident="no">
<options defaultmodes="not" cyclehosts="no">
<path configdir="${folder}" datadir="${folder}" logdir="${folder}" runtimedir="${folder}" moduledir="/usr/lib/inspircd/modules">
<pid file="${folder}/pid">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="${folder}/log">
<files motd="${folder}/motd">
${modules}
`,
    )
    writeFileSync(join(folder, 'motd'), 'Hello\n')
    return ['--nofork', '--runasroot', '--config', path]
  })
}

async function serve(program: string, write: (folder: string, port: number) => string[]): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-irc-'))
  const port = await freePort()
  const child = spawn(program, write(folder, port), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes))
  const log = () => said + (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '')
  await eventually(`${program} listens`, () => reachable(port), { seen: log })
  return {
    port,
    stop: async () => {
      await end(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function reachable(port: number): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    }).on('error', () => resolve(false))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
  await gone
  clearTimeout(timer)
}
