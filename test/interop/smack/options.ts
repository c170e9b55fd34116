import { parseArgs } from 'node:util'

export const HELP = `npm run test:interop [-- options]

Runs Smack's integration tests (https://github.com/igniterealtime/Smack) against a server that is started for them, on an
address of its own in 127.0.0.0/8. Needs a JDK (17 or newer) and Maven, which fetches Smack into its own repository.

  --only TESTS   classes or Class.method, separated by commas
  --out FILE     where the results go, as JSON
  --log FILE     where Smack's log goes, with every stanza
  --help         this text

  PARLEY_TEST_INTEROP=skip   leaves them out, and says so
`

export interface Options {
  readonly only: string | undefined
  readonly out: string | undefined
  readonly log: string | undefined
  readonly help: boolean
}

/** @throws Error in one line, where an option is unknown. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      out: { type: 'string' },
      log: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  return { only: values.only, out: values.out, log: values.log, help: values.help }
}
