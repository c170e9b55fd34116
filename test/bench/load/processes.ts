import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ: the unit of times in /proc on every Linux. */
const TICKS = 100

/** The processes and all their children, as far as they live. */
export function withChildren(pids: readonly number[]): number[] {
  return pids.flatMap(pid => [pid, ...withChildren(childrenOf(pid))])
}

/** CPU seconds of the processes and their children, with those that have ended. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of withChildren(pids)) {
    // utime, stime, and the same of children that were waited for: fields 14 to 17 (proc(5)), counted after the name.
    const fields = read(`/proc/${pid}/stat`)
      ?.replace(/^.*\) /, '')
      .split(' ')
    for (const field of fields?.slice(11, 15) ?? []) ticks += Number(field)
  }
  return ticks / TICKS
}

/** Memory in kilobytes, shared pages counted by share (PSS). */
export function memoryKilobytes(pids: readonly number[]): number {
  let kilobytes = 0
  for (const pid of withChildren(pids)) {
    kilobytes += Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1] ?? 0)
  }
  return kilobytes
}

/** CPU seconds that one core was busy since the machine started. */
export function coreSeconds(core: number): number {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(read('/proc/stat') ?? '')?.[1] ?? ''
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = line.split(' ').map(Number)
  return (user + nice + system + irq + softIrq + steal) / TICKS
}

function childrenOf(pid: number): number[] {
  return folder(`/proc/${pid}/task`)
    .flatMap(task => (read(`/proc/${pid}/task/${task}/children`) ?? '').split(' '))
    .filter(Boolean)
    .map(Number)
}

/** A process may end at any moment: what cannot be read is not there. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function folder(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
