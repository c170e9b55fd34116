/** Session advisory locks of the store: (class, number) within one database. */
export const lockClass = 0x7061_726c
export const MIGRATION_LOCK = 1
export const OWNERSHIP_LOCK = 2
export const TEMPLATE_LOCK = 3
/** Its own class: the number is the node's. */
export const nodeLockClass = lockClass + 1
