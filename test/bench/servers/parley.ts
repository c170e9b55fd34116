import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child } from './child.ts'
import { type BenchServer, DOMAIN, freePorts, knock, type Running, type Setup } from './server.ts'

/** From test/bench/dist/servers. */
const PROGRAM = fileURLToPath(new URL('../../../../services/parley/bin/parley.js', import.meta.url))

export const parley: BenchServer = {
  name: 'parley',

  async missing() {
    return undefined
  },

  async start(place, setup) {
    const [client, http] = (await freePorts(2)) as [number, number]
    const { folder, core } = place
    const data = join(folder, 'data')
    mkdirSync(data)
    // The engine runs as another user where we are root.
    for (const path of [folder, data]) chmodSync(path, 0o711)
    const file = join(folder, 'parley.yaml')
    writeFileSync(file, configuration({ data, client, http }, setup))
    const child = new Child({
      command: [process.execPath, PROGRAM, '--config', file, 'serve'],
      folder,
      name: 'parley',
      core,
    })
    const running: Running = {
      ports: [client],
      pids: [child.pid],
      metrics: `http://127.0.0.1:${http}/metrics`,
      lastWords: () => child.lastWords,
      stop: () => child.stop(),
    }
    await child.until(() => knock(client)).catch(error => child.stop().then(() => Promise.reject(error)))
    return running
  },
}

function configuration(
  { data, client, http }: { data: string; client: number; http: number },
  { archive }: Setup,
): string {
  return `domains: [${DOMAIN}]
data: ${data}
listen: { client: "127.0.0.1:${client}", http: "127.0.0.1:${http}" }
tls: { client: optional }
registration: open
archive: ${archive ? 'on' : 'off'}
auth: { iterations: 4096 }
limits: { connections: 0, logins: 0, stanzas: 0, registrations: 0 }
log: { level: warn, format: json }
modules: { presence: { changes: 0 } }
`
}
