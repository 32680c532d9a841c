/** All databases go into one file: one dump, one snapshot. */
export const dumpFile = 'dump.sql';

/** The accounts of the server: users, roles, grants, and the hashes of their passwords. */
export const accountsFile = 'accounts.sql';
