import { withProgram } from '../../interop/programs.ts'
import { plays } from './plays.ts'
import { ngircd } from './servers.ts'

withProgram('ngircd', 'ngIRCd', () => plays(ngircd, { echoes: false, typing: false, monitor: false }))
