import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from '@jest/globals'
import { FOLDERS } from './child.ts'

/** The Python of the system: packages of the distribution are installed for this one only. */
export const PYTHON = '/usr/bin/python3'

interface Program {
  /** The package that it is in. */
  readonly of: string
  isHere(): boolean
}

/** Programs of others, with the packages of Debian that bring them. */
const PROGRAMS = {
  bitlbee: onPath('bitlbee', 'bitlbee-libpurple'),
  // It is no use without the right to look at the network.
  dumpcap: { of: 'tshark', isHere: () => spawnSync('dumpcap', ['-L', '-i', 'lo']).status === 0 },
  ejabberdctl: onPath('ejabberdctl', 'ejabberd'),
  // It gives up the rights of root, and does not do without.
  exim4: { of: 'exim4-daemon-light', isHere: () => isOnPath('exim4') && process.getuid?.() === 0 },
  'go-sendxmpp': onPath('go-sendxmpp'),
  haproxy: onPath('haproxy'),
  import: onPath('import', 'imagemagick'),
  inspircd: onPath('inspircd'),
  'jabberd2-s2s': onPath('jabberd2-s2s', 'jabberd2'),
  kamailio: onPath('kamailio'),
  linphonec: onPath('linphonec', 'linphone-cli'),
  mcabber: onPath('mcabber'),
  ngircd: onPath('ngircd'),
  openbox: onPath('openbox'),
  pidgin: onPath('pidgin'),
  profanity: onPath('profanity'),
  'prometheus-client': inPython('prometheus_client', 'python3-prometheus-client'),
  prosody: onPath('prosody'),
  'redis-server': onPath('redis-server'),
  sipp: onPath('sipp', 'sip-tester'),
  slixmpp: inPython('slixmpp', 'python3-slixmpp'),
  sqlite3: onPath('sqlite3'),
  swaks: onPath('swaks'),
  tmux: onPath('tmux'),
  tshark: onPath('tshark'),
  xdotool: onPath('xdotool'),
  Xvfb: onPath('Xvfb', 'xvfb'),
} as const satisfies Record<string, Program>

/** What a whole run installs so that nothing is left out. */
export const PACKAGES: readonly string[] = [...new Set(Object.values(PROGRAMS).map(({ of }) => of))]

export type ProgramName = keyof typeof PROGRAMS

function onPath(name: string, of = name): Program {
  return { of, isHere: () => isOnPath(name) }
}

function isOnPath(name: string): boolean {
  return FOLDERS.some(at => existsSync(join(at, name)))
}

function inPython(module: string, of: string): Program {
  return { of, isHere: () => existsSync(PYTHON) && spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0 }
}

/** Those that are not installed. */
export function missing(needed: readonly ProgramName[]): readonly ProgramName[] {
  return needed.filter(name => !PROGRAMS[name].isHere())
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
