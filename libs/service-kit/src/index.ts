export { Access, AccessTokens, type Caller } from './access.ts';
export { type CrashPoint, armCrash, crashPoint, crashPoints } from './crash-points.ts';
export { Input, Serves } from './endpoint-binding.ts';
export { LiveSockets } from './live-sockets.ts';
export type { AnyService, ServiceDefinition, ServiceParts } from './service-definition.ts';
export { Shutdown, type StopPhase, stopPhases } from './shutdown.ts';
