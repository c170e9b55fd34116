import type { CommandSpec, Parameter } from '@xmpp/server-core'

const POLICY: Parameter = { name: 'policy', type: 'text', required: true, positional: true, help: 'such as federation' }
const value = (...choices: string[]): Parameter => ({
  name: 'value',
  type: 'choice',
  choices,
  required: true,
  positional: true,
  help: 'whether it is allowed',
})
const USER: Parameter = { name: 'user', type: 'jid', help: 'for one account, such as romeo@example.org' }
const GROUP: Parameter = { name: 'group', type: 'text', help: 'for the accounts of a group' }

export const POLICY_COMMANDS: readonly CommandSpec[] = [
  { name: 'policy list', summary: 'List what accounts may do, and every rule about it', parameters: [] },
  {
    name: 'policy set',
    summary: 'Set a rule for a user or a group, else for the domain',
    parameters: [POLICY, value('on', 'off'), USER, GROUP],
    hostFrom: 'user',
  },
  {
    name: 'policy unset',
    summary: 'Remove a rule of a user or a group, else of the domain',
    parameters: [POLICY, USER, GROUP],
    hostFrom: 'user',
  },
  {
    name: 'policy everywhere',
    summary: 'Set or remove the rule for all domains',
    parameters: [POLICY, value('on', 'off', 'unset')],
    isWide: true,
  },
  {
    name: 'policy effective',
    summary: 'Show what holds for an account, and which rule says so',
    parameters: [POLICY, { ...USER, required: true, positional: true }],
    hostFrom: 'user',
  },
]
