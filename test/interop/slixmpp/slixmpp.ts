import { join } from 'node:path'
import { root } from '../../services/process.ts'
import { Child } from '../child.ts'
import { PYTHON } from '../programs.ts'
import { DOMAIN, password, type Stage } from '../stage.ts'

export interface Check {
  readonly check: string
  readonly ok: boolean
  readonly seen: Readonly<Record<string, string>>
}

/** Starts one of the scripts beside this file. */
export function startScript(stage: Stage, script: string, settings: Readonly<Record<string, unknown>> = {}): Child {
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
