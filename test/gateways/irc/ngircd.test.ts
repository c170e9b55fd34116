import { describe, test } from '@jest/globals'
import { plays } from './plays.ts'
import { installed, NGIRCD, ngircd } from './servers.ts'

if (installed(NGIRCD)) describe('ngIRCd', () => plays(ngircd, { echoes: false, typing: false, monitor: false }))
else test.todo('IRC with ngIRCd: needs ngircd')
