import { Pipeline, Project } from '@agent-etl/contracts';
import { readYaml } from './read-yaml.ts';

/** A pipeline file. @throws EtlError `request.malformed`, `request.invalid`, `request.too-large`; issues name file:line:column */
export const readPipelineFile = (text: string, file = 'pipeline.yaml'): Pipeline => readYaml(Pipeline, text, file);
/** agent-etl.yaml. @throws EtlError `request.malformed`, `request.invalid`, `request.too-large`; issues name file:line:column */
export const readProjectFile = (text: string, file = 'agent-etl.yaml'): Project => readYaml(Project, text, file);
