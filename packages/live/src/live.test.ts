import { liveContract } from './contract.ts'
import { memoryLive } from './memory.ts'

liveContract('memory', options => memoryLive(options))
