type Json = Record<string, unknown>;
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly 'x-permission': string;
  readonly parameters?: readonly { name: string; in: string; required: boolean }[];
  readonly requestBody?: { content: Record<string, { schema: Json }> };
  readonly responses: Record<string, { description?: string; content?: Record<string, { schema: Json }> }>;
}

/** How our pages look. */
export const pageStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.6rem}h2{margin-top:2rem;border-bottom:1px solid #ccc}code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f4f5f7;padding:.75rem;overflow:auto}
summary{cursor:pointer;padding:.25rem 0}.method{display:inline-block;min-width:4rem;font-weight:600}.may{color:#57606a}
@media (prefers-color-scheme:dark){body{color:#e6e8eb;background:#16191d}pre{background:#22262b}.may{color:#9aa4ae}}`;

/** The only thing the page loads is its own style, by this nonce. */
export function docsPolicy(nonce: string): string {
  return `default-src 'none'; style-src 'nonce-${nonce}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;
}

/** The OpenAPI document as a page to read: no script, nothing from elsewhere. */
export function docsPage(document: Json, nonce: string): string {
  const paths = document['paths'] as Record<string, Record<string, Operation>>;
  const groups = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const group = path.split('/')[3] ?? 'other';
      groups.set(group, [...(groups.get(group) ?? []), operationHtml(method.toUpperCase(), path, operation)]);
    }
  }
  const body = [...groups]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([group, items]) => `<h2>${escaped(group)}</h2>${items.join('')}`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Slipway API</title>
<style nonce="${nonce}">${pageStyle}</style></head><body><h1>Slipway API</h1>
<p>Send <code>Authorization: Bearer slw_…</code>. Errors are <code>application/problem+json</code> and name each wrong field.
For programs: <a href="/api/v1/openapi.json">openapi.json</a>.</p>${body.join('')}</body></html>`;
}

function operationHtml(method: string, path: string, operation: Operation): string {
  const parameters = (operation.parameters ?? []).map(
    ({ name, in: where, required }) => `${name} (${where}${required ? '' : ', optional'})`,
  );
  const sent = Object.entries(operation.requestBody?.content ?? {}).map(([type, { schema }]) => schemaHtml(`sends ${type}`, schema));
  const answered = Object.entries(operation.responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content).map(([type, { schema }]) => schemaHtml(`${status} ${type}`, schema)),
  );
  return `<details id="${escaped(operation.operationId)}"><summary><span class="method">${method}</span> <code>${escaped(path)}</code> ${escaped(operation.summary)}</summary>
<p class="may">Permission: ${escaped(operation['x-permission'])}</p>${parameters.length > 0 ? `<p>Takes ${escaped(parameters.join(', '))}.</p>` : ''}
${sent.slice(0, 1).join('')}${answered.slice(0, 1).join('')}</details>`;
}

function schemaHtml(title: string, schema: Json): string {
  return `<p>${escaped(title)}</p><pre>${escaped(JSON.stringify(schema, null, 2))}</pre>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
