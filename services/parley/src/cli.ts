import { modules } from '@parley/modules'
import { type CommandSpec, ConfigError, type Parameter } from '@xmpp/server-core'
import { Command } from 'commander'
import { callServer, type GlobalOptions } from './options.ts'
import { print } from './output.ts'
import { OWN_COMMANDS } from './own-commands.ts'
import { askSecret } from './prompt.ts'
import { version } from './version.ts'

/** Builds the command line: what this program does itself, and what modules declare. */
export function program(): Command {
  const cli = new Command('parley')
    .description('XMPP server for an organisation: messages, presence and history')
    .version(version(), '-V, --version')
    .option('-c, --config <file>', 'configuration (YAML); default: parley.yaml where it exists')
    .option('-d, --domain <domain>', 'the hosted domain that a command is about; default: the first one')
    .option('--json', 'print answers as JSON')
    .showHelpAfterError('(parley --help lists the commands)')
    .configureHelp({ sortSubcommands: false })
  cli
    .command('serve')
    .description('Run the server in the foreground')
    .action(async () => (await import('./serve.ts')).serve(cli.opts()))
  cli
    .command('check')
    .description('Look at configuration, ports, certificates and DNS records, and say what to change')
    .action(async () => (await import('./check.ts')).check(cli.opts()))
  cli
    .command('version')
    .description('Print the version')
    .action(() => console.log(version()))
  for (const spec of [...OWN_COMMANDS, ...modules.flatMap(module => module.commands ?? [])]) addCommand(cli, spec)
  return cli
}

/** Runs the command line; errors become one sentence and exit code 1. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync([...argv])
  } catch (error) {
    if (error instanceof ConfigError)
      console.error(`The configuration cannot be used:\n  ${error.problems.join('\n  ')}`)
    else if (isForPeople(error)) console.error(error.message)
    else throw error
    process.exitCode = 1
  }
}

/** Errors whose sentence tells the operator what to do; by name, so that commands need not load what can throw them. */
const FOR_PEOPLE: ReadonlySet<string> = new Set(['CommandError', 'StoreError', 'ListenError', 'CertificateError'])

function isForPeople(error: unknown): error is Error {
  return error instanceof Error && FOR_PEOPLE.has(error.name)
}

/** `user add` becomes the subcommand `add` of `user`. */
function addCommand(cli: Command, spec: CommandSpec): void {
  const words = spec.name.split(' ')
  const parent = words.slice(0, -1).reduce((at, word) => subcommand(at, word), cli)
  const command = parent.command(words.at(-1)!).description(spec.summary)
  for (const parameter of spec.parameters) addParameter(command, parameter)
  command.action(async (...typed: unknown[]) => {
    const values = await collect(spec, typed.slice(0, -2), command.opts())
    const options = cli.opts<GlobalOptions>()
    print(await callServer(options, spec.name, values), options.json === true)
  })
}

function subcommand(parent: Command, word: string): Command {
  const existing = parent.commands.find(command => command.name() === word)
  return existing ?? parent.command(word).description(GROUPS[word] ?? '')
}

const GROUPS: Record<string, string> = {
  user: 'Accounts',
  group: 'Groups of accounts, with shared rosters',
  federation: 'Other domains',
  policy: 'What accounts may do',
  cluster: 'Processes that serve together',
}

function addParameter(command: Command, { name, help, type, positional, required, many, choices }: Parameter): void {
  const described = choices ? `${help}: ${choices.join(', ')}` : help
  // A secret on the command line is there for scripts; people are asked for it.
  if (type === 'secret') command.option(`--${name} <${name}>`, described)
  else if (positional)
    command.argument(required ? `<${name}${many ? '...' : ''}>` : `[${name}${many ? '...' : ''}]`, described)
  else if (type === 'flag') command.option(`--${name}`, described).option(`--no-${name}`)
  else if (required) command.requiredOption(`--${name} <${name}>`, described)
  else command.option(`--${name} <${name}>`, described)
}

async function collect(spec: CommandSpec, typed: readonly unknown[], options: Record<string, unknown>) {
  const values: Record<string, unknown> = {}
  const positional = spec.parameters.filter(parameter => parameter.positional)
  for (const [index, { name }] of positional.entries()) values[name] = typed[index]
  for (const parameter of spec.parameters.filter(({ positional }) => !positional)) {
    const { name, type, required } = parameter
    values[name] = options[camel(name)]
    if (type === 'secret' && required && values[name] === undefined) values[name] = await askSecret(name)
  }
  return values
}

/** How commander names the value of `--shared-roster`. */
function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
