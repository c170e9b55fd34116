import type { Owner } from './owner.ts'

export interface Group {
  readonly host: string
  readonly name: string
  /** What people see, in a shared roster above all. */
  readonly display: string
  /** Members have each other in their rosters. */
  readonly sharedRoster: boolean
}

/** Groups of accounts, per host: they carry shared rosters and policies. */
export interface GroupStore {
  /** Adds or changes a group. */
  put(group: Group): Promise<void>
  get(host: string, name: string): Promise<Group | undefined>
  /** With its memberships; false where there was none. */
  delete(host: string, name: string): Promise<boolean>
  list(host: string): Promise<Group[]>
  /** False where there is no such group. */
  addMember(host: string, name: string, owner: Owner): Promise<boolean>
  removeMember(host: string, name: string, owner: Owner): Promise<boolean>
  membersOf(host: string, name: string): Promise<Owner[]>
  groupsOf(owner: Owner): Promise<Group[]>
}
