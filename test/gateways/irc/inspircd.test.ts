import { describe, test } from '@jest/globals'
import { plays } from './plays.ts'
import { INSPIRCD, inspircd, installed } from './servers.ts'

if (installed(INSPIRCD)) describe('InspIRCd', () => plays(inspircd, { echoes: true, typing: true, monitor: true }))
else test.todo('IRC with InspIRCd: needs inspircd')
