import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type CommandResult, type Config, callControl, loadConfig } from '@xmpp/server-core'
import { allModules } from './networks.ts'

export interface GlobalOptions {
  readonly config?: string
  readonly domain?: string
  readonly json?: boolean
}

/** The configuration that is named, `PARLEY_CONFIG`, `parley.yaml` where it exists, or only defaults. */
export async function loadFrom({ config }: GlobalOptions): Promise<Config> {
  const named = config ?? process.env['PARLEY_CONFIG']
  const file = named ?? (existsSync('parley.yaml') ? 'parley.yaml' : undefined)
  return loadConfig({ env: process.env, modules: allModules, ...(file === undefined ? {} : { file }) })
}

/** The socket of the server that runs on this data folder. */
export function socketOf(config: Config): string {
  return resolve(config.control ?? join(config.data, 'parley.sock'))
}

/** Runs a command on the running server. */
export async function callServer(
  options: GlobalOptions,
  command: string,
  values: Readonly<Record<string, unknown>>,
): Promise<CommandResult> {
  const path = socketOf(await loadFrom(options))
  return callControl(path, { command, values, ...(options.domain === undefined ? {} : { domain: options.domain }) })
}
