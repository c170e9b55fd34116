import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, test } from '@jest/globals'

/** The Python of the system: packages of the distribution are installed for this one only. */
export const PYTHON = '/usr/bin/python3'

/** Clients, and what they need to run here, with the way to find out whether they are installed. */
const PROGRAMS = {
  ejabberdctl: onPath('ejabberdctl'),
  'go-sendxmpp': onPath('go-sendxmpp'),
  haproxy: onPath('haproxy'),
  'jabberd2-s2s': onPath('jabberd2-s2s'),
  import: onPath('import'),
  mcabber: onPath('mcabber'),
  openbox: onPath('openbox'),
  pidgin: onPath('pidgin'),
  profanity: onPath('profanity'),
  prosody: onPath('prosody'),
  'redis-server': onPath('redis-server'),
  'prometheus-client': inPython('prometheus_client'),
  slixmpp: inPython('slixmpp'),
  tmux: onPath('tmux'),
  xdotool: onPath('xdotool'),
  Xvfb: onPath('Xvfb'),
} as const

export type ProgramName = keyof typeof PROGRAMS

function onPath(name: string): () => boolean {
  return () => (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, name)))
}

function inPython(module: string): () => boolean {
  return () => existsSync(PYTHON) && spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0
}

/**
 * A group of tests that need programs which may be missing from this machine. Where one is missing, the tests are
 * reported as left out; where the run has to be complete (`CI`, `PARLEY_TEST_COMPLETE`), they fail.
 */
export function withProgram(needed: ProgramName | readonly ProgramName[], title: string, define: () => void): void {
  const missing = [needed].flat().filter(name => !PROGRAMS[name]())
  if (missing.length === 0) describe(title, define)
  else if (process.env['CI'] || process.env['PARLEY_TEST_COMPLETE']) {
    test(title, () => {
      throw new Error(`Not installed: ${missing.join(', ')}`)
    })
  } else describe.skip(`${title} (not installed: ${missing.join(', ')})`, define)
}
