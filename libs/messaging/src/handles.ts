import type { App, Payload, ReadBy } from '@agent-etl/contracts';
import type { TenantTx } from '@agent-etl/persistence';
import { Catch, type RpcExceptionFilter, UseFilters } from '@nestjs/common';
import { Ctx, EventPattern, Payload as NestPayload } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import type { MessageMeta } from './message-headers.ts';

/** What Nest hands through as the context of a message. */
export interface HandlerContext { readonly tx: TenantTx; readonly meta: MessageMeta }
type Handler<P> = (payload: P, tx: TenantTx, meta: MessageMeta) => Promise<void>;

/** Nest binds a handler that names a transport to that transport only: so several services share one process. */
export const transportOf = (app: App): symbol => Symbol.for(`agent-etl bus ${app}`);

/** Without it every failure would reach us as "Internal server error". */
@Catch()
class KeepError implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> { return throwError(() => error); }
}

/** Makes `@Handles` of one app: it takes only messages that the catalogue lets this app read.
 * The method gets `(payload, tx, meta)` and writes rows in `tx`; slow work starts from a row. */
export const handlesFor = <A extends App>(app: A) => <T extends ReadBy<A>>(type: T) =>
  <F extends Handler<Payload<T>>>(prototype: object, name: string, method: TypedPropertyDescriptor<F>): void => {
    const handle = method.value;
    if (!handle) throw new TypeError(`${name} is no method`);
    // Nest hands over payload and context: the context is unpacked here, so that a handler reads like a function of values.
    const unpack = function unpacked(this: unknown, payload: Payload<T>, { tx, meta }: HandlerContext): Promise<void> { return handle.call(this, payload, tx, meta); };
    method.value = unpack as unknown as F;
    EventPattern(type, transportOf(app))(prototype, name, method as PropertyDescriptor);
    UseFilters(KeepError)(prototype, name, method as PropertyDescriptor);
    NestPayload()(prototype, name, 0);
    Ctx()(prototype, name, 1);
  };
