/** Secrets that all nodes on one database share (decoy salts, dialback, occupant ids, ticket keys). */
export interface SecretStore {
  /** The secret of that name; made of `bytes` random bytes when asked for the first time, by whichever node. */
  secret(name: string, bytes?: number): Promise<Buffer>
}
