import { EtlError } from '@agent-etl/contracts';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { type Access, bearerOf } from './access.ts';
import type { Asked } from './asked.ts';
import { endpointOf } from './endpoint-binding.ts';

/** Lets a caller through to the endpoints of its role. A REST door without a policy stays shut. */
export class AccessGuard implements CanActivate {
  constructor(private readonly access: Access) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true; // messages carry their tenant; the boot check saw that each handler belongs to the catalogue
    const request = context.switchToHttp().getRequest<Asked>();
    const caller = this.access.callerOf(bearerOf(request.headers.authorization));
    const endpoint = endpointOf(context.getHandler());
    if (!endpoint?.roles.includes(caller.role)) throw new EtlError('access.forbidden', { action: endpoint ? `${endpoint.method} ${endpoint.path}` : 'this' });
    request.caller = caller;
    return true;
  }
}
