import { Pipeline, Project, noClimbing } from '@agent-etl/contracts';
import { scheduleIssues } from '@agent-etl/scheduling';
import { z } from 'zod';
import { readYaml } from './read-yaml.ts';

/** A pipeline whose schedule somebody can keep: what a server would refuse, a file is told with its line. */
const PipelineFile = Pipeline.superRefine(noClimbing).check(({ value, issues }) => {
  for (const { path, text } of value.schedule ? scheduleIssues(value.schedule, '/schedule') : []) issues.push({ code: 'custom', input: value.schedule, path: path.split('/').slice(1), message: text });
});

/** A pipeline file. @throws EtlError `request.malformed`, `request.invalid`, `request.too-large`; issues name file:line:column */
export const readPipelineFile = (text: string, file = 'pipeline.yaml'): Pipeline => readYaml(PipelineFile, text, file);
/** agent-etl.yaml. @throws EtlError `request.malformed`, `request.invalid`, `request.too-large`; issues name file:line:column */
export const readProjectFile = (text: string, file = 'agent-etl.yaml'): Project => readYaml(Project, text, file);

const SchemaFile = z.object({ relations: z.record(z.string().min(1), z.record(z.string().min(1), z.string().min(1))) }).strict();
/** A file of relations: each with its columns and their types. @throws EtlError `request.malformed`, `request.invalid`, `request.too-large`; issues name file:line:column */
export const readSchemaFile = (text: string, file = 'schema.yaml'): z.infer<typeof SchemaFile> => readYaml(SchemaFile, text, file);
