/** Words of PromQL that look like metrics and are none. */
const keywords = new Set([
  'and',
  'or',
  'unless',
  'bool',
  'offset',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'inf',
  'nan',
]);

/** What a dashboard's variables stand for in a test: everything, over as long as a test takes. */
const variables: Record<string, string> = {
  __range: '1h',
  __range_s: '3600',
  __rate_interval: '30s',
  __interval: '15s',
};

/** The variables a query uses, without Grafana's own. */
export function variablesIn(expr: string): string[] {
  return [...expr.matchAll(/\$\{?(\w+)\}?/g)].map(([, name]) => name ?? '').filter((name) => !(name in variables));
}

/** The query as Grafana sends it when nothing is filtered. */
export function substituted(expr: string): string {
  return expr.replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => variables[name] ?? '.*');
}

/** The metrics a query names. */
export function metricsIn(expr: string): string[] {
  const bare = expr
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ');
  const words = [...bare.matchAll(/(?<![\w.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])/g)].map(([, word]) => word ?? '');
  return [...new Set(words.filter((word) => !keywords.has(word.toLowerCase())))];
}

/** The labels a query matches and groups by. */
export function labelsIn(expr: string): string[] {
  const bare = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  const grouped = [...bare.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list]) => (list ?? '').split(','));
  const matched = [...bare.matchAll(/\{([^}]*)\}/g)].flatMap(([, list]) =>
    [...(list ?? '').matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, name]) => name ?? ''),
  );
  return [...new Set([...grouped, ...matched].map((name) => name.trim()).filter((name) => name !== ''))];
}

/** The family a series belongs to: a histogram's parts are not told of by themselves. */
export function familyOf(metric: string, families: ReadonlyMap<string, string>): string | undefined {
  if (families.has(metric)) return metric;
  const whole = metric.replace(/_(bucket|sum|count)$/, '');
  return ['histogram', 'summary'].includes(families.get(whole) ?? '') ? whole : undefined;
}
