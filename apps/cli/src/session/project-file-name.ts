export const projectFileName = 'agent-etl.yaml';
