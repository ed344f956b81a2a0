import type { Endpoint } from '@agent-etl/contracts';

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

/** A plain page of the REST API: every endpoint with who may call it, and where the machine-readable documents are. */
export function docsPage(endpoints: Readonly<Record<string, Endpoint>>): string {
  const rows = Object.values(endpoints).map(({ method, path, roles, says, status }) =>
    `<tr><td><code>${method}</code></td><td><code>${escaped(path)}</code></td><td>${escaped(says)}</td><td>${status}</td><td>${roles.join(', ')}</td></tr>`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>API · Agent-Orchestrated ETL</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color-scheme:light dark}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #8886;vertical-align:top}</style>
<h1>REST API</h1><p>Machine-readable: <a href="/openapi.json">OpenAPI</a>, <a href="/asyncapi.json">AsyncAPI</a>. Send <code>Authorization: Bearer …</code>; errors are <code>application/problem+json</code>.</p>
<table><thead><tr><th>verb</th><th>path</th><th>what</th><th>status</th><th>roles</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></html>`;
}
