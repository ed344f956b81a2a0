/** Number of this release among those that change the state database. It is raised by one when the first migration after a published release is added. */
export const STATE_RELEASE = 1;

/** Names the sessions of a schema's processes, so that others see of which release they are. */
export const sessionName = (schema: string): string => `etl-${schema} r${STATE_RELEASE}`;
