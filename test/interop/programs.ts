import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from '@jest/globals'
import { FOLDERS } from './child.ts'

/** The Python of the system: packages of the distribution are installed for this one only. */
export const PYTHON = '/usr/bin/python3'

/** Clients, and what they need to run here, with the way to find out whether they are installed. */
const PROGRAMS = {
  ejabberdctl: onPath('ejabberdctl'),
  // It gives up the rights of root, and does not do without.
  exim4: () => onPath('exim4')() && process.getuid?.() === 0,
  'go-sendxmpp': onPath('go-sendxmpp'),
  haproxy: onPath('haproxy'),
  'jabberd2-s2s': onPath('jabberd2-s2s'),
  import: onPath('import'),
  kamailio: onPath('kamailio'),
  linphonec: onPath('linphonec'),
  mcabber: onPath('mcabber'),
  ngircd: onPath('ngircd'),
  openbox: onPath('openbox'),
  pidgin: onPath('pidgin'),
  profanity: onPath('profanity'),
  prosody: onPath('prosody'),
  'redis-server': onPath('redis-server'),
  'prometheus-client': inPython('prometheus_client'),
  slixmpp: inPython('slixmpp'),
  sqlite3: onPath('sqlite3'),
  swaks: onPath('swaks'),
  tmux: onPath('tmux'),
  xdotool: onPath('xdotool'),
  Xvfb: onPath('Xvfb'),
} as const

export type ProgramName = keyof typeof PROGRAMS

function onPath(name: string): () => boolean {
  return () => FOLDERS.some(at => existsSync(join(at, name)))
}

function inPython(module: string): () => boolean {
  return () => existsSync(PYTHON) && spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0
}

/** Those that are not installed. */
export function missing(needed: readonly ProgramName[]): readonly ProgramName[] {
  return needed.filter(name => !PROGRAMS[name]())
}

/**
 * A group of tests that need programs which may be missing from this machine. Where one is missing, the tests are
 * reported as left out; where the run has to be complete (`CI`, `PARLEY_TEST_COMPLETE`), they fail.
 */
export function withProgram(needed: ProgramName | readonly ProgramName[], title: string, define: () => void): void {
  const absent = missing([needed].flat())
  if (absent.length === 0) describe(title, define)
  else if (process.env['CI'] || process.env['PARLEY_TEST_COMPLETE']) {
    test(title, () => {
      throw new Error(`Not installed: ${absent.join(', ')}`)
    })
  } else describe.skip(`${title} (not installed: ${absent.join(', ')})`, define)
}
