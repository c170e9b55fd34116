import type { AccountState, AccountStatus } from '../engine.ts'

const STATES: Readonly<Record<AccountState, string>> = {
  idle: 'Not connected: nobody is here',
  connecting: 'Connecting',
  online: 'Connected',
  degraded: 'Connected, with difficulties',
  waiting: 'Not connected: it tries again by itself',
  'needs-login': 'Not connected: the login is not accepted',
  replaced: 'Not connected: you have logged in elsewhere',
  denied: 'Not connected: the network does not let you in',
  quarantined: 'Not connected: it has failed too often',
}

/** How a session is, for its user. */
export function inWords({ state, detail }: AccountStatus): string {
  return detail === undefined ? STATES[state] : `${STATES[state]} (${detail})`
}
