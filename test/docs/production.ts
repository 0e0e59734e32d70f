/** Blocks that are a server's configuration: `production.test.ts` starts one with them. */
export const configurations = ['redis.conf', 'users.acl'];
