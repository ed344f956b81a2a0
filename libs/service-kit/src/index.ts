export { Access, AccessTokens, type Caller } from './access.ts';
export { asyncApi } from './async-api.ts';
export { type CrashPoint, armCrash, crashPoint, crashPoints } from './crash-points.ts';
export { Input, Serves } from './endpoint-binding.ts';
export { type LogLevel, createLog, withoutCredentials } from './log.ts';
export { LiveSockets } from './live-sockets.ts';
export { openApi } from './open-api.ts';
export type { AnyService, ServiceDefinition, ServiceParts } from './service-definition.ts';
export { Shutdown, type StopPhase, stopPhases } from './shutdown.ts';
