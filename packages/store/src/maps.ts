import type { Owner } from './owner.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined }

/** A map for each owner: key → JSON value (XML is stored as a string). */
export interface OwnedMap<T extends Json> {
  get(owner: Owner, key: string): Promise<T | undefined>
  set(owner: Owner, key: string, value: T): Promise<void>
  /** False where the key was unknown. */
  delete(owner: Owner, key: string): Promise<boolean>
  /** All entries, or those whose key begins with `prefix`, by key. */
  all(owner: Owner, prefix?: string): Promise<Map<string, T>>
  keys(owner: Owner, prefix?: string): Promise<string[]>
  /** Deletes all entries of the owner, or those whose key begins with `prefix`; gives how many. */
  clear(owner: Owner, prefix?: string): Promise<number>
  /**
   * Reads and writes in one step: nobody else changes that key in between. `change` gets the present value and gives the
   * new one; undefined deletes. Resolves with what is stored then.
   */
  update(owner: Owner, key: string, change: (old: T | undefined) => T | undefined): Promise<T | undefined>
  /** Owners of that host that have the key, by name. */
  owners(host: string, key: string): Promise<Owner[]>
}

export interface MapStore {
  /**
   * Opens the map of that name. `version` is the version of the values' shape, from 1: a value of an older version is
   * passed through `upgrade(value, itsVersion)` when read.
   */
  map<T extends Json>(name: string, version?: number, upgrade?: (value: Json, version: number) => T): OwnedMap<T>
}
