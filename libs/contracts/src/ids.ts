import { z } from 'zod';

const uuid = (id: string, description: string) => z.uuid().brand(id).meta({ description });

export const TenantId = uuid('TenantId', 'Owner of everything else: no row, message or file belongs to two tenants.');
export type TenantId = z.infer<typeof TenantId>;
export const PipelineId = uuid('PipelineId', 'A named pipeline of one tenant, stable over its plans.');
export type PipelineId = z.infer<typeof PipelineId>;
export const RunId = uuid('RunId', 'One execution of a plan, or of the profiling before a plan.');
export type RunId = z.infer<typeof RunId>;
export const TaskRunId = uuid('TaskRunId', 'One task of one run; its attempts share it.');
export type TaskRunId = z.infer<typeof TaskRunId>;

export const PlanId = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits').brand('PlanId').meta({ description: 'sha256 of the plan in canonical JSON, lower-case hex. The same plan has the same id.' });
export type PlanId = z.infer<typeof PlanId>;
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits').meta({ description: 'sha256, lower-case hex.' });

const nameRule = (most: number): string => `must begin with a-z and go on with a-z 0-9 _, at most ${most} characters`;
export const PipelineName = z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, nameRule(48)).meta({ description: 'a-z first, then a-z 0-9 _, at most 48 characters.' });
export const TenantName = z.string().regex(/^[a-z][a-z0-9_]{0,30}$/, nameRule(31)).meta({ description: 'a-z first, then a-z 0-9 _, at most 31 characters.' });
export const ConnectionName = z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, nameRule(48)).meta({ description: 'Name of a connection in agent-etl.yaml.' });
export const TaskName = z.string().regex(/^[a-z][a-z0-9_]{0,119}$/, nameRule(120)).meta({ description: 'Id of a task inside its plan.' });

/** A text that any store and any file can hold: no NUL, no lone surrogate. */
export const isWellFormed = (text: string): boolean => text.isWellFormed() && !text.includes('\0');
export const SafeText = z.string().refine(isWellFormed, 'holds NUL or half of a surrogate pair');

/** The trace of what a task run did: its id finds the log lines. */
export const traceOf = (taskRunId: string): string => taskRunId.replaceAll('-', '');

export const RequestId = SafeText.min(1).max(128).meta({ description: "The requester's own id, at most 128 characters. The same id has one effect." });
export const Instant = z.iso.datetime({ offset: true }).meta({ description: 'ISO 8601 with offset; UTC when we write it.' });
export const Count = z.int().nonnegative().meta({ description: 'A count, never negative.' });

/** The tenant of a standalone and of every deployment that has only one. */
export const DEFAULT_TENANT = { id: TenantId.parse('00000000-0000-7000-8000-000000000001'), name: 'default' } as const;
