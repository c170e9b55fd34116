import { withProgram } from '../../interop/programs.ts'
import { plays } from './plays.ts'
import { inspircd } from './servers.ts'

withProgram('inspircd', 'InspIRCd', () => plays(inspircd, { echoes: true, typing: true, monitor: true }))
