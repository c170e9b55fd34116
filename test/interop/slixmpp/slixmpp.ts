import { join } from 'node:path'
import { root } from '../../services/process.ts'
import { Child } from '../child.ts'
import { eventually } from '../eventually.ts'
import { PYTHON } from '../programs.ts'
import { DOMAIN, password, type Stage } from '../stage.ts'

export interface Check {
  readonly check: string
  readonly ok: boolean
  readonly seen: Readonly<Record<string, string>>
}

/** Starts one of the scripts beside this file. */
function startScript(stage: Stage, script: string, settings: Readonly<Record<string, unknown>> = {}): Child {
  const all = {
    domain: DOMAIN,
    port: stage.ports.client,
    certificate: stage.certificate,
    passwords: { romeo: password('romeo'), juliet: password('juliet') },
    ...settings,
  }
  const path = join(root, 'test/interop/slixmpp', script)
  return new Child(PYTHON, [path, JSON.stringify(all)], {
    env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' },
  })
}

/** Runs a script to its end and gives what it checked. */
export async function runChecks(stage: Stage, script: string): Promise<readonly Check[]> {
  const child = startScript(stage, script)
  const watchdog = setTimeout(() => void child.end(), 90_000)
  await child.ended
  clearTimeout(watchdog)
  const checks = child.lines.filter(line => line.startsWith('{"check"')).map(line => JSON.parse(line) as Check)
  if (checks.length === 0) throw new Error(`${script} checked nothing:\n${child.output}`)
  return checks
}

/** What `talk.py` tells. */
export interface Heard {
  readonly event: 'ready' | 'message' | 'received' | 'sent' | 'presence'
  readonly sender?: string
  readonly body?: string
  readonly type?: string
}

/** slixmpp as a person who talks. */
export class Talker {
  readonly #child: Child

  private constructor(child: Child) {
    this.#child = child
  }

  static async join(stage: Stage, name: string): Promise<Talker> {
    const talker = new Talker(startScript(stage, 'talk.py', { name }))
    await talker.hears({ event: 'ready' })
    return talker
  }

  /** Waits for an event that has all these values. */
  async hears(wanted: Heard): Promise<Heard> {
    const fits = (line: string) => {
      const heard: Partial<Heard> = line.startsWith('{"event"') ? JSON.parse(line) : {}
      return Object.entries(wanted).every(([key, value]) => heard[key as keyof Heard] === value) && (heard as Heard)
    }
    return eventually(
      JSON.stringify(wanted),
      () => this.#child.lines.map(fits).find((heard): heard is Heard => heard !== false),
      { seen: () => this.#child.output },
    )
  }

  says(to: string, body: string): void {
    this.#child.write(JSON.stringify({ do: 'say', to, body }))
  }

  /** Asks for, or grants, a subscription. */
  does(what: 'subscribe' | 'grant', to: string): void {
    this.#child.write(JSON.stringify({ do: what, to }))
  }

  async leave(): Promise<void> {
    this.#child.closeInput()
    await this.#child.end()
  }
}
