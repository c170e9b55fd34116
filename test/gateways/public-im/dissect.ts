import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What went over the loopback ports, as Wireshark reads it. */
export class Capture {
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #decode: readonly string[]

  private constructor(folder: string, process: ChildProcess, decode: readonly string[]) {
    this.#folder = folder
    this.#process = process
    this.#decode = decode
  }

  /** @param protocols Wireshark's dissector for each port, such as `{ 5190: 'aim' }`; '' where it finds out by itself */
  static async begin(protocols: Readonly<Record<number, string>>): Promise<Capture> {
    const folder = mkdtempSync(join(tmpdir(), 'parley-capture-'))
    const ports = Object.keys(protocols)
    const filter = ports.map(port => `tcp port ${port}`).join(' or ')
    const process = spawn('dumpcap', ['-q', '-i', 'lo', '-f', filter, '-w', join(folder, 'traffic.pcapng')])
    const said = await new Promise<string>((resolve, reject) => {
      let text = ''
      process.on('error', reject)
      process.on('exit', () => reject(new Error(`dumpcap ended: ${text}`)))
      process.stderr?.on('data', chunk => {
        text += chunk
        if (text.includes('File: ')) resolve(text)
      })
    })
    if (!said) throw new Error('dumpcap says nothing')
    const decode = Object.entries(protocols).flatMap(([port, name]) =>
      name ? ['-d', `tcp.port==${port},${name}`] : [],
    )
    return new Capture(folder, process, decode)
  }

  /** The fields of each packet that the filter lets through: one array for each, values of a field joined by commas. */
  async fields(filter: string, ...names: string[]): Promise<string[][]> {
    const wanted = names.flatMap(name => ['-e', name])
    const args = [
      '-n',
      '-r',
      join(this.#folder, 'traffic.pcapng'),
      ...this.#decode,
      '-Y',
      filter,
      '-T',
      'fields',
      ...wanted,
    ]
    const { stdout } = await run('tshark', args, { maxBuffer: 64 << 20 }).catch(error => {
      // A file that is still written ends within a packet.
      if (/cut short/.test(error?.stderr)) return error as { stdout: string }
      throw error
    })
    return stdout
      .split('\n')
      .filter(Boolean)
      .map(line => line.split('\t'))
  }

  /** What the dissector does not read, or finds at fault. What the system sends again it has read before. */
  async faults(protocol: string): Promise<string[][]> {
    const repeated = 'tcp.analysis.retransmission || tcp.analysis.spurious_retransmission'
    const strange = `(tcp.len > 0 && !${protocol} && !(${repeated}))`
    return await this.fields(
      `${strange} || _ws.malformed || _ws.expert.severity == error`,
      'frame.number',
      'tcp.payload',
    )
  }

  /** Ends when everything is written: `last` is a filter for what is known to come last. */
  async end(last: string): Promise<void> {
    const late = Date.now() + 20_000
    while ((await this.fields(last, 'frame.number')).length === 0)
      if (Date.now() > late) throw new Error(`Nothing was captured that is ${last}`)
    this.#process.removeAllListeners('exit')
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGINT')
    await gone
  }

  remove(): void {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
