import { type Pipeline, type PipelineRequest, type RequestView, EtlError } from '@agent-etl/contracts';
import { assertRequestSupported, assertSupported, digestOf } from '@agent-etl/planning';

/** What makes two askings the same: everything but the id they came under. */
export function bodyDigest({ requestId: _, ...body }: PipelineRequest): string { return digestOf(body); }
/** @throws EtlError `request.key-reused` when the same id came with another body */
export function assertSameBody(kept: { readonly bodyDigest: string }, digest: string): void {
  if (kept.bodyDigest !== digest) throw new EtlError('request.key-reused');
}


/** Whether a pipeline stands in the request itself or only its name. @throws EtlError `request.unsupported`, `request.invalid` */
export function askedPipeline(body: PipelineRequest): Pipeline | { readonly name: string } {
  assertRequestSupported(body);
  const pipeline = body.pipeline!;
  if ('from' in pipeline) assertSupported(pipeline);
  return pipeline;
}
/** Nothing more happens to it by itself, or not before a person has answered. */
export const isSettled = ({ state }: Pick<RequestView, 'state'>): boolean => state === 'planned' || state === 'waiting' || state === 'finished' || state === 'failed';
